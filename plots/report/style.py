# SPDX-License-Identifier: MIT
"""plots/style.csv and plots/charts.csv: one look and one wording for all drawers.

Colours in a page follow the reader's theme. So a drawing is made with stand-ins
(paint()), which as_variables() turns into CSS variables; css() gives these their
values, for a light page and for a dark one.
"""

import csv
import functools
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent.parent


def rows(name):
    """Lines of a CSV file but for its comments"""
    with open(HERE / name, encoding="utf-8", newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    return list(csv.DictReader(lines))


@functools.lru_cache(maxsize=None)
def _table():
    table = {}
    for row in rows("style.csv"):
        table.setdefault(row["kind"], {})[row["name"]] = row
    return table


@functools.lru_cache(maxsize=None)
def charts():
    """The standard charts: plots/charts.csv"""
    return rows("charts.csv")


def _dashes(text):
    return "solid" if text == "solid" else (
        0, tuple(float(part) for part in text.split()))


class Look:
    """How a model looks: `label`, `marker`, `dash` for matplotlib, `paint`"""

    def __init__(self, row, name):
        self.label = row["label"] if row["kind"] == "model" and row["label"] \
            else name
        self.marker = row["mpl"]
        self.dash = _dashes(row["dash"])
        self.paint = paint(row["kind"], row["name"])


@functools.lru_cache(maxsize=None)
def _paints():
    """Every colour there is: (kind, name) to its number"""
    return {(kind, name): number for number, (kind, name) in enumerate(
        ((kind, name) for kind, of in _table().items() for name in of), 1)}


def paint(kind, name):
    """The stand-in of this colour, for matplotlib; no drawing has others"""
    return f"#0000{_paints()[kind, name]:02x}"


def page(name):
    return paint("page", name)


def variable(kind, name):
    return f"var(--k{_paints()[kind, name]})"


def as_variables(svg):
    return re.sub(r"#0000([0-9a-f]{2})\b",
                  lambda found: f"var(--k{int(found[1], 16)})", svg)


def call(name):
    """(stand-in, what it does) of a system call"""
    if name in _table()["call"]:
        return paint("call", name), _table()["call"][name]["label"]
    return paint("other", ""), _table()["other"][""]["label"]


def call_kind(name):
    """The variable of a system call's colour"""
    known = name in _table()["call"]
    return variable("call", name) if known else variable("other", "")


def call_roles():
    """What system calls do, in the order of the style"""
    return list(dict.fromkeys(row["label"] for row in (
        *_table()["call"].values(), *_table()["other"].values())))


def looks(models):
    """The look of each of these models, which stand in the order of cells.csv"""
    spare = list(_table()["spare"].values())
    unknown = [model for model in models if model not in _table()["model"]]
    return {model: Look(_table()["model"].get(model)
                        or spare[unknown.index(model) % len(spare)], model)
            for model in models}


#: The lightest and the darkest field of a heat table; ink is readable on all between
_HEAT = {False: ("#FFFFFF", "#F2A03D"), True: ("#16181C", "#8A4A06")}
HEAT_STEPS = 7


def _mixed(first, last, share):
    parts = [(int(first[i:i + 2], 16), int(last[i:i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in parts)


def heat(dark):
    """Colours of a heat table's fields, the best first"""
    return [_mixed(*_HEAT[dark], i / (HEAT_STEPS - 1)) for i in range(HEAT_STEPS)]


def css(dark):
    """All variables, as CSS"""
    column = "dark" if dark else "color"
    values = [f"--k{number}:{_table()[kind][name][column]}"
              for (kind, name), number in _paints().items()]
    names = [f"--{name}:{row[column]}" for name, row in _table()["page"].items()]
    fields = [f"--h{i}:{color}" for i, color in enumerate(heat(dark))]
    return ";".join(names + values + fields)
