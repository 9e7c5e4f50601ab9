# SPDX-License-Identifier: MIT
"""The page of bin/matrix compare.

    bin/matrix compare A B --page versus.html

Its input is a JSON object: facts about both runs, the differences between them, and the
comparison as a CSV table, whose columns are in results/README.md. Nothing is computed
here: every number of the page is in the table.
"""

import csv
import io
import json
import pathlib

from . import drawing, page, style, words
from .drawing import Drawing
from .page import escape
from .view import Chart, Figure, Table

SCHEMA = 1
HERE = pathlib.Path(__file__).resolve().parent

WIDTH, LEFT, RIGHT, TOP, BOTTOM, ROW = 430, 82, 92, 28, 26, 24

NAMES = {
    "requests_per_second": "Requests per second",
    "response_p50_ns": "Median response time",
    "response_p99_ns": "p99 response time",
    "service_p50_ns": "Median service time",
    "service_p99_ns": "p99 service time",
    "server_cpu_per_request_ns": "Server CPU time per request",
    "calls_per_request": "System calls per request",
    "server_cpu_share": "Server CPU with idle clients",
    "resident_per_connection_bytes": "Memory per idle client",
}
CALLED = ("worse", "better", "different")
ABSENT = ("not comparable", "only in A", "only in B")

READ = ("A point is the ratio B / A, its bar the 95 % interval. A filled point is a "
        "significant difference, named at the right; a hollow one is within noise or has "
        "too few repetitions. The shaded field is the wider A/A band of both runs: the "
        "difference of a model from itself.")
COUNT = ("A point is the ratio B / A. Each run counts the calls once, so there is no "
         "interval. A count that is not a whole number depends on how many requests were "
         "served together, and is neither worse nor better.")

#: Ticks of an axis, the finest first
TICKS = [[1 + i / 100 for i in range(-10, 11)], [1 + i / 20 for i in range(-8, 11)],
         [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6, 1.8, 2],
         [0.1, 0.2, 0.5, 1, 2, 5, 10], [10.0 ** i for i in range(-9, 10)]]


class NotAComparison(Exception):
    """The input is not the JSON of bin/matrix compare."""


def read(text):
    """The comparison, with numbers as floats, an empty field as None"""
    try:
        given = json.loads(text)
        if given["schema"] > SCHEMA:
            raise NotAComparison(f"was written by a newer program: it has schema "
                                 f"{given['schema']}, this program reads {SCHEMA}")
        rows = [_row(row) for row in csv.DictReader(io.StringIO(given["table"]))]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise NotAComparison("is not a comparison of bin/matrix compare "
                             f"({error})") from None
    return Comparison(given, rows)


_TEXTS = {"model", "loop", "pattern", "work", "placement", "cell", "metric", "unit",
          "better", "verdict", "why"}
_COUNTS = {"connections", "idle", "message", "depth"}


def _row(row):
    return {key: text if key in _TEXTS else int(text or 0) if key in _COUNTS
            else float(text) if text else None for key, text in row.items()}


class Comparison:
    """Models, loads and connections, as View has them"""

    def __init__(self, given, rows):
        self.given, self.rows = given, rows
        self.models = sorted({row["model"] for row in rows}, key=style.model_order)
        self.looks = style.looks(self.models)
        self.loads = {}
        for row in rows:  # sorted by setting
            self.loads.setdefault(words.load_key(row), words.load_short(row))
        self.connections = sorted({row["connections"] for row in rows} - {0})

    def data(self, row):
        found = {"m": self.models.index(row["model"]),
                 "l": list(self.loads).index(words.load_key(row))}
        if row["connections"]:
            found["c"] = row["connections"]
        return found

    def metrics(self):
        return [metric for metric in NAMES
                if any(row["metric"] == metric for row in self.rows)]

    def settings(self, metric):
        """Lists of rows of this metric, one for each setting"""
        found = {}
        for row in self.rows:
            if row["metric"] == metric:
                found.setdefault(words.setting_key(row), []).append(row)
        return [sorted(rows, key=lambda row: style.model_order(row["model"]))
                for rows in found.values()]


# ----------------------------------------------------------------------- the charts

def _limits(rows):
    """The range of all pictures of a metric, symmetric around 1"""
    every = [row[key] for row in rows for key in ("ratio", "low", "high", "band_high")
             if row[key] and row["verdict"] not in ABSENT]
    far = max((max(x, 1 / x) for x in every), default=1)
    far = max(far ** 1.08, 1.05)
    return 1 / far, far


