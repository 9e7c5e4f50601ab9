# SPDX-License-Identifier: MIT
"""The picture of a trace, for the wall: SVG and PNG, as wide as A4 in landscape.

Each moment (A asks, B asks, both ask) is a panel with a lane for each thread; all panels
have one scale. Times in which nothing changes are cut out. place() computes what stands
where, in points; the rest draws it.
"""

import dataclasses
import math

import matplotlib

matplotlib.use("agg")

from matplotlib import rcParams  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.font_manager import FontProperties  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.patches import FancyArrowPatch, Rectangle  # noqa: E402
from matplotlib.patheffects import withStroke  # noqa: E402
from matplotlib.textpath import text_to_path  # noqa: E402
from matplotlib.transforms import Affine2D  # noqa: E402

from . import sequence, style, trace as traces  # noqa: E402
from .trace import QUEUES, RUNS, SLEEPS, UNKNOWN  # noqa: E402

SETTINGS = {"svg.hashsalt": "timeline", "svg.fonttype": "path", "hatch.linewidth": 0.7}

WIDTH = 842  # points: A4 in landscape
LEFT, RIGHT = 112, 84  # beside the lanes: names; room for the last label
BAR, IDLE_BAR = 15, 9
ROW = 9.2  # of labels
GAP, HEAD, AXIS = 8, 21, 24
CUT = 30  # the width of a part that is left out
LABEL, SMALL = 7.3, 7.3


def width_of(words, size, weight="normal"):
    return text_to_path.get_text_width_height_descent(
        words, FontProperties(size=size, weight=weight), False)[0]


def fitting(words, size, room, weight="normal"):
    """Shortened in the middle, if need be"""
    kept = len(words)
    while kept > 4 and width_of(words, size, weight) > room:
        kept -= 1
        words = words[:kept - 4] + "…" + words[-4:] if "…" not in words else \
            words[:words.index("…") - 1] + words[words.index("…"):]
    return words


# ----------------------------------------------------------------------- time to x

class Scale:
    """Time to x within a panel. Quiet parts are cut to a fixed width."""

    def __init__(self, moment, lanes):
        self.begin, self.end = moment.begin, moment.end
        self.cuts = self._quiet(moment, lanes)
        self.shown = self.end - self.begin - sum(b - a for a, b in self.cuts)
        self.per_ns = 0.0

    def room(self):
        return WIDTH - LEFT - RIGHT - CUT * len(self.cuts)

    def _quiet(self, moment, lanes):
        """Longer than everything else would want it to be"""
        times = {self.begin, self.end}
        for lane in lanes:
            for call in lane.calls:
                times |= {call.begin, call.end}
            times |= {begin for _, begin, _ in lane.states}
            times |= {mark.time for mark in lane.marks}
        times = sorted(time for time in times if time and self.begin <= time <= self.end)
        gaps = sorted(((b - a, a, b) for a, b in zip(times, times[1:])), reverse=True)
        left, cuts = self.end - self.begin, []
        for length, a, b in gaps:
            if length < 40_000 or length < 0.3 * left:
                break
            keep = min(4000, length / 10)  # something of it stays on both sides
            cuts.append((a + keep, b - keep))
            left -= b - a - 2 * keep
        return sorted(cuts)

    def x(self, time):
        time = min(max(time, self.begin), self.end)
        x, at = LEFT, self.begin
        for a, b in self.cuts:
            if time <= a:
                break
            x += (a - at) * self.per_ns
            if time < b:
                return x + CUT * (time - a) / (b - a)
            x, at = x + CUT, b
        return x + (time - at) * self.per_ns

    def ticks(self, zero):
        """(time, label) at round numbers of us, where there is room"""
        step = next(s * 10 ** e for e in range(0, 9) for s in (1, 2, 5)
                    if s * 10 ** e * 1000 * self.per_ns >= 42)
        found, last = [], -math.inf
        first = math.ceil((self.begin - zero) / 1000 / step)
        for n in range(first, math.floor((self.end - zero) / 1000 / step) + 1):
            time = zero + n * step * 1000
            if any(a <= time <= b for a, b in self.cuts):
                continue
            if self.x(time) - last >= 30:
                last = self.x(time)
                found.append((time, f"{n * step:,}"))
        return found


