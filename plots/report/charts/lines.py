# SPDX-License-Identifier: MIT
"""The standard charts: a metric of each model against connections, offered load or idle
clients.

plots/charts.csv defines them, for gnuplot too. Points are medians, bars their 95 %
interval (or the range). A missing value is hatched below, with the number of its reason.
A load that was not sustained has no response time: a hollow point at the upper edge.
"""

import math
import re

from .. import style, words
from ..drawing import Drawing
from ..view import (FEWEST_BLOCKS, Chart, Figure, Reasons, Table, family_words, is_there,
                    is_unsustained, metric_of, remarks, spread, spread_words)
from . import rows as one_place

NAMES = {"throughput": "Throughput", "response": "Response time",
         "load": "Offered load", "server_cpu": "Server CPU time",
         "switches": "Context switches", "memory": "Memory",
         "idle": "CPU with idle clients"}
AXIS_OF = {"closed": "connections", "open": "rate", "none": "idle"}
AXIS_WORDS = {"connections": "connections", "rate": "offered requests per second",
              "idle": "idle clients", "message": "bytes per request",
              "depth": "requests in flight on each connection"}

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 104, 30, 42
ROW = 16  # height of a row of missing values


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

    def __init__(self, view, chart, rows, axis, reasons):
        self.view, self.chart, self.rows, self.axis = view, chart, rows, axis
        self.metric, self.reasons = chart["metric"], reasons
        self.steps = _steps(rows, axis)
        self.models = list(dict.fromkeys(row["model"] for row in rows))
        self.absent = [m for m in self.models if any(
            not self.drawn(row) for row in self.of(m))]
        self.log = chart["scale"] == "log" and self._positive()

    def _positive(self):
        return all(row[metric_of(row, self.metric)] > 0 for row in self.rows
                   if self.shown(row))

    def of(self, model):
        return sorted((row for row in self.rows if row["model"] == model),
                      key=lambda row: row[self.axis] or 0)

    def shown(self, row):
        return is_there(row, metric_of(row, self.metric))

    def drawn(self, row):
        return self.shown(row) or self.too_much(row)

    def too_much(self, row):
        """It has no response time: drawn at the upper edge"""
        return not self.shown(row) and is_unsustained(row) \
            and "response" in self.metric

    def place(self, row):
        return self.plot.x(self.steps[row[self.axis] or 0])

    def x(self, row):
        """A little aside, so that bars do not hide each other; further where all cells
        have the same place"""
        step = 2.5 if len(self.steps) > 1 else min(
            30, self.plot.width / (len(self.models) + 1))
        return self.place(row) + step * (self.models.index(row["model"])
                                         - (len(self.models) - 1) / 2)

    def y(self, row):
        return self.plot.y(row[metric_of(row, self.metric)])

    def marks(self, row, tip=None, connections=None):
        return {"m": self.view.model(row), "l": self.view.load(row), "tip": tip,
                "c": connections or row["connections"] or None}

    def draw(self, title, desc):
        if len(self.steps) == 1 and not any(map(self.too_much, self.rows)):
            return one_place.draw(
                self.view, self.chart, self.rows,
                (*_limits(self.rows, self.metric, self.log), self.log),
                self.reasons, title, desc)
        more = ROW * len(self.absent) + (6 if self.absent else 0)
        height = HEIGHT if any(map(self.drawn, self.rows)) else TOP + BOTTOM + 30
        self.drawing = Drawing(WIDTH, height + more, title, desc)
        self.plot = self.drawing.plot(LEFT, RIGHT, TOP, BOTTOM + more)
        self._rules()
        for model in self.models:
            self._bars(model)
            self._line(model)
            self._points(model)
        self._labels()
        self._hatched()
        return self.drawing.svg()

    def _rules(self):
        plot, xs = self.plot, list(self.steps.values())
        room = (max(xs) - min(xs)) * 0.07 or 1
        plot.range_x(min(xs) - room, max(xs) + room)
        if any(self.shown(row) for row in self.rows):
            low, high = _limits(self.rows, self.metric, self.log)
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
            if self.shown(row):
                self.drawing.points([self.x(row)], [self.y(row)], look,
                                    hollow=is_unsustained(row),
                                    **self.marks(row, self._tip(row)))
            elif self.too_much(row):
                aside = self.models.index(model) - (len(self.models) - 1) / 2
                self.drawing.points(
                    [self.x(row) + 9 * aside], [self.plot.top], look, hollow=True,
                    **self.marks(row, f"{self.view.label(row)}: {row['reason']}"))

    def _tip(self, row):
        metric = metric_of(row, self.metric)
        of = row[self.axis] or 0
        what = AXIS_WORDS[self.axis] if of != 1 else \
            re.sub(r"s\b", "", AXIS_WORDS[self.axis], count=1)
        bits = [f"{self.view.label(row)}, {words.count(of)} {what}: "
                f"{words.amount(metric, row[metric])}",
                spread_words(row, metric), f"n = {row['n']:.0f}"]
        return ", ".join(bit for bit in bits if bit)

    def _labels(self):
        last = [[row for row in self.of(model) if self.shown(row)][-1:]
                for model in self.models]
        aside = 1.25 * (len(self.models) - 1)
        self.plot.end_labels([
            (self.place(row), self.y(row), self.view.look(row), self.view.model(row),
             self.view.label(row) + self._signs(row["model"]),
             (row[self.axis] or 0) == max(self.steps), aside) for rows in last for row in rows])

    def _signs(self, model):
        """Signs of its points; signs() explains them"""
        rows = [row for row in self.of(model) if self.shown(row)]
        found = "".join(one_place.signs(row, metric_of(row, self.metric)) for row in rows)
        return "".join(sign for sign in "*?" if sign in found)

    def _hatched(self):
        """Missing values, below the plot, in a row for each model"""
        d, plot = self.drawing, self.plot
        for i, model in enumerate(self.absent):
            top = plot.bottom + BOTTOM + ROW * i
            for row in self.of(model):
                if self.drawn(row):
                    continue
                tip = f"{self.view.label(row)}: {remarks(row, self.metric)}"
                d.hatched(self.place(row) - 14, top, 28, 12, **self.marks(row, tip))
                number = self.reasons.number(row, metric_of(row, self.metric))
                d.text(self.place(row) + 18, top + 6, str(number), size=10,
                       m=self.view.model(row))
            d.text(plot.right + 21, top + 6, self.view.looks[model].label, soft=True,
                   m=self.view.models.index(model))


