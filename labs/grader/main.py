# SPDX-License-Identifier: MIT
"""The verbs of labs/lab."""

import argparse
import difflib
import pathlib
import sys

from . import course, folder, formats, grade, sandbox, screen
from .course import UsageError
from .results import COSTS

EXAMPLES = """examples:
  labs/lab list            the labs
  labs/lab start 05        copy what lab 05 begins with to lab-05/
  labs/lab predict 05      say what you expect, before you measure
  labs/lab check 05        compile and check lab-05/
  labs/lab check 05 many   one check, and those it builds on
"""


def check(args):
    lab = course.find(args.lab)
    place = folder.of(lab, args.dir)
    sandbox.enter_own_network()
    sandbox.adopt_orphans()
    if args.check and args.check not in (names := grade.Grading(lab, b"").names()):
        near = difflib.get_close_matches(args.check, names, 1)
        raise UsageError(f"lab {lab} has no check '{args.check}'; " +
                         (f"did you mean {near[0]}?" if near else "it has " +
                          ", ".join(names)))
    told = sys.stderr if args.format and args.out == "-" else sys.stdout
    print(f"lab {lab}: {lab.title}\n  {place / lab.handed_in}; sandbox: {sandbox.kind()}",
          file=told)
    grading = grade.grade(lab, place / lab.handed_in, args.check,
                          lambda result: print(screen.line(result), file=told, flush=True))
    if not args.check:
        print(screen.summary(grading.results), file=told)
    if args.format:
        hand_over(formats.text_of(args.format, lab, grading.results), args.out)
    return any(result.status in COSTS for result in grading.results)


def hand_over(text, out):
    if out == "-":
        print(text, flush=True)
        return
    try:
        formats.write(out, text)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None


def start(args):
    lab = course.find(args.lab)
    place = folder.start(lab, args.dir)
    print(f"lab {lab}: {lab.title}\n  {place}/ is yours; read {place}/handout.md, then:\n"
          f"  labs/lab check {lab.number:02}")


def reset(args):
    lab = course.find(args.lab)
    kept = folder.reset(lab, args.dir)
    print(f"{lab.handed_in} is as it was at the start; yours is now {kept}")


def hint(args):
    print(folder.hint(course.find(args.lab), args.dir))


def show_list(args):
    del args
    for lab in course.labs():
        print(f"  {lab.number:02} {lab.name:14} {lab.spec['minutes']:3} min  {lab.title}")


def parser():
    top = argparse.ArgumentParser(
        prog="labs/lab", description="The labs: start one, check what you wrote.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = top.add_subparsers(metavar="VERB", required=True)

    def verb(name, function, text, lab=True):
        one = verbs.add_parser(name, help=text, description=text)
        one.set_defaults(function=function)
        if lab:
            one.add_argument("lab", metavar="N", help="its number or name")
            one.add_argument("--dir", type=pathlib.Path,
                             help="the folder of your work (default: lab-NN)")
        return one

    verb("list", show_list, "the labs", lab=False)
    one = verb("start", start, "copy what a lab begins with")
    one = verb("check", check, "compile and check your work")
    one.add_argument("check", nargs="?", metavar="NAME", help="one check only")
    one.add_argument("--format", choices=formats.FORMATS,
                     help="the result for another program, too")
    one.add_argument("--out", default="-", metavar="FILE",
                     help="where it goes (default -: stdout; the rest to stderr)")
    verb("hint", hint, "a hint; each call gives one more")
    verb("reset", reset, "begin again; your file is kept under another name")
    return top


def main():
    sys.stdout.reconfigure(errors="backslashreplace")
    args = parser().parse_args()
    try:
        return int(args.function(args) or 0)
    except UsageError as error:
        print(f"labs/lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
