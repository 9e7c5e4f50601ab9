# SPDX-License-Identifier: MIT
"""Every repetition of a setting as a dot, with the median, its interval and the A/A
band: what the sentences above the other charts are made of.
"""

from .. import stats, style, words
from ..drawing import Drawing
from ..reduce import by_block, counts
from ..view import (Figure, Table, is_there, metric_of, remarks, spread,
                    spread_words, why_absent)

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
    models = [row["model"] for row in rows if row["model"] != "baseline"]
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
        self.plot = self.drawing.plot(LEFT, RIGHT, TOP, BOTTOM)
        low, high, log = _limits(self.values)
        self.plot.scale_x(self.metric, low, high, log)
        self.plot.head(f"{head} – {better}")
        self._band(low, high)
        for i, values in enumerate(self.values):
            self._model(TOP + (i + 0.5) * ROW, values)
        return self.drawing.svg()

    def _band(self, low, high):
        wide, _ = band(self.view, self.rows, self.metric)
        name = reference(self.rows)
        row = next((r for r in self.rows if r["model"] == name), None)
        if wide is None or not row or not is_there(row, self.metric):
            return
        plot, middle = self.plot, row[self.metric]
        left, right = (plot.x(max(low, middle / wide)),
                       plot.x(min(high, middle * wide)))
        look = self.view.looks[name]
        self.drawing.rectangle(
            left, plot.top, right - left, plot.height, look.paint, alpha=0.14,
            tip=f"A/A band: {look.label} ÷ or × {words.ratio(wide)}")

    def _model(self, y, values):
        row, m = values.row, self.view.model(values.row)
        self.drawing.text(LEFT - 10, y, self.view.label(row), ha="right", m=m)
        self._cloud(y, values, m)
        if is_there(row, self.metric):
            self._summary(y, row, m)
        else:
            self._absent(y, row, m)

    def _cloud(self, y, values, m):
        """Dots one below the other in the order of the blocks, so that none hides
        another"""
        def places(numbers):
            n = len(numbers)
            return ([self.plot.x(x) for x in numbers],
                    [y + ROW * (0.6 * (k + 0.5) / n - 0.3) for k in range(n)])
        look = self.view.look(values.row)
        if values.invalid:
            self.drawing.crosses(*places(values.invalid), m=m)
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
        self.drawing.hatched(LEFT, y - 6, 28, 12, m=m, tip=remarks(row, self.metric))
        self.drawing.text(LEFT + 32, y, f"{self.reasons.number(row, self.metric)} "
                          f"{why_absent(row, self.metric)[0]}", soft=True, m=m)


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
            found.append(f"{head}: ÷ or × {words.ratio(wide)} "
                         f"({words.many(n, 'pair')})")
    return "A/A band of " + "; ".join(found) + "."
