#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes RUN/report.html of the folder of a run: plots/report.py results/RUN. bin/matrix
report RUN calls this.

It needs numpy and matplotlib. The first python3 on PATH may be another than the
distribution's, and have neither: then one that has both takes over.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def take_over():
    """Goes on with a Python that has what is needed, or says what to install"""
    found = subprocess.run([HERE.parent / "harness/setup/python", "plots"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           text=True, check=False).stdout.strip()
    if found and not os.environ.get("REPORT_PYTHON"):
        os.environ["REPORT_PYTHON"] = found
        os.execv(found, [found, *sys.argv])
    sys.exit("report.py: no python3 here has numpy and matplotlib; install them, "
             "for example with\n    sudo apt-get install python3-numpy "
             "python3-matplotlib")


def main():
    from report.main import main as report
    return report(sys.argv[1:])


try:
    sys.exit(main())
except ImportError as error:
    if error.name and error.name.partition(".")[0] == "report":
        raise
    take_over()
