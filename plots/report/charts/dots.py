# SPDX-License-Identifier: MIT
"""Every repetition of a setting as a dot, with the median, its interval and the A/A
band: what the sentences above the other charts are made of.
"""

import math

from .. import drawing, stats, style, words
from ..drawing import Drawing
from ..reduce import by_block, counts
from ..view import (Figure, Table, is_there, metric_of, remarks, spread,
                    spread_words)

WIDTH, LEFT, RIGHT, TOP, BOTTOM, ROW = 400, 82, 26, 28, 26, 26

METRICS = {
    "closed": [("requests_per_second", "replies a second", "more is better"),
               ("response_p99_ns", "p99 of the response time", "less is better"),
               ("server_cpu_per_request_ns", "CPU of the server a request",
                "less is better")],
    "open": [("response_p50_ns", "median response time", "less is better"),
             ("response_p99_ns", "p99 of the response time", "less is better"),
             ("server_cpu_per_request_ns", "CPU of the server a request",
              "less is better")],
}
READ = ("A dot is a repetition: a server of its own, in another block. The line is "
        "their median, the bar its 95 % interval (there is none below 6 blocks). "
        "Crosses do not count; rings are the same model once more in the same block. "
        "The shaded band is how far one model differs from itself, around the "
        "median of {reference}: what lies in it cannot be told from it.")


class Values:
    """What one model had: a number for each block that counts, and what does not"""

    def __init__(self, view, row, metric):
        of = view.of_cell.get(row["cell"], [])
        timed = by_block(of, "timing", "ceiling")
        again = by_block(of, "aa")
        self.row = row
        self.counted = _numbers(timed.values(), metric)
        self.again = _numbers(again.values(), metric)
        self.invalid = _numbers((r for r in of if r["role"] in (
            "timing", "ceiling", "aa") and not counts(r)), metric)
        self.pairs = [(timed[b]["metrics"].get(metric), again[b]["metrics"].get(metric))
                      for b in timed if b in again]


def _numbers(repetitions, metric):
    values = (r["metrics"].get(metric) for r in repetitions)
    return [value for value in values if value is not None]


def reference(rows):
    """The model that others are compared with: epoll, or the first"""
    models = [row["model"] for row in rows if row["model"] != "null"]
    return "epoll" if "epoll" in models else models[0] if models else ""


def band(view, rows, metric):
    """How far apart a model is from itself in this setting, over as many blocks"""
    values = [Values(view, row, metric) for row in rows]
    pairs = [(a, b) for v in values for a, b in v.pairs if a and b]
    blocks = max((len(v.counted) for v in values), default=0)
    return stats.band(pairs, blocks), len(pairs)


def _limits(values):
    every = [x for v in values for x in v.counted + v.again + v.invalid]
    if not every:
        return 0, 1, False
    log = min(every) > 0 and max(every) > 8 * min(every)
    if log:
        return min(every) / 1.15, max(every) * 1.15, True
    return 0, max(every) * 1.06 or 1, False


