# SPDX-License-Identifier: MIT
"""Every block of a setting as a dot, with the median and its interval."""

from .. import style, words
from ..drawing import Drawing, widen
from ..view import (Figure, Table, amount, is_there, metric_of, remarks, spread,
                    spread_words, why_absent)

WIDTH, LEFT, RIGHT, TOP, BOTTOM, ROW = 400, 82, 26, 28, 26, 26

METRICS = {
    "closed": [("requests_per_second", "replies per second", "more is better"),
               ("response_p99_ns", "p99 response time", "less is better"),
               ("server_cpu_per_request_ns", "server CPU time per request",
                "less is better")],
    "open": [("response_p50_ns", "median response time", "less is better"),
             ("response_p99_ns", "p99 response time", "less is better"),
             ("server_cpu_per_request_ns", "server CPU time per request",
              "less is better")],
}
READ = ("A dot is a block: a fresh server. The vertical line is the median, the bar its "
        "95 % interval (none below 6 blocks). A ring is the A/A twin in the same block: it "
        "shows how much a model differs from itself. Drift from block to block is in all "
        "models, and not in their ratios.")


class Values:
    """The numbers of one cell, and of its A/A twin"""

    def __init__(self, view, row, metric):
        def numbers(repetitions):
            values = (r["metrics"].get(metric) for r in repetitions)
            return [value for value in values if value is not None]
        timed = view.counted(row, "timing", "baseline")
        again = view.counted(row, "aa")
        self.row = row
        self.counted, self.again = numbers(timed.values()), numbers(again.values())


def _limits(values):
    every = [x for v in values for x in v.counted + v.again]
    if not every:
        return 0, 1, False
    log = min(every) > 0 and max(every) > 8 * min(every)
    if log:
        return min(every) / 1.15, max(every) * 1.15, True
    return 0, max(every) * 1.06 or 1, False


class Panel:
    def __init__(self, view, rows, metric):
        self.view, self.rows = view, rows
        self.metric = metric_of(next((r for r in rows if r["status"] == "ok"),
                                     rows[0]), metric)
        self.values = [Values(view, row, self.metric) for row in rows]

    def draw(self, head, better, title, desc):
        height = TOP + BOTTOM + ROW * len(self.rows)
        more = widen(map(self.view.label, self.rows), LEFT - 10)
        self.drawing = Drawing(WIDTH + more, height, title, desc)
        self.plot = self.drawing.plot(LEFT + more, RIGHT, TOP, BOTTOM)
        self.plot.scale_x(self.metric, *_limits(self.values))
        self.plot.head(f"{head} – {better}")
        for i, values in enumerate(self.values):
            self._model(TOP + (i + 0.5) * ROW, values)
        return self.drawing.svg()

    def _model(self, y, values):
        row, m = values.row, self.view.model(values.row)
        self.drawing.text(self.plot.left - 10, y, self.view.label(row), ha="right", m=m)
        self._cloud(y, values, m)
        if is_there(row, self.metric):
            self._summary(y, row, m)
        else:
            self._absent(y, row, m)

    def _cloud(self, y, values, m):
        """Dots below each other in the order of the blocks, so that none hides another"""
        def places(numbers):
            n = len(numbers)
            return ([self.plot.x(x) for x in numbers],
                    [y + ROW * (0.6 * (k + 0.5) / n - 0.3) for k in range(n)])
        look = self.view.look(values.row)
        if values.again:
            self.drawing.rings(*places(values.again), look.paint, m=m)
        if values.counted:
            self.drawing.points(*places(values.counted), look, 4.5, m=m)

    def _summary(self, y, row, m):
        plot, look = self.plot, self.view.look(row)
        low, high, interval = spread(row, self.metric)
        if interval:
            self.drawing.line([plot.x(low), plot.x(high)], [y, y], look.paint, 7,
                              alpha=0.3, m=m)
        self.drawing.line(
            [plot.x(row[self.metric])] * 2, [y - 0.42 * ROW, y + 0.42 * ROW],
            style.page("ink"), 1.6, m=m, tip=f"{look.label}: "
            f"{words.amount(self.metric, row[self.metric])}, "
            f"{spread_words(row, self.metric)}, n = {row['n']:.0f}")

    def _absent(self, y, row, m):
        self.drawing.text(self.plot.left + 8, y, f"missing: {why_absent(row, self.metric)[0]}",
                          soft=True, over=True, m=m)


def figures(view, rows):
    """A figure for each metric of this setting"""
    found = []
    where = words.setting_words(rows[0])
    for metric, head, better in METRICS[rows[0]["loop"]]:
        panel = Panel(view, rows, metric)
        if panel.metric != metric:
            head = head.replace("response", "service")
        svg = panel.draw(head, better, f"All blocks: {head}, {where}",
                         f"A dot for each block of each model, with the "
                         f"median; {better}. The numbers are in the table below.")
        found.append(Figure(svg))
    return found


def _cells(view, row, metric):
    every = Values(view, row, metric).counted
    there = row["status"] == "ok"
    value = row.get(metric) if there else None
    return [(view.label(row), view.model(row)),
            (amount(row, metric) if value is not None else "–", value),
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
