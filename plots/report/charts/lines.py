# SPDX-License-Identifier: MIT
"""The standard charts: a metric of each model against connections, offered load, idle
clients, ...

plots/charts.csv defines them, for gnuplot too. Points are medians, bars their 95 %
interval (or the range). What is missing is said below. A saturated server is hollow, and
a bound by the generator has an arrow.
"""

import math
import re

from .. import style, words
from ..drawing import Drawing, aside, widen
from ..view import (FEWEST_BLOCKS, Chart, Figure, Missing, Table, amount, bound_of,
                    family_words, is_hollow, is_there, metric_of, remarks, spread,
                    spread_words)
from . import rows as one_place

NAMES = {"throughput": "Throughput", "response": "Response time", "load": "Offered load",
         "few": "Active clients among idle ones", "size": "Message size",
         "depth": "Requests in flight", "server_cpu": "Server CPU time",
         "switches": "Context switches", "memory": "Memory",
         "idle": "CPU with idle clients"}
AXIS_OF = {"closed": "connections", "open": "rate", "none": "idle"}
AXIS_WORDS = {"connections": "connections", "rate": "offered requests per second",
              "idle": "idle clients", "message": "bytes per request",
              "depth": "requests in flight on each connection"}

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 104, 30, 42


# ------------------------------------------------------------------------- limits

def _limits(rows, metric, log):
    values = [x for row in rows if is_there(row, metric_of(row, metric))
              for m in [metric_of(row, metric)]
              for x in (row[m], *spread(row, m)[:2]) if x is not None]
    if log:
        values = [x for x in values if x > 0]
    if not values:
        return (1, 10) if log else (0, 1)
    low, high = min(values), max(values)
    if log:
        return low / 1.3, max(high * 1.3, low * 10)
    return min(0, low * 1.1), max(high * 1.12, 1e-9)


def _steps(rows, axis):
    """{value: place on the axis}, logarithmic, with 0 a step before the lowest"""
    values = sorted({row[axis] or 0 for row in rows})
    first = next((v for v in values if v > 0), 1)
    return {v: math.log2(v) if v > 0 else math.log2(first) - 1.5 for v in values}


# ------------------------------------------------------------------------ drawing