def _ticks(low, high):
    for steps in TICKS:
        inside = [step for step in steps if low <= step <= high]
        if len(inside) <= 6 and (steps[0] <= low or high <= 10):
            break
    if len(inside) < 3:
        inside = [low ** 0.5, 1, high ** 0.5]
    return inside


class _Picture:
    def __init__(self, of, rows, limits, reasons):
        self.of, self.rows, self.reasons = of, rows, reasons
        where = words.setting_words(rows[0])
        name = NAMES[rows[0]["metric"]]
        self.drawing = Drawing(WIDTH, TOP + BOTTOM + ROW * len(rows),
                               f"{name}, B / A: {where}",
                               "The ratio of each model, with its 95 % interval. The "
                               "numbers are in the table below.")
        self.plot = self.drawing.plot(LEFT, RIGHT, TOP, BOTTOM)
        self.plot.range_x(*limits, log=True)
        ticks = _ticks(*limits)
        self.plot.rule_x(ticks, [f"{tick:.3g}" for tick in ticks])
        better = {"more": "more is better", "less": "less is better"}.get(
            rows[0]["better"], "")
        self.plot.head(f"B / A – {better}")

    def draw(self):
        plot = self.plot
        for i, row in enumerate(self.rows):
            self._band(TOP + i * ROW, row)
        self.drawing.line([plot.x(1)] * 2, [plot.top, plot.bottom],
                          style.page("ink"), 1.2)
        for i, row in enumerate(self.rows):
            self._row(TOP + (i + 0.5) * ROW, row)
        return self.drawing.svg()

    def _band(self, y, row):
        if row["band_high"] and row["verdict"] not in ABSENT:
            left, right = self.plot.x(row["band_low"]), self.plot.x(row["band_high"])
            self.drawing.rectangle(left, y, right - left, ROW, style.page("soft"),
                                   alpha=0.18, m=self.of.data(row)["m"],
                                   tip=f"A/A band: {words.ratio(row['band_low'])} – "
                                       f"{words.ratio(row['band_high'])}")

    def _row(self, y, row):
        m, look = self.of.data(row)["m"], self.of.looks[row["model"]]
        self.drawing.text(LEFT - 10, y, look.label, ha="right", m=m)
        if row["verdict"] in ABSENT or not row["ratio"]:
            self.drawing.hatched(LEFT, y - 6, 28, 12, m=m,
                                 tip=f"{look.label}: {row['verdict']}: {row['why']}")
            self.drawing.text(LEFT + 32, y, f"{self._number(row)} {row['verdict']}",
                              soft=True, over=True, m=m)
            return
        if row["low"]:
            self.drawing.line([self.plot.x(row["low"]), self.plot.x(row["high"])],
                              [y, y], look.paint, 2.4, m=m)
        called = row["verdict"] in CALLED
        self.drawing.points([self.plot.x(row["ratio"])], [y], look, 7,
                            hollow=not called, m=m, tip=f"{look.label}: "
                            f"{_ratio(row)} {_interval(row)}; {row['why']}")
        self.drawing.text(WIDTH - RIGHT + 8, y, row["verdict"], soft=not called, m=m)

    def _number(self, row):
        text = f"{row['verdict']}: {row['why']}"
        key = words.without_numbers(text)
        self.reasons.setdefault(key, []).append(text)
        return list(self.reasons).index(key) + 1


def _ratio(row):
    return "–" if row["ratio"] is None else f"{row['ratio']:.3f}" \
        if row["ratio"] < 10 else words.ratio(row["ratio"])


def _interval(row):
    return "" if row["low"] is None else f"{row['low']:.3f} – {row['high']:.3f}"


def _cells(of, row):
    look, metric = of.looks[row["model"]], row["metric"]
    data = of.data(row)
    unsure = "?" if row["unsure"] else ""
    return [(look.label, data["m"]),
            (words.count(row["connections"]), row["connections"]),
            (of.loads[words.load_key(row)], data["l"]),
            (unsure + words.amount(metric, row["a"]), row["a"]),
            (unsure + words.amount(metric, row["b"]), row["b"]),
            (_ratio(row), row["ratio"]), (_interval(row), row["low"]),
            (f"{row['n_a']:.0f}, {row['n_b']:.0f}", row["n_a"]),
            (row["verdict"], None), (row["why"], None)]


