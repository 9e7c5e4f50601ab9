# SPDX-License-Identifier: MIT
"""plots/style.csv and plots/charts.csv, which gnuplot reads as well: colours, markers and
texts of all charts.

Colours follow the reader's theme. A drawing is made with placeholders (paint()), which
as_variables() turns into CSS variables; css() defines these for a light and a dark page.
"""

import csv
import functools
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent.parent


def rows(name):
    """Rows of a CSV file without its comments"""
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
    """`label`, `marker`, `dash` and `paint` of a model"""

    def __init__(self, row, name, marker=None):
        self.label = row["label"] if row["name"] == name and row["label"] else name
        self.marker = marker or row["mpl"]
        self.dash = _dashes(row["dash"])
        self.paint = paint(row["kind"], row["name"])


class Dot:
    """The marker of what is no model"""
    marker, paint = "o", None


@functools.lru_cache(maxsize=None)
def _paints():
    """{(kind, name): number} of all colours"""
    return {(kind, name): number for number, (kind, name) in enumerate(
        ((kind, name) for kind, of in _table().items() for name in of), 1)}


def paint(kind, name):
    """The placeholder of this colour, for matplotlib"""
    return f"#0000{_paints()[kind, name]:02x}"


def colour(kind, name):
    """The colour itself on a light page, for a picture of its own"""
    return _table()[kind].get(name, _table()["other"][""])["color"]


def page(name):
    return paint("page", name)


def variable(kind, name):
    return f"var(--k{_paints()[kind, name]})"


def as_variables(svg):
    return re.sub(r"#0000([0-9a-f]{2})\b",
                  lambda found: f"var(--k{int(found[1], 16)})", svg)


def call(name):
    """(placeholder, role) of a system call"""
    if name in _table()["call"]:
        return paint("call", name), _table()["call"][name]["label"]
    return paint("other", ""), _table()["other"][""]["label"]


def is_call(name):
    """Whether it has a role, and so a colour"""
    return name in _table()["call"]


def call_kind(name):
    """The CSS variable of a system call's colour"""
    known = name in _table()["call"]
    return variable("call", name) if known else variable("other", "")


def verdict_rules():
    """CSS: the colour of each verdict"""
    return " ".join(f".v-{name} {{ --verdict: {variable('verdict', name)} }}"
                    for name in _table()["verdict"])


def call_roles():
    """Roles of system calls, in the order of style.csv"""
    return list(dict.fromkeys(row["label"] for row in (
        *_table()["call"].values(), *_table()["other"].values())))


def known_models():
    """Models with a look of their own, in reading order"""
    return [model for model in _table()["model"] if model != "baseline"]


def _program(model):
    """Without its options: delayloop of delayloop:delay=10ms"""
    return model.partition(":")[0]


def _row(model):
    """The row of a model, variant or runtime; None: it has none"""
    return next((of[model] for kind in ("model", "variant", "runtime")
                 if model in (of := _table()[kind])), None)


def is_runtime(model):
    """Whether it is one of models/runtimes/"""
    return _program(model) in _table()["runtime"]


def group(model):
    """Those that share a picture if there are too many for one"""
    if is_runtime(model):
        return "runtimes"
    return "variants" if _program(model) in _table()["variant"] else "models"


def _in_ns(time):
    return f"={round(float(time[1]) * {'us': 1e3, 'ms': 1e6, 's': 1e9}[time[2]])}"


def model_order(model):
    """A key to sort by: reading order, then other models by name, with numbers and times as
    such; then runtimes, in reading order; the baseline last"""
    known, runtimes = known_models(), list(_table()["runtime"])
    label = re.sub(r"=(\d+\.?\d*)(us|ms|s)\b", _in_ns, model)
    runtime = runtimes.index(_program(model)) + 1 if is_runtime(model) else 0
    return (model == "baseline", runtime,
            known.index(model) if model in known else len(known),
            [(not part.isdigit(), int(part) if part.isdigit() else 0, part)
             for part in re.split(r"(\d+)", label)])


def looks(models):
    """{model: look} of these models, which are in the order of cells.csv"""
    spare = list(_table()["spare"].values())
    found, used, options = {}, 0, {}
    for model in models:
        row, program = _row(_program(model)), _program(model)
        if not row:
            found[model] = Look(spare[used % len(spare)], model)
            used += 1
        elif program == model:
            found[model] = Look(row, model)
        else:
            of = options[program] = options.get(program, 0) + 1
            found[model] = Look(row, model, spare[(of - 1) % len(spare)]["mpl"])
    return found


#: The lightest and the darkest field of a heat table; text is readable on every field
_HEAT = {False: ("#FFFFFF", "#F2A03D"), True: ("#16181C", "#8A4A06")}
HEAT_STEPS = 7


def _mixed(first, last, share):
    parts = [(int(first[i:i + 2], 16), int(last[i:i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in parts)


def heat(dark):
    """Colours of a heat table, the best first"""
    return [_mixed(*_HEAT[dark], i / (HEAT_STEPS - 1)) for i in range(HEAT_STEPS)]


def css(dark):
    """All variables, as CSS"""
    column = "dark" if dark else "color"
    values = [f"--k{number}:{_table()[kind][name][column]}"
              for (kind, name), number in _paints().items()]
    names = [f"--{name}:{row[column]}" for name, row in _table()["page"].items()]
    fields = [f"--h{i}:{color}" for i, color in enumerate(heat(dark))]
    return ";".join(names + values + fields)
