# SPDX-License-Identifier: MIT
"""SVG for the page, drawn by matplotlib: small, with text as text, in the colours of the
page, with a title and a description. Its elements carry the model and setting they belong
to, so that the page can hide them.

A Drawing is a sheet in CSS pixels; (0, 0) is its upper left corner. A Plot is a part of it
with scales. matplotlib's own axes are not used: they would double the time of a page.

    d = Drawing(420, 300, "what it says", "what it shows")
    p = d.plot(left=60, right=90, top=20, bottom=40)
    p.scale_y("response_p50_ns", 1e3, 1e6, log=True)
    d.points([p.x(64)], [p.y(12e3)], look, m=2, c="64", tip="64: 12 us")
    d.svg()

Every method that draws takes marks: m, the number of the model; c, connections, several
separated by blanks; l, the number of the load; tip, the text of a tooltip.
"""

import html
import io
import itertools
import math
import re

import matplotlib

matplotlib.use("svg")

from matplotlib import rcParams, ticker  # noqa: E402
from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402
from matplotlib.transforms import Affine2D  # noqa: E402

from . import style, words  # noqa: E402

rcParams.update({
    "svg.hashsalt": "report",
    "path.simplify": False,
})

_scope, _ids = "d", itertools.count(1)


def begin(scope):
    """The prefix of all identifiers that follow: several processes draw parts of a page,
    and its identifiers must be unique"""
    global _scope, _ids
    _scope, _ids = scope, itertools.count(1)


class Drawing:
    def __init__(self, width, height, title, desc):
        self.width, self.height = width, height
        self.title, self.desc = title, desc
        self.figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        self.figure.patch.set_visible(False)
        self.down = Affine2D().scale(1, -1).translate(0, height)
        self.marks, self.texts = [], []

    def plot(self, left, right, top, bottom):
        return Plot(self, left, top, self.width - left - right,
                    self.height - top - bottom)

    def _add(self, artist, m=None, c=None, l=None, tip=None):
        attributes = _attributes(m, c, l)
        if attributes or tip:
            inside = f"<title>{html.escape(tip)}</title>" if tip else ""
            artist.set_gid(f"mark{len(self.marks)}")
            self.marks.append((attributes, inside))
        artist.set_transform(self.down)
        artist.set_zorder(len(self.figure.get_children()))  # in the order of the calls
        self.figure.add_artist(artist)

    def line(self, xs, ys, color, width=1.0, dash="solid", alpha=None, **marks):
        self._add(Line2D(xs, ys, color=color, linewidth=width, linestyle=dash,
                         alpha=alpha, solid_capstyle="butt"), **marks)

    def points(self, xs, ys, look, size=6.5, color=None, hollow=False, **marks):
        color = color or look.paint
        self._add(Line2D(xs, ys, color=color, linestyle="none",
                         marker=look.marker, markersize=size, markerfacecolor=style.page(
                             "paper") if hollow else color), **marks)

    def rings(self, xs, ys, color, **marks):
        self._add(Line2D(xs, ys, color=color, linestyle="none", marker="o",
                         markersize=4.5, fillstyle="none", markeredgewidth=0.9),
                  **marks)

    def rectangle(self, x, y, width, height, color, alpha=None, edge="none", **marks):
        self._add(Rectangle((x, y), width, height, facecolor=color, alpha=alpha,
                            edgecolor=edge, linewidth=0.8), **marks)

    def arrow(self, x, y, dx, dy, color, **marks):
        """An open end: from (x, y) by (dx, dy), of which one is 0"""
        tip = 4 if dx + dy > 0 else -4
        ahead = ([tip, 0, tip], [-3, 0, 3]) if dx else ([-3, 0, 3], [tip, 0, tip])
        xs = [x, x + dx, math.nan, *(x + dx - part for part in ahead[0])]
        ys = [y, y + dy, math.nan, *(y + dy - part for part in ahead[1])]
        self.line(xs, ys, color, 1.6, **marks)

    def text(self, x, y, what, soft=False, size=11, ha="left", over=False, m=None,
             c=None, l=None):
        """Vertically centred on y. `over`: with an outline, to be readable on a line"""
        kind = f"{ha[0]}{' soft' if soft else ''}{' over' if over else ''}"
        big = f' font-size="{size}"' if size != 11 else ""
        self.texts.append(f'<text{_attributes(m, c, l)} class="{kind}"{big} '
                          f'x="{x:.1f}" y="{y + 0.36 * size:.1f}">'
                          f"{html.escape(what)}</text>")

    def svg(self):
        out = io.StringIO()
        FigureCanvasSVG(self.figure).print_svg(out, metadata={
            "Date": None, "Creator": None, "Format": None, "Type": None})
        return _tidy(out.getvalue(), self, f"{_scope}{next(_ids)}")


