# SPDX-License-Identifier: MIT
"""The lines of a run, read and held against their schema."""

import json

import jsonschema
from server import TOP

SCHEMA = TOP / "harness/run/repetition.schema.json"


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
