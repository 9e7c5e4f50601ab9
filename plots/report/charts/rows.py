# SPDX-License-Identifier: MIT
"""A metric of each model at a single place: a row for each model, with its number. With
several places, lines.py draws lines."""

from .. import style
from ..drawing import Drawing, widen
from ..view import (amount, bound_of, is_hollow, is_there, metric_of, spread,
                    spread_words, why_absent)

WIDTH, LEFT, RIGHT, TOP, BOTTOM, ROW = 460, 92, 92, 30, 26, 26


def draw(view, chart, rows, range_of, title, desc):
    """`range_of`: lowest and highest number, whether the axis is logarithmic"""
    more = widen(map(view.label, rows), LEFT - 10)
    d = Drawing(WIDTH + more, TOP + BOTTOM + ROW * len(rows), title, desc)
    plot = d.plot(LEFT + more, RIGHT, TOP, BOTTOM)
    if any(is_there(row, metric_of(row, chart["metric"])) for row in rows):
        plot.scale_x(chart["metric"], *range_of)
    plot.head(f"{chart['axis']} – {chart['better']}")
    for i, row in enumerate(rows):
        y, metric = plot.top + (i + 0.5) * ROW, metric_of(row, chart["metric"])
        m = view.model(row)
        d.line([plot.left, plot.right], [y, y], style.page("grid"), 0.8, m=m)
        d.text(plot.left - 10, y, view.label(row), ha="right", m=m)
        if is_there(row, metric):
            _row(d, plot, view, row, metric, y, range_of)
        else:
            d.text(plot.left + 8, y, _shortened(": ".join(filter(None, [
                "missing", *why_absent(row, metric)]))), soft=True, over=True, m=m)
    return d.svg()


def _row(d, plot, view, row, metric, y, range_of):
    m, look, (lowest, _, log) = view.model(row), view.look(row), range_of
    low, high, _ = spread(row, metric)
    if low is not None:
        low = max(low, lowest) if log else low
        d.line([plot.x(low), plot.x(high)], [y, y], look.paint, 6, alpha=0.35, m=m)
    tip = ", ".join(filter(None, [
        f"{look.label}: {amount(row, metric)}",
        spread_words(row, metric), f"n = {row['n']:.0f}"]))
    d.points([plot.x(row[metric])], [y], look, hollow=is_hollow(row, metric), m=m, tip=tip)
    if bound_of(row, metric):
        d.arrow(plot.x(row[metric]), y, 26 * bound_of(row, metric), 0, look.paint, m=m)
    unsure = "?" if metric in row["unsure"].split() else ""
    d.text(plot.right + 12, y, amount(row, metric) + unsure, m=m)


def _shortened(text):
    """To the width of a picture; the table has all of it"""
    return text if len(text) < 55 else text[:54].rstrip(" ,:;") + "…"