class Panel:
    def __init__(self, view, rows, metric, reasons):
        self.view, self.rows, self.reasons = view, rows, reasons
        self.metric = metric_of(next((r for r in rows if r["status"] == "ok"),
                                     rows[0]), metric)
        self.values = [Values(view, row, self.metric) for row in rows]

    def draw(self, head, better, title, desc):
        height = TOP + BOTTOM + ROW * len(self.rows)
        self.drawing = Drawing(WIDTH, height, title, desc)
        self.axes = axes = self.drawing.axes(LEFT, RIGHT, TOP, BOTTOM)
        axes.set_ylim(len(self.rows) - 0.5, -0.5)
        low, high, log = _limits(self.values)
        drawing.scale_x(axes, self.metric, low, high, log)
        drawing.text(axes, 0, 1, f"{head} – {better}", dx=-LEFT + 4, dy=12,
                     transform=axes.transAxes)
        self._band(low, high)
        for i, values in enumerate(self.values):
            self._model(i, values)
        return self.drawing.svg()

    def _band(self, low, high):
        wide, _ = band(self.view, self.rows, self.metric)
        name = reference(self.rows)
        row = next((r for r in self.rows if r["model"] == name), None)
        if wide is None or not row or not is_there(row, self.metric):
            return
        middle = row[self.metric]
        self.drawing.mark(self.axes.axvspan(
            max(low, middle / wide), min(high, middle * wide), zorder=0,
            color=self.view.looks[name].paint, alpha=0.14, linewidth=0),
            tip=f"A/A band: {self.view.looks[name].label} / {words.ratio(wide)} to "
                f"x {words.ratio(wide)}")

    def mark(self, artist, row, tip=None):
        return self.drawing.mark(artist, model=self.view.model(row), tip=tip)

    def _model(self, i, values):
        axes, row = self.axes, values.row
        look = self.view.look(row)
        self.mark(drawing.text(axes, 0, i, look.label, dx=-10, ha="right",
                               va="center_baseline",
                               transform=axes.get_yaxis_transform()), row)
        self._cloud(i, values, look)
        if is_there(row, self.metric):
            self._summary(i, row, look)
        else:
            self._absent(i, row)

    def _cloud(self, i, values, look):
        """Dots one below the other in the order of the blocks, so that none hides
        another"""
        def heights(n):
            return [i - 0.3 + 0.6 * (k + 0.5) / n for k in range(n)]
        kinds = [(values.invalid, dict(marker="x", color=style.page("soft"),
                                       markersize=4, markeredgewidth=0.8)),
                 (values.again, dict(marker="o", color=look.paint, markersize=4.5,
                                     fillstyle="none", markeredgewidth=0.9)),
                 (values.counted, dict(marker=look.marker, color=look.paint,
                                       markersize=4.5, markeredgewidth=0.8))]
        for numbers, kwargs in kinds:
            if numbers:
                dots, = self.axes.plot(numbers, heights(len(numbers)), ls="none",
                                       **kwargs)
                self.mark(dots, values.row)

    def _summary(self, i, row, look):
        low, high, interval = spread(row, self.metric)
        if interval:
            bar, = self.axes.plot([low, high], [i, i], linewidth=7, alpha=0.3,
                                  color=look.paint, solid_capstyle="butt")
            self.mark(bar, row)
        line, = self.axes.plot([row[self.metric]] * 2, [i - 0.42, i + 0.42],
                               color=style.page("ink"), linewidth=1.6)
        self.mark(line, row, tip=f"{look.label}: "
                  f"{words.amount(self.metric, row[self.metric])}, "
                  f"{spread_words(row, self.metric)}, n = {row['n']:.0f}")

    def _absent(self, i, row):
        axes = self.axes
        across = axes.get_yaxis_transform()
        self.mark(drawing.hatched(axes, 0, i - 0.22, 28 / axes.size[0], 0.44,
                                  transform=across), row,
                  tip=remarks(row, self.metric))
        self.mark(drawing.text(
            axes, 28 / axes.size[0], i, f"{self.reasons.number(row)} {row['status']}",
            dx=4, va="center_baseline", transform=across, soft=True), row)


def figures(view, rows, reasons):
    """One for each metric of this setting"""
    found = []
    where = words.setting_words(rows[0])
    for metric, head, better in METRICS[rows[0]["loop"]]:
        panel = Panel(view, rows, metric, reasons)
        if panel.metric != metric:
            head = head.replace("response", "service")
        svg = panel.draw(head, better, f"Every repetition: {head}, {where}",
                         f"A dot for each repetition of each model, with their "
                         f"median; {better}. The numbers are in the table below.")
        found.append(Figure(svg))
    return found


def _cells(view, row, metric):
    values = Values(view, row, metric)
    there = row["status"] == "ok"
    value = row.get(metric) if there else None
    every = values.counted
    return [(view.label(row), view.model(row)),
            (words.amount(metric, value), value),
            (spread_words(row, metric) if there else "", spread(row, metric)[0]),
            (words.amount(metric, min(every)) if every else "",
             min(every, default=None)),
            (words.amount(metric, max(every)) if every else "",
             max(every, default=None)),
            (f"{len(every)}", len(every)), (remarks(row, metric), None)]


def tables(view, rows):
    found = []
    for metric, head, _ in METRICS[rows[0]["loop"]]:
        of = [(row, metric_of(row, metric)) for row in rows]
        columns = [("model", True), (head, True), ("95 % interval", True),
                   ("lowest", True), ("highest", True), ("n", True),
                   ("remarks", False)]
        found.append(Table(columns, [(view.data(row), _cells(view, row, m))
                                     for row, m in of]))
    return found


def band_words(view, rows):
    """What the A/A pairs of this setting say, a sentence for each metric"""
    found = []
    for metric, head, _ in METRICS[rows[0]["loop"]]:
        metric = metric_of(rows[0], metric)
        wide, n = band(view, rows, metric)
        if wide is None:
            found.append(f"{head}: none ({words.many(n, 'A/A pair')})")
        else:
            found.append(f"{head}: / or x {words.ratio(math.fabs(wide))} "
                         f"({words.many(n, 'pair')})")
    return "A/A band of " + "; ".join(found) + "."
