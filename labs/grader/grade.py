# SPDX-License-Identifier: MIT
"""Grades what was handed in: builds a program and runs the checks of its lab, or compares
answers with the student's own run."""

import contextlib
import pathlib
import tempfile
import time
import tomllib
import traceback

from . import conversation, cost, measured, mechanism, predict, questions, sandbox
from . import submission
from .results import ERROR, FAIL, PASS, SKIPPED, TIMEOUT, UNAVAILABLE, UNSTABLE
from .results import Fault, Result, Timeout, Unavailable
from .subject import Subject

#: A conversation that failed is repeated as often, one that took too long once. If a
#: repeat succeeds, the check is unstable.
REPEATS = 2

#: Model options that a check needs
ARGUMENTS = {"pieces": ["--message", "64"]}


class Grading:
    """Of one submission; `results` grows while it runs. `place` is its folder."""

    def __init__(self, lab, place, only=None, told=lambda result: None):
        self.lab, self.place, self.only, self.told = lab, place, only, told
        self.results = []
        self.warnings = ""

    def names(self):
        """{check: (part, title, needs)}, in order"""
        every = self._of_code() if self.lab.is_code else self._of_answers()
        if "predict" in self.lab.spec:
            every |= {name: ("prediction", title, ())
                      for name, (title, _) in predict.CHECKS.items()}
        return every

    def _of_answers(self):
        every = {"read": ("start", "answers.toml can be read", ()),
                 "run": ("start", "there is a run of your own", ())}
        for question in self.lab.spec["question"]:
            needs = ("read", "run") if "value" in question else ("read",)
            every[question["id"]] = ("answers", question["text"].splitlines()[0], needs)
        return every

    def _of_code(self):
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

    def _first_failed(self):
        return any(of.status in (FAIL, TIMEOUT) for of in self.results)

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

    def run(self, until_first=False):
        """All checks, or until the first one fails"""
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
                if until_first and self._first_failed():
                    break
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
        if result.part in ("conversation", "mechanism", "cost") or result.name == "ready":
            mechanism.check_there(self.lab)
        if result.part == "prediction":
            result.steps = predict.CHECKS[result.name][1](self.lab, self.place)
        elif result.name in ("read", "run"):
            getattr(self, f"_{result.name}")(result)
        elif result.part == "answers":
            question = next(of for of in self.lab.spec["question"]
                            if of["id"] == result.name)
            said = questions.check(question, self._answers.get(result.name), self._own_run)
            result.steps.append(f"right: {said}")
        elif result.name == "build":
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
        self.program, self.warnings = submission.build(
            self.lab, submission.source(self.lab, self.place), folder)
        result.steps.append(f"{self.lab.handed_in} compiles" +
                            (", with warnings" if self.warnings else ""))

    def _read(self, result):
        self._own_run = None
        try:
            source = submission.source(self.lab, self.place)
            self._answers = tomllib.loads(source.decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Fault(f"answers.toml cannot be read: {error}",
                        expected="id = answer, as at the start") from None
        result.steps.append("answers.toml is read")

    def _run(self, result):
        try:
            self._own_run = measured.Run(self.place / "run")
        except Unavailable as why:
            raise Fault(str(why), expected="the folder run of your lab",
                        by_hand=f"labs/lab run {self.lab.number:02}") from None
        result.steps.append(f"made {self._own_run.began}")

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


def environment():
    """What was there, for the record"""
    def count():
        try:
            return mechanism.method()
        except Unavailable as why:
            return f"none: {why}"
    return {"sandbox": sandbox.kind(), "system_calls": count()}
