# SPDX-License-Identifier: MIT
"""Runs labs/lab as a student does, on solutions and on what is wrong with them.

A wrong solution is a patch of the model in labs/NN-NAME/wrong/; its head says what is
wrong, and the first check that has to fail:

    Takes each message for complete, however many bytes came.
    fails: pieces
"""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(HERE.parent), str(TOP / "labs")]

from grader import course, folder  # noqa: E402

LAB = TOP / "labs/lab"

#: Of a grading on a machine that is several times overloaded
PATIENCE_S = 280


@dataclasses.dataclass
class Wrong:
    lab: course.Lab
    patch: pathlib.Path

    def __str__(self):
        return f"{self.lab.folder.name}/{self.patch.stem}"

    @property
    def fails(self):
        return re.search(r"^fails: (\S+)$", self.patch.read_text(encoding="utf-8"), re.M)[1]

    def source(self):
        return folder.patched(self.lab.model, self.patch)


def code_labs():
    return [lab for lab in course.labs() if lab.is_code]


def wrong():
    return [Wrong(lab, patch) for lab in code_labs()
            for patch in sorted((lab.folder / "wrong").glob("*.patch"))]


class Graded:
    """What labs/lab check has said of a folder"""

    def __init__(self, done, out):
        self.status, self.text = done.returncode, done.stdout + done.stderr
        try:
            self.result = json.loads(out.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise AssertionError(f"no result, exit status {self.status}: "
                                 f"{self.text}") from None

    def check(self, name):
        return next(of for of in self.result["checks"] if of["name"] == name)

    def failed(self):
        """Names of those that failed of themselves, in order"""
        return [of["name"] for of in self.result["checks"]
                if of["status"] in ("fail", "timeout")]

    def undecided(self):
        return {of["name"]: (of["status"], of["what"]) for of in self.result["checks"]
                if of["status"] in ("unstable", "unavailable", "error")}

    def points(self):
        return {part: (of["points"], of["max_points"])
                for part, of in self.result["parts"].items()}


def grade(lab, source, at, *options, environment=None, command=()):
    """Grades a source in the new folder `at`"""
    if isinstance(source, str):
        source = source.encode()
    at.mkdir(exist_ok=True)
    (at / lab.handed_in).write_bytes(source)
    return check(lab, at, *options, environment=environment, command=command)


def check(lab, at, *options, environment=None, command=()):
    out = at / "out.json"
    done = subprocess.run([*command, sys.executable, LAB, "check", str(lab.number), *options,
                           "--dir", at, "--format", "json", "--out", out],
                          capture_output=True, text=True, errors="replace", check=False,
                          timeout=PATIENCE_S, env=environment)
    return Graded(done, out)


def lab(*words, **more):
    """labs/lab with these words"""
    return subprocess.run([sys.executable, LAB, *map(str, words)], capture_output=True,
                          text=True, check=False, timeout=PATIENCE_S, **more)
