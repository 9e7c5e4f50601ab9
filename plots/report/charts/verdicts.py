# SPDX-License-Identifier: MIT
"""The comparisons as a forest plot: ratios to the reference model with their intervals, a
picture for each setting and metric, a row for each model. Everything is a row of
comparisons.csv; nothing is judged here."""

import re

from .. import style, words
from ..drawing import Drawing, widen
from ..view import Chart, Figure, Missing, Table, is_whole_core

WIDTH, LEFT, RIGHT, TOP, BOTTOM, ROW = 412, 66, 166, 30, 26, 22
MOST = 6  # settings that are not folded
_REASON = re.compile(r"^[^:]*: no comparison [^:]*: ")  # of harness/verdict/findings.c
DECIDED = ("different", "equal")
MOST_RATIO = 20  # intervals are drawn up to it: few blocks can make them absurdly wide
TWIN = "A/A twin"


def is_cpu(row):
    return "cpu" in row["metric"]


def metric_words(row):
    return "CPU time per request" if is_cpu(row) else \
        "replies per second" if row["metric"].startswith("requests") else \
        "median service time" if row["metric"].startswith("service") else \
        "median response time"


def in_words(row):
    """'−2.8 % (−3.3 … −2.0)', '×1.51 (1.49 … 1.54)', 'at most ×0.65'"""
    ratio, low, high = row["ratio"], row["low"], row["high"]
    if low is None and high is None:
        return "" if row["verdict"] == "missing" else "bound by the generator"
    if low is None or high is None:
        return f"at most ×{words.digits(high)}" if low is None else \
            f"at least ×{words.digits(low)}"
    return words.ratio_with(ratio, low, high)


def _state(row):
    """Of one that uses its whole core: its CPU time per request is no point of the ranking,
    and the response time of a saturated server has no end"""
    if not is_whole_core(row) or row["verdict"] == "missing":
        return ""
    if is_cpu(row):
        return "uses its whole core"
    if row["low"] and row["high"]:
        return ""
    return f"saturated: at least ×{words.digits(row['low'])}" if row["low"] else "saturated"


def _has_point(row):
    return row["verdict"] != "missing" and (row["low"] or row["high"] or row["ratio"]) \
        and not _state(row)


class _Picture:
    def __init__(self, view, where, rows, models, missing):
        self.view, self.where, self.missing, self.models = view, where, missing, models
        self.rows = {row["model"]: row for row in rows}
        first = rows[0]
        more = widen([view.looks[model].label for model in models], LEFT - 8)
        self.drawing = Drawing(
            WIDTH + more, TOP + BOTTOM + ROW * (len(models) + 1),
            f"{metric_words(first)}, ratio to {first['reference']}: "
            f"{words.setting_words(where)}",
            "The ratio of each model with its interval. The numbers are in the table below.")
        self.plot = self.drawing.plot(LEFT + more, RIGHT, TOP, BOTTOM)
        ratios = [row["ratio"] for row in rows if row["ratio"] and _has_point(row)] + [
            min(max(row[key], 1 / MOST_RATIO), MOST_RATIO) for row in rows
            for key in ("aa_low", "aa_high", "low", "high")
            if row[key] and (key.startswith("aa") or _has_point(row))]
        self.plot.scale_ratios(ratios or [1], view.run.margin, first["reference"])
        better = "→ more" if first["metric"].startswith("requests") else "← less"
        self.plot.head(f"{metric_words(first)}: {better} is better"
                       f"{' (stretched axis)' if self.plot.x.stretched else ''}")

    def draw(self):
        d, plot, margin = self.drawing, self.plot, self.view.run.margin
        left, right = plot.x(1 / (1 + margin)), plot.x(1 + margin)
        d.rectangle(left, plot.top, right - left, plot.height, style.page("soft"), alpha=0.18)
        d.line([plot.x(1)] * 2, [plot.top, plot.bottom], style.page("ink"), 1.2)
        self._twin(plot.top + 0.5 * ROW)
        for i, model in enumerate(self.models, 1):
            self._row(plot.top + (i + 0.5) * ROW, model)
        return d.svg()

    def _twin(self, y):
        self.drawing.text(self.plot.left - 8, y, TWIN, ha="right")
        row = next((row for row in self.rows.values() if row["aa_low"] and row["aa_high"]), None)
        if not row:
            self.drawing.text(self.plot.left + 8, y, "not measured", soft=True, over=True)
            return
        xs = [self.plot.x(row["aa_low"]), self.plot.x(row["aa_high"])]
        self.drawing.line([xs[0], xs[0], xs[0], xs[1], xs[1], xs[1]],
                          [y - 4, y + 4, y, y, y - 4, y + 4], style.page("soft"), 1.6)
        self.drawing.text(self.plot.right + 6, y,
                          words.range_of(row["aa_low"], row["aa_high"]))

    def _row(self, y, model):
        look, m, row = self.view.looks[model], self.view.models.index(model), \
            self.rows.get(model)
        self.drawing.text(self.plot.left - 8, y, look.label, ha="right", m=m)
        if row and _has_point(row):
            self._interval(y, row, look, m)
        elif row and _state(row):
            self.drawing.text(self.plot.left + 8, y, _state(row), soft=True, over=True, m=m)
        else:
            self.drawing.text(self.plot.left + 8, y, "missing", soft=True, over=True, m=m)
            self._note_gap(model, row)

    def _interval(self, y, row, look, m):
        """An end that is not known is an arrow, and the point is at the other"""
        plot, low, high = self.plot, row["low"], row["high"]
        at = plot.x(high or row["ratio"] if not low else low if not high else row["ratio"])
        if low and high:
            self.drawing.line([plot.x(low), plot.x(high)], [y, y], look.paint, 2.4, m=m)
        elif high or low:
            room = min(36, (at - plot.left if high else plot.right - at))
            self.drawing.arrow(at, y, -room if high else room, 0, look.paint, m=m)
        self.drawing.points([at], [y], look, 7, hollow=row["verdict"] not in DECIDED, m=m,
                            tip=row["sentence"])
        self.drawing.text(plot.right + 6, y, in_words(row), m=m)

    def _note_gap(self, model, row):
        label, place = self.view.looks[model].label, words.setting_short(self.where)
        cell = self.view.cell(self.where["setting"], model)
        if cell and cell["status"] != "ok":
            self.missing.add(label, place, cell)
        elif row:
            self.missing.say(label, place, _REASON.sub("", row["sentence"]))


