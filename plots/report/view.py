# SPDX-License-Identifier: MIT
"""What every chart needs of a run: its models, their looks, its settings, and the
families of cells that share an axis.

A chart is built by a function of a View. It returns a Chart, which the page prints. A
picture and the table below it are made of the same numbers.
"""

import dataclasses
import re

from . import style, words

AXES = ("connections", "rate", "idle", "message", "depth")
FEWEST_BLOCKS = 6  # with fewer, a median has no 95 % interval (harness/verdict/stats.h)


@dataclasses.dataclass
class Figure:
    """A picture. `load` and `connections`: None if it shows several"""
    svg: str
    caption: str = ""
    load: int = None
    connections: int = None


@dataclasses.dataclass
class Table:
    """`columns` are (head, whether it holds numbers). A row is (data, cells): data is
    the model and setting it belongs to, a cell is (text, number)."""
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
    html: str = ""  # instead of figures: a table or a list
    signs: str = ""  # explains points, bars and marks


class Reasons:
    """Numbered reasons why values are missing. Sentences that differ only in numbers
    are one reason."""

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


#: A word of a metric's name, and the word that a warning about it has
#: (harness/measure/metrics.c)
_SAID = [("switches", "switch"), ("calls", "count")]


def _why(row, metric):
    """(a word, sentences that differ in numbers). The `reason` of a valid cell is about
    its discarded repetitions and does not explain a missing metric: their warnings do."""
    status = row["status"] if row["status"] != "ok" else "not measured"
    if row["status"] != "ok" or not row["n"]:
        return status, [row["reason"]] if row["reason"] else []
    return status, [text for word, sign in _SAID if metric and word in metric
                    for text in row.get("warnings", ()) if sign in text]


def why_absent(row, metric):
    """(a word, a sentence): why this value is missing"""
    status, sentences = _why(row, metric)
    return status, words.ranged(sentences) if sentences else ""


_TOO_MUCH = re.compile(r"not sustained|--rate")  # reasons of harness/load/audit.c


def is_unsustained(row):
    """An open loop whose offered load the server did not achieve in at least a block"""
    return row["loop"] == "open" and bool(_TOO_MUCH.search(row["reason"]))


def metric_of(row, metric):
    """Service time instead of response time, if the generator shared its CPU: its own
    delay is in the response time then"""
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
    return text if interval else f"{text} (range)"


def remarks(row, metric):
    """What limits this number, in words"""
    if row["status"] != "ok":
        return f"{row['status']}: {row['reason']}"
    found = []
    if row["oversubscribed"]:
        found.append("oversubscribed: the server busy-polls on the generator's CPU; not "
                     "ranked")
    if metric in row["unsure"].split():
        found.append("uncertain: fewer than 100 requests beyond this percentile")
    if metric.startswith("service") and row["coarse"]:
        found.append("service time: the generator shared its CPU")
    if row["invalid"]:
        found.append(f"{words.many(row['invalid'], 'repetition')} discarded: "
                     f"{row['reason']}")
    if row.get(metric) is None:
        found.append(": ".join(filter(None, why_absent(row, metric))))
    return "; ".join(found)


class View:
    def __init__(self, run):
        self.run = run
        self.cells = run.cells
        self.models = sorted({row["model"] for row in self.cells}, key=style.model_order)
        in_order = list(dict.fromkeys(row["model"] for row in self.cells))
        self.looks = style.looks(in_order)
        self.loads = {}  # in the order of cells.csv, which is sorted by setting
        for row in self.cells:
            self.loads.setdefault(words.load_key(row), words.load_short(row))
        self.connections = sorted({row["connections"] for row in self.cells
                                   if row["connections"]})
        self.of_cell = {}  # repetitions, in the order in which they were measured
        for repetition in run.repetitions:
            self.of_cell.setdefault(repetition["cell"], []).append(repetition)
        for row in self.cells:
            row["warnings"] = [text for r in self.of_cell.get(row["cell"], [])
                               if r["status"] == "ok" for text in r["warnings"]]

    def counted(self, row, *roles):
        """{block: the repetition in the medians}: the last valid attempt. A cell that
        is not ok has none, whatever its repetitions say."""
        return {r["block"]: r for r in self.of_cell.get(row["cell"], [])
                if row["status"] == "ok" and r["role"] in roles and r["counts"]}

    def model(self, row):
        return self.models.index(row["model"])

    def look(self, row):
        return self.looks[row["model"]]

    def label(self, row):
        return self.looks[row["model"]].label

    def load(self, row):
        return list(self.loads).index(words.load_key(row))

    def data(self, row):
        """Model and setting of something, for the page's filter"""
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
        """Lists of cells that differ only in the model and this part"""
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
            f", {words.many(one['idle'], 'idle client')}", "")
    return words.setting_words({**one, axis: usual[axis]})
