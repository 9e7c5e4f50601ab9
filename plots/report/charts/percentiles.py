# SPDX-License-Identifier: MIT
"""Percentile curves of a setting. The axis is 1 / (1 - p), so that each further nine of
the tail takes the same width.

Solid is response time, dotted service time. The gap is send lag, which a closed-loop
generator cannot see (coordinated omission).
"""

from .. import words
from ..drawing import Drawing, widen
from ..view import Figure, Table

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 340, 62, 104, 30, 54
SHARES = (0.5, 0.9, 0.99, 0.999, 0.9999)
NAMED = [(2, "50 %"), (10, "90 %"), (100, "99 %"), (1e3, "99.9 %"),
         (1e4, "99.99 %"), (1e5, "99.999 %"), (1e6, "99.9999 %"), (1e7, "5 nines")]
READ = ("All requests of all blocks together. The tail is on the right: one "
        "request in a hundred takes longer than the value at 99 %. A curve that stays "
        "flat further to the right is better. A faint curve is uncertain: fewer than 100 "
        "requests are beyond it. ")
GAP = ("Solid: response time, from when a request was due. Dotted: service time, from when "
       "it was sent. A closed-loop test sees only the dotted curve.")


def _split(curve, total):
    """(points with at least 100 requests beyond them, the others)"""
    sure = [point for point in curve if point[0] <= total / 100]
    return sure, curve[max(0, len(sure) - 1):]


def _curve(d, plot, view, row, of, dash):
    for points, alpha in zip(_split(of.curve(), of.total), (None, 0.4)):
        if len(points) > 1:
            d.line([plot.x(x) for x, _ in points], [plot.y(y) for _, y in points],
                   view.look(row).paint, 1.6, dash, alpha, m=view.model(row))


def _points(d, plot, view, row, of):
    for share in SHARES:
        if of.total * (1 - share) < 100 - 1e-6:
            continue
        value = of.percentile(share)
        d.points([plot.x(1 / (1 - share))], [plot.y(value)], view.look(row), 6,
                 m=view.model(row), tip=f"{view.label(row)}: {share * 100:g} % within "
                                        f"{words.amount('_ns', value)}")


def _plot(d, every):
    """With the scales of all models"""
    plot = d.plot(LEFT, RIGHT + d.width - WIDTH, TOP, BOTTOM)
    most = max(of.total for _, of, _ in every)
    values = [x for _, *kinds in every for of in kinds if of
              for x in (of.curve()[0][1], of.highest[-1])]
    plot.range_x(1, most * 1.05, log=True)
    low, high = max(1, min(values)) / 1.2, max(values) * 1.2
    plot.scale_y("_ns", low, max(high, low * 10), True)
    ticks = [(x, name) for x, name in NAMED if x <= most]
    plot.rule_x([x for x, _ in ticks], [name if len(name) < 6 else ""
                                        for _, name in ticks])
    for i, (x, name) in enumerate(ticks):
        if len(name) >= 6:
            d.text(plot.x(x), plot.bottom + 13 + 12 * (i % 2), name, soft=True,
                   ha="center")
    plot.head("response time – less is better")
    d.text((plot.left + plot.right) / 2, plot.bottom + 39, "percentile",
           soft=True, ha="center")
    return plot


def figures(view, rows, title, all_times):
    """`all_times`: {cell: (response, service)}, each of times.merged(). A figure, or one for
    each group of models"""
    every = [(row, *all_times[row["cell"]]) for row in rows
             if all_times.get(row["cell"], (None,))[0]]
    return [_figure(view, [one for one in every if one[0] in of], every, title, name)
            for name, of in view.groups([row for row, *_ in every]) if of]


def _figure(view, found, every, title, name):
    where = words.setting_words(found[0][0])
    more = widen([view.label(row) for row, *_ in every], RIGHT - 22)
    d = Drawing(WIDTH + more, max(HEIGHT, TOP + BOTTOM + 15 * (len(found) + 1)),
                f"{title}: percentiles, {where}",
                "Response time of each model at each percentile. The numbers are in the "
                "table below.")
    plot = _plot(d, every)
    for row, response, service in found:
        _curve(d, plot, view, row, response, "solid")
        if service:
            _curve(d, plot, view, row, service, (0, (1, 1.6)))
        _points(d, plot, view, row, response)
    ends = [(row, plot.x(of.curve()[-1][0]), plot.y(of.curve()[-1][1]))
            for row, of, _ in found]
    plot.end_labels([(x, y, view.look(row), view.model(row), view.label(row),
                      x > plot.right - 30, 0) for row, x, y in ends])
    return Figure(d.svg(), name)


def _quoted(of, share):
    """A percentile, if at least 100 requests are beyond it"""
    if not of or of.total * (1 - share) < 100 - 1e-6:
        return "–", None
    value = of.percentile(share)
    return words.amount("_ns", value), value


def table(view, rows, all_times):
    columns = [("model", True), ("time", False), ("requests", True),
               *[(f"{share * 100:g} %", True) for share in SHARES],
               ("longest", True)]
    found = []
    for row in rows:
        for kind, of in zip(("response", "service"),
                            all_times.get(row["cell"], (None, None))):
            if of is None and kind == "service":
                continue
            longest = float(of.highest[-1]) if of else None
            found.append((view.data(row), [
                (view.label(row), view.model(row)), (kind, None),
                (words.count(of.total) if of else "–", of.total if of else None),
                *[_quoted(of, share) for share in SHARES],
                (words.amount("_ns", longest), longest)]))
    return Table(columns, found)


def has_service(rows, all_times):
    return any(all_times.get(row["cell"], (None, None))[1] for row in rows)