COLUMNS = [("model", True), ("connections", True), ("load", True), ("A", True),
           ("B", True), ("B / A", True), ("95 % interval", True), ("n", True),
           ("verdict", False), ("why", False)]


def _title(rows):
    """The number of rows of each verdict"""
    verdicts = [row["verdict"] for row in rows]
    order = [*CALLED, "within noise", "too few", *ABSENT]
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in order
                     if verdict in verdicts)


def chart(of, metric):
    settings, reasons = of.settings(metric), {}
    rows = [row for rows in settings for row in rows]
    limits = _limits(rows)
    figures = []
    for inside in settings:
        data = of.data(inside[0])
        figures.append(Figure(_Picture(of, inside, limits, reasons).draw(),
                              words.setting_words(inside[0]), data["l"],
                              data.get("c")))
    read_it = COUNT if metric == "calls_per_request" else READ
    return Chart(metric, NAMES[metric], _title(rows), "", read_it, figures,
                 [Table(COLUMNS, [(of.data(row), _cells(of, row)) for row in rows])],
                 [words.ranged(texts) for texts in reasons.values()])


# ------------------------------------------------------------------------- the page

def _name(side):
    return pathlib.PurePath(side["folder"]).name or side["folder"]


def _list(texts):
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def _facts(letter, side):
    """The section of a run, with a banner if it is not complete"""
    facts = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
                    for name, value in side["facts"])
    banner = "" if side["complete"] else (
        '<div class="banner" role="note"><b>This run is not complete.</b> It was '
        "interrupted or is still running.</div>")
    return (f'<section aria-labelledby="run-{letter}"><h2 id="run-{letter}"><small>'
            f"{letter}</small> {escape(_name(side))}</h2>{banner}"
            f'<dl class="facts">{facts}</dl></section>')


def header(of):
    a, b = of.given["a"], of.given["b"]
    differences = of.given["differences"]
    found = _list(differences) if differences else \
        "<p>No recorded difference.</p>"
    return (f'<header><p class="eyebrow">I/O models compared</p><h1>Run '
            f"{escape(_name(a))} against {escape(_name(b))}</h1>"
            f"<p>{escape(of.given['summary'])}</p></header>{_facts('A', a)}"
            f"{_facts('B', b)}"
            '<section id="between" class="box" aria-labelledby="between-title">'
            '<h2 id="between-title">Between the runs</h2><div class="two"><div>'
            f"<h3>Differences</h3>{found}</div><div><h3>Limits of every ratio"
            f"</h3>{_list(of.given['notes'])}</div></div></section>")


def _called(of):
    """The significant differences, regressions first"""
    items = "".join(
        f'<li{page._attributes(of.data(row))}><a href="#{row["metric"]}">'
        f"{escape(of.looks[row['model']].label)}, {escape(words.setting_short(row))}: "
        f"{escape(row['why'])}</a> <small>{verdict}</small></li>"
        for verdict in CALLED for row in of.rows if row["verdict"] == verdict)
    found = f'<ul class="findings">{items}</ul>' if items else \
        "<p>No significant difference.</p>"
    return ('<section id="findings" aria-labelledby="findings-title"><h2 '
            f'id="findings-title">Findings</h2>{found}</section>')


def _navigation(charts):
    links = [("between", "Between the runs"), ("findings", "Findings"),
             *[(chart.id, chart.name) for chart in charts]]
    items = "".join(f'<li><a href="#{id}">{escape(name)}</a></li>'
                    for id, name in links)
    return f'<nav aria-label="Parts of this page"><ul>{items}</ul></nav>'


def build(of):
    """The HTML of the page"""
    drawing.begin("v")
    charts = [chart(of, metric) for metric in of.metrics()]
    script = (HERE / "report.js").read_text(encoding="utf-8")
    title = f"{escape(_name(of.given['a']))} against {escape(_name(of.given['b']))}"
    return "\n".join([
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta http-equiv="Content-Security-Policy" '
        f'content="{page._policy(script)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{page._css()}</style></head><body>",
        '<a class="skip" href="#findings">Skip to the findings</a>', header(of),
        _navigation(charts), page.controls(of), "<main>", page.legend(of),
        _called(of), *[page.chart(one, 2) for one in charts], "</main>",
        f"<script>{script}</script></body></html>", ""])
