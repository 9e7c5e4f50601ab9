# SPDX-License-Identifier: MIT
"""The folder of a run: all that is in it, and what is wrong with it.

    run = read("results/2026-11-21T154500-quick")
    run.repetitions, run.cells, run.findings["throughput"], run.problems

Reading never fails for a part that is missing or broken: it is left out, and a
sentence in `problems` says so. Only a folder that is no run at all is NotARun.
results/README.md is the dictionary of what is read.
"""

import csv
import json
import math
import pathlib

from . import reduce

SCHEMA = 1

#: Parts of a cell with their types, as they stand in a line and in cells.csv
PARTS = {"model": str, "loop": str, "connections": int, "rate": float,
         "idle": int, "message": int, "depth": int, "pattern": str,
         "work": str, "placement": str}

_KEYS = {"index": int, "attempt": int, "block": int, "role": str, "cell": str,
         "status": str, "reasons": list, "warnings": list, "metrics": dict}
_WORDS = {"loop": {"closed", "open", "none"}, "placement": {"split", "shared"},
          "status": {"ok", "invalid", "refused", "unsupported", "failed"},
          "role": {"timing", "aa", "counting", "idle", "ceiling"}}


class NotARun(Exception):
    """What was named is no folder of a run, or nothing in it can be read."""


