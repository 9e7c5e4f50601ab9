# SPDX-License-Identifier: MIT
"""A run as bin/matrix leaves it, with chosen values for what a lab asks, and the answers
that are right then: worked out here, not by the grader."""

import csv
import json
import random

import labs  # noqa: F401 (it finds the grader)
from grader import measured

UNITS = {None: 1, "ms": 1e6, "us": 1e3, "MiB": 1 << 20, "KiB": 1 << 10}


def expressions(lab):
    """(metric, model, setting) of all that the lab asks"""
    for question in lab.spec.get("predict", []) + lab.spec.get("question", []):
        for item in question.get("items", [""]):
            for term in question.get("value", "").replace("{}", item).split(" / "):
                if words := measured.VALUE.fullmatch(term.strip()):
                    yield words["metric"], words["model"], words["setting"]


def write(lab, folder, seed=1, started="2030-01-01T00:00:00Z"):
    """Returns {(metric, model, setting): value}"""
    values = {}
    chance = random.Random(seed)
    for key in sorted(set(expressions(lab))):
        values[key] = round(chance.uniform(1, 1000), 3) * chance.choice([1, 10, 1000])
    folder.mkdir(parents=True)
    columns = ["model", "setting", "cell", "status", "reason"]
    metrics = sorted({metric for metric, _, _ in values if not metric.startswith("calls:")})
    columns += [metric + end for metric in metrics for end in ("", "_lowest", "_highest")]
    rows = {}
    with open(folder / "calls.csv", "w", newline="", encoding="utf-8") as file:
        calls = csv.writer(file)
        calls.writerow(["cell", "call", "per_request"])
        for (metric, model, setting), value in values.items():
            row = rows.setdefault((model, setting), dict.fromkeys(columns, "") | {
                "model": model, "setting": setting, "cell": f"{model}/{setting}",
                "status": "ok"})
            if metric.startswith("calls:"):
                calls.writerow([row["cell"], metric.removeprefix("calls:").split("|")[0],
                                value])
            else:
                row |= {metric: value, f"{metric}_lowest": value * 0.99,
                        f"{metric}_highest": value * 1.01}
    with open(folder / "cells.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows.values())
    (folder / "run.json").write_text(json.dumps({"sittings": [{"started": started}]}))
    return values


def term(text, values):
    words = measured.VALUE.fullmatch(text.strip())
    return values[words["metric"], words["model"], words["setting"]]


def value_of(question, values, item=""):
    terms = [term(text, values)
             for text in question["value"].replace("{}", item).split(" / ")]
    return terms[0] if len(terms) == 1 else terms[0] / terms[1]


def right(question, values):
    """An answer as a student writes it"""
    if question["kind"] == "order":
        return sorted(question["items"], key=lambda item: value_of(question, values, item))
    if "right" in question:
        return "abcdefgh"[question["right"]]
    value = value_of(question, values) / UNITS[question.get("unit")]
    if question["kind"] == "number":
        return value
    return "abcdefgh"[sum(value >= bound for bound in question["bounds"])]


def false(question, values):
    """One that is not right"""
    answer = right(question, values)
    if question["kind"] == "order":
        return answer[::-1]
    if question["kind"] == "number":
        return answer * 3
    return "ab"[answer == "a"]


def answers(lab, values, changed=()):
    """The text of answers.toml; those in `changed` are not right"""
    lines = []
    for question in lab.spec["question"]:
        answer = (false if question["id"] in changed else right)(question, values)
        lines.append(f"{question['id']} = {json.dumps(answer)}")
    return "\n".join(lines) + "\n"