class Panel:
    """A metric of a family"""

    def __init__(self, view, chart, rows, axis, missing, scale):
        self.view, self.chart, self.rows, self.axis = view, chart, rows, axis
        self.scale = scale  # the cells whose range the axes have
        self.metric, self.missing = chart["metric"], missing
        self.steps = _steps(scale, axis)
        self.models = list(dict.fromkeys(row["model"] for row in rows))
        self.log = chart["scale"] == "log" and self._positive()

    def _positive(self):
        return all(row[metric_of(row, self.metric)] > 0 for row in self.scale
                   if self.shown(row))

    def of(self, model):
        return sorted((row for row in self.rows if row["model"] == model),
                      key=lambda row: row[self.axis] or 0)

    def shown(self, row):
        return is_there(row, metric_of(row, self.metric))

    def place(self, row):
        return self.plot.x(self.steps[row[self.axis] or 0])

    def x(self, row):
        """A little aside, so that bars do not hide each other"""
        return self.place(row) + self.aside * (self.models.index(row["model"])
                                               - (len(self.models) - 1) / 2)

    def y(self, row):
        return self.plot.y(row[metric_of(row, self.metric)])

    def marks(self, row, tip=None, connections=None):
        return {"m": self.view.model(row), "l": self.view.load(row), "tip": tip,
                "c": connections or row["connections"] or None}

    def draw(self, title, desc):
        if len(self.steps) == 1:
            return one_place.draw(
                self.view, self.chart, self.rows,
                (*_limits(self.scale, self.metric, self.log), self.log), title, desc)
        more = widen(map(self.view.label, self.rows), RIGHT - 22)
        height = max(HEIGHT, TOP + BOTTOM + 15 * (len(self.models) + 1)) \
            if any(map(self.shown, self.rows)) else TOP + BOTTOM + 30
        self.drawing = Drawing(WIDTH + more, height, title, desc)
        self.plot = self.drawing.plot(LEFT, RIGHT + more, TOP, BOTTOM)
        self._rules()
        for model in self.models:
            self._bars(model)
            self._line(model)
            self._points(model)
        self._labels()
        for row in self.rows:
            if not self.shown(row):
                self.missing.add(self.view.label(row), words.setting_short(row), row,
                                 metric_of(row, self.metric))
        return self.drawing.svg()

    def _rules(self):
        plot, xs = self.plot, list(self.steps.values())
        room = (max(xs) - min(xs)) * 0.07 or 1
        plot.range_x(min(xs) - room, max(xs) + room)
        places = sorted(map(plot.x, xs))
        self.aside = aside(len(self.models), min(b - a for a, b in zip(places, places[1:])))
        if any(self.shown(row) for row in self.rows):
            low, high = _limits(self.scale, self.metric, self.log)
            plot.scale_y(self.metric, low, high, self.log)
        plot.rule_x(xs, [words.count(v) for v in self.steps])
        plot.head(f"{self.chart['axis']} – {self.chart['better']}")
        self.drawing.text((plot.left + plot.right) / 2, plot.bottom + 30,
                          AXIS_WORDS[self.axis], soft=True, ha="center")

    def _line(self, model):
        look, rows = self.view.looks[model], [r for r in self.of(model)
                                              if self.shown(r)]
        for a, b in zip(rows, rows[1:]):
            both = {a["connections"], b["connections"]} - {0}
            self.drawing.line(
                [self.x(a), self.x(b)], [self.y(a), self.y(b)], look.paint, 1.8,
                look.dash, **self.marks(a, connections=" ".join(
                    map(str, sorted(both)))))

    def _bars(self, model):
        for row in self.of(model):
            low, high, _ = spread(row, metric_of(row, self.metric))
            if not self.shown(row) or low is None or (self.log and low <= 0):
                continue
            self.drawing.line([self.x(row)] * 2, [self.plot.y(low), self.plot.y(high)],
                              self.view.looks[model].paint, 4, alpha=0.35,
                              **self.marks(row))

    def _points(self, model):
        look = self.view.looks[model]
        for row in self.of(model):
            if not self.shown(row):
                continue
            metric = metric_of(row, self.metric)
            self.drawing.points([self.x(row)], [self.y(row)], look,
                                hollow=is_hollow(row, metric),
                                **self.marks(row, self._tip(row)))
            if bound_of(row, metric):
                self.drawing.arrow(self.x(row), self.y(row), 0, -22 * bound_of(row, metric),
                                   look.paint, **self.marks(row))

    def _tip(self, row):
        metric = metric_of(row, self.metric)
        of = row[self.axis] or 0
        what = AXIS_WORDS[self.axis] if of != 1 else \
            re.sub(r"s\b", "", AXIS_WORDS[self.axis], count=1)
        bits = [f"{self.view.label(row)}, {words.count(of)} {what}: "
                f"{amount(row, metric)}",
                spread_words(row, metric), f"n = {row['n']:.0f}"]
        return ", ".join(bit for bit in bits if bit)

    def _labels(self):
        last = [[row for row in self.of(model) if self.shown(row)][-1:]
                for model in self.models]
        beside = self.aside / 2 * (len(self.models) - 1)
        self.plot.end_labels([
            (self.place(row), self.y(row), self.view.look(row), self.view.model(row),
             self.view.label(row) + self._signs(row["model"]),
             (row[self.axis] or 0) == max(self.steps), beside) for rows in last for row in rows])

    def _signs(self, model):
        """A sign of its points; signs() explains it"""
        rows = [row for row in self.of(model) if self.shown(row)]
        return "?" if any(metric_of(row, self.metric) in row["unsure"].split()
                          for row in rows) else ""


