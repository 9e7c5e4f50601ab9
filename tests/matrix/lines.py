# SPDX-License-Identifier: MIT
"""Checks a run's record against its schema, and all its files against the dictionary
in results/README.md."""

import csv
import json
import re

import jsonschema
from server import TOP

SCHEMA = TOP / "harness/store/repetition.schema.json"
DICTIONARY = TOP / "results/README.md"


def problems(line):
    """Violations of the schema, such as 'metrics/threads: ...'"""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    return [f"{'/'.join(map(str, error.absolute_path)) or 'line'}: "
            f"{error.message:.200}" for error in validator.iter_errors(line)]


def validate(path):
    """Reads a repetitions.jsonl, or that of a run's folder. Each line has to match the
    schema, and no entry may occur twice."""
    path = path / "repetitions.jsonl" if path.is_dir() else path
    text = path.read_text(encoding="utf-8")
    assert text == "" or text.endswith("\n"), f"{path}: its last line is cut off"
    lines = [json.loads(line) for line in text.splitlines()]
    for number, line in enumerate(lines, 1):
        wrong = problems(line)
        assert not wrong, f"{path}:{number}: " + "; ".join(wrong)
    indexes = [line["index"] for line in lines]
    assert len(set(indexes)) == len(indexes), f"{path}: duplicate line"
    return lines


def section(title):
    """A section of the dictionary, up to the next heading of any level"""
    found = re.search(rf"^#+ {title}\n(.*?)(?=^#)",
                      DICTIONARY.read_text(encoding="utf-8"), re.M | re.S)
    assert found, f"results/README.md: no section '{title}'"
    return found.group(1)


def names_in(title):
    """Every `name` in the first column of a section's tables"""
    rows = re.findall(r"^\| ([^|]*) \|", section(title), re.M)
    return [name for row in rows for name in re.findall(r"`([\w./]+)`", row)]


def columns(path):
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


def undocumented(folder):
    """Names of a run's folder that the dictionary lacks, such as 'cells.csv: mood'"""
    missing = []

    def check(where, names, known):
        missing.extend(f"{where}: {name}" for name in names
                       if name not in known)

    metrics = names_in("Metrics")
    parts = names_in("Terms")
    of_metrics = [name + end for name in metrics
                  for end in ("", "_low", "_high", "_lowest", "_highest")]
    check("files", [path.name + "/" * path.is_dir() for path in folder.iterdir()],
         names_in("Results.*?"))
    check("cells.csv", columns(folder / "cells.csv"),
         names_in("cells.csv") + of_metrics)
    check("slices.csv", columns(folder / "slices.csv"), names_in("slices.csv"))
    check("calls.csv", columns(folder / "calls.csv"),
         names_in("calls.csv") + parts)
    check("comparisons.csv", columns(folder / "comparisons.csv"),
         names_in("comparisons.csv"))
    check("findings.csv", columns(folder / "findings.csv"),
         names_in("findings.csv"))
    check("warnings.csv", columns(folder / "warnings.csv"),
         names_in("warnings.csv"))
    for name in "run.json", "machine.json":
        check(name, json.loads((folder / name).read_text()), names_in(name))
    return missing
