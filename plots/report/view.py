# SPDX-License-Identifier: MIT
"""What every chart needs of a run: its models, their looks, its settings, and the
families of cells that share an axis.

A chart is built by a function of a View. It returns a Chart, which the page prints. A
picture and the table below it are made of the same numbers.
"""

import dataclasses

from . import style, words

AXES = ("connections", "rate", "idle", "message", "depth")
MOST_LINES = 14  # in a picture; with more, models, variants and runtimes have one each
FEWEST_BLOCKS = 6  # with fewer, a median has no 95 % interval (harness/verdict/stats.h)


@dataclasses.dataclass
class Figure:
    """A picture. `load` and `connections`: None if it shows several"""
    svg: str
    caption: str = ""
    load: int = None
    connections: int = None
    below: str = ""  # a sentence


@dataclasses.dataclass
class Table:
    """`columns` are (head, whether it holds numbers). A row is (data, cells): data is
    the model and setting it belongs to, a cell is (text, number)."""
    columns: list
    rows: list
    name: str = ""
    folded: bool = True


@dataclasses.dataclass
class Chart:
    id: str
    name: str
    title: str
    note: str = ""
    read: str = ""
    figures: list = dataclasses.field(default_factory=list)
    tables: list = dataclasses.field(default_factory=list)
    missing: list = dataclasses.field(default_factory=list)
    html: str = ""  # instead of figures: a table or a list
    signs: str = ""  # explains points, bars and marks
    more: list = dataclasses.field(default_factory=list)  # figures that are folded
    beside: bool = True  # the text, of the figures


class Missing:
    """What is missing and why. Reasons that differ only in numbers are one."""

    def __init__(self):
        self.found = {}  # key of a reason: (sentences, {name: places})

    def add(self, name, place, row, metric=None):
        status, sentences = _why(row, metric)
        self.say(name, place, *[f"{status}: {text}" for text in
                                sentences or ["no reason was recorded"]])

    def say(self, name, place, *texts):
        of, places = self.found.setdefault(words.without_numbers(texts[0]), ([], {}))
        of += texts
        places.setdefault(name, {})[place] = None

    @property
    def list(self):
        """'thread (1; 64), select (64): failed: it hung', for each reason"""
        return [", ".join(f"{name} ({'; '.join(at)})" for name, at in places.items())
                + f": {words.ranged(texts)}" for texts, places in self.found.values()]


def is_there(row, metric):
    return row["status"] == "ok" and row.get(metric) is not None


#: A word of a metric's name, and the word that a warning about it has
#: (harness/measure/metrics.c)
_SAID = [("switches", "switch"), ("calls", "count")]


def _why(row, metric):
    """(a word, sentences that differ in numbers). The `reason` of a valid cell is about
    its invalid repetitions and does not explain a missing metric: their warnings do."""
    status = row["status"] if row["status"] != "ok" else "not measured"
    if row["status"] != "ok" or not row["n"]:
        return status, [row["reason"]] if row["reason"] else []
    return status, [text for word, sign in _SAID if metric and word in metric
                    for text in row.get("warnings", ()) if sign in text]


def why_absent(row, metric):
    """(a word, a sentence): why this value is missing"""
    status, sentences = _why(row, metric)
    return status, words.ranged(sentences) if sentences else ""


def is_whole_core(row):
    """It spins, or is saturated in an open loop: its CPU time per request is 1 / rate"""
    return row["state"] == "whole core"


def is_saturated(row):
    """It cannot keep up with an open loop. One that spins always uses its whole core, so
    only its replies tell."""
    return row["loop"] == "open" and is_whole_core(row) and (
        not row["spins"] or (row["requests_per_second"] or 0) < 0.95 * row["rate"])


def is_hollow(row, metric):
    return is_whole_core(row) if "cpu" in metric else is_saturated(row)


def bound_of(row, metric):
    """1: the generator was at its limit, so the value is a lower bound; -1: an upper one"""
    if not row["bound"]:
        return 0
    return 1 if metric == "requests_per_second" else \
        -1 if metric.startswith(("response", "service")) else 0


def amount(row, metric):
    """The value in words: '≥ 170 k/s' if it is a bound"""
    sign = {1: "≥ ", -1: "≤ "}.get(bound_of(row, metric), "")
    return sign + words.amount(metric, row[metric])


