# SPDX-License-Identifier: MIT
"""The grader, with solutions and what is wrong with them. Which check fails is part of
what a wrong solution teaches, so it is tested, and for a few the words as well."""

import re

import labs
import pytest
from labs import HERE, course

CODE = labs.code_labs()
WRONG = labs.wrong()

#: A wrong solution of each kind is tried in tests/run, all of them in `make labs-check`.
QUICK = {"05-epoll/short-write", "05-epoll/one-client", "05-epoll/uses-poll",
         "04-select/fd-setsize", "04-select/stale-sets", "02-threads/one-at-a-time",
         "06-partial/end-ignored", "08-uring/accepts-once", "11-your-own/never-sleeps"}

#: The feedback for these is in golden/.
GOLDEN = ["05-epoll/short-write", "05-epoll/uses-poll", "04-select/stale-sets",
          "04-select/fd-setsize", "02-threads/leaves-threads", "06-partial/sends-again",
          "08-uring/enter-per-request", "05-epoll/hard-coded"]


def long_unless(names, cases):
    return [pytest.param(of, id=str(of), marks=[] if str(of) in names
                         else [pytest.mark.long]) for of in cases]


def names(cases):
    return [lab.folder.name for lab in cases]


@pytest.mark.parametrize("lab", [pytest.param(lab, marks=[] if lab.number == 5 else [
    pytest.mark.long]) for lab in CODE], ids=names(CODE))
def test_skeleton_fails_every_check(lab, tmp_path):
    """It compiles without a warning, starts, and earns nothing."""
    graded = labs.grade(lab, labs.folder.skeleton(lab), tmp_path / "at")
    assert graded.check("build")["steps"] == [f"{lab.handed_in} compiles"], graded.text
    assert graded.check("build")["status"] == graded.check("ready")["status"] == "pass"
    for of in graded.result["checks"]:
        assert of["part"] == "start" or of["status"] in ("fail", "timeout", "skipped"), of
    assert graded.result["score"] == 0


@pytest.mark.parametrize("lab", [pytest.param(lab, marks=[] if lab.number == 5 else [
    pytest.mark.long]) for lab in CODE], ids=names(CODE))
def test_reference_has_full_score(lab, tmp_path):
    graded = labs.grade(lab, lab.model.read_bytes(), tmp_path / "at")
    assert not [name for name in graded.failed()
                if graded.check(name)["part"] != "prediction"], graded.text
    assert all(got == of for part, (got, of) in graded.points().items()
               if part != "prediction"), graded.text


@pytest.mark.parametrize("wrong", long_unless(QUICK, WRONG))
def test_wrong_fails_first_what_it_is_for(wrong, tmp_path):
    graded = labs.grade(wrong.lab, wrong.source(), tmp_path / "at", "--first")
    assert graded.failed() == [wrong.fails], graded.text
    assert not graded.check("build").get("got"), graded.text


def test_enough_are_wrong():
    assert len(WRONG) >= 40
    assert {str(of) for of in WRONG} >= QUICK | set(GOLDEN)


def without_chance(text):
    """Without what differs from run to run"""
    text = re.sub(r"\(\d+ bytes\)", "(N bytes)", text)
    text = re.sub(r"b'.*?'(?:\.\.\.)?", "BYTES", text)
    text = re.sub(r"b\".*?\"(?:\.\.\.)?", "BYTES", text)
    return re.sub(r"\d[\d.,]*", "N", text)


def spoken(graded):
    """What it says about the first that failed"""
    of = graded.check(graded.failed()[0])
    lines = [f"{of['name']}: {of['title']}", *of["steps"]]
    for key in "what", "expected", "got", "look", "by_hand":
        if of[key] and not (key == "got" and "calls" in str(of["expected"])):
            lines.append(f"{key}: {of[key]}")
    return without_chance("\n".join(lines)) + "\n"


@pytest.mark.parametrize("wrong", [pytest.param(of, marks=pytest.mark.long)
                                   for of in WRONG if str(of) in GOLDEN], ids=str)
def test_words(wrong, tmp_path, request):
    """A change of these words is seen in a diff. To accept it: delete the file, and run
    this test twice."""
    said = spoken(labs.grade(wrong.lab, wrong.source(), tmp_path / "at", "--first"))
    file = HERE / "golden" / f"{str(wrong).replace('/', '-')}.txt"
    if not file.exists():
        file.write_text(said, encoding="utf-8")
        pytest.fail(f"{file.name} was missing, and is made: look at it")
    assert said == file.read_text(encoding="utf-8")


OTHERS = [(lab, other) for lab in CODE for other in CODE
          if lab is not other and lab.number != 11]


@pytest.mark.long
@pytest.mark.parametrize("lab, other", OTHERS,
                         ids=[f"{a.folder.name}-{b.folder.name}" for a, b in OTHERS])
def test_no_other_solution_passes(lab, other, tmp_path):
    graded = labs.grade(lab, other.model.read_bytes(), tmp_path / "at")
    assert [name for name in graded.failed() if graded.check(name)["part"] !=
            "prediction"], graded.text


def test_every_lab_is_complete():
    """Eleven of them, each with what labs/lab needs"""
    from grader import questions

    assert [lab.number for lab in course.labs()] == list(range(1, 12))
    for lab in course.labs():
        assert lab.spec["hints"] and 45 <= lab.spec["minutes"] <= 90
        assert lab.is_code or lab.spec["question"]
        questions.validate(lab, "predict")
        questions.validate(lab, "question")
