# SPDX-License-Identifier: MIT
"""Labs that end in answers, predictions, explanations, and the page about them."""

import json
import zipfile

import crafted
import labs
import pytest
from labs import course

ANSWERS = [lab for lab in course.labs() if not lab.is_code]
each = pytest.mark.parametrize("lab", ANSWERS, ids=lambda lab: lab.folder.name)
PREDICTING = [lab for lab in course.labs() if "predict" in lab.spec]


def words(lab, values):
    """Of a prediction: ID=ANSWER"""
    return [f"{question['id']}=" + (" ".join(of) if isinstance(of := crafted.right(
        question, values), list) else str(of)) for question in lab.spec["predict"]]


def complete(lab, at):
    """A folder with everything that is asked for; the values of its run"""
    assert labs.lab("start", lab.number, "--dir", at).returncode == 0
    scratch = crafted.write(lab, at.parent / f"{at.name}-scratch")
    done = labs.lab("predict", lab.number, "--dir", at, *words(lab, scratch))
    assert done.returncode == 0, done.stderr
    values = crafted.write(lab, at / "run")
    labs.lab("explain", lab.number, "--dir", at)
    file = at / "explanation.md"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("\n\n\n", "\n" + "because of what it says there " * 4 +
                                 "\n\n"), encoding="utf-8")
    return values


@each
def test_right_answers_have_full_score(lab, tmp_path):
    at = tmp_path / "at"
    values = complete(lab, at)
    graded = labs.grade(lab, crafted.answers(lab, values), at)
    assert graded.failed() == [] and graded.undecided() == {}, graded.text
    assert graded.points() == {"answers": (90, 90), "prediction": (10, 10)}


@pytest.mark.long
@each
def test_a_wrong_answer_costs_its_share(lab, tmp_path):
    at = tmp_path / "at"
    values = complete(lab, at)
    asked = [question["id"] for question in lab.spec["question"]]
    for name in asked:
        graded = labs.grade(lab, crafted.answers(lab, values, [name]), at)
        assert graded.failed() == [name], graded.text
    graded = labs.grade(lab, crafted.answers(lab, values, asked), at)
    assert graded.failed() == asked and graded.points()["answers"] == (0, 90)


@each
def test_skeleton_earns_nothing(lab, tmp_path):
    at = tmp_path / "at"
    assert labs.lab("start", lab.number, "--dir", at).returncode == 0
    graded = labs.check(lab, at)
    assert graded.result["score"] == 0, graded.text
    assert graded.check("read")["status"] == "pass" and "run" in graded.failed()


def test_what_this_machine_lacks_is_not_marked_down(tmp_path):
    """Without io_uring its cells are unsupported."""
    lab, at = ANSWERS[0], tmp_path / "at"
    values = complete(lab, at)
    cells = at / "run/cells.csv"
    lost = [question["id"] for question in lab.spec["question"]
            if "epoll" in question.get("value", "")]
    cells.write_text("".join(
        line.replace(",ok,,", ",unsupported,not permitted,")
        if line.startswith("epoll,") else line
        for line in cells.read_text().splitlines(keepends=True)))
    graded = labs.grade(lab, crafted.answers(lab, values, lost), at)
    assert set(graded.undecided()) == set(lost) and lost
    assert "not permitted" in graded.undecided()[lost[0]][1]
    assert graded.result["score"] == 100


@pytest.mark.parametrize("text, word", [
    ("thread-calls = ", "cannot be read"), ("\xff".encode("latin-1"), "cannot be read"),
    ("a = [" * 5000, "cannot be read"), ("", "is empty"), (b"a = 1\0", "zero bytes")])
def test_answers_that_cannot_be_read(text, word, tmp_path):
    graded = labs.grade(ANSWERS[0], text, tmp_path / "at")
    assert graded.failed()[0] == "read" and graded.result["score"] == 0
    assert word in graded.check("read")["what"]


@pytest.mark.parametrize("answer, word", [
    ('"z"', "not one of"), ("true", ""), ("[1, 2]", ""), ('"' + "x" * 10000 + '"', ""),
    ("nan", ""), ("{ a = 1 }", ""), ("1979-05-27", "")])
def test_answers_of_another_form(answer, word, tmp_path):
    lab, at = ANSWERS[0], tmp_path / "at"
    crafted.write(lab, at / "run")
    graded = labs.grade(lab, "".join(f"{question['id']} = {answer}\n"
                                     for question in lab.spec["question"]), at)
    assert not [of for of in graded.result["checks"] if of["status"] == "error"], graded.text
    assert graded.points()["answers"] == (0, 90), graded.text
    assert word in graded.text