# -------------------------------------------------------------------------- charts

SIGNS = [
    ('fill-opacity:0', "Hollow: the offered load was not sustained in some blocks; at the "
                       "upper edge, in none."),
    ("*</text>", "*: oversubscribed: the server busy-polls on the generator's CPU; not "
                 "ranked."),
    ("?</text>", "?: some values are uncertain, with fewer than 100 requests beyond the "
                 "percentile.")]


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


def signs(figures, rows):
    """Explains points, bars and the signs that are in a picture"""
    return " ".join([spread_of(rows), *(text for sign, text in SIGNS if any(
        sign in figure.svg for figure in figures))]).strip()


def _row(view, row, metric, axis):
    metric = metric_of(row, metric)
    value = row.get(metric) if row["status"] == "ok" else None
    cells = [(view.label(row), view.model(row)),
             (words.count(row[axis] or 0), row[axis] or 0),
             (view.loads[words.load_key(row)], view.load(row)),
             (words.amount(metric, value), value),
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


def _figure(view, chart, rows, axis, reasons, title):
    one = rows[0]
    caption = family_words(rows, axis)
    svg = Panel(view, chart, rows, axis, reasons).draw(
        f"{title}: {chart['axis']}, {caption}",
        f"{chart['axis']} of each model against {AXIS_WORDS[axis]}; {caption}. "
        f"{chart['better']}. The numbers are in the table below.")
    loads = {view.load(row) for row in rows}
    connections = {row["connections"] for row in rows}
    return Figure(svg, caption, load=view.load(one) if len(loads) == 1 else None,
                  connections=one["connections"] if len(connections) == 1 and
                  one["connections"] else None)


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
    all"""
    if not any(_is_line(rows, axis) for rows in families):
        return families
    return [rows for rows in families
            if _is_line(rows, axis) or _told(view, panels, rows)]


def build_chart(view, panels):
    """A chart, of its panels in charts.csv"""
    name, figures, tables, reasons = panels[0]["chart"], [], [], Reasons()
    every, has_lines = [], False
    found = next((view.finding(p["finding"]) for p in panels if p["finding"]
                  and view.finding(p["finding"])), None)
    title, note = found or (panels[0]["axis"], "")
    for panel in panels:
        for loop in panel["loops"].split():
            axis = AXIS_OF[loop]
            rows = [row for row in view.cells if row["loop"] == loop and (
                row["model"] != "baseline" or panel["loops"] == "closed")]
            every += rows
            for family in drawn(view, panels, view.families(axis, rows), axis):
                figures.append(_figure(view, panel, family, axis, reasons, title))
                has_lines = has_lines or _is_line(family, axis)
            if rows:
                tables.append(table(view, rows, panel["metric"], axis,
                                    panel["axis"]))
    if not figures:
        return None
    read = " ".join(panel[text] for panel in panels for text in (
        ("read", "along") if has_lines else ("read",)) if panel[text])
    return Chart(name, NAMES.get(name, name), title, note, read, figures, tables,
                 reasons.list, signs=signs(figures, every))


#: The same metrics against another part of a setting, if the plan has cells for it
MORE = [("few", "idle", "Active clients among idle ones",
         "The number of active clients is constant, the number of idle ones grows. "
         "A model that scans all its clients spends CPU time on the idle ones with every "
         "request."),
        ("size", "message", "Message size",
         "The same clients with larger requests and replies. The cost of copying is the "
         "same in every model, so differences between models shrink."),
        ("depth", "depth", "Requests in flight",
         "Each client sends this many requests before it waits for a reply. One wait or "
         "one system call may then serve several requests.")]


def _of(chart):
    return next(row for row in style.charts() if row["chart"] == chart)


def _wanted(view, axis):
    """Families that differ in this part; of idle clients, also those that have some"""
    loops = ("closed", "open") if axis == "idle" else ("closed",)
    families = view.families(axis, [row for row in view.cells if row["loop"] in loops
                                    and row["model"] != "baseline"])
    if axis == "idle":
        return [rows for rows in families if any(row["idle"] for row in rows)]
    return [rows for rows in families if len({row[axis] for row in rows}) > 1]


def build_more(view, name, axis, heading, read):
    families = _wanted(view, axis)
    if not families:
        return []
    reasons, figures, tables = Reasons(), [], []
    strangest = max((row for rows in families for row in rows),
                    key=lambda row: row[axis])
    title, note = view.finding("server_cpu", strangest) or (heading, "")
    every = [row for rows in families for row in rows]
    for chart in (_of("throughput"), _of("server_cpu")):
        of = [rows for rows in families if rows[0]["loop"] in chart["loops"].split()]
        figures += [_figure(view, chart, rows, axis, reasons, title) for rows in of]
        if of:
            tables.append(table(view, [row for rows in of for row in rows],
                                chart["metric"], axis, chart["axis"]))
    return [Chart(name, heading, title, note, read, figures, tables, reasons.list,
                  signs=signs(figures, every))]


def build(view):
    by_name = {}
    for row in style.charts():
        if row["chart"] != "calls":
            by_name.setdefault(row["chart"], []).append(row)
    charts = [build_chart(view, panels) for panels in by_name.values()]
    more = [chart for one in MORE for chart in build_more(view, *one)]
    return [chart for chart in charts if chart] + more
