# SPDX-License-Identifier: MIT
"""Reads the folder of a run and collects what is wrong with it.

    run = read("results/2026-11-21T154500-quick")
    run.cells, run.findings["throughput"], run.repetitions, run.problems

Medians, intervals and verdicts come from the tables that bin/matrix made; nothing is
computed from the record. The repetitions are read for what is drawn one by one: their
points, their histograms, their warnings.

A broken part is left out, and `problems` says so. Without cells.csv there is nothing to
draw: NotARun. A folder that has only claims.csv or primitives.csv is not of a run, and has no
cells. results/README.md documents every file.
"""

import csv
import json
import math
import pathlib

from . import trace

SCHEMA = 2

#: The parts of a cell, as they stand in cells.csv, with their types
PARTS = {"model": str, "loop": str, "connections": int, "rate": float,
         "idle": int, "message": int, "depth": int, "pattern": str,
         "work": str, "placement": str}

_WORDS = {"loop": {"closed", "open", "none"}, "placement": {"split", "shared"},
          "status": {"ok", "refused", "unsupported", "failed"}}


class NotARun(Exception):
    """The folder is not that of a run, or its tables are missing."""


class Run:
    """`cells` and `calls` are rows with numbers as floats, an empty field as None.
    `findings` maps a chart to (title, note); `verdicts` are those of the run, in order."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.problems = []
        self.complete = not (self.path / "INCOMPLETE").exists()
        self.repetitions = []
        self.cells, self.calls, self.comparisons = [], [], []
        self.findings, self.verdicts = {}, []
        self.warnings = None  # rows of warnings.csv; None: there is no such file
        self.claims, self.primitives = [], []
        self.machine, self.run, self.plan = {}, {}, ""
        self.traces = {}  # of one request; {model: Trace}

    def problem(self, text):
        self.problems.append(text)

    @property
    def name(self):
        return self.path.resolve().name

    @property
    def margin(self):
        """0.03: within 3 % is equal"""
        margin = self.run.get("margin")
        return margin if margin and margin > 0 else 0.03

    @property
    def blocks(self):
        """How many blocks were begun"""
        return max((r["block"] for r in self.repetitions
                    if r["role"] in ("timing", "aa")), default=0)


# ------------------------------------------------------------ repetitions.jsonl

_KEYS = {"index": int, "block": int, "role": str, "cell": str, "status": str,
         "warnings": list, "metrics": dict}


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def what_is_wrong(line):
    """Why this object is not a repetition, or None"""
    if not isinstance(line, dict) or "schema" not in line:
        return "is not a repetition"
    schema = line["schema"]
    if schema in range(1, SCHEMA):
        raise NotARun(f"written by an older program (schema {schema}, this program reads "
                      f"{SCHEMA}): measure again")
    if _is_number(schema) and schema > SCHEMA:
        return (f"was written by a newer program: it has schema {schema}, this "
                f"program reads {SCHEMA}")
    if schema != SCHEMA:
        return f"has schema {schema!r}, this program reads {SCHEMA}"
    for key, kind in _KEYS.items():
        if not isinstance(line.get(key), kind) or isinstance(line[key], bool):
            return f"is not a repetition: {key} is missing or has another type"
    if not all(value is None or _is_number(value) and math.isfinite(value)
               for value in line["metrics"].values()):
        return "is not a repetition: a metric is not a number"
    return None


def _repetition(line):
    """What is drawn of it"""
    file = line.get("histograms")
    return {**{key: line[key] for key in _KEYS},
            "warnings": [str(text) for text in line["warnings"]],
            "histograms": file if isinstance(file, str) else ""}


def _read_line(run, number, text):
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        run.problem(f"repetitions.jsonl, line {number} is "
                    f"{'broken' if text.endswith(chr(10)) else 'cut off'}: left out")
        return
    wrong = what_is_wrong(line)
    if wrong:
        run.problem(f"repetitions.jsonl, line {number} {wrong}; left out")
    else:
        run.repetitions.append(_repetition(line))


def _read_repetitions(run):
    path = run.path / "repetitions.jsonl"
    try:
        with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
            for number, text in enumerate(file, 1):
                _read_line(run, number, text)
    except NotARun as error:
        raise NotARun(f"{run.path}: {error}") from None
    except OSError as error:
        raise NotARun(f"{run.path}: not a run of bin/matrix: repetitions.jsonl: "
                      f"{error.strerror}") from None


# --------------------------------------------------------------- the CSV files

def _number(text):
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _value(column, text):
    kind = PARTS.get(column)
    if kind is int:
        return int(_number(text) or 0)
    if kind is str or column in _TEXTS:
        return text
    return _number(text)


#: Runs from before there was http have no service.
_TEXTS = {"service", "cell", "status", "reason", "cpu_method", "calls_method", "unsure",
          "call", "method", "setting", "state", "reference", "metric", "verdict", "sentence",
          "primitive", "unit", "why"}


def _read_csv(run, name, needed):
    """Its rows; an empty list if it is missing or broken"""
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
        run.problem(f"{name} is cut off or lacks a column: left out")
        return []
    return rows


def _read_table(run, name, needed):
    rows = _read_csv(run, name, needed)
    return [{column: _value(column, text) for column, text in row.items()}
            for row in rows]


_CELL = {"cell", "setting", "n", "invalid", "status", "reason", "state", "bound", "spins",
         "unsure", "cpu_method", "calls_method", *PARTS}
_VERSUS = {"setting", "model", "reference", "metric", "ratio", "low", "high", "blocks",
           "rounds", "aa_low", "aa_high", "verdict", "sentence", "state"}
_RATIOS = ("ratio", "low", "high", "aa_low", "aa_high")
_WARNING = {"warning", "count", "of", "models", "settings"}
_CLAIM = {"claim", "topic", "taught", "verdict", "figure", "low", "high", "level", "evidence",
          "chart", "reason", "title_en", "title_ko", "correction_en", "correction_ko",
          "by_hand", "machine", "kernel", "date"}
_PRIMITIVE = {"primitive", "method", "watched", "ready", "count", "unit", "value", "low", "high",
              "repetitions", "calls", "why"}


def _is_cell(row):
    return all(row[key] in words for key, words in _WORDS.items()) and \
        row["n"] is not None and row["invalid"] is not None and \
        (row["loop"] != "open" or row["rate"] is not None)


def _read_tables(run):
    makes = f"bin/matrix report {run.path} makes it"
    if not (run.path / "cells.csv").exists():
        raise NotARun(f"{run.path}: no cells.csv: {makes}")
    rows = _read_table(run, "cells.csv", _CELL)
    run.cells = [row for row in rows if _is_cell(row)]
    if not run.cells:
        raise NotARun(f"{run.path}: cells.csv has no cell that can be read: {makes} "
                      "again")
    if len(run.cells) < len(rows):
        run.problem(f"cells.csv has {len(rows) - len(run.cells)} broken rows: left out")
    run.calls = _read_table(run, "calls.csv", {"cell", "call", "per_request",
                                               "per_second", *PARTS})
    rows = _read_table(run, "comparisons.csv", _VERSUS)
    settings = {row["setting"] for row in run.cells}
    run.comparisons = [row for row in rows if row["setting"] in settings and all(
        row[key] is None or row[key] > 0 for key in _RATIOS)]
    if len(run.comparisons) < len(rows):
        run.problem(f"comparisons.csv has {len(rows) - len(run.comparisons)} broken rows: "
                    "left out")
    for row in _read_csv(run, "findings.csv", {"chart", "title", "note"}):
        if row["chart"].startswith("verdicts/"):
            run.verdicts.append(row["title"])
        run.findings.setdefault(row["chart"], (row["title"], row["note"]))
    if (run.path / "warnings.csv").exists():
        run.warnings = _read_csv(run, "warnings.csv", _WARNING)


# --------------------------------------------------------------- the other files

#: Types of the keys that the page uses; all other keys are only listed
_PLACE = {"server": str, "client": str}
_SHAPES = {
    "machine.json": {"build": {"commit": str, "dirty": bool}, "virtualization": str,
                     "container": str, "governors": (str, dict, list)},
    "run.json": {"blocks": int, "margin": float, "programs": dict, "sittings": list,
                 "places": {"split": _PLACE, "shared": _PLACE}}}


def _drop_others(of, shape, above=""):
    """Removes values of another type; yields their names"""
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
        run.problem(f"{name} is missing")
        return {}
    except (OSError, ValueError):
        run.problem(f"{name} cannot be read: left out")
        return {}
    if not isinstance(value, dict):
        run.problem(f"{name} is not a JSON object: left out")
        return {}
    for key in _drop_others(value, _SHAPES[name]):
        run.problem(f"{name}: {key} has another type: left out")
    return value


def _read_plan(run):
    try:
        run.plan = (run.path / "plan.txt").read_text(encoding="utf-8",
                                                     errors="replace")
    except OSError:
        run.problem("plan.txt is missing")


def _read_traces(run):
    """Runs that may not count system calls have none."""
    try:
        with open(run.path / "request.csv", encoding="utf-8", newline="") as file:
            run.traces = trace.read(file)
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError, trace.NotATrace) as error:
        run.problem(f"request.csv cannot be read ({error}): left out")


def read(path):
    run = Run(path)
    if not run.path.is_dir():
        raise NotARun(f"{path}: no such folder")
    run.claims = _read_csv(run, "claims.csv", _CLAIM)
    run.primitives = _read_table(run, "primitives.csv", _PRIMITIVE)
    run.machine = _read_json(run, "machine.json")
    if (run.claims or run.primitives) and not (run.path / "repetitions.jsonl").exists():
        return run
    _read_repetitions(run)
    _read_tables(run)
    run.run = _read_json(run, "run.json")
    _read_plan(run)
    _read_traces(run)
    return run
