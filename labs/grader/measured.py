# SPDX-License-Identifier: MIT
"""A student's own run: bin/matrix made it, with the plan in the folder of the lab. Every
range that an answer has to be in comes from here."""

import csv
import dataclasses
import json
import re
import shlex
import subprocess

from . import course
from .course import UsageError
from .results import Unavailable

#: The files of a run that are read, and handed in
FILES = ["cells.csv", "calls.csv", "run.json", "machine.json", "plan.txt"]

VALUE = re.compile(r"(?P<metric>[\w:]+) of (?P<model>\S+) in (?P<setting>.+)")


@dataclasses.dataclass
class Value:
    """A median, and the lowest and highest of the repetitions"""
    value: float
    lowest: float
    highest: float

    def per(self, unit):
        return Value(self.value / unit, self.lowest / unit, self.highest / unit)

    def __truediv__(self, other):
        if not other.lowest:
            raise Unavailable("the run has 0 where it would have to divide")
        return Value(self.value / other.value, self.lowest / other.highest,
                     self.highest / other.lowest)


class Run:
    """`folder` is that of a run; Unavailable says what it lacks"""

    def __init__(self, folder):
        self.folder = folder
        try:
            self.cells = self._rows("cells.csv")
            self.calls = self._rows("calls.csv")
            about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            self.began = about["sittings"][0]["started"]
        except FileNotFoundError as error:
            raise Unavailable(f"there is no {error.filename}") from None
        except (OSError, ValueError, KeyError, IndexError, TypeError, csv.Error) as error:
            raise Unavailable(f"{folder} cannot be read: {error!r}") from None

    def _rows(self, name):
        with open(self.folder / name, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def value(self, expression):
        """`METRIC of MODEL in SETTING`, or a ratio of two: `A / B`. METRIC is a column of
        cells.csv, or `calls:NAME`: calls of that name per request."""
        terms = [self._term(term.strip()) for term in expression.split(" / ")]
        return terms[0] if len(terms) == 1 else terms[0] / terms[1]

    def _term(self, term):
        words = VALUE.fullmatch(term)
        if not words:
            raise ValueError(f"'{term}' is not METRIC of MODEL in SETTING")
        metric, model, setting = words["metric"], words["model"], words["setting"]
        rows = [row for row in self.cells
                if row["setting"] == setting and row["model"] == model]
        if not rows:
            raise Unavailable(f"the run has no cell of {model} in '{setting}'")
        row = rows[0]
        if row["status"] != "ok":
            raise Unavailable(f"{model} in '{setting}': {row['status']}"
                              f"{', ' + row['reason'] if row['reason'] else ''}")
        if metric.startswith("calls:"):
            number = self._calls(row["cell"], metric.removeprefix("calls:"))
            return Value(number, number, number)
        if metric not in row:
            raise ValueError(f"'{metric}' is not a column of cells.csv")
        if not row[metric]:
            raise Unavailable(f"the run has no {metric} of {model} in '{setting}'")
        return Value(*(float(row[metric + end] or row[metric])
                       for end in ("", "_lowest", "_highest")))

    def _calls(self, cell, name):
        """Per request; names with | between are added"""
        of_cell = [row for row in self.calls if row["cell"] == cell]
        if not of_cell:
            raise Unavailable("the run has not counted system calls")
        return sum(float(row["per_request"] or 0) for row in of_cell
                   if row["call"] in name.split("|"))


def command(lab, place, mine=None):
    """The command that makes the run"""
    plan = lab.folder / "lab.plan"
    if not plan.exists():
        raise UsageError(f"lab {lab} has no run; its handout says what to measure")
    words = [course.TOP / "bin/matrix", "run", "--plan", plan, "--out", place / "run"]
    if mine:
        text = plan.read_text(encoding="utf-8")
        models = re.search(r"^models\s+(\S+)", text, re.M)
        words += ["--models", f"{models[1]},mine={shlex.quote(str(mine))}"]
    return [str(word) for word in words]