def _attributes(m, c, l):
    return "".join(f' data-{key}="{html.escape(str(value))}"'
                   for key, value in (("m", m), ("c", c), ("l", l))
                   if value is not None)


# ------------------------------------------------------------------------ numbers

class _Scale:
    """Maps low..high to first..last"""

    def __init__(self, low, high, log, first, last):
        self.low, self.high, self.log = low, high, log
        self.first, self.last = first, last

    def __call__(self, value):
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)


NEAR = 0.05  # a stretched axis is about linear up to this change


class _Ratios:
    """Maps ratios around 1, logarithmically. If one is beyond 2, distances shrink with
    distance from 1: else those near 1 would be a single point."""

    def __init__(self, low, high, first, last):
        self.low, self.high = low, high
        self.stretched = low < 0.5 or high > 2
        self.linear = _Scale(self._place(low), self._place(high), False, first, last)

    def _place(self, ratio):
        place = math.log(ratio)
        return math.asinh(place / NEAR) if self.stretched else place

    def __call__(self, ratio):
        return self.linear(self._place(min(max(ratio, self.low), self.high)))

    def ticks(self, room):
        """The most important ones that fit"""
        found = []
        for tick in RATIO_TICKS:
            if self.low <= tick <= self.high and all(
                    abs(self(tick) - self(other)) > room for other in found):
                found.append(tick)
        return found


RATIO_TICKS = [1, 1.1, 0.9, 2, 0.5, 10, 0.1, 5, 0.2, 1.03, 0.97, 1.5, 50, 0.02, 100, 0.01,
               3, 1.05, 0.95, 1.2, 0.8, 20, 0.05, 1.01, 0.99, 0.7, 0.6]


