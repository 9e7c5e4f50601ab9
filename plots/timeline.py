#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws what bin/timeline recorded: plots/timeline.py FOLDER/epoll.csv writes epoll.svg and
epoll.png beside it, and prints the same as text. bin/timeline calls this.

  plots/timeline.py --text FILE    text only; - is stdin

Pictures need matplotlib. If the first python3 on PATH has none, another one that has it
takes over.
"""

import argparse
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def take_over():
    """Continues in a Python that has matplotlib, or says what to install"""
    found = subprocess.run([HERE.parent / "harness/packages/python", "plots"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           text=True, check=False).stdout.strip()
    if found and not os.environ.get("REPORT_PYTHON"):
        os.environ["REPORT_PYTHON"] = found
        os.execv(found, [found, *sys.argv])
    sys.exit("timeline.py: no python3 has matplotlib; install it, for example:\n"
             "    sudo apt-get install python3-matplotlib")


def arguments():
    parser = argparse.ArgumentParser(
        prog="timeline.py", description=__doc__.split("\n\n", maxsplit=1)[0],
        epilog="Exit status: 0 done; 1 it is no trace, or cannot be read or written; 2 bad "
               "usage.")
    parser.add_argument("file", metavar="FILE", help="what bin/timeline --out wrote")
    parser.add_argument("--text", action="store_true", help="print text, draw nothing")
    return parser.parse_args()


def read(name):
    from report import trace
    try:
        if name == "-":
            return trace.read(sys.stdin)
        with open(name, encoding="utf-8", newline="") as file:
            return trace.read(file)
    except (trace.NotATrace, UnicodeDecodeError) as error:
        sys.exit(f"timeline.py: {name}: {error}")


def main():
    options = arguments()
    try:
        traces = read(options.file)
        if not traces:
            sys.exit(f"timeline.py: {options.file}: it has no events")
        from report import sequence
        if not options.text:  # before anything is printed: another Python may take over
            from report import timeline
        for one in traces.values():
            print(sequence.text(one))
            if not options.text:
                stem = pathlib.Path(options.file).with_suffix("")
                for path in timeline.write(one, stem if len(traces) == 1 else
                                           stem.with_name(one.model)):
                    print(path)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError as error:
        sys.exit(f"timeline.py: {error.filename}: {error.strerror}")


try:
    main()
except ImportError as error:
    if error.name and error.name.partition(".")[0] == "report":
        raise
    take_over()
