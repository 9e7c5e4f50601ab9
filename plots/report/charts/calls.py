# SPDX-License-Identifier: MIT
"""System calls per request, by name: a stacked bar for each model."""

import html

from .. import style, words
from ..drawing import Drawing, widen
from ..view import Chart, Figure, Missing, Table

WIDTH, LEFT, RIGHT, TOP, BOTTOM, ROW = 460, 82, 92, 30, 26, 26
MUCH = 6  # a bar that is so many times as long as the next is cut
OFTEN = 0.3  # per request: what a runtime stands on
LEAST = 0.01  # per request; rarer calls are drawn together as "other calls"
READ = ("A bar is the number of system calls per request, a piece of it one call by name. "
        "Below 1, a call serves several requests. The calls were counted in a repetition "
        "of their own, because counting slows the server. A bar with a torn end is cut; "
        "its number is exact.")


def of_cells(view):
    """{cell: its calls, the most frequent first}"""
    found = {}
    for call in view.run.calls:
        found.setdefault(call["cell"], []).append(call)
    return found


def unit_of(rows):
    """Idle clients make no requests: per second"""
    return "per_second" if rows[0]["loop"] == "none" else "per_request"


def total(row, unit):
    """Calls in all, or None: not counted, or not valid"""
    return row.get("calls_" + unit)


def why_not(row):
    if row["calls_method"] == "none":
        return "this user has no permission to count system calls"
    return row["reason"] or "not counted"


def _status(row):
    return row["status"] if row["status"] != "ok" else "not counted"


def _pieces(calls, unit, all_of_it):
    """[(name, calls)], rare calls together as 'other calls'"""
    shown = [(call["call"], call[unit]) for call in calls
             if call[unit] and call[unit] >= LEAST]
    rest = (all_of_it or 0) - sum(n for _, n in shown)
    return shown + ([("other calls", rest)] if rest > LEAST else [])


def _role(piece):
    return style.call_roles().index(style.call(piece[0])[1])


def _limit(totals):
    """The longest bar: that of a server that busy-polls would hide all others"""
    ordered = sorted(totals)
    if not ordered:
        return 1
    limit = ordered[-1]
    for shorter, longer in zip(ordered, ordered[1:]):
        if longer > MUCH * max(shorter, 1) and shorter > 0:
            limit = shorter * 1.25
            break
    return max(limit * 1.02, 1e-9)


class Panel:
    def __init__(self, view, rows, calls, missing):
        self.view, self.calls, self.missing = view, calls, missing
        self.rows = [row for row in rows if row["model"] != "baseline"]
        self.unit = unit_of(rows)
        self.metric = "calls_" + self.unit

    def draw(self, title):
        height = TOP + BOTTOM + ROW * len(self.rows)
        more = widen(map(self.view.label, self.rows), LEFT - 10)
        self.drawing = Drawing(WIDTH + more, height, title,
                               "System calls of each model, by name; the numbers "
                               "are in the table below.")
        self.plot = self.drawing.plot(LEFT + more, RIGHT, TOP, BOTTOM)
        totals = [total(row, self.unit) for row in self.rows]
        self.limit = _limit([n for n in totals if n is not None])
        self.plot.scale_x(self.metric, 0, self.limit, False)
        what = self.unit.replace("_", " ")
        self.plot.head(f"system calls {what} – less is better")
        for i, row in enumerate(self.rows):
            self._model(TOP + (i + 0.5) * ROW, row, totals[i])
        return self.drawing.svg()

    def _model(self, y, row, count):
        m = self.view.model(row)
        self.drawing.text(self.plot.left - 10, y, self.view.label(row), ha="right", m=m)
        if count is None:
            self._absent(y, row, m)
            return
        end = self.plot.x(self._bar(y, row, count))
        self.drawing.text(end + (9 if count > self.limit else 6), y,
                          words.amount(self.metric, count), m=m)

    def _bar(self, y, row, count):
        end = 0
        pieces = _pieces(self.calls.get(row["cell"], []), self.unit, count)
        for name, n in sorted(pieces, key=_role):  # the same order in all bars
            begin, end = end, min(self.limit, end + n)
            if end > begin:
                self._piece(y, row, name, n, self.plot.x(begin), self.plot.x(end))
        if count > self.limit:
            self._torn(y, self.view.model(row))
        return end

    def _piece(self, y, row, name, n, left, right):
        m = self.view.model(row)
        self.drawing.rectangle(
            left, y - 0.33 * ROW, right - left, 0.66 * ROW, style.call(name)[0],
            edge=style.page("paper"), m=m, tip=f"{self.view.label(row)}: {name} "
                                               f"{words.amount(self.metric, n)}")
        room = 5.6 * len(name) + 4  # a name is written only where it fits
        if right - left > room + 4:
            middle = (left + right) / 2
            self.drawing.rectangle(middle - room / 2, y - 6, room, 12,
                                   style.page("paper"), alpha=0.85, m=m)
            self.drawing.text(middle, y, name, size=9, ha="center", m=m)

    def _torn(self, y, m):
        xs = [self.plot.right + (2.5 if k % 2 else -2.5) for k in range(7)]
        self.drawing.line(xs, [y + ROW * (0.14 * k - 0.42) for k in range(7)],
                          style.page("ink"), m=m)

    def _absent(self, y, row, m):
        self.missing.add(self.view.label(row), words.setting_short(row),
                         {**row, "status": _status(row), "reason": why_not(row)})
        self.drawing.text(self.plot.left + 8, y, f"missing: {_status(row)}", soft=True, over=True, m=m)


