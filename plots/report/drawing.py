# SPDX-License-Identifier: MIT
"""matplotlib's SVG, made fit to stand in a page: see Drawing.

Small, with text as text, in the colours of the page, with a title and a
description, and with marks of which model and setting a thing is, so that the page
can hide it.
"""

import html
import io
import itertools
import math
import re

import matplotlib

matplotlib.use("svg")

from matplotlib import rcParams, ticker  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402

from . import style, words  # noqa: E402

rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "report", "font.size": 11,
    "hatch.linewidth": 0.7, "path.simplify": False,
    "text.color": style.page("ink"), "hatch.color": style.page("soft"),
    "font.family": "DejaVu Sans", "text.parse_math": False,
})

_scope, _ids = "d", itertools.count(1)


def begin(scope):
    """Of what follows, identifiers begin with this word: they stay the only ones
    of their kind in a page whose parts were drawn by several processes"""
    global _scope, _ids
    _scope, _ids = scope, itertools.count(1)


class Drawing:
    """A figure of so many CSS pixels.

        d = Drawing(420, 300, "what it says", "what it shows")
        axes = d.axes(left=60, right=90, top=10, bottom=40)
        d.mark(axes.plot(...)[0], model=2, connections="64", tip="64: 12 us")
        d.svg()
    """

    def __init__(self, width, height, title, desc):
        self.width, self.height = width, height
        self.title, self.desc = title, desc
        self.figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        self.marks = []

    def axes(self, left, right, top, bottom):
        """Room to draw in, with nothing around it: see ruler()"""
        axes = self.figure.add_axes(
            (left / self.width, bottom / self.height,
             (self.width - left - right) / self.width,
             (self.height - top - bottom) / self.height))
        axes.set_axis_off()
        axes.size = (self.width - left - right, self.height - top - bottom)
        return axes

    def mark(self, artist, *, model=None, connections=None, load=None, tip=None,
             kind=None):
        """Says of what model (its number) and setting an artist is: the page hides
        it with them. `connections` may be several, with blanks between; `tip` is
        shown where it is pointed at."""
        data = {"m": model, "c": connections, "l": load}
        attributes = "".join(f' data-{key}="{html.escape(str(value))}"'
                             for key, value in data.items() if value is not None)
        if kind:
            attributes += f' class="{kind}"'
        inside = f"<title>{html.escape(tip)}</title>" if tip else ""
        self.marks.append((attributes, inside))
        artist.set_gid(f"mark{len(self.marks) - 1}")
        return artist

    def svg(self):
        out = io.StringIO()
        self.figure.savefig(out, format="svg", transparent=True,
                            metadata={"Date": None, "Creator": None,
                                      "Format": None, "Type": None})
        return _tidy(out.getvalue(), self, f"{_scope}{next(_ids)}")


# --------------------------------------------------------------- of matplotlib's SVG

_NUMBER = re.compile(r"-?\d+\.\d+")


def _short(found):
    text = f"{float(found[0]):.1f}"
    return text[:-2] if text.endswith(".0") else text


def _shorten(svg):
    """Coordinates to a tenth of a pixel; what stands between quotes only"""
    return re.sub(r'(?<=[ (])(?:d|x|y|width|height|transform|points|style)="[^"]*"',
                  lambda found: _NUMBER.sub(_short, found[0])
                  if not found[0].startswith("style") else found[0], svg)


def _ids_of(svg, prefix):
    """Only those that are referred to, and unlike those of all other drawings"""
    used = set(re.findall(r'(?:url\(|xlink:href=")#([\w-]+)', svg))
    names = {name: f"{prefix}{i}" for i, name in enumerate(sorted(used))}
    svg = re.sub(r' id="([\w-]+)"', lambda found: f' id="{names[found[1]]}"'
                 if found[1] in names else "", svg)
    return re.sub(r'(url\(|xlink:href=")#([\w-]+)',
                  lambda found: f"{found[1]}#{names.get(found[2], found[2])}", svg)


def _marked(svg, marks):
    """Groups and images of marked artists carry their marks in place of an id."""
    def group(found):
        attributes, inside = marks[int(found[1])]
        return f"<g{attributes}>{inside}"
    svg = re.sub(r'<g id="mark(\d+)">', group, svg)
    return re.sub(r' id="mark(\d+)"', lambda found: marks[int(found[1])][0], svg)