# ------------------------------------------------------------------------- places

@dataclasses.dataclass
class Label:
    x: float
    words: str
    mark: bool = False
    row: int = 0

    @property
    def right(self):
        return self.x + width_of(self.words, LABEL) + 5


@dataclasses.dataclass
class Row:
    """A lane in a panel: its labels, and its height with them"""
    lane: traces.Lane
    name: str
    labels: list
    thin: bool
    top: float = 0

    @property
    def rows(self):
        return max((label.row for label in self.labels), default=-1) + 1

    @property
    def height(self):
        return (IDLE_BAR if self.thin else BAR) + ROW * self.rows + GAP

    @property
    def bar(self):
        """(top, height)"""
        return self.top + ROW * self.rows + 1, IDLE_BAR if self.thin else BAR


def stack(labels):
    """Gives labels rows, from the right to the left: a label that would touch its right
    neighbours stands above all of them, so that no line to a label crosses another one."""
    for i in range(len(labels) - 1, -1, -1):
        label = labels[i]
        label.row = max((other.row + 1 for other in labels[i + 1:]
                         if other.x < label.right), default=0)


MOST_LABELS = 9


def _labels(lane, moment, scale):
    found = []
    for call in lane.calls:
        if lane.role == "client" and call.name == sequence.PAUSE:
            continue
        x = scale.x(max(call.begin or moment.begin, moment.begin))
        words = call.words if not call.end or call.end <= moment.end else \
            call.words.partition(" = ")[0]
        if call.times > 1:
            words = f"{call.times:,} × {', '.join(call.name.split())}: nothing"
        found.append(Label(x, words))
    found += [Label(scale.x(mark.time), mark.words, True) for mark in lane.marks]
    found.sort(key=lambda label: label.x)
    return _joined(found)


def _joined(labels):
    """Equal neighbours that are very close are one: 'write(A) = 8 (3 times)'"""
    found = []
    for label in labels:
        base = found[-1].words.partition(" ×")[0] if found else None
        if found and base == label.words and label.x - found[-1].x < 24 \
                and not label.mark:
            times = int(found[-1].words.partition(" ×")[2] or 1) + 1
            found[-1].words = f"{base} ×{times}"
        else:
            found.append(label)
    return found


@dataclasses.dataclass
class Panel:
    moment: traces.Moment
    scale: Scale
    rows: list
    top: float
    bottom: float = 0

    def row(self, thread):
        return next((row for row in self.rows if row.lane.thread == thread), None)


def place(trace, top):
    """(panels, threads that did nothing)"""
    moments = trace.moments()
    shown, idle = sequence.in_order(trace, moments)
    names = sequence.lane_names(trace, shown)
    panels = []
    for moment in moments:
        lanes = [lane for lane in (moment.lane(lane.thread) for lane in shown)
                 if lane.exists]
        panels.append(Panel(moment, Scale(moment, lanes), [
            Row(lane, names[lane.thread], [], False) for lane in lanes], 0))
    per_ns = min((panel.scale.room() / panel.scale.shown for panel in panels), default=0)
    for panel in panels:
        panel.scale.per_ns = per_ns
        panel.top, y = top, top + HEAD
        for row in panel.rows:
            row.labels = _labels(row.lane, panel.moment, panel.scale)
            row.thin = len(row.lane.states) <= 1 and not row.lane.marks and \
                all(not call.end or call.end > panel.moment.end for call in row.lane.calls)
            stack(row.labels)
            row.top = y
            y += row.height
        panel.bottom = y
        top = y + AXIS
    return panels, idle


# ------------------------------------------------------------------------ drawing

INK, SOFT, GRID = (style.colour("page", name) for name in ("ink", "soft", "grid"))
LABELS_Z = 12


