# SPDX-License-Identifier: MIT
"""A prediction, made before the run, and an explanation, written after it. That both are
there is worth points; what they say is for a person to judge."""

import datetime
import json
import re

from . import measured, questions
from .course import UsageError
from .results import Fault, Unavailable

#: An answer to a question of `explain` has at least as many words.
WORDS = 12

GENERIC = ["What did you expect, and what came out?", "Why? Name the calls or counters "
           "that show it."]


def now():
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(place):
    """The prediction in a folder, or None"""
    try:
        stored = json.loads((place / "prediction.json").read_text(encoding="utf-8"))
        if not isinstance(stored["answers"], dict) or not isinstance(stored["made"], str):
            raise ValueError("answers or made has another type")
        return stored
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Fault(f"prediction.json cannot be read: {error}") from None


def store(lab, place, answers):
    """Keeps answers as text, once each is in its form"""
    if (place / "run").exists():
        raise UsageError(f"{place / 'run'} is there: what is predicted after the run is no "
                         "prediction; to begin again, rename that folder")
    asked = {question["id"]: question for question in lab.spec.get("predict", [])}
    for name, answer in answers.items():
        if name not in asked:
            raise UsageError(f"lab {lab} does not ask '{name}'; it asks " + ", ".join(asked))
        try:
            questions.parsed(asked[name], answer)
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from None
    try:
        before = read(place)
    except Fault:
        before = None
    stored = {"lab": lab.number, "made": now(),
              "answers": {**(before or {}).get("answers", {}), **answers}}
    if before:
        stored["earlier"] = before.get("earlier", []) + [
            {"made": before["made"], "answers": before["answers"]}]
    (place / "prediction.json").write_text(json.dumps(stored, indent=1) + "\n",
                                           encoding="utf-8")
    return [name for name in asked if name not in stored["answers"]]


def ask(lab, read_line):
    """Asks on the terminal; {id: answer}"""
    answers = {}
    for question in lab.spec.get("predict", []):
        print("\n" + "\n".join(questions.shown(question)))
        while True:
            print("> ", end="", flush=True)
            line = read_line()
            if not line:
                return answers
            try:
                questions.parsed(question, line.strip())
            except ValueError as error:
                print(f"  {error}")
                continue
            answers[question["id"]] = line.strip()
            break
    return answers


def explain(lab, place):
    """Makes explanation.md if there is none; the questions without an answer"""
    file = place / "explanation.md"
    asked = lab.spec.get("explain", GENERIC)
    if not file.exists():
        parts = [f"## {question}\n\n\n" for question in asked]
        file.write_text(f"# Lab {lab}: explanation\n\n" + "\n".join(parts),
                        encoding="utf-8")
    return file, missing(lab, place)


def missing(lab, place):
    try:
        text = (place / "explanation.md").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return lab.spec.get("explain", GENERIC)
    parts = dict(re.findall(r"^## (.*)\n((?:(?!## ).*\n?)*)", text, re.M))
    return [question for question in lab.spec.get("explain", GENERIC)
            if len(parts.get(question, "").split()) < WORDS]


# What the grader checks

def check_predicted(lab, place):
    """Returns steps; Fault"""
    stored = read(place)
    by_hand = f"labs/lab predict {lab.number:02}"
    if not stored:
        raise Fault("there is no prediction", expected="one made before the run",
                    by_hand=by_hand)
    for question in lab.spec["predict"]:
        try:
            questions.parsed(question, stored["answers"].get(question["id"], ""))
        except ValueError as error:
            raise Fault(f"the prediction '{question['id']}': {error}",
                        by_hand=by_hand) from None
    try:
        began = measured.Run(place / "run").began
    except Unavailable:
        return [f"made {stored['made']}; nothing is measured yet"]
    if stored["made"] > began:
        raise Fault("the prediction was made after the run", expected=f"before {began}",
                    got=stored["made"])
    return [f"made {stored['made']}, before the run, {began}"]


def check_explained(lab, place):
    without = missing(lab, place)
    if without:
        raise Fault(f"the explanation lacks {len(without)} of "
                    f"{len(lab.spec.get('explain', GENERIC))} answers",
                    expected=f"at least {WORDS} words each", got="no answer to: " +
                    " ".join(without), by_hand=f"labs/lab explain {lab.number:02}")
    return ["every question has an answer; a person will read it"]


#: name: (title, function)
CHECKS = {"predicted": ("a prediction was made before the run", check_predicted),
          "explained": ("it is explained", check_explained)}


def outcomes(lab, place):
    """[(question, what was predicted, what came out, True, False or None)]"""
    try:
        stored = read(place) or {"answers": {}}
    except Fault:
        stored = {"answers": {}}
    run, why = None, None
    try:
        run = measured.Run(place / "run")
    except Unavailable as error:
        why = str(error)
    return [_outcome(question, stored["answers"].get(question["id"]), run, why)
            for question in lab.spec.get("predict", [])]


def _outcome(question, answer, run, why):
    said = questions.said(question, answer)
    if not run:
        return question, said, f"not known: {why}", None
    try:
        words, judge = questions.outcome(question, run)
        agrees = answer is not None and judge(questions.parsed(question, answer)) is None
        return question, said, words, agrees if answer is not None else None
    except Unavailable as error:
        return question, said, f"not known: {error}", None
    except ValueError:
        return question, said, words, None