class Plot:
    """A part of a drawing; x() and y() map numbers to places"""

    def __init__(self, drawing, left, top, width, height):
        self.drawing = drawing
        self.left, self.top, self.width, self.height = left, top, width, height
        self.right, self.bottom = left + width, top + height
        self.x = _Scale(0, 1, False, self.left, self.right)
        self.y = _Scale(0, 1, False, self.top, self.bottom)

    def range_x(self, low, high, log=False):
        self.x = _Scale(low, high, log, self.left, self.right)

    def range_y(self, low, high, log=False):
        self.y = _Scale(low, high, log, self.bottom, self.top)

    def head(self, what):
        """The axis title, above the plot"""
        self.drawing.text(4, self.top - 16, what)

    def scale_y(self, metric, low, high, log):
        """A vertical axis of this metric, with grid lines"""
        self.range_y(low, high, log)
        ticks = log_ticks(metric, low, high) if log else linear_ticks(metric, low, high)
        self._grid([((self.left, self.y(tick)), (self.right, self.y(tick)))
                    for tick in ticks])
        for tick in ticks:
            self.drawing.text(self.left - 6, self.y(tick), tick_label(metric, tick),
                              soft=True, ha="right")

    def scale_x(self, metric, low, high, log):
        """A horizontal axis of this metric"""
        self.range_x(low, high, log)
        ticks = log_ticks(metric, low, high) if log else linear_ticks(metric, low, high)
        self.rule_x(ticks, [tick_label(metric, tick) for tick in ticks])

    def scale_ratios(self, ratios, margin, one):
        """A horizontal axis of ratios; `one`: the label at 1. What is beyond is at its end."""
        margin = 1 + 1.5 * margin
        self.x = _Ratios(min(1 / margin, *ratios), max(margin, *ratios), self.left + 8,
                         self.right - 8)
        ticks = self.x.ticks(38)
        self.rule_x(ticks, [one if tick == 1 else f"{words.percent(tick, 0)} %"
                            if 0.8 <= tick <= 1.25 else f"×{tick:g}" for tick in ticks])

    def rule_x(self, ticks, labels):
        self._grid([((self.x(tick), self.top), (self.x(tick), self.bottom))
                    for tick in ticks])
        for tick, label in zip(ticks, labels):
            self.drawing.text(self.x(tick), self.bottom + 13, label, soft=True,
                              ha="center")

    def _grid(self, lines):
        """All in one path"""
        xs = [x for (a, _), (b, _) in lines for x in (a, b, math.nan)]
        ys = [y for (_, a), (_, b) in lines for y in (a, b, math.nan)]
        if xs:
            self.drawing.line(xs, ys, style.page("grid"), 0.8)

    def end_labels(self, ends):
        """Names the lines. `ends` are (x, y, look, model, name, at_edge, aside): the end of
        a line on the sheet, and how far beside it points of other models are. Names of
        lines that reach the edge are right of the plot, with a marker; other names are
        beside the last point. Names that would touch are moved apart."""
        d, edge = self.drawing, self.right + 14
        groups = []
        for end in sorted(ends, key=lambda end: (end[5], end[0])):
            if groups and groups[-1][-1][5] == end[5] and (
                    end[5] or end[0] - groups[-1][-1][0] < 90):
                groups[-1].append(end)
            else:
                groups.append([end])
        for of in groups:
            places = apart([end[1] - self.top for end in of], 15, self.height)
            for (x, _, look, model, name, at_edge, aside), place in zip(of, places):
                place += self.top
                if at_edge:
                    d.points([edge], [place], look, 6, m=model)
                    d.text(edge + 7, place, name, m=model)
                elif x + aside + 7 * len(name) < self.right:
                    d.text(x + aside + 8, place, name, over=True, m=model)
                else:
                    d.text(x - aside - 8, place, name, over=True, ha="right", m=model)


def widen(labels, room):
    """By how many pixels the longest label is wider than `room`"""
    return max(0, round(6.8 * max(map(len, labels), default=0)) - room)


def aside(n, spacing):
    """The shift between neighbours of n models whose places are so far apart"""
    return min(2.5, min(max(20, spacing / 2), 40) / n)


