# SPDX-License-Identifier: MIT
"""report.py RUN: reads the folder, writes report.html into it, says what is wrong."""

import argparse
import os
import sys

from . import run

HELP = "Makes report.html, one file that needs nothing else, of a run's folder."


def _arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="report.py", description=HELP,
        epilog="Exit status: 0 done; 1 nothing could be drawn, or not all of the "
               "folder could be read (what is good is drawn); 2 bad usage.")
    parser.add_argument("run", help="a folder of results/")
    parser.add_argument("--out", metavar="FILE", help="another file than "
                        "RUN/report.html")
    return parser.parse_args(arguments)


def _write(path, text):
    """Wholly or not at all"""
    new = f"{path}.new"
    with open(new, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(new, path)


def main(arguments):
    options = _arguments(arguments)
    try:
        found = run.read(options.run)
        from . import page, view  # what draws takes a second to load
        text = page.build(view.View(found))
        path = options.out or str(found.path / "report.html")
        _write(path, text)
    except run.NotARun as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"report.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    for text in found.problems:
        print(f"report.py: {options.run}: {text}", file=sys.stderr)
    print(path)
    return 1 if found.problems else 0
