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
from .drawing import Drawing, widen
from .view import Chart, Figure, Missing, Table
from .words import escape

SCHEMA = 2
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
DECIDED = (*CALLED, "equal")
ABSENT = ("not comparable", "only in A", "only in B")

READ = ("A point is the ratio of a model to the reference in B, divided by that in A: it has "
        "little of the hour and the machine in it. The bar is its 95 % interval, adjusted for "
        "the number of comparisons. A filled point is decided: worse or better in B, or equal "
        "within the margin. A hollow one is undecided. What is not judged is hollow and faint: "
        "the absolute figure in B divided by that in A, with all that differs between the "
        "runs.")
COUNT = ("A point is the ratio B / A. Each run counts the calls once, so there is no "
         "interval. A count that is not a whole number depends on how many requests were "
         "served together, and is neither worse nor better.")


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


_TEXTS = {"model", "loop", "pattern", "work", "service", "placement", "cell", "metric", "unit",
          "better", "reference", "verdict", "why"}
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

def _drawn(row):
    """(ratio, low, high) that is drawn: of the absolute figures, if it is not judged"""
    if row["ratio"] is not None:
        return row["ratio"], row["low"], row["high"]
    return row["change"], row["change_low"], row["change_high"]


def _ratios(rows):
    """Those that the axis of all pictures of a metric has to show"""
    return [x for row in rows if row["verdict"] not in ABSENT for x in _drawn(row) if x] or [1]


class _Picture:
    def __init__(self, of, rows, ratios, missing):
        self.of, self.rows, self.missing = of, rows, missing
        where = words.setting_words(rows[0])
        name = NAMES[rows[0]["metric"]]
        more = widen([of.looks[row["model"]].label for row in rows], LEFT - 10)
        self.drawing = Drawing(WIDTH + more, TOP + BOTTOM + ROW * len(rows),
                               f"{name}, B / A: {where}",
                               "The ratio of each model, with its 95 % interval. The "
                               "numbers are in the table below.")
        self.plot = self.drawing.plot(LEFT + more, RIGHT, TOP, BOTTOM)
        self.plot.scale_ratios(ratios, 0.03, "same")
        better = {"more": "more is better", "less": "less is better"}.get(
            rows[0]["better"], "")
        self.plot.head(f"B / A – {better}"
                       f"{' (stretched axis)' if self.plot.x.stretched else ''}")

    def draw(self):
        plot = self.plot
        self.drawing.line([plot.x(1)] * 2, [plot.top, plot.bottom],
                          style.page("ink"), 1.2)
        for i, row in enumerate(self.rows):
            self._row(TOP + (i + 0.5) * ROW, row)
        return self.drawing.svg()

    def _row(self, y, row):
        m, look = self.of.data(row)["m"], self.of.looks[row["model"]]
        self.drawing.text(self.plot.left - 10, y, look.label, ha="right", m=m)
        ratio, low, high = _drawn(row)
        if row["verdict"] in ABSENT or not ratio:
            self.drawing.text(self.plot.left + 8, y, row["verdict"], soft=True, over=True, m=m)
            self.missing.say(look.label, words.setting_short(row),
                             f"{row['verdict']}: {row['why']}")
            return
        faint = 0.4 if row["verdict"] == "not judged" else None
        if low and high:
            self.drawing.line([self.plot.x(low), self.plot.x(high)],
                              [y, y], look.paint, 2.4, alpha=faint, m=m)
        self.drawing.points([self.plot.x(ratio)], [y], look, 7, m=m,
                            hollow=row["verdict"] not in DECIDED, tip=f"{look.label}: "
                            f"{_ratio(ratio)} {_interval(low, high)}; {row['why']}")
        self.drawing.text(self.plot.right + 8, y, row["verdict"],
                          soft=row["verdict"] not in DECIDED, m=m)


def _ratio(x):
    return "–" if x is None else f"{x:.3f}" if x < 10 else words.ratio(x)


def _interval(low, high):
    return "" if low is None or high is None else f"{low:.3f} – {high:.3f}"


def _cells(of, row):
    look, metric = of.looks[row["model"]], row["metric"]
    data = of.data(row)
    unsure = "?" if row["unsure"] else ""
    return [(look.label, data["m"]),
            (words.count(row["connections"]), row["connections"]),
            (of.loads[words.load_key(row)], data["l"]),
            (unsure + words.amount(metric, row["a"]), row["a"]),
            (unsure + words.amount(metric, row["b"]), row["b"]),
            (_ratio(row["change"]), row["change"]),
            (_ratio(row["ratio_a"]), row["ratio_a"]), (_ratio(row["ratio_b"]), row["ratio_b"]),
            (_ratio(row["ratio"]), row["ratio"]),
            (_interval(row["low"], row["high"]), row["low"]),
            (f"{row['n_a']:.0f}, {row['n_b']:.0f}", row["n_a"]),
            (row["verdict"], None), (row["why"], None)]


COLUMNS = [("model", True), ("connections", True), ("load", True), ("A", True),
           ("B", True), ("B / A", True), ("ratio in A", True), ("ratio in B", True),
           ("ratio B / A", True), ("95 % interval", True), ("n", True), ("verdict", False),
           ("why", False)]


def _title(rows):
    """The number of rows of each verdict"""
    verdicts = [row["verdict"] for row in rows]
    order = [*DECIDED, "undecided", "not judged", *ABSENT]
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in order
                     if verdict in verdicts)


def chart(of, metric):
    settings, missing = of.settings(metric), Missing()
    rows = [row for rows in settings for row in rows]
    ratios = _ratios(rows)
    figures = []
    for inside in settings:
        data = of.data(inside[0])
        figures.append(Figure(_Picture(of, inside, ratios, missing).draw(),
                              words.setting_words(inside[0]), data["l"],
                              data.get("c")))
    read_it = COUNT if metric == "calls_per_request" else READ
    return Chart(metric, NAMES[metric], _title(rows), "", read_it, figures,
                 [Table(COLUMNS, [(of.data(row), _cells(of, row)) for row in rows])],
                 missing.list)


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
    """What is called, regressions first"""
    items = "".join(
        f'<li{page._attributes(of.data(row))}><a href="#{row["metric"]}">'
        f"{escape(of.looks[row['model']].label)}, {escape(words.setting_short(row))}: "
        f"{escape(row['why'])}</a> <small>{verdict}</small></li>"
        for verdict in CALLED for row in of.rows if row["verdict"] == verdict)
    found = f'<ul class="findings">{items}</ul>' if items else \
        "<p>Nothing is worse, better or different.</p>"
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