# -------------------------------------------------------------------------- charts

UNSURE = "?: some values are uncertain, with fewer than 100 requests beyond the percentile."
BOUND = ("An arrow (≥, ≤): the generator was at its limit, so the value is a bound: at least "
         "so many replies, at most so much time.")


def hollow_words(view, rows, metric, axis):
    """Which models are hollow where: 'busypoll everywhere; aio, poll from 40,000'"""
    of = {}  # {model: [(place, whether it is hollow)]}
    for row in sorted(rows, key=lambda row: row[axis] or 0):
        if is_there(row, metric_of(row, metric)):
            of.setdefault(row["model"], []).append((row[axis] or 0, is_hollow(row, metric)))
    found = {}  # {where: names}
    for model, places in sorted(of.items(), key=lambda one: [not h for _, h in one[1]]):
        marks = [is_it for _, is_it in places]
        at = [words.count(place) for place, is_it in places if is_it]
        if at:
            where = "" if len({row[axis] for row in rows}) == 1 else \
                " everywhere" if all(marks) else \
                f" from {at[0]}" if all(marks[marks.index(True):]) else f" at {', '.join(at)}"
            found.setdefault(where, []).append(view.looks[model].label)
    return "; ".join(", ".join(names) + where for where, names in found.items())


def hollow(view, rows, metric, axis):
    text = hollow_words(view, rows, metric, axis)
    if not text:
        return ""
    if "cpu" in metric:
        return ("Hollow: uses its whole core, because it spins or is saturated. Its CPU time "
                f"per request is then 1/rate, and is not ranked: {text}.")
    grows = ", and its response time would grow with the length of the run" \
        if metric.startswith("response") else ""
    return f"Hollow: saturated, it cannot keep up with the offered load{grows}: {text}."


def spread_of(rows):
    """Explains points and bars"""
    n = [row["n"] for row in rows if row["status"] == "ok" and row["model"] != "baseline"]
    if not n:
        return ""
    low, high = min(n), max(n)
    if high == 1:
        return "Each point is one repetition."
    many = words.many(high, "block") if low == high else \
        f"{words.count(low)} to {words.count(high)} blocks"
    bars = "their 95 % interval"
    alone = "; a point without a bar is one block" if low == 1 else ""
    if low < FEWEST_BLOCKS:
        bars = "the range" if high < FEWEST_BLOCKS else \
            f"{bars} (below {FEWEST_BLOCKS} blocks: the range)"
    return f"Points are medians of {many}, bars {bars}{alone}."


def signs(figures, rows, panels):
    """Explains points, bars and the signs that are in a picture"""
    bound = any(bound_of(row, metric_of(row, panel["metric"])) for row in rows
                for panel in panels)
    return " ".join(filter(None, [
        spread_of(rows), BOUND if bound else "",
        UNSURE if any("?</text>" in figure.svg for figure in figures) else ""]))


def _row(view, row, metric, axis):
    metric = metric_of(row, metric)
    value = row.get(metric) if row["status"] == "ok" else None
    cells = [(view.label(row), view.model(row)),
             (words.count(row[axis] or 0), row[axis] or 0),
             (view.loads[words.load_key(row)], view.load(row)),
             (amount(row, metric) if value is not None else "–", value),
             (spread_words(row, metric) if value is not None else "",
              spread(row, metric)[0]),
             (f"{row['n']:.0f}", row["n"]), (remarks(row, metric), None)]
    return view.data(row), cells


def table(view, rows, metric, axis, head):
    """Medians with their spread"""
    columns = [("model", True), (AXIS_WORDS[axis], True), ("load", True),
               (head, True), ("95 % interval", True), ("n", True),
               ("remarks", False)]
    return Table(columns, [_row(view, row, metric, axis) for row in rows])