def log_ticks(metric, low, high):
    """1, 10, 100 ..., with steps between if these are few. Bytes: powers of two"""
    if metric.endswith("_bytes"):
        powers = range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)
        return [2.0 ** n for n in powers if n % (len(powers) // 6 + 1) == 0]
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [f * 10.0 ** d for d in decades for f in factors
                 if low <= f * 10.0 ** d * 1.0000001 and f * 10.0 ** d <= high]
        if len(ticks) <= 6:
            break
    return ticks[::-(-len(ticks) // 6) or 1]


def linear_ticks(metric, low, high):
    """Round numbers in the unit of the highest"""
    size = [step for step, _ in words.scales(metric)
            if step <= max(abs(low), abs(high))] or [1]
    return [tick * size[-1] for tick in ticker.MaxNLocator(
        5, steps=[1, 2, 5, 10]).tick_values(
        low / size[-1], high / size[-1])
            if low <= tick * size[-1] <= high * 1.0000001]


def tick_label(metric, tick):
    """'0', '50 k/s', '100 µs'"""
    if tick == 0:
        return "0"
    steps = words.scales(metric)
    size, unit = [step for step in steps
                  if step is steps[0] or abs(tick) >= 0.9995 * step[0]][-1]
    return f"{tick / size:.3g} {unit}".replace(" /s", "/s").strip()


def apart(heights, least, top):
    """Moves heights within 0..top as little as possible, so that no two are closer than
    `least`. Neighbours that would touch form a block around the mean of their heights."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    blocks = []  # (lowest place, how many)
    for k, i in enumerate(order):
        place, n = heights[i] - k * least, 1
        while blocks and blocks[-1][0] > place:
            before, m = blocks.pop()
            place, n = (place * n + before * m) / (n + m), n + m
        blocks.append((place, n))
    places = [place for place, n in blocks for _ in range(n)]
    highest = top - (len(heights) - 1) * least
    result = [0.0] * len(heights)
    for k, (i, place) in enumerate(zip(order, places)):
        result[i] = max(0, min(place, highest)) + k * least
    return result


# --------------------------------------------------------------- of matplotlib's SVG

_NUMBER = re.compile(r"-?\d+\.\d+")


def _short(found):
    text = f"{float(found[0]):.1f}"
    return text[:-2] if text.endswith(".0") else text


def _shorten(svg):
    """Rounds coordinates in attributes to a tenth of a pixel"""
    return re.sub(r'(?<=[ (])(?:d|x|y|width|height|transform|points|style)="[^"]*"',
                  lambda found: _NUMBER.sub(_short, found[0])
                  if not found[0].startswith("style") else found[0], svg)


def _ids_of(svg, prefix):
    """Keeps identifiers that are referred to, unique by the prefix"""
    used = set(re.findall(r'(?:url\(|xlink:href=")#([\w-]+)', svg))
    names = {name: f"{prefix}{i}" for i, name in enumerate(sorted(used))}
    svg = re.sub(r' id="([\w-]+)"', lambda found: f' id="{names[found[1]]}"'
                 if found[1] in names else "", svg)
    return re.sub(r'(url\(|xlink:href=")#([\w-]+)',
                  lambda found: f"{found[1]}#{names.get(found[2], found[2])}", svg)


def _marked(svg, marks):
    """Replaces the ids of marked groups by their marks"""
    return re.sub(r'<g id="mark(\d+)">',
                  lambda found: "<g{}>{}".format(*marks[int(found[1])]), svg)


_STYLE = re.compile(r' style="[^"]*"')

_DROPPED = [
    (re.compile(r"<metadata>.*?</metadata>", re.S), ""),
    (re.compile(r"<!--.*?-->", re.S), ""),
    (re.compile(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", re.S), ""),
    (re.compile(r";? ?stroke-(?:linejoin: (?:round|miter)|linecap: butt|"
                r"dashoffset: 0)"), ""),
    (re.compile(r"; "), ";"),
    (re.compile(r"(?<=[a-z]): (?=[^\"<>]*\")"), ":"),
    (re.compile(r">\s+<"), "><"),
    (re.compile(r" *\n *"), " "),
    (re.compile(r"<g>(<path[^>]*/>)</g>"), r"\1"),
    # The style that all points share moves to their group
    (re.compile(r'<g>((?:<use [^>]*? style="([^"]*)"/>)+)</g>'),
     lambda found: f'<g style="{found[2]}">{_STYLE.sub("", found[1])}</g>'),
]


def _tidy(svg, drawing, number):
    svg = svg[svg.index("<svg"):]
    svg = svg[svg.index(">") + 1:svg.rindex("</svg>")]
    svg = _marked(svg, drawing.marks)
    for pattern, replacement in _DROPPED:
        svg = pattern.sub(replacement, svg)
    svg = _ids_of(svg, f"{number}-")
    svg = style.as_variables(_shorten(svg)).strip()
    return (f'<svg viewBox="0 0 {drawing.width} {drawing.height}" role="img" '
            f'aria-labelledby="{number}t {number}s" '
            f'style="max-width:{drawing.width * 1.5:.0f}px">'
            f'<title id="{number}t">{html.escape(drawing.title)}</title>'
            f'<desc id="{number}s">{html.escape(drawing.desc)}</desc>'
            f'{svg}{"".join(drawing.texts)}</svg>')
