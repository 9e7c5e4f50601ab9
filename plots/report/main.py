# SPDX-License-Identifier: MIT
"""report.py RUN: reads the folder, writes report.html into it, reports problems.
report.py --compare FILE: writes a comparison of bin/matrix compare as a page."""

import argparse
import contextlib
import os
import sys

from . import run

HELP = "Writes report.html, a self-contained page, from the tables of a run."


def _arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="report.py", description=HELP,
        epilog="Exit status: 0 done; 1 nothing could be drawn, or a part of the folder "
               "could not be read (the rest is drawn); 2 bad usage.")
    parser.add_argument("run", nargs="?", help="a folder of results/")
    parser.add_argument("--compare", metavar="FILE", help="instead of a run, the JSON of "
                        "bin/matrix compare --page; -: read it from stdin")
    parser.add_argument("-o", "--out", metavar="FILE", help="the page (default "
                        "RUN/report.html)")
    options = parser.parse_args(arguments)
    if bool(options.run) == bool(options.compare):
        parser.error("give either a folder or --compare")
    if options.compare and not options.out:
        parser.error("--compare needs --out")
    return options


def _write(path, text):
    """Writes a regular file, or the target of a link to one, completely or not at all.
    Writes directly into a pipe or a device. Returns whether the file is regular."""
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
    """(page of a comparison, its path, problems)"""
    from . import versus  # first: without matplotlib another Python reads stdin
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
        raise run.NotARun(f"{name} is not UTF-8 text") from None


def _report(options):
    """(page of a run, its path, problems)"""
    found = run.read(options.run)
    from . import page, view  # matplotlib takes a second to load
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