_DROPPED = [
    (re.compile(r"<metadata>.*?</metadata>", re.S), ""),
    (re.compile(r"<!--.*?-->", re.S), ""),
    (re.compile(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", re.S), ""),
    (re.compile(r"font: (\d+(?:\.\d+)?)px [^;\"]*"), r"font-size:\1px"),
    (re.compile(r' transform="rotate\(-0 [^"]*"'), ""),
    (re.compile(r";? ?stroke-linejoin: (?:round|miter)"), ""),
    (re.compile(r"; "), ";"),
    (re.compile(r"(?<=[a-z]): (?=[^\"<>]*\")"), ":"),
    (re.compile(r">\s+<"), "><"),
    (re.compile(r" *\n *"), " "),
    (re.compile(r"<g>(<path[^>]*/>)</g>"), r"\1"),
]


def _tidy(svg, drawing, number):
    svg = svg[svg.index("<svg"):]
    svg = svg[svg.index(">") + 1:svg.rindex("</svg>")]
    svg = _marked(svg, drawing.marks)
    for pattern, replacement in _DROPPED:
        svg = pattern.sub(replacement, svg)
    svg = _ids_of(svg, f"{number}-")
    svg = style.as_variables(_shorten(svg))
    return (f'<svg viewBox="0 0 {drawing.width} {drawing.height}" role="img" '
            f'aria-labelledby="{number}t {number}s" '
            f'style="max-width:{drawing.width * 1.5:.0f}px">'
            f'<title id="{number}t">{html.escape(drawing.title)}</title>'
            f'<desc id="{number}s">{html.escape(drawing.desc)}</desc>{svg}</svg>')


# --------------------------------------------------------------------------- axes

def log_ticks(low, high):
    """1, 10, 100 ...; with those between where these are few"""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [f * 10.0 ** d for d in decades for f in factors
                 if low <= f * 10.0 ** d * 1.0000001 and f * 10.0 ** d <= high]
        if len(ticks) <= 6:
            break
    return ticks[::-(-len(ticks) // 6) or 1]


def linear_ticks(metric, low, high):
    """Round numbers of the unit that fits"""
    size = [step for step, _ in words.scales(metric)
            if step <= max(abs(low), abs(high))] or [1]
    return [tick * size[-1] for tick in ticker.MaxNLocator(5).tick_values(
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


def scale_y(axes, metric, low, high, log):
    """Values of this metric upwards, with lines across in its units"""
    axes.set_yscale("log" if log else "linear")
    axes.set_ylim(low, high)
    ticks = log_ticks(low, high) if log else linear_ticks(metric, low, high)
    across = axes.get_yaxis_transform()
    _lines(axes, [(x, tick) for tick in ticks for x in (0, 1)], across)
    for tick in ticks:
        text(axes, 0, tick, tick_label(metric, tick), dx=-6, ha="right",
             va="center_baseline", transform=across, soft=True)


def scale_x(axes, metric, low, high, log):
    """The same to the right"""
    axes.set_xscale("log" if log else "linear")
    axes.set_xlim(low, high)
    ticks = log_ticks(low, high) if log else linear_ticks(metric, low, high)
    rule_x(axes, ticks, [tick_label(metric, tick) for tick in ticks])


def rule_x(axes, ticks, labels, lines=True):
    upwards = axes.get_xaxis_transform()
    if lines:
        _lines(axes, [(tick, y) for tick in ticks for y in (0, 1)], upwards)
    for tick, label in zip(ticks, labels):
        text(axes, tick, 0, label, dy=-15, ha="center", transform=upwards,
             soft=True)


def _lines(axes, ends, transform):
    """Every two points are a line; all are one path"""
    xs, ys = [], []
    for i, (x, y) in enumerate(ends):
        xs += [x] if i % 2 == 0 else [x, math.nan]
        ys += [y] if i % 2 == 0 else [y, math.nan]
    if xs:
        axes.plot(xs, ys, color=style.page("grid"), linewidth=0.8, zorder=0,
                  transform=transform, scalex=False, scaley=False, clip_on=False)


def text(axes, x, y, what, dx=0, dy=0, soft=False, size=11, transform=None,
         **kwargs):
    """So many pixels from a point of the data, or of another transform"""
    return axes.annotate(
        what, (x, y), xycoords=transform or axes.transData, xytext=(dx, dy),
        textcoords="offset points", fontsize=size, annotation_clip=False,
        color=style.page("soft" if soft else "ink"), **kwargs)


def hatched(axes, x, y, width, height, **kwargs):
    """A field for what is not there"""
    return axes.add_patch(Rectangle(
        (x, y), width, height, facecolor=style.page("absent"), clip_on=False,
        edgecolor=style.page("soft"), linewidth=0.6, hatch="////", **kwargs))


# -------------------------------------------------------- names at the ends of lines

def end_labels(drawing, axes, ends):
    """`ends` are (x, y, look, model): where each line ends, and whose it is. Names
    stand to the right, moved apart where they would touch."""
    width, height = axes.size
    points = [axes.transAxes.inverted().transform(axes.transData.transform((x, y)))
              for x, y, *_ in ends]
    places = apart([y * height for _, y in points], 15, height)
    edge = 1 + 14 / width
    for (_, _, look, model), (x, y), place in zip(ends, points, places):
        place /= height
        line, = axes.plot([x + 6 / width, 1 + 4 / width, edge], [y, place, place],
                          color=style.page("soft"), linewidth=0.6, clip_on=False,
                          transform=axes.transAxes)
        point, = axes.plot([edge], [place], color=look.paint, ls="none",
                           marker=look.marker, markersize=6, clip_on=False,
                           transform=axes.transAxes)
        name = text(axes, edge, place, look.label, dx=7, va="center_baseline",
                    transform=axes.transAxes)
        for artist in (line, point, name):
            drawing.mark(artist, model=model)


def apart(heights, least, top):
    """Moves these heights so that no two are nearer than `least`, as little as can
    be: neighbours that would touch are one block, in the middle of their wishes"""
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