@pytest.mark.parametrize("content", ["", "not a table\n", "model,setting\nx\n", "\0\0"])
def test_runs_that_cannot_be_read(content, tmp_path):
    lab, at = ANSWERS[0], tmp_path / "at"
    values = complete(lab, at)
    (at / "run/cells.csv").write_text(content)
    graded = labs.grade(lab, crafted.answers(lab, values), at)
    assert not [of for of in graded.result["checks"] if of["status"] == "error"], graded.text


# Predictions

@pytest.mark.parametrize("lab", PREDICTING, ids=lambda lab: lab.folder.name)
def test_prediction_beside_outcome(lab, tmp_path):
    at = tmp_path / "at"
    complete(lab, at)
    done = labs.lab("report", lab.number, "--dir", at)
    assert done.returncode == 0, done.stderr
    page, text = ((at / name).read_text(encoding="utf-8")
                  for name in ("report.html", "report.md"))
    asked = len(lab.spec["predict"])
    assert page.count("as predicted") == text.count("as predicted") == asked
    assert page.count("not as predicted") == 0 and "because of what" in text


def test_a_prediction_after_the_run(tmp_path):
    lab, at = ANSWERS[0], tmp_path / "at"
    assert labs.lab("start", lab.number, "--dir", at).returncode == 0
    values = crafted.write(lab, at / "run", started="2001-01-01T00:00:00Z")
    done = labs.lab("predict", lab.number, "--dir", at, *words(lab, values))
    assert done.returncode == 2 and "is no prediction" in done.stderr
    (at / "prediction.json").write_text(json.dumps({
        "made": "2020-01-01T00:00:00Z", "answers": dict(
            word.split("=") for word in words(lab, values))}))
    assert "after the run" in labs.check(lab, at, "predicted").check("predicted")["what"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"made": 1, "answers": {}}', "null",
                                     '{"made": "x", "answers": {"a": []}}'])
def test_predictions_that_cannot_be_read(content, tmp_path):
    lab, at = ANSWERS[0], tmp_path / "at"
    complete(lab, at)
    (at / "prediction.json").write_text(content)
    graded = labs.check(lab, at, "predicted")
    assert graded.failed() == ["predicted"], graded.text
    assert labs.lab("report", lab.number, "--dir", at).returncode == 0


def test_predict_asks_again(tmp_path):
    lab, at = course.find("1"), tmp_path / "at"
    labs.lab("start", 1, "--dir", at)
    asked = lab.spec["predict"]
    good = [word.split("=", 1)[1] for word in words(lab, crafted.write(lab, tmp_path / "r"))]
    done = labs.lab("predict", 1, "--dir", at, input="nonsense\n" + "\n".join(good) + "\n")
    assert done.returncode == 0, done.stdout + done.stderr
    stored = json.loads((at / "prediction.json").read_text())
    assert list(stored["answers"]) == [question["id"] for question in asked]
    done = labs.lab("predict", 1, "--dir", at, f"{asked[0]['id']}=nonsense")
    assert done.returncode == 2
    assert labs.lab("predict", 1, "--dir", at, "other=a").returncode == 2


def test_run_asks_for_a_prediction(tmp_path):
    at = tmp_path / "at"
    labs.lab("start", 1, "--dir", at)
    done = labs.lab("run", 1, "--dir", at)
    assert done.returncode == 2 and "labs/lab predict 01" in done.stderr


def test_pack_leaves_nothing_out(tmp_path):
    lab, at = ANSWERS[0], tmp_path / "at"
    complete(lab, at)
    (at / "notes.txt").write_text("mine")
    done = labs.lab("pack", lab.number, "--dir", at, "--out", tmp_path / "me.zip")
    assert done.returncode == 0
    with zipfile.ZipFile(tmp_path / "me.zip") as archive:
        assert set(archive.namelist()) == {"answers.toml", "prediction.json", "run/run.json",
                                           "explanation.md", "run/cells.csv", "run/calls.csv"}


def test_reset_keeps_what_was_there(tmp_path):
    at = tmp_path / "at"
    labs.lab("start", 5, "--dir", at)
    begun = (at / "epoll.c").read_text()
    (at / "epoll.c").write_text("mine")
    assert labs.lab("reset", 5, "--dir", at).returncode == 0
    assert (at / "epoll.c").read_text() == begun and (at / "epoll.c.1").read_text() == "mine"
    assert labs.lab("start", 5, "--dir", at).returncode == 2


@pytest.mark.parametrize("words, said", [
    (["check", "epol"], "did you mean epoll?"), (["start", "99"], "no lab '99'"),
    (["check", "5"], "labs/lab start 05"), (["hint", "x"], "no lab"),
    (["report", "busy"], "no lab")])
def test_errors_name_the_remedy(words, said, tmp_path):
    done = labs.lab(*words, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr


def test_a_check_that_is_not_there(tmp_path):
    labs.lab("start", 5, "--dir", tmp_path / "at")
    done = labs.lab("check", 5, "ech", "--dir", tmp_path / "at")
    assert done.returncode == 2 and "did you mean echo?" in done.stderr