class Run:
    """What was read. `cells` are rows of cells.csv with numbers as floats, what
    is absent as None; so are `calls`. `findings`: chart to (title, note)."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.problems = []
        self.complete = not (self.path / "INCOMPLETE").exists()
        self.repetitions = []
        self.cells, self.calls, self.findings = [], [], {}
        self.warnings = None  # rows of warnings.csv; None: not known
        self.made_here = False  # cells are not those of cells.csv
        self.machine, self.run, self.plan = {}, {}, ""

    def problem(self, text):
        self.problems.append(text)

    @property
    def name(self):
        return self.path.resolve().name

    @property
    def blocks(self):
        """How many blocks were begun"""
        return max((r["block"] for r in self.repetitions
                    if r["role"] in ("timing", "aa")), default=0)


# ------------------------------------------------------------ repetitions.jsonl

def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is(value, kind):
    if kind is float:
        return value is None or _is_number(value) and math.isfinite(value)
    return isinstance(value, kind) and not isinstance(value, bool)


def what_is_wrong(line):
    """Why this object is no repetition; None: it is one"""
    if not isinstance(line, dict) or "schema" not in line:
        return "is no repetition"
    schema = line["schema"]
    if _is_number(schema) and schema > SCHEMA:
        return (f"was written by a newer program: schema {schema}, and this "
                f"one reads {SCHEMA}")
    if schema != SCHEMA:
        return f"has schema {schema!r}, and {SCHEMA} is read"
    for key, kind in {**_KEYS, **PARTS}.items():
        if key not in line or not _is(line[key], kind):
            return f"is no repetition: {key} is not there, or is something else"
    for key, words in _WORDS.items():
        if line[key] not in words:
            return f"is no repetition: {key} {line[key]!r} is unknown"
    if not all(_is(value, float) for value in line["metrics"].values()):
        return "is no repetition: a metric is no number"
    return None


def _read_line(run, number, text):
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        cut = not text.endswith("\n")
        run.problem(f"repetitions.jsonl, line {number} is "
                    f"{'cut off' if cut else 'broken'}: left out")
        return
    wrong = what_is_wrong(line)
    if wrong:
        run.problem(f"repetitions.jsonl, line {number} {wrong}; left out")
        return
    run.repetitions.append(_tidied(line))


def _tidied(line):
    """With nothing in it that later would have to be asked what it is"""
    for key in ("reasons", "warnings"):
        line[key] = [str(text) for text in line[key]]
    for key in ("started", "cpu_method", "histograms"):
        line[key] = line.get(key) if isinstance(line.get(key), str) else ""
    load, calls = _object(line.get("load")), _object(line.get("calls"))
    line["load"] = {"sustained": load.get("sustained"), "coarse": load.get("coarse"),
                    "unsure": {key: _list(_object(load.get(key)).get("unsure"))
                               for key in load if key.endswith("_ns")}}
    names = _object(calls.get("by_name"))
    line["calls"] = {
        "method": calls.get("method") if isinstance(calls.get("method"), str) else "",
        "requests": calls.get("requests") if _is_number(calls.get("requests")) else None,
        "by_name": {name: n for name, n in names.items() if _is_number(n)}}
    return line


def _object(value):
    return value if isinstance(value, dict) else {}


def _list(value):
    return value if isinstance(value, list) else []


def _read_repetitions(run):
    path = run.path / "repetitions.jsonl"
    try:
        with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
            for number, text in enumerate(file, 1):
                _read_line(run, number, text)
    except OSError as error:
        raise NotARun(f"{run.path}: no run of bin/matrix: repetitions.jsonl: "
                      f"{error.strerror}") from None
    if not run.repetitions:
        said = f" ({run.problems[0]})" if run.problems else ""
        raise NotARun(f"{run.path}: repetitions.jsonl has no repetition that can "
                      f"be read{said}")
    reduce.drop_the_slow(run.repetitions)


# --------------------------------------------------------------- the CSV files

def _number(text):
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) != float("inf") and value == value else None


def _value(column, text):
    kind = PARTS.get(column)
    if kind is int:
        return int(_number(text) or 0)
    if kind is str or column in _TEXTS:
        return text
    return _number(text)


_TEXTS = {"cell", "status", "reason", "cpu_method", "calls_method", "unsure",
          "call", "method"}


def _read_csv(run, name, needed):
    """Its rows; an empty list where it is missing or not what it should be"""
    try:
        with open(run.path / name, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, csv.Error) as error:
        run.problem(f"{name} cannot be read ({error}): left out")
        return []
    bad = [row for row in rows if None in row or None in row.values()]
    if bad or (rows and not needed <= set(rows[0])):
        run.problem(f"{name} is cut off, or no such table: left out")
        return []
    return rows


def _read_table(run, name, needed):
    rows = _read_csv(run, name, needed | set(PARTS))
    return [{column: _value(column, text) for column, text in row.items()}
            for row in rows]


_WARNING = {"warning", "count", "of", "models", "settings"}


def _same_counts(cells, made):
    """Whether cells.csv is of these repetitions"""
    def counts(rows):
        return {row["cell"]: (row["n"], row["invalid"]) for row in rows}
    return counts(cells) == counts(made)


def _read_cells(run):
    """Those of cells.csv, which bin/matrix made; else made here in the same way"""
    made = reduce.cells(run.repetitions)
    run.cells = _read_table(run, "cells.csv", {"cell", "n", "status", "reason"})
    run.calls = _read_table(run, "calls.csv", {"call", "per_request"})
    findings = _read_csv(run, "findings.csv", {"chart", "title", "note"})
    run.findings = {row["chart"]: (row["title"], row["note"])
                    for row in findings}
    if run.cells and _same_counts(run.cells, made):
        if (run.path / "warnings.csv").exists():
            run.warnings = _read_csv(run, "warnings.csv", _WARNING)
        return
    if run.cells:
        run.findings = {}
        run.problem("cells.csv is not of these repetitions: medians were made "
                    "anew from repetitions.jsonl, and there are no findings")
    elif not run.problems:
        run.problem("cells.csv is not there: medians were made from "
                    "repetitions.jsonl, and there are no findings; bin/matrix "
                    "report makes both")
    run.cells, run.calls = made, reduce.calls(run.repetitions, made)
    run.made_here = True


# --------------------------------------------------------------- all the others

#: Types of what the page asks for; what else is there is only listed
_PLACE = {"server": str, "client": str}
_SHAPES = {
    "machine.json": {"build": {"commit": str, "dirty": bool}, "virtualization": str,
                     "container": str, "governors": (str, dict, list)},
    "run.json": {"blocks": int, "programs": dict, "sittings": list,
                 "places": {"split": _PLACE, "shared": _PLACE}}}


def _drop_others(of, shape, above=""):
    """Takes out what has another type; yields the names of it"""
    for key, kind in shape.items():
        value = of.get(key)
        inside = kind if isinstance(kind, dict) else None
        if value is None:
            continue
        if not isinstance(value, dict if inside else kind):
            del of[key]
            yield above + key
        elif inside:
            yield from _drop_others(value, inside, f"{above}{key}.")


def _read_json(run, name):
    try:
        value = json.loads((run.path / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        run.problem(f"{name} is not there")
        return {}
    except (OSError, ValueError):
        run.problem(f"{name} cannot be read: left out")
        return {}
    if not isinstance(value, dict):
        run.problem(f"{name} is something else: left out")
        return {}
    for key in _drop_others(value, _SHAPES[name]):
        run.problem(f"{name}: {key} is something else: left out")
    return value


def _read_plan(run):
    try:
        run.plan = (run.path / "plan.txt").read_text(encoding="utf-8",
                                                     errors="replace")
    except OSError:
        run.problem("plan.txt is not there")


def read(path):
    run = Run(path)
    if not run.path.is_dir():
        raise NotARun(f"{path}: no folder of that name")
    _read_repetitions(run)
    _read_cells(run)
    run.machine = _read_json(run, "machine.json")
    run.run = _read_json(run, "run.json")
    _read_plan(run)
    return run
