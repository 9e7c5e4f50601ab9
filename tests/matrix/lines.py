# SPDX-License-Identifier: MIT
"""The lines of a run, held against their schema; all of it, against the dictionary."""

import csv
import json
import re

import jsonschema
from server import TOP

SCHEMA = TOP / "harness/store/repetition.schema.json"
DICTIONARY = TOP / "results/README.md"


def problems(line):
    """What is wrong with it, each as 'metrics/threads: ...'; empty: nothing."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    return [f"{'/'.join(map(str, error.absolute_path)) or 'line'}: "
            f"{error.message:.200}" for error in validator.iter_errors(line)]


def validate(path):
    """All lines of a repetitions.jsonl, or of a run's folder; each is held
    against the schema, and no repetition may be there twice."""
    path = path / "repetitions.jsonl" if path.is_dir() else path
    text = path.read_text(encoding="utf-8")
    assert text == "" or text.endswith("\n"), f"{path}: its last line is cut off"
    lines = [json.loads(line) for line in text.splitlines()]
    for number, line in enumerate(lines, 1):
        wrong = problems(line)
        assert not wrong, f"{path}:{number}: " + "; ".join(wrong)
    attempts = [(line["index"], line["attempt"]) for line in lines]
    assert len(set(attempts)) == len(attempts), f"{path}: a line is there twice"
    return lines


def section(title):
    """A part of the dictionary, up to the next heading of any level."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#)",
                      DICTIONARY.read_text(encoding="utf-8"), re.M | re.S)
    assert found, f"results/README.md: no section '{title}'"
    return found.group(1)


def names_in(title):
    """What stands as `name` in the first column of the tables of a section."""
    rows = re.findall(r"^\| ([^|]*) \|", section(title), re.M)
    return [name for row in rows for name in re.findall(r"`([\w./]+)`", row)]


def columns(path):
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


def undocumented(folder):
    """What of a run's folder, as 'cells.csv: mood', the dictionary does not have."""
    missing = []

    def hold(where, names, known):
        missing.extend(f"{where}: {name}" for name in names
                       if name not in known)

    metrics = names_in("Metrics")
    parts = names_in("Terms")
    of_metrics = [name + end for name in metrics
                  for end in ("", "_low", "_high", "_lowest", "_highest")]
    hold("files", [path.name + "/" * path.is_dir() for path in folder.iterdir()],
         names_in("Results: what every file and every number means"))
    hold("cells.csv", columns(folder / "cells.csv"),
         names_in("cells.csv") + of_metrics)
    hold("calls.csv", columns(folder / "calls.csv"),
         names_in("calls.csv") + parts)
    hold("findings.csv", columns(folder / "findings.csv"),
         names_in("findings.csv"))
    hold("warnings.csv", columns(folder / "warnings.csv"),
         names_in("warnings.csv"))
    for name in "run.json", "machine.json":
        hold(name, json.loads((folder / name).read_text()), names_in(name))
    return missing
