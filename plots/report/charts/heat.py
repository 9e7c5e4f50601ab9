# SPDX-License-Identifier: MIT
"""The overview: a table of models by settings, coloured where a model is called worse than the
reference."""

import html
import math

from .. import words
from ..style import HEAT_STEPS
from ..view import Chart, Missing, amount, is_hollow, is_there, metric_of, why_absent

METRICS = [("requests_per_second", "Replies per second", "more", ("closed",)),
           ("response_p50_ns", "Median response time", "less", ("open",)),
           ("response_p99_ns", "p99 response time", "less", ("closed", "open")),
           ("server_cpu_per_request_ns", "Server CPU time per request",
            "less", ("closed", "open")),
           ("resident_per_connection_bytes", "Memory per idle client",
            "less", ("none",))]
READ = ("Compare numbers within a column: a column is a setting. The small number is the ratio "
        "to the reference, where it is compared; a stronger colour is a larger difference for "
        "the worse. n: blocks, if fewer than others of the column have. ?: fewer than 100 "
        "requests are beyond the p99. ≥, ≤: a bound, because the generator was at its limit.")


def step(x):
    """0 to HEAT_STEPS - 1; 30 times as bad or more has the darkest colour"""
    return min(HEAT_STEPS - 1, max(0, round(math.log(x) / math.log(30) * (HEAT_STEPS - 1))))


def _compared(view, row, metric, better):
    """(the ratio to the reference in words, the colour)"""
    if is_hollow(row, metric):
        return "whole core" if "cpu" in metric else "saturated", 0
    rows = view.versus.get(row["setting"], [])
    of = next((r for r in rows if (r["model"], r["metric"]) == (row["model"], metric)), None)
    if of is None or not of["ratio"] or of["verdict"] == "missing":
        return "reference" if rows and row["model"] == rows[0]["reference"] else "", 0
    if of["verdict"] != "different":
        return f"{words.change(of['ratio'])}, {of['verdict']}", 0
    return words.change(of["ratio"]), step(
        1 / of["ratio"] if better == "more" else of["ratio"])


def _cell(view, row, metric, better, blocks):
    metric = metric_of(row, metric)
    if not is_there(row, metric):
        return f'<td class="absent">{why_absent(row, metric)[0]}</td>'
    small, color = _compared(view, row, metric, better)
    if row["n"] < blocks:
        small = f"n {row['n']:.0f}{small and ', '}{small}"
    sure = "?" if metric in row["unsure"].split() else ""
    return (f'<td class="h{color}">{html.escape(amount(row, metric))}{sure}'
            f"<small>{small}</small></td>")


def _heads(view, columns):
    """Two rows of heads: load, connections"""
    def name(row):
        return words.many(row["connections"], "connection") \
            if row["connections"] else words.many(row["idle"], "idle client")
    groups = []
    for rows in columns:
        load = view.load(rows[0])
        if groups and groups[-1][0] == load:
            groups[-1][1].append(rows[0])
        else:
            groups.append((load, [rows[0]]))
    if all(not row["connections"] for _, rows in groups for row in rows):
        heads = "".join(f'<th scope="col"{_data(view, row)}>{name(row)}</th>'
                        for _, rows in groups for row in rows)
        return f"<tr><td></td>{heads}</tr>"
    first = "".join(f'<th scope="colgroup" colspan="{len(rows)}" data-l="{load}" '
                    f'data-cs="{" ".join(str(r["connections"]) for r in rows)}">'
                    f'{html.escape(view.loads[words.load_key(rows[0])])}</th>'
                    for load, rows in groups)
    second = "".join(f'<th scope="col"{_data(view, row)}>{name(row)}</th>'
                     for _, rows in groups for row in rows)
    return (f'<tr><td rowspan="2"></td>{first}</tr><tr>{second}</tr>')


def _data(view, row, model=False):
    data = view.data(row)
    return "".join(f' data-{key}="{value}"' for key, value in data.items()
                   if key != "m" or model)


def table(view, metric, head, better, loops, missing):
    """HTML: each number in a field of its colour"""
    columns = [rows for rows in view.settings() if rows[0]["loop"] in loops]
    if not columns:
        return ""
    lines = []
    for model in view.models:
        if not any(row["model"] == model for rows in columns for row in rows):
            continue
        cells = []
        for rows in columns:
            row = next((r for r in rows if r["model"] == model), None)
            if row is None:
                cells.append(f'<td class="none"{_data(view, rows[0])}></td>')
                continue
            blocks = max(row["n"] for row in rows)
            cells.append(_cell(view, row, metric, better, blocks).replace(
                "<td", f"<td{_data(view, row)}", 1))
            if not is_there(row, metric_of(row, metric)):
                missing.add(view.label(row), words.setting_short(row), row, metric)
        label = html.escape(view.looks[model].label)
        lines.append(f'<tr data-m="{view.models.index(model)}">'
                     f'<th scope="row">{label}</th>{"".join(cells)}</tr>')
    word = "more is better" if better == "more" else "less is better"
    return (f'<div class="scroll" tabindex="0" role="region" '
            f'aria-label="{html.escape(head)}"><table class="heat"><caption>'
            f'{html.escape(head)} – {word}</caption><thead>'
            f'{_heads(view, columns)}</thead><tbody>{"".join(lines)}</tbody>'
            f'</table></div>')


def build(view):
    if not view.cells:
        return []
    missing = Missing()
    tables = [table(view, *metric, missing) for metric in METRICS]
    title, note = view.finding("server_cpu") or ("All models in all settings", "")
    return [Chart("overview", "Overview", title, note, READ, missing=missing.list,
                  html=f'<div class="tables">{"".join(tables)}</div>')]
