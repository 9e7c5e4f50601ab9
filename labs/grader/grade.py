# SPDX-License-Identifier: MIT
"""Grades a program that was handed in: builds it, and runs the checks of its lab."""

import contextlib
import pathlib
import tempfile
import time
import traceback

from . import conversation, cost, mechanism, sandbox, submission
from .results import ERROR, FAIL, PASS, SKIPPED, TIMEOUT, UNAVAILABLE, UNSTABLE
from .results import Fault, Result, Timeout, Unavailable
from .subject import Subject

#: A conversation that failed is repeated as often, one that took too long once. If a
#: repeat succeeds, the check is unstable.
REPEATS = 2

#: Model options that a check needs
ARGUMENTS = {"pieces": ["--message", "64"]}


class Grading:
    """Of one program; `results` grows while it runs."""

    def __init__(self, lab, program_source, only=None, told=lambda result: None):
        self.lab, self.source, self.only, self.told = lab, program_source, only, told
        self.results = []
        self.warnings = ""

    def names(self):
        """{check: (part, title, needs)}, in order"""
        code = self.lab.spec["code"]
        every = {"build": ("start", "it compiles", ())}
        for name, (_, title, needs) in conversation.CHECKS.items():
            if name in code["conversation"]:
                every[name] = ("start" if name == "ready" else "conversation", title, needs)
        for name in code["mechanism"]:
            every[name] = ("mechanism", mechanism.CHECKS[name][1], ("echo",))
        for i, bound in enumerate(code.get("cost", [])):
            title = f"{cost.METRICS[bound['metric']]}, beside the reference"
            every[f"cost-{bound['metric']}{i or ''}"] = ("cost", title, ("many", "waits"))
        return every

    def wanted(self):
        """The checks to run: all, or one and what it builds on"""
        every = self.names()
        if not self.only:
            return every
        names, todo = set(), [self.only]
        while todo:
            name = todo.pop()
            if name in every and name not in names:
                names.add(name)
                todo += every[name][2]
        return {name: of for name, of in every.items() if name in names}

    def run(self):
        with tempfile.TemporaryDirectory(prefix="lab-") as folder:
            self._folder = pathlib.Path(folder)
            self._folder.chmod(0o711)  # the sandbox has another user
            for name, (part, title, needs) in self.wanted().items():
                result = Result(name, part, title)
                begin = time.monotonic()
                self._one(result, needs)
                result.took_s = time.monotonic() - begin
                self.results.append(result)
                self.told(result)
        return self.results

    def _one(self, result, needs):
        passed = {of.name: of.status for of in self.results}
        missing = [name for name in needs
                   if passed.get(name, PASS) in (FAIL, TIMEOUT, SKIPPED, ERROR)]
        if missing:
            result.what = f"it builds on {missing[0]}"
            return
        try:
            self._attempt(result)
            if result.status == SKIPPED:
                result.status = PASS
        except Fault as fault:
            result.blame(fault)
        except Unavailable as why:
            result.status, result.what = UNAVAILABLE, str(why)
        except Exception:  # noqa: BLE001 (the grader's own fault costs no points)
            result.status, result.what = ERROR, "the grader failed: please report this"
            result.got = traceback.format_exc()
        if result.status in (FAIL, TIMEOUT):
            result.by_hand = result.by_hand or f"labs/lab check {self.lab.number:02} " \
                                               f"{result.name}"

    def _attempt(self, result):
        if result.name == "build":
            self._build(result)
        elif result.name in conversation.CHECKS:
            self._converse(result)
        elif result.part == "mechanism":
            with mechanism.Traced(self.program, "--message", "64") as subject:
                self._with_steps(result, subject, mechanism.CHECKS[result.name][0],
                                 subject, self.lab)
        else:
            self._cost(result)

    def _build(self, result):
        folder = self._folder / "build"
        folder.mkdir()
        self.program, self.warnings = submission.build(self.lab, self.source, folder)
        result.steps.append(f"{self.lab.handed_in} compiles" +
                            (", with warnings" if self.warnings else ""))

    @staticmethod
    def _with_steps(result, subject, function, *args):
        try:
            return function(*args)
        finally:
            result.steps = subject.steps

    def _converse(self, result):
        function = conversation.CHECKS[result.name][0]
        first = None
        for attempt in range(1 + REPEATS):
            result.steps = []
            try:
                with Subject(self.program, *ARGUMENTS.get(result.name, ())) as subject:
                    self._with_steps(result, subject, function, subject)
            except Fault as fault:
                first = first or (fault, list(result.steps))
                if attempt and isinstance(fault, Timeout):
                    break
                continue
            if first:
                result.blame(first[0])
                result.status = UNSTABLE
                result.what = f"repeats disagree: {result.what}"
            return
        result.steps = first[1]
        raise first[0]

    def _cost(self, result):
        index = int(result.name[-1]) if result.name[-1].isdecimal() else 0
        bound = self.lab.spec["code"]["cost"][index]
        reference = self._folder / "reference"
        if not reference.exists():
            submission.copy_reference(self.lab, reference)
        with contextlib.ExitStack() as stack:
            mine, other = [stack.enter_context(mechanism.Traced(program, "--message", "64"))
                           for program in (self.program, reference / "server")]
            result.figures, stable = self._with_steps(result, mine, cost.check, mine, other,
                                                      bound)
        if not stable:
            result.status = UNSTABLE
            result.what = "the turns disagree: the machine is busy, or it is at the bound"


def grade(lab, path, only=None, told=lambda result: None):
    """Grades a file; returns the Grading. A file that cannot be taken fails the build."""
    try:
        source = submission.read(path)
    except Fault as fault:
        grading = Grading(lab, b"", only, told)
        result = Result("build", "start", "it compiles")
        result.blame(fault)
        grading.results.append(result)
        told(result)
        for name, (part, title, _) in list(grading.wanted().items())[1:]:
            grading.results.append(Result(name, part, title, what="it builds on build"))
        return grading
    grading = Grading(lab, source, only, told)
    grading.run()
    return grading


def environment():
    """What was there, for the record"""
    def count():
        try:
            return mechanism.method()
        except Unavailable as why:
            return f"none: {why}"
    return {"sandbox": sandbox.kind(), "system_calls": count()}