def _models(view, rows):
    return sorted({row["model"] for row in rows}, key=view.models.index)


def figures(view, setting, rows, missing):
    """A figure for each metric, the cost of a request first"""
    where, models = view.first_in[setting], _models(view, rows)
    found = []
    for cpu in (True, False):
        of = [row for row in rows if is_cpu(row) == cpu]
        if of:
            svg = _Picture(view, where, of, models, missing).draw()
            found.append(Figure(svg, words.setting_short(where), view.load(where),
                                where["connections"] or None))
    return found


def _is_telling(view, where):
    """Of a curve along rate or idle clients: the last place before more servers use their
    whole core"""
    for axis in ("rate", "idle"):
        whole = {}
        family = next(rows for rows in view.families(axis, view.cells)
                      if any(row is where for row in rows))
        for row in family:
            whole.setdefault(row[axis], []).append(is_whole_core(row))
        best = max(whole, key=lambda x: (-sum(whole[x]), x), default=None)
        if len(whole) > 3 and best != where[axis]:
            return False
    return True


def _table(view):
    rows = []
    for row in view.run.comparisons:
        where = view.first_in[row["setting"]]
        m = view.models.index(row["model"])
        rows.append(({"m": m, "l": view.load(where), "c": where["connections"] or None}, [
            (view.looks[row["model"]].label, m), (words.setting_short(where), None),
            (metric_words(row), None),
            (in_words(row) + (f", {row['state']}" if row["state"] else ""), row["ratio"]),
            (f"{row['blocks'] or 0:.0f}", row["blocks"]),
            (f"{row['rounds'] or 0:.0f}", row["rounds"]),
            (row["verdict"], None), (words.typeset(row["sentence"]), None)]))
    return Table([("model", True), ("setting", False), ("metric", False), ("ratio", True),
                  ("blocks", True), ("rounds", True), ("verdict", False),
                  ("in words", False)], rows)


def _signs(figures_of, margin):
    every = "".join(figure.svg for figure in figures_of)
    return " ".join(text for sign, text in [
        ("", f"Shaded: ±{100 * margin:g} %."),
        ("whole core", "Uses its whole core: it spins or is saturated, so its CPU time per "
                       "request says nothing about the cost of a request, and a response "
                       "time would grow with the length of the run; neither is ranked."),
        ("at most", "An open end: the generator was at its limit, so the ratio is a bound, "
                    "which the point marks."),
        ("stretched", "A stretched axis: one ratio is so far from 1 that the others would be "
                      "one point; distances shrink with distance from 1.")] if sign in every)


def build(view):
    if not view.run.comparisons:
        return []
    missing, lead, more = Missing(), [], []
    shown = 0
    for setting, rows in view.versus.items():
        telling = shown < MOST and _is_telling(view, view.first_in[setting])
        shown += telling
        (lead if telling else more).extend(figures(view, setting, rows, missing))
    if not lead:  # two curves that cross
        lead, more = more, []
    reference = view.run.comparisons[0]["reference"]
    title, note = view.finding("verdicts") or ("All models against the reference", "")
    return [Chart("verdicts", f"Ratios to {reference}", title, note,
                  style.charts()[0]["read"], lead, [_table(view)], missing.list,
                  signs=_signs(lead + more, view.run.margin), more=more, beside=False)]
