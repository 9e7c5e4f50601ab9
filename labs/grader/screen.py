# SPDX-License-Identifier: MIT
"""Results for a terminal."""

import os
import sys
import textwrap

from .results import FAIL, PASS, SKIPPED, TIMEOUT, formula

COLOURS = {PASS: "32", FAIL: "31", TIMEOUT: "31"}


def coloured(word, status):
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or status not in COLOURS:
        return word
    return f"\033[{COLOURS[status]}m{word}\033[0m"


def block(label, text):
    """A label and an indented text"""
    lines = str(text).rstrip().splitlines() or [""]
    width = 13
    out = []
    for i, line in enumerate(lines[:30]):
        head = f"{label}:" if i == 0 else ""
        out += textwrap.wrap(line, 96, initial_indent=f"      {head:{width}}",
                             subsequent_indent=" " * (6 + width),
                             break_on_hyphens=False) or [""]
    if len(lines) > 30:
        out.append(" " * (6 + width) + f"... {len(lines) - 30} more lines")
    return "\n".join(out)


def detail(result):
    """What a failure says: what went well, what did not, what to do"""
    lines = []
    if result.status in (PASS, SKIPPED):
        return ""
    for step in result.steps:
        lines.append(block("went well" if not lines else "", step)
                     if not lines else f"{'':19}{step}")
    for label in "what", "expected", "got", "look", "by_hand":
        text = getattr(result, label)
        if text:
            name = {"what": "then", "look": "look at", "by_hand": "by hand"}.get(label, label)
            lines.append(block(name, text))
    return "\n".join(lines)


def line(result):
    word = f"{result.status:12}"
    text = f"  {coloured(word, result.status)}{result.name:18} {result.title}"
    more = detail(result)
    return f"{text}\n{more}" if more else text


def summary(results):
    return f"\n  {formula(results)}"