def figure(view, rows, calls, missing, title):
    where = words.setting_words(rows[0])
    svg = Panel(view, rows, calls, missing).draw(f"{title}: system calls, {where}")
    return Figure(svg, where, load=view.load(rows[0]),
                  connections=rows[0]["connections"] or None)


def legend(view, settings, calls):
    """HTML that explains the colours: a call has the colour of its role"""
    names = dict.fromkeys(name for rows in settings for row in rows for name, _ in
                          _pieces(calls.get(row["cell"], []), unit_of(rows),
                                  total(row, unit_of(rows))))
    found = {style.call(name)[1]: style.call_kind(name) for name in names}
    ordered = [role for role in style.call_roles() if role in found]
    items = "".join(f'<li><i style="background:{found[role]}"></i>{role}</li>'
                    for role in ordered)
    return f'<ul class="legend" aria-label="Colours of system calls">{items}</ul>'


def stands_on(view, settings, calls):
    """HTML: the system calls that each runtime makes for a request, with one client"""
    rows = [row for rows in sorted(settings, key=lambda rows: rows[0]["connections"] or 0)
            for row in rows if row["loop"] != "none" and style.is_runtime(row["model"])]
    found = {}
    for row in rows:
        pieces = _pieces(calls.get(row["cell"], []), "per_request", row["calls_per_request"])
        waits = [name for name, _ in pieces if style.call(name)[1] == "waits"][:1]
        names = [name for name, n in pieces if n >= OFTEN or name in waits]
        if row["model"] not in found and names:
            found[row["model"]] = (row, sorted(names, key=lambda name: _role((name,))))
    items = "".join(
        f'<li data-m="{view.model(row)}"><b>{html.escape(view.label(row))}</b>: '
        f'{html.escape(" + ".join(names))}</li>' for row, names in found.values())
    return f"<p>What the runtimes stand on: their calls for a request, with the fewest " \
           f"connections.</p><ul>{items}</ul>" if items else ""


def table(view, settings, calls):
    """A row for each call; one for a cell that was not counted"""
    found = []
    for rows in settings:
        unit = unit_of(rows)
        for row in rows:
            if row["model"] == "baseline":
                continue
            head = [(view.label(row), view.model(row)),
                    (words.setting_short(row), None)]
            count = total(row, unit)
            pieces = _pieces(calls.get(row["cell"], []), unit, count) \
                if count is not None else []
            if count is None:
                found.append((view.data(row), head + [
                    ("–", None), ("–", None),
                    (f"{_status(row)}: {why_not(row)}", None)]))
            for name, n in [("all", count), *pieces] if count is not None else []:
                found.append((view.data(row), head + [
                    (name, None), (words.amount("calls_" + unit, n), n),
                    (row["calls_method"], None)]))
    return Table([("model", True), ("setting", False), ("system call", False),
                  ("count", True), ("counted by", False)], found)


def main_settings(view):
    """The closed-loop family with the most points, and the idle clients. The details have
    all settings."""
    closed = view.families("connections", [r for r in view.cells
                                           if r["loop"] == "closed"])
    longest = max(closed, default=[], key=lambda rows: len(
        {row["connections"] for row in rows}))
    cells = {row["cell"] for row in longest}
    return [rows for rows in view.settings()
            if rows[0]["cell"] in cells or rows[0]["loop"] == "none"]


def build(view):
    settings, calls, missing = main_settings(view), of_cells(view), Missing()
    if not settings or not any(row["calls_method"] for row in view.cells):
        return []
    title, note = view.finding("calls") or ("System calls per request", "")
    figures = [figure(view, rows, calls, missing, title) for rows in settings]
    return [Chart("calls", "System calls", title, note, READ, figures,
                  [table(view, settings, calls)], missing.list,
                  html=legend(view, settings, calls) + stands_on(view, settings, calls))]
