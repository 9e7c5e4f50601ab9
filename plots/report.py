#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes RUN/report.html from the tables of a run: plots/report.py results/RUN.
bin/matrix report RUN makes the tables and calls this.

It needs numpy and matplotlib. If the first python3 on PATH has neither, another one that
has both takes over.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def take_over():
    """Continues in a Python that has both modules, or says what to install"""
    found = subprocess.run([HERE.parent / "harness/packages/python", "plots"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           text=True, check=False).stdout.strip()
    if found and not os.environ.get("REPORT_PYTHON"):
        os.environ["REPORT_PYTHON"] = found
        os.execv(found, [found, *sys.argv])
    sys.exit("report.py: no python3 has numpy and matplotlib; install them, for example:\n"
             "    sudo apt-get install python3-numpy python3-matplotlib")


def main():
    from report.main import main as report
    return report(sys.argv[1:])


try:
    sys.exit(main())
except ImportError as error:
    if error.name and error.name.partition(".")[0] == "report":
        raise
    take_over()
