# SPDX-License-Identifier: MIT
"""What every chart needs of a run: who is in it, how it is numbered, and in which
families its cells are drawn.

A chart is built by a function of a View; what it returns is a Chart, which the page
only has to print. Numbers stand in its table, and the pictures are made of the same.
"""

import dataclasses
import re

from . import reduce, style, words

AXES = ("connections", "rate", "idle", "message", "depth")


@dataclasses.dataclass
class Figure:
    """A picture; of one load and number of connections, or of several (None)"""
    svg: str
    caption: str = ""
    load: int = None
    connections: int = None
    wide: bool = False


@dataclasses.dataclass
class Table:
    """`columns` are (head, whether it holds numbers). A row is (data, cells), where
    data says which model and setting it is of, and a cell is (text, number)."""
    columns: list
    rows: list


@dataclasses.dataclass
class Chart:
    id: str
    name: str
    title: str
    note: str = ""
    read: str = ""
    figures: list = dataclasses.field(default_factory=list)
    tables: list = dataclasses.field(default_factory=list)
    reasons: list = dataclasses.field(default_factory=list)
    html: str = ""  # where the picture is a table or a list
    signs: str = ""  # what points, bars and marks are


class Reasons:
    """Why something is not there, by number. Sentences that differ in their numbers
    alone are one."""

    def __init__(self):
        self.texts = {}

    def number(self, row, metric=None):
        status, sentences = _why(row, metric)
        texts = [f"{status}: {text}" for text in sentences or ["no reason was recorded"]]
        key = words.without_numbers(texts[0])
        self.texts.setdefault(key, []).extend(texts)
        return list(self.texts).index(key) + 1

    @property
    def list(self):
        return [words.ranged(texts) for texts in self.texts.values()]


def is_there(row, metric):
    return row["status"] == "ok" and row.get(metric) is not None


#: What the warnings of repetitions say of numbers that they do not have: a word of the
#: metric's name, and of the sentence (harness/measure/metrics.c)
_SAID = [("switches", "what they waited and switched is not known"),
         ("calls", "the counters could not be read")]


def _why(row, metric):
    """(in a word, in sentences that differ in numbers). Of a cell that is ok, `reason`
    speaks of repetitions that do not count: it says nothing of the others."""
    status = row["status"] if row["status"] != "ok" else "not measured"
    if row["status"] != "ok" or not row["n"]:
        return status, [row["reason"]] if row["reason"] else []
    return status, [text for word, sign in _SAID if metric and word in metric
                    for text in row.get("warnings", ()) if sign in text]


def why_absent(row, metric):
    """(in a word, in a sentence) why this number is not there"""
    status, sentences = _why(row, metric)
    return status, words.ranged(sentences) if sentences else ""


_TOO_MUCH = re.compile(r"not sustained|what was offered was not done|"
                       r".*offer less \(--rate\)", re.S)


def is_unsustained(row):
    """An open loop that the server could not keep up with, at least in some blocks"""
    return row["loop"] == "open" and bool(_TOO_MUCH.match(row["reason"]))


def metric_of(row, metric):
    """Where the generator had no CPU of its own, its lateness is in the response"""
    if row["coarse"] and metric in ("response_p50_ns", "response_p99_ns"):
        return metric.replace("response", "service")
    return metric


def spread(row, metric):
    """(low, high, whether it is the 95 % interval); (None, None, False): one value"""
    if row.get(metric + "_low") is not None:
        return row[metric + "_low"], row[metric + "_high"], True
    if row["n"] > 1 and row.get(metric + "_lowest") is not None:
        return row[metric + "_lowest"], row[metric + "_highest"], False
    return None, None, False


def spread_words(row, metric):
    low, high, interval = spread(row, metric)
    if low is None:
        return ""
    text = f"{words.amount(metric, low)} – {words.amount(metric, high)}"
    return text if interval else f"{text} (all)"


def remarks(row, metric):
    """What a reader has to know of this number, in words"""
    if row["status"] != "ok":
        return f"{row['status']}: {row['reason']}"
    found = []
    if row["oversubscribed"]:
        found.append("oversubscribed: it spins on the CPU that its clients need "
                     "too; not ranked")
    if metric in row["unsure"].split():
        found.append("decided by chance: fewer than 100 requests beyond it")
    if metric.startswith("service") and row["coarse"]:
        found.append("service time: the generator had no CPU of its own")
    if row["invalid"]:
        found.append(f"{words.many(row['invalid'], 'attempt')} not counted: "
                     f"{row['reason']}")
    if row.get(metric) is None:
        found.append(": ".join(filter(None, why_absent(row, metric))))
    return "; ".join(found)


class View:
    def __init__(self, run):
        self.run = run
        self.cells = run.cells
        self.models = sorted({row["model"] for row in self.cells},
                             key=reduce.model_order)
        in_order = list(dict.fromkeys(row["model"] for row in self.cells))
        self.looks = style.looks(in_order)
        self.loads = {}
        for row in sorted(self.cells, key=reduce.setting_order):
            self.loads.setdefault(words.load_key(row), words.load_short(row))
        self.connections = sorted({row["connections"] for row in self.cells
                                   if row["connections"]})
        self.of_cell = reduce.by_cell(run.repetitions)
        for row in self.cells:
            row["warnings"] = [text for r in self.of_cell.get(row["cell"], [])
                               if r["status"] == "ok" for text in r["warnings"]]

    def model(self, row):
        return self.models.index(row["model"])

    def look(self, row):
        return self.looks[row["model"]]

    def label(self, row):
        return self.looks[row["model"]].label

    def load(self, row):
        return list(self.loads).index(words.load_key(row))

    def data(self, row):
        """Which model and setting something is of, for the page's filter"""
        found = {"m": self.model(row), "l": self.load(row)}
        if row["connections"]:
            found["c"] = row["connections"]
        return found

    def finding(self, chart, setting=None):
        """(title, note) of findings.csv, or None"""
        key = f"{chart}/{words.setting_key(setting)}" if setting else chart
        found = self.run.findings.get(key)
        return found and tuple(map(words.typeset, found))

    def settings(self):
        """Cells of each setting, in order"""
        found = {}
        for row in self.cells:
            found.setdefault(words.setting_key(row), []).append(row)
        return list(found.values())

    def families(self, axis, rows):
        """Cells that differ in nothing but the model and this part: lists of them,
        the largest first"""
        found = {}
        for row in rows:
            key = tuple(row[part] for part in (*AXES, "loop", "pattern", "work",
                                               "placement") if part != axis)
            found.setdefault(key, []).append(row)
        return list(found.values())


def family_words(rows, axis):
    """What the cells of a family have in common"""
    one = dict(rows[0])
    several = len({row[axis] for row in rows}) > 1
    if not several:
        return words.setting_words(one)
    usual = {"connections": 0, "idle": 0, "message": 64, "depth": 1}
    if axis == "rate":
        text = words.setting_words({**one, "loop": "open"})
        offered = f"open loop, {words.count(one['rate'])} requests/s offered"
        return text.replace(offered, "open loop")
    if axis == "idle" and one["loop"] == "none":
        return words.load_words(one).replace(
            f", {words.many(one['idle'], 'silent client')}", "")
    return words.setting_words({**one, axis: usual[axis]})