def _tint(colour, share):
    parts = [int(colour[i:i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - (255 - part) * share):02X}" for part in parts)


class Sheet:
    """A figure in points; (0, 0) is its upper left corner"""

    def __init__(self, height):
        self.height = height
        self.figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72, facecolor="white")
        self.down = Affine2D().scale(1, -1).translate(0, height)

    def _add(self, artist, z):
        artist.set_transform(self.down + Affine2D().scale(1 / 72) +
                             self.figure.dpi_scale_trans)
        artist.set_zorder(z)
        self.figure.add_artist(artist)

    def box(self, x, y, width, height, face="none", edge="none", hatch=None, line=0.6, z=2):
        self._add(Rectangle((x, y), max(width, 0.8), height, facecolor=face, edgecolor=edge,
                            hatch=hatch, linewidth=line), z)

    def line(self, xs, ys, colour=SOFT, width=0.5, dash="solid", z=3):
        self._add(Line2D(xs, ys, color=colour, linewidth=width, linestyle=dash,
                         solid_capstyle="butt"), z)

    def point(self, x, y, marker, colour, hollow=False, z=6):
        self._add(Line2D([x], [y], color=colour, marker=marker, markersize=4.2,
                         markerfacecolor="white" if hollow else colour,
                         markeredgewidth=0.9, linestyle="none"), z)

    def arrow(self, x, y0, y1, z=7):
        self._add(FancyArrowPatch((x, y0), (x, y1), arrowstyle="-|>", mutation_scale=7,
                                  color=INK, linewidth=0.9, shrinkA=0, shrinkB=0), z)

    def text(self, x, y, words, size=LABEL, colour=INK, ha="left", weight="normal", z=11):
        """`y`: the base line. With an outline, to be readable on an arrow"""
        outline = [withStroke(linewidth=1.8, foreground="white")] if z == LABELS_Z else []
        self.figure.text(x / WIDTH, 1 - y / self.height, words, fontsize=size, color=colour,
                         ha=ha, va="baseline", weight=weight, zorder=z,
                         path_effects=outline)


def _role_colour(name):
    return style.colour("call", name) if style.is_call(name) else style.colour("other", "")


def _stretch(sheet, x0, x1, y, height, state, colour):
    """A part of a call in which the thread does not change its state"""
    if state == SLEEPS:
        sheet.box(x0, y, x1 - x0, height, _tint(colour, 0.16), _tint(colour, 0.75), "////",
                  0.0)
    elif state == QUEUES:
        sheet.box(x0, y, x1 - x0, height, "white", SOFT, "....", 0.0)
    elif state == UNKNOWN:
        sheet.box(x0, y, x1 - x0, height, _tint(colour, 0.45))
    else:
        sheet.box(x0, y, x1 - x0, height, colour)


def _outside(sheet, scale, row, moment):
    """What the thread does outside of calls: its own code is a thin bar"""
    y, height = row.bar
    for state, begin, end in row.lane.states:
        x0, x1 = scale.x(max(begin, moment.begin)), scale.x(min(end, moment.end))
        if state == RUNS:
            sheet.box(x0, y + height * 0.3, x1 - x0, height * 0.4, "#8A8A8A", z=1.5)
        elif state == QUEUES:
            sheet.box(x0, y, x1 - x0, height, "white", SOFT, "....", 0.0, z=1.5)
        elif state == SLEEPS:
            sheet.box(x0, y, x1 - x0, height, "#F4F4F4", "#BBBBBB", "////", 0.0, z=1.5)


def _call(sheet, scale, row, moment, call):
    y, height = row.bar
    begin, end = call.begin or moment.begin, call.end or moment.end
    begin, end = max(begin, moment.begin), min(end, moment.end)
    if call.times > 1:
        sheet.box(scale.x(begin), y, scale.x(end) - scale.x(begin), height,
                  _tint(SOFT, 0.18), SOFT, "xx", 0.5)
        return
    pause = row.lane.role == "client" and call.name == sequence.PAUSE
    colour = "#9A9A9A" if pause else _role_colour(call.name)
    for state in (RUNS, SLEEPS, QUEUES, UNKNOWN):
        for a, b in row.lane.times_of(state, begin, end):
            _stretch(sheet, scale.x(a), scale.x(b), y, height, state, colour)
    if not pause:
        sheet.box(scale.x(begin), y, scale.x(end) - scale.x(begin), height, "none",
                  INK, line=0.55, z=4)


