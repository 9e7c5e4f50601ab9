# SPDX-License-Identifier: MIT
"""What the models are made of: the rows of primitives.csv. Waiting for one ready descriptor
of many, beside the figures of 2006 (plots/kerrisk.csv); the other primitives as a table."""

import functools

from .. import style, words
from ..drawing import Drawing
from ..view import Chart, Figure, Table

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 300, 62, 118, 30, 42
TEXTBOOK = ("select", "poll", "epoll")
LOOK_OF = {"uring_oneshot": "uring"}
LARGE = {"select_large": "select"}  # from 1,024 on, with a bitmap that is larger than fd_set
READ = ("Both axes are logarithmic: a line that rises tenfold with tenfold descriptors is "
        "proportional to them, a flat one does not depend on them. Hollow and dashed: 2006, "
        "M. Kerrisk, linux.conf.au, CPU time of 100,000 waits on a computer of that time, so "
        "compare the slopes and not the heights. select beyond 1,024 descriptors uses a bitmap "
        "that is larger than fd_set. Bars: 95 % interval over repetitions.")


def _paint(method):
    name = LOOK_OF.get(method, method)
    return style.looks([name])[name]


@functools.cache
def kerrisk():
    """{method: {watched: ns}}"""
    found = {}
    for row in style.rows("kerrisk.csv"):
        found.setdefault(row["method"], {})[int(row["watched"])] = \
            float(row["seconds"]) * 1e9 / 100000
    return found


def _waits(rows, is_wanted):
    """{method: {watched: row}} of those that were measured"""
    found = {}
    for row in rows:
        if row["primitive"] == "wait" and row["value"] and is_wanted(row) and \
                row["watched"] and row["watched"] >= 10:
            found.setdefault(LARGE.get(row["method"], row["method"]), {})[int(row["watched"])] = row
    return found


class _Line:
    """Points of a method: (watched, ns, low, high)"""

    def __init__(self, method, points, old=False):
        self.method, self.points, self.old = method, sorted(points), old
        self.look = _paint(method)
        self.label = f"{method} 2006" if old else method


def _line(method, of, share=lambda row: 1):
    return _Line(method, [(n, *(row[key] / share(row) if row[key] else None
                                for key in ("value", "low", "high")))
                          for n, row in of.items()])


def _picture(lines, head, title):
    values = [x for line in lines for point in line.points for x in point[1:] if x]
    places = sorted({point[0] for line in lines for point in line.points})
    d = Drawing(WIDTH, HEIGHT, title, f"{head}, against the number of descriptors. "
                                      "The numbers are in the table below.")
    plot = d.plot(LEFT, RIGHT, TOP, BOTTOM)
    plot.range_x(places[0] / 1.5, places[-1] * 1.5, True)
    plot.scale_y("_ns", min(values) / 1.5, max(values) * 1.5, True)
    plot.rule_x(places, [words.count(n) for n in places])
    plot.head(f"{head} – less is better")
    d.text((plot.left + plot.right) / 2, plot.bottom + 30, "descriptors", soft=True,
           ha="center")
    for line in lines:
        _draw(d, plot, line)
    plot.end_labels([(plot.x(line.points[-1][0]), plot.y(line.points[-1][1]), line.look, None,
                      line.label, True, 0) for line in lines])
    return d.svg()


def _draw(d, plot, line):
    xs = [plot.x(n) for n, *_ in line.points]
    ys = [plot.y(value) for _, value, *_ in line.points]
    d.line(xs, ys, line.look.paint, 1.2 if line.old else 1.8,
           (0, (2, 3)) if line.old else "solid")
    for x, y, (n, value, low, high) in zip(xs, ys, line.points):
        if low and high:
            d.line([x, x], [plot.y(low), plot.y(high)], line.look.paint, 4, alpha=0.35)
        d.points([x], [y], line.look, 6.5, hollow=line.old,
                 tip=f"{line.label}, {words.count(n)}: {words.amount('_ns', value)}")


