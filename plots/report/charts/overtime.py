# SPDX-License-Identifier: MIT
"""Response time over time, as a heat map of the windows of all blocks, side by side.

It shows what an overall percentile hides: a stall is a tall column, a warm-up that was
too short a slope, a bimodal server two bands.
"""

import statistics

import numpy as np

from .. import style, times, words
from ..drawing import Drawing
from ..view import Figure, Table

WIDTH, LEFT, RIGHT, TOP, BOTTOM, ROW, GAP = 460, 82, 78, 28, 24, 40, 10
DARKEST = 0.35  # of a slice's requests
READ = ("The horizontal axis is time: the measurement windows of the valid blocks, one "
        "after the other, in slices. The vertical axis is response time, logarithmic. "
        "A darker field means that more of the slice's requests took this long. A tall "
        "column is a stall, a slope a warm-up that was too short.")


def _worst(of):
    """(p99 of the median slice, p99 of the worst slice), in ns"""
    if not of:
        return None, None
    image = np.concatenate(of, axis=1)
    image = image[:, image.sum(axis=0) > 0]
    if not image.size:
        return None, None
    beyond = np.cumsum(image[::-1], axis=0) > image.sum(axis=0) / 100
    rows = times.ROWS - 1 - np.argmax(beyond, axis=0)
    found = [times.time_of(row) for row in rows]
    return statistics.median(found), max(found)


def _strip(d, view, row, of, top, low, high):
    image, m = np.concatenate(of, axis=1)[low:high + 1][::-1], view.model(row)
    width = WIDTH - LEFT - RIGHT
    share = image / np.maximum(1, image.sum(axis=0))
    d.picture(share / DARKEST, LEFT, top, width, ROW, m=m)
    ends = np.cumsum([part.shape[1] for part in of])[:-1] / image.shape[1]
    for end in ends:
        d.line([LEFT + width * end] * 2, [top, top + ROW], style.page("soft"), 0.8,
               alpha=0.7, m=m)
    for time, y in ((high, top + 5), (low, top + ROW - 5)):
        d.text(LEFT + width + 5, y, words.amount("_ns", times.time_of(time)), size=9,
               soft=True, m=m)


def _rows(found):
    """(row of the shortest time, row of the longest)"""
    used = [row for _, of in found for image in of
            for row in np.flatnonzero(image.sum(axis=1))]
    return (min(used), max(used)) if used else None


def figure(view, rows, of_cells, reasons):
    """`of_cells`: {cell: [slices of each block]}, each of times.slices()"""
    found = [(row, of_cells.get(row["cell"], [])) for row in rows]
    limits = _rows(found)
    if not limits:
        return None
    d = Drawing(WIDTH, TOP + BOTTOM + len(found) * (ROW + GAP),
                f"Response time over time, {words.setting_words(rows[0])}",
                "The response times of each model in each slice of each block. The "
                "numbers are in the table below.")
    d.text(4, TOP - 16, "response time – less and steadier is better")
    for i, (row, of) in enumerate(found):
        top = TOP + i * (ROW + GAP)
        d.text(LEFT - 10, top + ROW / 2, view.label(row), ha="right",
               m=view.model(row))
        if of:
            _strip(d, view, row, of, top, *limits)
        else:
            _absent(d, view, row, top, reasons)
    d.text((LEFT + WIDTH - RIGHT) / 2, d.height - 12, "time; vertical lines separate blocks",
           ha="center", soft=True)
    return Figure(d.svg())


def _absent(d, view, row, top, reasons):
    m, right = view.model(row), WIDTH - RIGHT
    d.hatched(LEFT, top, right - LEFT, ROW, m=m)
    text = f"{reasons.number(row)} {row['status']}" if row["status"] != "ok" else \
        "no histograms"
    d.text(right + 5, top + ROW / 2, text, size=9, soft=True, m=m)


def title(view, found):
    """The largest swing, in words; not tested for significance"""
    swings = []
    for row, of in found:
        usual, worst = _worst(of)
        if usual:
            swings.append((worst / usual, view.label(row)))
    if not swings:
        return "The histograms of this run have no time series"
    most, least = max(swings), min(swings)
    if most[0] < 2:
        return (f"No stall: the worst slice of any model has at most "
                f"{words.ratio(most[0])} times the p99 of its median slice")
    text = (f"The worst slice of {most[1]} has {words.ratio(most[0])} times the p99 of its "
            f"median slice")
    return text if most == least else f"{text}, that of {least[1]} {words.ratio(least[0])} times"


def table(view, rows, of_cells):
    found = []
    for row in rows:
        of = of_cells.get(row["cell"], [])
        usual, worst = _worst(of)
        n = sum(image.shape[1] for image in of)
        found.append((view.data(row), [
            (view.label(row), view.model(row)), (words.count(n), n),
            (words.amount("_ns", usual), usual), (words.amount("_ns", worst), worst),
            (words.ratio(worst / usual) if usual else "–",
             worst / usual if usual else None)]))
    return Table([("model", True), ("slices", True), ("p99 of the median slice", True),
                  ("p99 of the worst slice", True), ("worst / median", True)], found)