def metric_of(row, metric):
    """Service time instead of response time on one core: the delay of the generator, which
    shares it, is in the response time"""
    if (row["loop"], row["placement"]) == ("open", "shared"):
        return metric.replace("response_p50", "service_p50").replace(
            "response_p99_ns", "service_p99_ns")
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
    if is_whole_core(row):
        found.append("saturated: uses its whole core" if is_saturated(row) else
                     "spins: uses its whole core")
    if bound_of(row, metric):
        found.append("a bound: the generator was at its limit")
    if metric in row["unsure"].split():
        found.append("uncertain: fewer than 100 requests beyond this percentile")
    if metric.startswith("service"):
        found.append("service time: the generator shared its CPU")
    if row["invalid"]:
        found.append(f"{words.many(row['invalid'], 'repetition')} invalid: {row['reason']}")
    if row.get(metric) is None:
        found.append(": ".join(filter(None, why_absent(row, metric))))
    return "; ".join(found)


class View:
    def __init__(self, run):
        self.run = run
        self.cells = run.cells
        in_order = list(dict.fromkeys(
            row["model"] for row in [*self.cells, *run.comparisons]))
        self.models = sorted(in_order, key=style.model_order)
        self.looks = style.looks(in_order)
        self.loads = {}  # in the order of cells.csv, which is sorted by setting
        for row in self.cells:
            self.loads.setdefault(words.load_key(row), words.load_short(row))
        self.connections = sorted({row["connections"] for row in self.cells
                                   if row["connections"]})
        self.versus = {}  # {setting: comparisons}
        for row in run.comparisons:
            self.versus.setdefault(row["setting"], []).append(row)
        self.first_in = {}  # {setting: a cell}
        for row in self.cells:
            self.first_in.setdefault(row["setting"], row)
        self.of_cell = {}  # repetitions, in the order in which they were measured
        for repetition in run.repetitions:
            self.of_cell.setdefault(repetition["cell"], []).append(repetition)
        for row in self.cells:
            row["warnings"] = [text for r in self.of_cell.get(row["cell"], [])
                               if r["status"] == "ok" for text in r["warnings"]]

    def counted(self, row, *roles):
        """{block: the repetition in the medians}. A cell that is not ok has none,
        whatever its repetitions say."""
        return {r["block"]: r for r in self.of_cell.get(row["cell"], [])
                if row["status"] == "ok" and r["role"] in roles and r["status"] == "ok"}

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

    def cell(self, setting, model):
        return next((row for row in self.cells
                     if (row["setting"], row["model"]) == (setting, model)), None)

    @property
    def verdicts(self):
        """Ten at most: those of the run, or the first that are decided"""
        found = self.run.verdicts or [
            row["sentence"] for row in self.run.comparisons
            if row["verdict"] in ("different", "equal") and not row["state"]]
        return [words.typeset(text) for text in found[:10]]

    def finding(self, chart, setting=None):
        """(title, note) of findings.csv, or None"""
        key = f"{chart}/{setting['setting']}" if setting else chart
        found = self.run.findings.get(key)
        return found and tuple(map(words.typeset, found))

    def settings(self):
        """Cells of each setting, in order"""
        found = {}
        for row in self.cells:
            found.setdefault(row["setting"], []).append(row)
        return list(found.values())

    def groups(self, rows):
        """[(name, cells)] of at most MOST_LINES models, as a rule: a picture each, all with
        the reference and the baseline"""
        if len({row["model"] for row in rows}) <= MOST_LINES:
            return [("", rows)]
        names = [style.group(row["model"]) for row in rows]
        common = {"baseline", self.run.run.get("reference")}
        return [(name, [row for row, of in zip(rows, names)
                        if of == name or row["model"] in common])
                for name in dict.fromkeys(sorted(names, key=("models", "variants",
                                                             "runtimes").index))]

    def families(self, axis, rows):
        """Lists of cells that differ only in the model and this part"""
        found = {}
        for row in rows:
            key = tuple(row.get(part) for part in (*AXES, "loop", "pattern", "work",
                                               "service", "placement") if part != axis)
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
