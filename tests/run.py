# SPDX-License-Identifier: MIT
"""Runs the tests step by step and prints a summary: see tests/run.

Each step is a run of pytest of its own, because steps test different builds. Two run at
once: many tests wait, for a time or for a process, and leave the CPUs to others.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

TOP = pathlib.Path(__file__).resolve().parent.parent
REPORTS = TOP / "build/reports"

#: Distribute tests one by one: the slow ones are next to each other.
ONE_BY_ONE = ["--dist", "loadgroup"]

#: It builds its own programs, without sanitizers.
NOT_FOREIGN = ["--ignore", "tests/conversation/test_foreign.py"]


#: name, title, targets of make, environment, arguments for pytest
STEPS = [
    ("unit", "units in C, with sanitizers; command line; style", "all asan", {},
     ["tests/unit", "tests/cli", "tests/style", "-n", "3", *ONE_BY_ONE]),
    ("conversation", "every server, with well and badly behaved clients", "all runtimes", {},
     ["tests/conversation", "-n", "4", "--runtimes", *ONE_BY_ONE]),
    ("faults", "every server, with failing system calls", "all", {},
     ["tests/faults", "-n", "6", *ONE_BY_ONE]),  # strace is the bottleneck
    ("load", "the load generator, with servers of known behaviour", "all", {},
     ["tests/load", "-n", "3", *ONE_BY_ONE]),
    ("probe", "bin/probe, with programs of known behaviour", "all", {},
     ["tests/probe"]),  # serial: each removes what a crashed probe left
    ("matrix", "runs of bin/matrix: correct, complete, resumed", "all", {},
     ["tests/matrix", "-n", "3", "--dist", "loadfile"]),
    ("plots", "charts and report", "all", {},
     ["tests/plots", "-n", "2", "--dist", "loadfile"]),
    ("labs", "the labs, and their grader", "all", {},
     ["tests/labs", "-n", "3", *ONE_BY_ONE]),
    ("asan", "the conversation, with address and undefined sanitizers", "all asan",
     {"BIN": "build/asan/bin", "SLOW": "1", "PATIENCE": "60"},
     ["tests/conversation", "-n", "4", "--runtimes", *ONE_BY_ONE, *NOT_FOREIGN]),
    ("load-asan", "the load generator, with address and undefined sanitizers", "all asan",
     {"BIN": "build/asan/bin", "SLOW": "1"},
     ["tests/load", "-n", "6", *ONE_BY_ONE,
      "-k", "broken or bytes or usage or output or signals or hold"]),
    ("tsan", "the conversation of thread and threadpool, with the thread sanitizer", "all tsan",
     {"BIN": "build/tsan/bin", "SLOW": "1", "TSAN": "1"},
     ["tests/conversation", "--models", "thread,threadpool", "-n", "4", *ONE_BY_ONE,
      *NOT_FOREIGN]),
    ("load-tsan", "the threads of the load generator, with the thread sanitizer",
     "all tsan", {"BIN": "build/tsan/bin", "SLOW": "1"},
     ["tests/load/test_hold.py", "-n", "4", *ONE_BY_ONE,
      "-k", "add_up or signal or gone or hangs"]),
]

NAMES = [step[0] for step in STEPS]

#: So many steps run at the same time, and begin in this order. Those that mostly wait are
#: beside `load`, whose times are exact only while the machine is not busy.
AT_ONCE = 2
ORDER = ["load", "faults", "probe", "load-tsan", "matrix", "conversation", "asan",
         "labs", "plots", "load-asan", "unit", "tsan"]


class Outcome:
    """The results in a report of pytest."""

    def __init__(self, path):
        self.passed, self.failed, self.skipped = 0, [], {}
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            name = f"{case.get('classname')}::{case.get('name')}"
            skipped = case.find("skipped")
            if case.find("failure") is not None or \
                    case.find("error") is not None:
                self.failed.append(name)
            elif skipped is not None:
                reason = skipped.get("message", "no reason given")
                self.skipped[reason] = self.skipped.get(reason, 0) + 1
            else:
                self.passed += 1


class Run:
    """A running step. Its output is kept in a file, or goes to the terminal if `live`."""

    def __init__(self, step, options, extra, live):
        self.name, title, _, environment, args = step
        self.header = f"\n== {self.name}: {title}"
        self.begin, self.live = time.monotonic(), live
        print(self.header if live else f"   {self.name} begins", flush=True)
        self.report = REPORTS / f"{self.name}.xml"
        self.report.unlink(missing_ok=True)
        self.log = REPORTS / f"{self.name}.log"
        marks = ["-m", "long or not long" if options.long else "not long"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pytest", "-q", "--junitxml", self.report,
                 *marks, *args, *extra], cwd=TOP, env={**os.environ, **environment},
                stdout=None if live else log, stderr=None if live else subprocess.STDOUT)

    def has_ended(self, within=0):
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self):
        """Prints its output; returns the outcome, or None and why there is none, and the
        seconds it took."""
        status, took = self.process.wait(), time.monotonic() - self.begin
        if not self.live:
            print(f"{self.header}\n{self.log.read_text('utf-8', 'replace')}", flush=True)
        if status not in (0, 1) or not self.report.exists():
            # 2: interrupted, 3 to 5: pytest failed
            return None, f"pytest exited with {status}", took
        return Outcome(self.report), None, took


def run_steps(steps, options, extra):
    """Runs them; returns (name, outcome, seconds) of those that were completed, and (name,
    why) of the others."""
    waiting = sorted(steps, key=lambda step: ORDER.index(step[0]))
    running, outcomes, broken = [], [], []
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                running.append(Run(waiting.pop(0), options, extra, live=len(steps) == 1))
            time.sleep(0.1)
            for run in [run for run in running if run.has_ended()]:
                running.remove(run)
                outcome, why, took = run.end()
                if outcome:
                    outcomes.append((run.name, outcome, took))
                else:
                    broken.append((run.name, why))
    except KeyboardInterrupt:
        for run in running:  # Ctrl-C interrupts them as well, and twice would be too much
            if not run.has_ended(within=10):
                run.process.send_signal(signal.SIGINT)
            run.end()
            broken.append((run.name, "interrupted"))
    return sorted(outcomes, key=lambda one: NAMES.index(one[0])), broken


def summarize(outcomes, broken):
    """Prints the counts, the failed tests and the reasons for skipping."""
    print("\n== summary")
    totals = [0, 0, 0]
    for name, outcome, took in outcomes:
        counts = [outcome.passed, len(outcome.failed),
                  sum(outcome.skipped.values())]
        print(f"{name:12} {counts[0]:5} passed {counts[1]:3} failed "
              f"{counts[2]:3} skipped {took:5.0f} s")
        totals = [a + b for a, b in zip(totals, counts)]
        for failed in outcome.failed:
            print(f"  failed: {failed}")
        for reason, times in outcome.skipped.items():
            print(f"  skipped {times}: {reason}")
    for name, status in broken:
        print(f"{name:12} was not completed ({status})")
    print(f"{totals[0]} passed, {totals[1] + len(broken)} failed, "
          f"{totals[2]} skipped")


def main():
    parser = argparse.ArgumentParser(
        prog="tests/run", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", metavar="STEP",
                        help=", ".join(NAMES))
    parser.add_argument("--long", action="store_true",
                        help="run the slow tests as well")
    parser.add_argument("--builds", action="store_true",
                        help="print the targets that make has to build, and exit")
    args = sys.argv[1:]
    extra = []
    if "--" in args:
        extra = args[args.index("--") + 1:]
        args = args[:args.index("--")]
    options = parser.parse_args(args)
    for name in options.steps:
        if name not in NAMES:
            parser.error(f"no step '{name}'; the steps are "
                         f"{', '.join(NAMES)}")
    steps = [step for step in STEPS
             if not options.steps or step[0] in options.steps]
    if options.builds:
        builds = {name for step in steps for name in step[2].split()}
        # clang: only to see that it compiles
        builds |= set() if options.steps else {"clang"}
        print(*sorted(builds))
        return 0

    REPORTS.mkdir(parents=True, exist_ok=True)
    outcomes, broken = run_steps(steps, options, extra)
    summarize(outcomes, broken)
    return bool(broken or any(outcome.failed for _, outcome, _ in outcomes))


if __name__ == "__main__":
    sys.exit(main())
