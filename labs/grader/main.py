# SPDX-License-Identifier: MIT
"""The verbs of labs/lab."""

import argparse
import difflib
import pathlib
import shlex
import subprocess
import sys

from . import course, folder, formats, grade, measured, pack, predict, report, sandbox
from . import screen, submission
from .course import UsageError
from .results import COSTS, Fault

EXAMPLES = """examples:
  labs/lab list            the labs
  labs/lab start 05        copy what lab 05 begins with to lab-05/
  labs/lab predict 05      say what you expect, before you measure
  labs/lab run 05          measure
  labs/lab check 05        compile and check lab-05/
  labs/lab check 05 many   one check, and those it builds on
  labs/lab explain 05      say why it came out as it did
  labs/lab report 05       a page: what you expected, and what came out
  labs/lab pack 05         what you hand in, as one file
"""


def check(args):
    lab = course.find(args.lab)
    place = folder.of(lab, args.dir)
    sandbox.enter_own_network()
    sandbox.adopt_orphans()
    sandbox.raise_descriptors()
    if args.check and args.check not in (names := grade.Grading(lab, place).names()):
        near = difflib.get_close_matches(args.check, names, 1)
        raise UsageError(f"lab {lab} has no check '{args.check}'; " +
                         (f"did you mean {near[0]}?" if near else "it has " +
                          ", ".join(names)))
    told = sys.stderr if args.format and args.out == "-" else sys.stdout
    print(f"lab {lab}: {lab.title}\n  {place / lab.handed_in}; sandbox: {sandbox.kind()}",
          file=told)
    grading = grade.Grading(lab, place, args.check,
                            lambda result: print(screen.line(result), file=told, flush=True))
    try:
        grading.run(args.first)
    finally:
        sandbox.end_descendants()
    if not args.check and not args.first:
        print(screen.summary(grading.results), file=told)
        formats.write(place / "result.json", formats.text_of("json", lab, grading.results))
    if args.format:
        hand_over(formats.text_of(args.format, lab, grading.results), args.out)
    return any(result.status in COSTS for result in grading.results)


def predict_(args):
    lab = course.find(args.lab)
    place = folder.of(lab, args.dir)
    if "predict" not in lab.spec:
        raise UsageError(f"lab {lab} asks for no prediction")
    given = dict(word.split("=", 1) if "=" in word else (word, "") for word in args.answers)
    if not given:
        print(f"lab {lab}: say what you expect; nothing here is wrong, and it is stored "
              "before you measure")
        given = predict.ask(lab, sys.stdin.readline)
    left = predict.store(lab, place, given)
    print(f"{place}/prediction.json: stored" +
          (f"; still without an answer: {' '.join(left)}" if left else ""))
    return bool(left)


def run(args):
    """The student's own run: nothing here is graded, so it needs no sandbox."""
    lab = course.find(args.lab)
    place = folder.of(lab, args.dir)
    if (place / "run").exists():
        raise UsageError(f"{place / 'run'} is there already; rename it to measure again")
    if "predict" in lab.spec and not args.anyway:
        stored = predict.read(place)
        if not stored:
            raise UsageError(f"predict first: labs/lab predict {lab.number:02} "
                             "(--anyway measures without)")
    mine = None
    if lab.is_code:
        mine = place.resolve() / "mine"
        words = submission.command(lab, place / lab.handed_in, mine)
        print(" ".join(words), flush=True)
        if subprocess.run(words, check=False).returncode:
            raise UsageError("it does not compile")
    words = measured.command(lab, place, mine)
    print(shlex.join(words), flush=True)
    return subprocess.run(words, check=False).returncode


def explain(args):
    lab = course.find(args.lab)
    file, left = predict.explain(lab, folder.of(lab, args.dir))
    print(f"{file}: write below each question" if left else f"{file}: complete")
    for question in left:
        print(f"  at least {predict.WORDS} words are missing: {question}")


def report_(args):
    lab = course.find(args.lab)
    for file in report.write(lab, folder.of(lab, args.dir)):
        print(file)


def pack_(args):
    lab = course.find(args.lab)
    file, names = pack.write(lab, folder.of(lab, args.dir), args.out)
    print(f"{file}: {', '.join(names)}")


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
    one.add_argument("--first", action="store_true", help="stop at the first failure")
    one.add_argument("--format", choices=formats.FORMATS,
                     help="the result for another program, too")
    one.add_argument("--out", default="-", metavar="FILE",
                     help="where it goes (default -: stdout; the rest to stderr)")
    one = verb("predict", predict_, "store what you expect, before you measure")
    one.add_argument("answers", nargs="*", metavar="ID=ANSWER",
                     help="instead of asking on the terminal")
    one = verb("run", run, "measure, with the plan of the lab; yours beside the others")
    one.add_argument("--anyway", action="store_true", help="without a prediction")
    verb("explain", explain, "where to say why it came out as it did")
    verb("report", report_, "one page (HTML and Markdown): prediction, outcome, checks")
    one = verb("pack", pack_, "one file with what you hand in")
    one.add_argument("--out", type=pathlib.Path, metavar="FILE",
                     help="default: lab-NN.zip")
    verb("hint", hint, "a hint; each call gives one more")
    verb("reset", reset, "begin again; your file is kept under another name")
    return top


def main():
    sys.stdout.reconfigure(errors="backslashreplace")
    top = parser()
    args, rest = top.parse_known_args()
    # argparse takes no words after an option for a list that began empty before it.
    if args.function is predict_ and not any(word.startswith("-") for word in rest):
        args.answers += rest
    elif rest:
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return int(args.function(args) or 0)
    except (UsageError, Fault) as error:
        print(f"labs/lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