def _figures(view, chart, family, axis, missing, title):
    """One, or one for each group of models, with the same scales"""
    groups = view.groups(family) if _is_line(family, axis) else [("", family)]
    return [_figure(view, chart, rows, axis, missing, title, family, name)
            for name, rows in groups]


def _figure(view, chart, rows, axis, missing, title, family, name):
    one = rows[0]
    caption = ": ".join(filter(None, [name, family_words(family, axis)]))
    svg = Panel(view, chart, rows, axis, missing, family).draw(
        f"{title}: {chart['axis']}, {caption}",
        f"{chart['axis']} of each model against {AXIS_WORDS[axis]}; {caption}. "
        f"{chart['better']}. The numbers are in the table below.")
    loads = {view.load(row) for row in rows}
    connections = {row["connections"] for row in rows}
    return Figure(svg, caption, load=view.load(one) if len(loads) == 1 else None,
                  connections=one["connections"] if len(connections) == 1 and
                  one["connections"] else None, below=hollow(view, rows, chart["metric"], axis))


def _told(view, panels, rows):
    """Whether a title of the chart is about one of these settings"""
    def title(*of):
        return (view.finding(*of) or ("",))[0]
    names = [panel["finding"] for panel in panels if panel["finding"]]
    return any(title(name) and title(name, row) == title(name)
               for name in names for row in rows)


def _is_line(rows, axis):
    return len({row[axis] for row in rows}) > 1


def drawn(view, panels, families, axis):
    """Families that make a line, and those that a title is about; if none makes a line,
    all. A part of a setting other than that of its loop is only worth a line."""
    lines = [rows for rows in families if _is_line(rows, axis)]
    if lines or panels[0]["along"]:
        return lines + [rows for rows in families if rows not in lines and
                        not panels[0]["along"] and _told(view, panels, rows)]
    return families


def build_chart(view, panels):
    """A chart, of its panels in charts.csv"""
    name, figures, tables, missing = panels[0]["chart"], [], [], Missing()
    every, has_lines = [], False
    title, note = _title(view, panels)
    for panel in panels:
        for loop in panel["loops"].split():
            axis = panel["along"] or AXIS_OF[loop]
            rows = [row for row in view.cells if row["loop"] == loop and (
                row["model"] != "baseline" or panel["loops"] == "closed")]
            families = drawn(view, panels, view.families(axis, rows), axis)
            for family in families:
                figures += _figures(view, panel, family, axis, missing, title)
                has_lines = has_lines or _is_line(family, axis)
            if panel["along"]:
                rows = [row for family in families for row in family]
            every += rows
            if rows:
                tables.append(table(view, rows, panel["metric"], axis,
                                    panel["axis"]))
    if not figures:
        return None
    read = " ".join(panel[text] for panel in panels for text in (
        ("read", "lines") if has_lines else ("read",)) if panel[text])
    return Chart(name, NAMES.get(name, name), title, note, read, figures, tables,
                 missing.list, signs=signs(figures, every, panels))


def _title(view, panels):
    """The finding of the run for this chart. Of a chart along a part of the settings, that
    of the setting with most of it."""
    along = panels[0]["along"]
    found = [view.finding(panel["finding"]) for panel in panels if panel["finding"]]
    if along:
        lines = [rows for rows in view.families(along, view.cells) if _is_line(rows, along)
                 and rows[0]["loop"] in panels[0]["loops"]]
        most = max((row for rows in lines for row in rows), key=lambda row: row[along],
                   default=None)
        found = [most and view.finding(panels[0]["finding"], most)]
    return next(filter(None, found), (panels[0]["axis"], ""))


def build(view):
    """Those of cells; those of primitives are in primitives.py."""
    by_name = {}
    for row in style.charts():
        if row["chart"] not in ("calls", "verdicts") and \
                AXIS_OF.keys() >= set(row["loops"].split()):
            by_name.setdefault(row["chart"], []).append(row)
    charts = [build_chart(view, panels) for panels in by_name.values()]
    return [chart for chart in charts if chart]
