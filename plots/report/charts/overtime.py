# SPDX-License-Identifier: MIT
"""Response times over time, as a heat map: windows of all blocks, side by side.

What a percentile of the whole hides stands here: a stall is a column that reaches
up, a warm-up that was too short a slope, a server with two minds two bands.
"""

import numpy as np

from .. import drawing, stats, style, times, words
from ..drawing import Drawing
from ..reduce import by_block
from ..view import Figure, Table

WIDTH, LEFT, RIGHT, TOP, BOTTOM, ROW, GAP = 460, 82, 56, 28, 24, 40, 10
READ = ("From left to right: the windows of the blocks that count, one after the "
        "other, each in slices of time. Upwards: response time, by powers of two. "
        "The darker, the more of a slice's requests took so long. Look for columns "
        "that reach up (stalls) and for slopes (not warm yet).")


def columns(repetitions, files):
    """Of each block, its slices: [(block, [{row: requests}, ...])]"""
    counted = by_block(repetitions, "timing", "ceiling")
    return [(block, times.slices(files.get(r["index"], {}).get(r["attempt"])))
            for block, r in sorted(counted.items())]


def _worst(of):
    """(p99 of the usual slice, of the worst one), in ns"""
    found = []
    for _, slices in of:
        for column in slices:
            total = sum(column.values())
            if not total:
                continue
            beyond, row = 0, max(column)
            for row in sorted(column, reverse=True):
                beyond += column[row]
                if beyond > total / 100:
                    break
            found.append(times.time_of(row))
    return (stats.median(found), max(found)) if found else (None, None)


def _image(of, low, high):
    """Shares of each slice's requests; a row for each eighth of a power of two"""
    slices = [column for _, part in of for column in part]
    image = np.zeros((high - low + 1, len(slices)))
    for x, column in enumerate(slices):
        total = sum(column.values()) or 1
        for row, n in column.items():
            image[row - low, x] = n / total
    return image


def _paint(image):
    """One colour, as opaque as there are requests; it suits light and dark"""
    shade = np.zeros((*image.shape, 4), dtype=np.uint8)
    shade[..., :3] = (0x2F, 0x83, 0xC5)
    strength = np.sqrt(np.minimum(1, image / 0.35))
    shade[..., 3] = np.where(image > 0, 40 + 215 * strength, 0).astype(np.uint8)
    return shade


def _strip(d, axes, view, row, of, i, low, high):
    image = _image(of, low, high)
    bottom, top = i * (ROW + GAP) + ROW, i * (ROW + GAP)
    picture = axes.imshow(_paint(image), extent=(0, 1, bottom, top), aspect="auto",
                          origin="lower", interpolation="none", zorder=1)
    axes.set_ylim(axes.end, 0)
    d.mark(picture, model=view.model(row))
    begun, total = 0, image.shape[1] or 1
    for block, slices in of:
        if begun:
            line, = axes.plot([begun / total] * 2, [top, bottom], linewidth=0.8,
                              color=style.page("soft"), alpha=0.7)
            d.mark(line, model=view.model(row))
        begun += len(slices)


def _scale(d, axes, view, row, i, low, high):
    """The shortest and the longest time of the strip"""
    for time, y, va in ((times.time_of(low), i * (ROW + GAP) + ROW, "bottom"),
                        (times.time_of(high), i * (ROW + GAP), "top")):
        d.mark(drawing.text(axes, 1, y, words.amount("_ns", time), dx=5, va=va,
                            size=9, soft=True), model=view.model(row))


def _rows(found):
    every = [row for _, of in found for _, part in of for column in part
             for row in column]
    return (min(every), max(every)) if every else None


def figure(view, rows, of_cells, reasons):
    """`of_cells`: of each cell what columns() made"""
    found = [(row, of_cells.get(row["cell"], [])) for row in rows]
    limits = _rows(found)
    if not limits:
        return None
    where = words.setting_words(rows[0])
    height = TOP + BOTTOM + len(found) * (ROW + GAP)
    d = Drawing(WIDTH, height, f"Response times over time, {where}",
                "Of each model, the response times of each slice of time of each "
                "block. The numbers are in the table below.")
    axes = d.axes(LEFT, RIGHT, TOP, BOTTOM)
    axes.end = len(found) * (ROW + GAP)
    axes.set_xlim(0, 1)
    axes.set_ylim(axes.end, 0)
    for i, (row, of) in enumerate(found):
        d.mark(drawing.text(axes, 0, i * (ROW + GAP) + ROW / 2, view.label(row),
                            dx=-10, ha="right", va="center_baseline"),
               model=view.model(row))
        if any(column for _, part in of for column in part):
            _strip(d, axes, view, row, of, i, *limits)
            _scale(d, axes, view, row, i, *limits)
        else:
            _absent(d, axes, view, row, i, reasons)
    drawing.text(axes, 0, 0, "response time – less is better, and the same all "
                 "the time", dx=-LEFT + 4, dy=12)
    drawing.text(axes, 0.5, axes.end, "time; a part for each block", dy=-15,
                 ha="center", soft=True)
    return Figure(d.svg())


def _absent(d, axes, view, row, i, reasons):
    top = i * (ROW + GAP)
    d.mark(drawing.hatched(axes, 0, top, 1, ROW), model=view.model(row))
    text = f"{reasons.number(row)} {row['status']}" if row["status"] != "ok" else \
        "no histograms"
    d.mark(drawing.text(axes, 1, top + ROW / 2, text, dx=5, size=9, soft=True,
                        va="center_baseline"), model=view.model(row))


def title(view, found):
    """The widest swing, in words: described, not tested"""
    swings = []
    for row, of in found:
        usual, worst = _worst(of)
        if usual:
            swings.append((worst / usual, view.label(row)))
    if not swings:
        return "There are no times over time in this run's histograms"
    most, least = max(swings), min(swings)
    if most[0] < 2:
        return (f"No stall: nobody's worst slice has a p99 above "
                f"{words.ratio(most[0])} times its usual one")
    text = f"{most[1]}'s worst slice has {words.ratio(most[0])} times its usual p99"
    return text if most == least else \
        f"{text}; {least[1]}'s {words.ratio(least[0])} times"


def table(view, rows, of_cells):
    found = []
    for row in rows:
        of = of_cells.get(row["cell"], [])
        usual, worst = _worst(of)
        n = sum(len(part) for _, part in of)
        found.append((view.data(row), [
            (view.label(row), view.model(row)), (words.count(n), n),
            (words.amount("_ns", usual), usual), (words.amount("_ns", worst), worst),
            (words.ratio(worst / usual) if usual else "–",
             worst / usual if usual else None)]))
    return Table([("model", True), ("slices", True), ("p99 of the usual slice", True),
                  ("p99 of the worst slice", True), ("worst / usual", True)], found)
