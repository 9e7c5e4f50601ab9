# SPDX-License-Identifier: MIT
"""The overview: a table of models by settings, coloured by the ratio to the best."""

import html
import math

from .. import words
from ..style import HEAT_STEPS
from ..view import (Chart, Missing, amount, is_hollow, is_there, metric_of, why_absent)

METRICS = [("requests_per_second", "Replies per second", "more", ("closed",)),
           ("response_p99_ns", "p99 response time", "less",
            ("closed", "open")),
           ("server_cpu_per_request_ns", "Server CPU time per request",
            "less", ("closed", "open")),
           ("resident_per_connection_bytes", "Memory per idle client",
            "less", ("none",))]
READ = ("Compare numbers within a column: a column is a setting. The number below is the "
        "ratio to the best of the column, and a stronger colour a larger ratio. A ratio "
        "alone is no evidence: the verdicts say which differences are. n: blocks, if fewer "
        "than others of the column have. ?: fewer than 100 requests are beyond the p99. ≥, "
        "≤: a bound, because the generator was at its limit.")


def is_ranked(row, metric):
    """Neither the baseline, nor one that takes the generator's CPU, nor the CPU time of one
    that uses its whole core"""
    return row["model"] != "baseline" and not row["oversubscribed"] and \
        not is_hollow(row, metric)


def best(rows, metric, better):
    """The best of those that are ranked"""
    values = [row[metric_of(row, metric)] for row in rows
              if is_there(row, metric_of(row, metric)) and is_ranked(row, metric)]
    values = [value for value in values if value > 0]
    if not values:
        return None
    return max(values) if better == "more" else min(values)


def ratio(value, reference, better):
    """1: the best; 2: half as good"""
    if not reference or value <= 0:
        return None
    return reference / value if better == "more" else value / reference


def step(x):
    """0 to HEAT_STEPS - 1; a ratio of 30 or more has the darkest colour"""
    if x is None:
        return 0
    return min(HEAT_STEPS - 1, max(0, round(math.log(max(x, 1)) / math.log(30)
                                       * (HEAT_STEPS - 1))))


def _cell(row, metric, reference, better, blocks):
    metric = metric_of(row, metric)
    if not is_there(row, metric):
        return f'<td class="absent">{why_absent(row, metric)[0]}</td>'
    of, ranked = ratio(row[metric], reference, better), is_ranked(row, metric)
    small = f"{words.ratio(of)}×" if ranked and of else \
        "whole core" if is_hollow(row, metric) else "not ranked"
    if row["n"] < blocks and row["model"] != "baseline":
        small = f"n {row['n']:.0f}, {small}"
    sure = "?" if metric in row["unsure"].split() else ""
    return (f'<td class="h{step(of) if ranked else 0}">'
            f'{html.escape(amount(row, metric))}{sure}<small>{small}</small></td>')


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
            reference = best(rows, metric, better)
            row = next((r for r in rows if r["model"] == model), None)
            if row is None:
                cells.append(f'<td class="none"{_data(view, rows[0])}></td>')
                continue
            blocks = max(row["n"] for row in rows)
            cells.append(_cell(row, metric, reference, better, blocks).replace(
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
    missing = Missing()
    tables = [table(view, *metric, missing) for metric in METRICS]
    title, note = view.finding("server_cpu") or ("All models in all settings", "")
    return [Chart("overview", "Overview", title, note, READ, missing=missing.list,
                  html=f'<div class="tables">{"".join(tables)}</div>')]
