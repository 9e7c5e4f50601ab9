# SPDX-License-Identifier: MIT
"""Questions: those of a prediction ([[predict]] in lab.toml), whose answer is stored
before the run, and those that a lab ends in ([[question]]), which are graded.

    id       its name in answers.toml
    text     the question; text_ko in Korean
    kind     choice: a letter; order: items from the least to the most; number
    options  of a choice: a list of { en = , ko = , why = }; `why` says to whom chose it
             what is wrong with it
    right    of a choice: the number of the option, from 0, if no run decides it
    bounds   of a choice: ascending numbers; the option is right whose range between two
             of them has the value of the run: [2, 10] with three options is below 2, 2 to
             10, above 10
    items    of an order: names of models
    value    what decides it in the run: `calls_per_request of epoll in closed split 64`,
             a ratio `A / B` (measured.py); in an order, {} is the item
    unit     of the value: us or ms instead of ns; MiB, KiB instead of bytes
    within   of a number: how far from the run's range it may be, as a share (default
             0.15); of an order: items that differ by less may be in any order
    look     where to look if it is wrong
"""

import difflib

from .course import UsageError
from .results import Fault, Unavailable

KINDS = ("choice", "order", "number")
UNITS = {"us": 1e3, "ms": 1e6, "KiB": 1 << 10, "MiB": 1 << 20}
WITHIN = 0.15


def letter(index):
    return "abcdefgh"[index]


def shown(question):
    """The question as lines of text, in Korean, too, if it is there"""
    lines = [question[key].strip() for key in ("text", "text_ko") if key in question]
    if question["kind"] == "choice":
        lines += [f"  {letter(i)}) " + " / ".join(
            option[language] for language in ("en", "ko") if language in option)
            for i, option in enumerate(question["options"])]
    elif question["kind"] == "order":
        lines.append("  from the least to the most: " + " ".join(sorted(question["items"])))
    return lines


def parsed(question, answer):
    """The answer as the kind demands: an index, a list or a number; ValueError says what
    is wrong with its form"""
    if question["kind"] == "number":
        if isinstance(answer, bool) or not isinstance(answer, (int, float, str)):
            raise ValueError("a number is expected")
        try:
            return float(answer)
        except ValueError:
            raise ValueError(f"'{answer}' is not a number") from None
    if question["kind"] == "choice":
        letters = [letter(i) for i in range(len(question["options"]))]
        word = str(answer).strip().lower().rstrip(")")
        if word not in letters:
            raise ValueError(f"'{answer}' is not one of {', '.join(letters)}")
        return letters.index(word)
    words = answer if isinstance(answer, list) else str(answer).replace(",", " ").split()
    words = [str(word) for word in words]
    if sorted(words) != sorted(question["items"]):
        raise ValueError(explain_order(question["items"], words))
    return words


def explain_order(items, words):
    for word in words:
        if word not in items:
            near = difflib.get_close_matches(word, items, 1)
            return f"'{word}' is not among the items" + (
                f"; did you mean {near[0]}?" if near else "")
    return "each of these has to be there once: " + " ".join(sorted(items))


def said(question, answer):
    """An answer for a person"""
    if answer in (None, "", []):
        return "no answer"
    try:
        value = parsed(question, answer)
    except ValueError:
        return str(answer)
    if question["kind"] == "choice":
        return f"{letter(value)}) {question['options'][value]['en']}"
    return " < ".join(value) if question["kind"] == "order" else f"{value:g}"


def outcome(question, run):
    """(what the run says in words, whether an answer agrees with it: a function of the
    parsed answer that gives None or a sentence); Unavailable if it says nothing"""
    if question["kind"] == "order":
        return order_of(question, run)
    if question["kind"] == "choice" and "right" in question:
        right = question["right"]
        text = question["options"][right]["en"]
        return f"{letter(right)}) {text}", lambda answer: chosen(question, answer, right)
    if not run:
        raise Unavailable("there is no run")
    value = run.value(question["value"]).per(UNITS.get(question.get("unit"), 1))
    if question["kind"] == "number":
        share = question.get("within", WITHIN)
        low, high = value.lowest * (1 - share), value.highest * (1 + share)
        return f"{value.value:.4g}", lambda answer: None if low <= answer <= high else (
            f"your run says {value.value:.4g}: from {low:.4g} to {high:.4g} is right")
    bounds = question["bounds"]
    at = [sum(number >= bound for bound in bounds)
          for number in (value.lowest, value.value, value.highest)]
    words = f"{value.value:.3g}: {letter(at[1])}) {question['options'][at[1]]['en']}"
    return words, lambda answer: None if at[0] <= answer <= at[2] else chosen(
        question, answer, at[1]) or f"your run says {value.value:.3g}"


def chosen(question, answer, right):
    """None, or what is wrong with the option"""
    if answer == right:
        return None
    return question["options"][answer].get("why") or "another option is right"


def order_of(question, run):
    if not run:
        raise Unavailable("there is no run")
    values = {item: run.value(question["value"].replace("{}", item))
              for item in question["items"]}
    share = question.get("within", WITHIN)
    ascending = sorted(values, key=lambda item: values[item].value)

    def judge(answer):
        for i, first in enumerate(answer):
            for second in answer[i + 1:]:
                a, b = values[first], values[second]
                if a.lowest > b.highest * (1 + share):
                    return (f"in your run, {first} has {a.value:.4g} and {second} "
                            f"{b.value:.4g}")
        return None

    return " < ".join(f"{item} ({values[item].value:.3g})" for item in ascending), judge


def check(question, answer, run):
    """Raises Fault, or returns what the run says"""
    if answer in (None, "", []):
        raise Fault("there is no answer", expected=question["kind"],
                    look=question.get("look"))
    try:
        value = parsed(question, answer)
    except ValueError as error:
        raise Fault(str(error), expected=f"{question['kind']}: " +
                    " ".join(line for line in shown(question) if line[0] == " ")) from None
    words, judge = outcome(question, run)
    wrong = judge(value)
    if wrong:
        raise Fault(wrong, got=said(question, answer), look=question.get("look"))
    return words


def skeleton(lab):
    """answers.toml of a lab, with no answer yet"""
    lines = [f"# Lab {lab}: {lab.title}", "#",
             "# Answers: a letter (\"b\"), an order ([\"poll\", \"epoll\"]) or a number (2.5).",
             f"# labs/lab check {lab.number:02} says which are right.", ""]
    for question in lab.spec["question"]:
        lines += [f"# {line}" for part in shown(question) for line in part.splitlines()]
        empty = "[]" if question["kind"] == "order" else '""'
        lines += [f"{question['id']} = {empty}", ""]
    return "\n".join(lines)


def validate(lab, kind):
    """Finds mistakes of who wrote the lab"""
    seen = set()
    for question in lab.spec.get(kind, []):
        name = question.get("id", "?")
        if name in seen or question["kind"] not in KINDS:
            raise UsageError(f"lab {lab}: question {name}: used twice, or an unknown kind")
        seen.add(name)
        if question["kind"] == "choice" and not (
                "right" in question or len(question["options"]) ==
                len(question.get("bounds", [])) + 1):
            raise UsageError(f"lab {lab}: question {name}: right, or bounds, one less than "
                             "options, are missing")
        if question["kind"] != "choice" and "value" not in question:
            raise UsageError(f"lab {lab}: question {name}: value is missing")