def figures(rows):
    one = _waits(rows, lambda row: row["ready"] == 1)
    every = _waits(rows, lambda row: row["ready"] == row["watched"])
    now = [_line(method, one[method]) for method in TEXTBOOK if method in one]
    then = [_Line(method, [(n, ns, None, None) for n, ns in kerrisk()[method].items()], True)
            for method in TEXTBOOK if method in one]
    found = []
    if now:
        head = "time of a wait, one descriptor ready"
        found.append(Figure(_picture(now + then, head, f"{head}: now and in 2006"),
                            "select, poll and epoll: this machine, and 2006"))
    if len(one) > len(now):
        found.append(Figure(_picture([_line(*of) for of in one.items()], head := (
            "time of a wait, one descriptor ready"), f"{head}: all methods"), "All methods"))
    if every:
        head = "time of a wait for each descriptor, all ready"
        found.append(Figure(_picture([_line(*of, share=lambda row: row["watched"])
                                      for of in every.items()], head, head),
                            "All descriptors ready"))
    return found


def _amount(row, x):
    if x is None:
        return "–"
    unit = row["unit"]
    return words.amount("_ns", x) if unit == "ns" else \
        words.count(x) if unit == "count" else f"{words.digits(x)} {unit}"


def _textbook_table(rows):
    """Kerrisk's table"""
    one = _waits(rows, lambda row: row["ready"] == 1)
    columns, lines = [("descriptors", True)], []
    for method in TEXTBOOK:
        columns += [(method, True), (f"{method} 2006", True)]
    columns += [("poll / epoll", True), ("2006", True)]
    for n in sorted({n for method in TEXTBOOK for n in one.get(method, {})}):
        cells, ratio = [(words.count(n), n)], {}
        for method in TEXTBOOK:
            row, old = one.get(method, {}).get(n), kerrisk()[method].get(n)
            cells += [(_amount(row, row["value"]), row["value"]) if row else ("–", None),
                      (words.amount("_ns", old), old)]
            ratio[method] = row["value"] if row else None, old
        for now in (0, 1):
            a, b = ratio["poll"][now], ratio["epoll"][now]
            cells.append((f"×{words.digits(a / b)}", a / b) if a and b else ("–", None))
        lines.append(({}, cells))
    return Table(columns, lines, "select, poll and epoll, one descriptor ready", folded=False)


def _number(x):
    return ("", None) if x is None else (words.count(x), x)


def _table(rows):
    lines = []
    for row in rows:
        interval = f"{_amount(row, row['low'])} – {_amount(row, row['high'])}" \
            if row["low"] is not None and row["high"] is not None else ""
        calls = row["calls"]
        lines.append(({}, [
            (row["primitive"], None), (row["method"], None), _number(row["watched"]),
            _number(row["ready"]), _number(row["count"]),
            (_amount(row, row["value"]), row["value"]), (interval, row["low"]),
            ("–", None) if calls is None else (words.digits(calls), calls),
            (row["why"], None)]))
    return Table([("primitive", False), ("method", False), ("watched", True), ("ready", True),
                  ("count", True), ("median", True), ("95 % interval", True),
                  ("system calls", True), ("why not", False)], lines, "all")


def _title(rows):
    """poll and epoll at the most descriptors that both were measured with"""
    one = _waits(rows, lambda row: row["ready"] == 1)
    both = set(one.get("poll", {})) & set(one.get("epoll", {}))
    if not both:
        return "What the models are made of"
    n = max(both)
    poll, epoll = (one[method][n]["value"] for method in ("poll", "epoll"))
    return (f"To find the one that is ready among {words.count(n)} descriptors, poll takes "
            f"{words.amount('_ns', poll)}, epoll {words.amount('_ns', epoll)}")


def build(view):
    rows = view.run.primitives
    if not rows:
        return []
    tables = [table for table in (_textbook_table(rows), _table(rows)) if table.rows]
    missing = {}
    for row in rows:
        if row["value"] is None:
            missing.setdefault(row["why"] or "no reason was recorded", {})[
                f"{row['primitive']} {row['method']}"] = None
    return [Chart("primitives", "Primitives", _title(rows), "", READ, figures(rows), tables,
                  [f"{', '.join(names)}: {why}" for why, names in missing.items()],
                  beside=False)]