def _row(sheet, panel, row):
    y, height = row.bar
    moment, scale = panel.moment, panel.scale
    weight = "bold" if row.lane.role == "client" else "normal"
    sheet.text(10, y + height / 2 + 3, fitting(row.name, 8.2, LEFT - 14, weight), 8.2,
               weight=weight)
    _outside(sheet, scale, row, moment)
    for call in row.lane.calls:
        _call(sheet, scale, row, moment, call)
    for label in row.labels:
        base = y - ROW * label.row - 3.4
        if label.mark:
            sheet.point(label.x, y, "D", _role_colour("io_uring_enter"),
                        "submitted" in label.words)
        sheet.line([label.x, label.x], [base + 1, y], SOFT, 0.45, z=5)
        sheet.text(label.x + 1.5, base, label.words, LABEL,
                   _role_colour("io_uring_enter") if label.mark else INK, z=LABELS_Z)
    if not row.lane.calls and not row.lane.marks and row.lane.state_at(moment.begin) == SLEEPS:
        words = f"sleeps in {row.lane.idle_in}" if row.lane.idle_in else "sleeps"
        sheet.box(LEFT + 3, y + 0.8, width_of(words, 6.8) + 6, height - 1.6, "white", z=5)
        sheet.text(LEFT + 6, y + height - 2.2, words, 6.8, SOFT)


def arrows(panel):
    """(x, row of the waker, row of the woken) of wake-ups between threads"""
    found = []
    for wake in panel.moment.wakes:
        by, to = panel.row(wake.by), panel.row(wake.thread)
        if not by or not to or by is to:
            continue
        inside = next((call for call in to.lane.calls if (call.begin or 0) <= wake.time <=
                       (call.end or panel.moment.end)), None)
        paused = inside and to.lane.role == "client" and inside.name == sequence.PAUSE
        if not paused and to.lane.state_at(wake.time - 1) == SLEEPS:
            found.append((panel.scale.x(wake.time), by, to))
    return found


def _panel(sheet, panel):
    scale = panel.scale
    sheet.text(10, panel.top + 10, sequence.asks(panel.moment.who), 10, weight="bold")
    right = scale.x(panel.moment.end)
    for time, label in scale.ticks(panel.moment.sent):
        sheet.line([scale.x(time)] * 2, [panel.top + HEAD - 4, panel.bottom], GRID, 0.5, z=1)
        sheet.text(scale.x(time), panel.bottom + 8, label, SMALL, SOFT, "center")
    sheet.text(LEFT - 8, panel.bottom + 8, "µs", SMALL, SOFT, "right")
    for row in panel.rows:
        _row(sheet, panel, row)
    for x, by, to in arrows(panel):
        (top, height), (below, other) = by.bar, to.bar
        if below > top:
            sheet.arrow(x, top + height, below)
        else:
            sheet.arrow(x, top, below + other)
    for a, b in scale.cuts:
        x0, x1 = scale.x(a) + 4, scale.x(b) - 4
        sheet.box(x0, panel.top + HEAD - 6, x1 - x0, panel.bottom - panel.top - HEAD + 8,
                  "white", z=9)
        for x in (x0, x1):
            sheet.line([x, x], [panel.top + HEAD - 6, panel.bottom + 2], SOFT, 0.7, (0, (3, 2)),
                       z=10)
        sheet.text((x0 + x1) / 2, panel.bottom + 18, f"{sequence.micro(b - a)} µs not shown",
                   6.6, SOFT, "center", z=10)
    return right


# ------------------------------------------------------------------------- legend

