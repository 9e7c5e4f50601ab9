# SPDX-License-Identifier: MIT
"""Lines of repetitions.jsonl match their schema and results/README.md."""

import copy
import json
import re
import subprocess
import sys

import pytest
import server

sys.path.append(str(server.TOP / "tests/matrix"))

import lines  # noqa: E402  (found through the line above)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """samples.jsonl and metrics.json of the unit test store/record"""
    folder = tmp_path_factory.mktemp("samples")
    program = server.TOP / "build/asan/unit/store/record"
    assert program.exists(), f"{program} is not built: make builds"
    subprocess.run([program, folder], check=True)
    return folder


@pytest.fixture(name="line")
def first_line(samples):
    """A timing repetition that is ok."""
    first = (samples / "samples.jsonl").read_text().splitlines()[0]
    return json.loads(first)


def test_samples_match_the_schema(samples):
    path = samples / "samples.jsonl"
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(found) == 7
    for number, one in enumerate(found):
        assert lines.problems(one) == [], f"sample {number}"


WRONG = {
    "an unknown key": lambda x: x.update(mood="good"),
    "an unknown metric": lambda x: x["metrics"].update(mood=1),
    "a metric that is not there": lambda x: x["metrics"].pop("threads"),
    "a key that is not there": lambda x: x.pop("warnings"),
    "ok, with a reason": lambda x: x["reasons"].append("it was late"),
    "not ok, without a reason": lambda x: x.update(status="invalid"),
    "an unknown status": lambda x: x.update(status="fine"),
    "0 of a server, without a window": lambda x: x.update(window_s=None),
    "CPU time without a method": lambda x: x.update(cpu_method=None),
    "ok, without a time": lambda x: x["metrics"].update(response_p99_ns=None),
    "less than nothing": lambda x: x["metrics"].update(threads=-1),
    "text for a number": lambda x: x["metrics"].update(threads="4"),
    "calls where times are taken": lambda x: x["metrics"].update(
        calls_per_request=3.0),
    "timed in the block that counts": lambda x: x.update(block=0),
    "a rate in a closed loop": lambda x: x.update(rate=5.0),
    "a load that is idle": lambda x: x.update(role="idle", block=0),
    "an address": lambda x: x["load"].update(target="127.0.0.1:5"),
    "a host's name for a CPU": lambda x: x.update(server_cpus="all"),
    "a time that is none": lambda x: x.update(started="yesterday"),
    "an older version": lambda x: x.update(schema=1),
    "a newer version": lambda x: x.update(schema=3),
    "ok, without slices": lambda x: x.update(slice_ns=None),
    "ok, without a round that counts": lambda x: x["rounds"].update(counted=0),
    "rounds dropped without a reason": lambda x: x["rounds"]["why"].clear(),
    "a reason for nothing": lambda x: x["rounds"].update(dropped=0),
    "an unknown reason": lambda x: x["rounds"]["why"].update(mood=1),
    "saturated in a closed loop": lambda x: x.update(saturated=True),
    "a bout of nobody": lambda x: x.update(bout_size=0),
    "counted in company": lambda x: x.update(role="counting", block=0),
}


@pytest.mark.parametrize("what", WRONG)
def test_schema_rejects(what, line):
    assert lines.problems(line) == []
    changed = copy.deepcopy(line)
    WRONG[what](changed)
    assert lines.problems(changed) != []


def test_validate_files(samples, line, tmp_path):
    path = tmp_path / "repetitions.jsonl"
    text = json.dumps(line) + "\n"
    path.write_text(text)
    assert lines.validate(tmp_path) == [line]
    path.write_text(text + text)
    with pytest.raises(AssertionError, match="duplicate"):
        lines.validate(path)
    path.write_text(text[:-1])
    with pytest.raises(AssertionError, match="cut off"):
        lines.validate(path)


def test_metrics_in_readme(samples):
    """Name and unit, in the same order, and nothing else"""
    metrics = json.loads((samples / "metrics.json").read_text())
    written = re.findall(r"^\| `(\w+)` \| (\S+) \| .* \|$",
                         lines.section("Metrics"), re.M)
    assert written == [(m["name"], m["unit"]) for m in metrics]


def test_keys_in_readme(line):
    assert sorted(lines.names_in("A line of repetitions.jsonl")) == \
        sorted(line)


def test_metrics_in_schema(samples):
    metrics = json.loads((samples / "metrics.json").read_text())
    schema = json.loads(lines.SCHEMA.read_text())["properties"]["metrics"]
    assert schema["required"] == [m["name"] for m in metrics]
    assert list(schema["properties"]) == schema["required"]


#: Types that a keyword of the schema says something about
_ABOUT = {"properties": {"object"}, "required": {"object"}, "pattern": {"string"},
          "additionalProperties": {"object"}, "minLength": {"string"},
          "items": {"array"}, "minItems": {"array"}, "maxItems": {"array"},
          "minimum": {"number", "integer"}, "exclusiveMinimum": {"number", "integer"}}


def without_type(schema, types=(), where=""):
    """Keywords that would let another type pass, which ajv's strict mode refuses"""
    if not isinstance(schema, dict):
        return
    types = schema.get("type", types)
    types = {types} if isinstance(types, str) else set(types)
    for word, about in _ABOUT.items():
        if word in schema and not types & about:
            yield f"{where}/{word}"
    for word, inside in schema.items():
        if word in ("if", "then", "else", "not"):
            yield from without_type(inside, types, f"{where}/{word}")
        elif word in ("allOf", "oneOf"):
            for i, one in enumerate(inside):
                yield from without_type(one, types, f"{where}/{word}/{i}")
        elif word in ("properties", "$defs"):
            for name, one in inside.items():
                yield from without_type(one, (), f"{where}/{word}/{name}")
        elif word in ("items", "additionalProperties"):
            yield from without_type(inside, (), f"{where}/{word}")


def test_the_schema_is_strict():
    schema = json.loads(lines.SCHEMA.read_text())
    lines.jsonschema.Draft202012Validator.check_schema(schema)
    assert list(without_type(schema)) == []


def test_what_the_dictionary_has_not(tmp_path):
    """So that the live tests can ask it of a whole run."""
    (tmp_path / "cells.csv").write_text("model,threads_low,mood\n")
    (tmp_path / "calls.csv").write_text("cell,idle,call\n")
    (tmp_path / "slices.csv").write_text("bout,mood\n")
    (tmp_path / "comparisons.csv").write_text("setting,mood\n")
    (tmp_path / "findings.csv").write_text("chart,mood\n")
    (tmp_path / "warnings.csv").write_text("warning,count\n")
    (tmp_path / "run.json").write_text('{"seed": 1, "mood": 1}')
    (tmp_path / "machine.json").write_text('{"cpus": 1}')
    (tmp_path / "histograms").mkdir()
    (tmp_path / "mood").mkdir()
    assert lines.undocumented(tmp_path) == [
        "files: mood/", "cells.csv: mood", "slices.csv: mood",
        "comparisons.csv: mood", "findings.csv: mood", "run.json: mood"]
