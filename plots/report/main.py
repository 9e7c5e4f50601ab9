# SPDX-License-Identifier: MIT
"""report.py RUN: reads the folder, writes report.html into it, says what is wrong.
report.py --compare FILE: what bin/matrix compare hands over, as a page."""

import argparse
import contextlib
import os
import sys

from . import run

HELP = "Makes report.html, one file that needs nothing else, of a run's folder."


def _arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="report.py", description=HELP,
        epilog="Exit status: 0 done; 1 nothing could be drawn, or not all of the "
               "folder could be read (what is good is drawn); 2 bad usage.")
    parser.add_argument("run", nargs="?", help="a folder of results/")
    parser.add_argument("--compare", metavar="FILE", help="in place of a run, what "
                        "bin/matrix compare --page hands over; -: read it from stdin")
    parser.add_argument("-o", "--out", metavar="FILE", help="another file than "
                        "RUN/report.html")
    options = parser.parse_args(arguments)
    if bool(options.run) == bool(options.compare):
        parser.error("either a folder, or --compare")
    if options.compare and not options.out:
        parser.error("--compare wants --out")
    return options


def _write(path, text):
    """Wholly or not at all, where it is a regular file, or the link to one. Returns
    whether it is: into a pipe or a device it is written as into any of them."""
    real = os.path.realpath(path)
    regular = os.path.isfile(real) or not os.path.exists(path)
    new = f"{real}.new" if regular else path
    try:
        with open(new, "wb") as file:
            file.write(text.encode("utf-8", "replace"))
        if regular:
            os.replace(new, real)
    except OSError as error:
        error.filename = path
        if regular:
            with contextlib.suppress(OSError):
                os.unlink(new)
        raise
    return regular


def _compare(options):
    """The page of a comparison, and where it goes; nothing in it is half good."""
    from . import versus  # before stdin is read: another Python may have to take over
    name = "stdin" if options.compare == "-" else options.compare
    try:
        if options.compare == "-":
            text = sys.stdin.read()
        else:
            with open(options.compare, encoding="utf-8") as file:
                text = file.read()
        return versus.build(versus.read(text)), options.out, []
    except versus.NotAComparison as error:
        raise run.NotARun(f"{name} {error}") from None
    except UnicodeDecodeError:
        raise run.NotARun(f"{name} is not text in UTF-8") from None


def _report(options):
    """The page of a run, where it goes, and what of the run could not be read"""
    found = run.read(options.run)
    from . import page, view  # what draws takes a second to load
    return (page.build(view.View(found)),
            options.out or str(found.path / "report.html"), found.problems)


def main(arguments):
    options = _arguments(arguments)
    try:
        text, path, problems = (_compare if options.compare else _report)(options)
        regular = _write(path, text)
    except run.NotARun as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"report.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    for problem in problems:
        print(f"report.py: {options.run}: {problem}", file=sys.stderr)
    if regular:
        print(path)
    return 1 if problems else 0