def _legend_items(trace):
    send, wait = style.colour("call", "sendto"), style.colour("call", "epoll_wait")
    items = []
    if trace.knows_sleep:
        items += [("runs in a call", lambda s, x, y: _stretch(s, x, x + 22, y, 9, RUNS, send)),
                  ("sleeps in a call", lambda s, x, y: _stretch(s, x, x + 22, y, 9, SLEEPS,
                                                                wait)),
                  ("is ready, not yet on a CPU", lambda s, x, y: _stretch(
                      s, x, x + 22, y, 9, QUEUES, wait)),
                  ("runs its own code", lambda s, x, y: s.box(x, y + 2.7, 22, 3.6, "#8A8A8A")),
                  ("wakes up", lambda s, x, y: s.arrow(x + 11, y - 1, y + 10))]
    else:
        items.append(("in a call: runs or sleeps", lambda s, x, y: _stretch(
            s, x, x + 22, y, 9, UNKNOWN, wait)))
    lanes = trace.lanes
    if any(lane.marks for lane in lanes):
        colour = _role_colour("io_uring_enter")
        items += [("io_uring: submitted", lambda s, x, y: s.point(x + 11, y + 4.5, "D", colour,
                                                                  True)),
                  ("completed", lambda s, x, y: s.point(x + 11, y + 4.5, "D", colour))]
    if any(call.times > 1 for lane in lanes for call in traces.polling(lane.calls)):
        items.append(("calls that find nothing", lambda s, x, y: s.box(
            x, y, 22, 9, _tint(SOFT, 0.18), SOFT, "xx", 0.5)))
    return items


def _role_items(trace):
    roles = {}
    for lane in trace.lanes:
        for call in lane.calls:
            if lane.role == "client" and call.name == sequence.PAUSE:
                continue
            known = style.is_call(call.name)
            roles.setdefault(style.call(call.name)[1] if known else "other",
                             _role_colour(call.name))
    order = style.call_roles()
    return [(role, lambda s, x, y, colour=roles[role]: s.box(x, y, 22, 9, colour, INK,
                                                             line=0.4))
            for role in sorted(roles, key=order.index)]


def _legend(sheet, trace, y):
    for items in (_legend_items(trace), _role_items(trace)):
        x = 10
        for words, draw in items:
            draw(sheet, x, y)
            sheet.text(x + 26, y + 7.6, words, SMALL, SOFT)
            x += 26 + width_of(words, SMALL) + 14
        y += 15
    return y


def wrapped(words, size, room):
    """Lines that fit"""
    lines, line = [], ""
    for word in words.split():
        longer = f"{line} {word}".strip()
        if line and width_of(longer, size) > room:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines


# ----------------------------------------------------------------------- the whole

CAPTION, LINE = 8.6, 11.6


def draw(trace):
    """The figure"""
    head = [line for text in sequence.subtitle(trace)
            for line in wrapped(text, 8, WIDTH - 20)]
    top = 34 + 11 * len(head) + (12 if "summary" in trace.about else 0)
    panels, idle = place(trace, top + 8)
    bottom = panels[-1].bottom + AXIS if panels else top
    see = wrapped(" ".join([*sequence.what_to_see(trace, [p.moment for p in panels]),
                            sequence.asleep_words(idle)]), CAPTION, WIDTH - 20)
    small = wrapped(" ".join(sequence.limits(trace)), SMALL, WIDTH - 20)
    sheet = Sheet(bottom + 40 + LINE * len(see) + 10 * len(small) + 12)
    sheet.text(10, 24, sequence.title(trace), 16, weight="bold")
    y = 36
    if "summary" in trace.about:
        sheet.text(10, y + 2, trace.about["summary"], 9.5)
        y += 13
    for line in head:
        y += 1
        sheet.text(10, y + 1, line, 8, SOFT)
        y += 10
    for panel in panels:
        _panel(sheet, panel)
    y = _legend(sheet, trace, bottom + 2) + 8
    for line in see:
        sheet.text(10, y, line, CAPTION)
        y += LINE
    for line in small:
        sheet.text(10, y, line, SMALL, SOFT)
        y += 10
    return sheet.figure


def write(trace, stem):
    """Writes STEM.svg and STEM.png; yields their paths"""
    with matplotlib.rc_context(SETTINGS):
        figure = draw(trace)
        for suffix, canvas in ((".svg", FigureCanvasSVG), (".png", FigureCanvasAgg)):
            path = stem.with_name(stem.name + suffix)
            if suffix == ".svg":
                canvas(figure).print_svg(path, metadata={"Date": None,
                                                         "Title": sequence.title(trace)})
            else:
                canvas(figure)
                figure.savefig(path, dpi=160)
            yield path
