# SPDX-License-Identifier: MIT
"""Results for other programs, what platforms are given, and the quiz."""

import json
import os
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as xml
import zipfile

import jsonschema
import labs
import pytest
from labs import TOP, course

LAB = course.find("05")
BROKEN = "int main(void) { return \"\\x01<&\" }\n"
SCHEMA = json.loads((TOP / "labs/grader/result.schema.json").read_text())


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """A submission that does not compile, with bytes that no format likes"""
    folder = tmp_path_factory.mktemp("formats") / "at"
    folder.mkdir()
    (folder / LAB.handed_in).write_text(BROKEN)
    return folder


def output(form, at, environment=None):
    done = subprocess.run([sys.executable, labs.LAB, "check", "5", "--dir", at, "--format",
                           form], capture_output=True, text=True, check=False,
                          timeout=labs.PATIENCE_S, env={**os.environ, **(environment or {})})
    assert done.returncode == 1, done.stderr
    return done.stdout


def test_json_has_its_schema(at):
    result = json.loads(output("json", at))
    jsonschema.validate(result, SCHEMA)
    assert result["score"] == 0 and result["max_score"] == 100
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(result | {"score": "all"}, SCHEMA)


def test_gradescope(at):
    result = json.loads(output("gradescope", at))
    assert result["score"] == 0
    assert sum(test["max_score"] for test in result["tests"]) == pytest.approx(100, abs=0.5)
    assert all(test["score"] == 0 for test in result["tests"])
    assert {test["status"] for test in result["tests"]} == {"failed"}


def test_autolab_has_scores_in_its_last_line(at):
    last = output("autolab", at).splitlines()[-1]
    assert json.loads(last) == {"scores": {"conversation": 0, "mechanism": 0, "cost": 0,
                                           "prediction": 0}}


def test_classroom50(at):
    told = {"CLASSROOM": "c", "ASSIGNMENT": "a", "SUBMISSION_TAG": "submit/1",
            "COMMIT_URL": "https://c", "RELEASE_URL": "https://r"}
    result = json.loads(output("classroom50", at, told))
    assert set(result) == {"schema", "classroom", "assignment", "submission", "commit",
                           "release", "review", "datetime", "score", "max-score", "tests"}
    assert all(isinstance(of, str) and of for key, of in result.items()
               if key not in ("score", "max-score", "tests"))
    assert (result["score"], result["max-score"]) == (0, 100)
    assert all(set(test) == {"test-name", "passed", "score", "max-score"}
               for test in result["tests"])


def test_junit(at):
    top = xml.fromstring(output("junit", at))
    cases = list(top.iter("testcase"))
    assert len(cases) == int(top.get("tests"))
    assert "does not compile" in cases[0].find("failure").get("message")


def test_out_is_replaced_at_once(at, tmp_path):
    done = labs.lab("check", 5, "build", "--dir", at, "--format", "json", "--out",
                    tmp_path / "no/such.json")
    assert done.returncode == 2 and "No such file" in done.stderr


# Bundles

def bundle(*words):
    done = subprocess.run([sys.executable, TOP / "labs/bundle", *map(str, words)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


NEEDS = {"io-models/labs/lab", "io-models/Makefile", "io-models/models/epoll.c"}


def test_gradescope_bundle(tmp_path):
    bundle("gradescope", "05", "--out", tmp_path)
    with zipfile.ZipFile(tmp_path / "gradescope-05.zip") as archive:
        names = set(archive.namelist())
        script = archive.read("run_autograder").decode()
        modes = {name: archive.getinfo(name).external_attr >> 16 & 0o111
                 for name in ("setup.sh", "run_autograder", "io-models/labs/lab")}
    assert names >= NEEDS | {"setup.sh", "run_autograder"} and all(modes.values())
    assert not [name for name in names if "/wrong/" in name]
    assert "check 05 --dir" in script


def test_gradescope_bundle_grades(tmp_path):
    """run_autograder, in folders of its own: the programs are those that are built here."""
    bundle("gradescope", "05", "--out", tmp_path)
    with zipfile.ZipFile(tmp_path / "gradescope-05.zip") as archive:
        script = archive.read("run_autograder").decode()
    for folder in "source", "submission", "results":
        (tmp_path / folder).mkdir()
    (tmp_path / "source/io-models").symlink_to(TOP)
    (tmp_path / "submission" / LAB.handed_in).write_text(BROKEN)
    run = tmp_path / "run_autograder"
    run.write_text(script.replace("/autograder", str(tmp_path)))
    done = subprocess.run(["sh", run], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "results/results.json").read_text())
    assert result["score"] == 0 and len(result["tests"]) > 10


@pytest.mark.parametrize("platform, inner, script", [
    ("autolab", "autograde.tar", "autograde-Makefile"),
    ("classroom50", "io-models.tar", "autograder.py")])
def test_other_bundles(platform, inner, script, tmp_path):
    bundle(platform, "epoll", "--out", tmp_path)
    with tarfile.open(tmp_path / f"{platform}-05.tar") as archive:
        assert set(archive.getnames()) == {inner, script}
        text = archive.extractfile(script).read().decode()
        with tarfile.open(fileobj=archive.extractfile(inner)) as sources:
            assert set(sources.getnames()) >= NEEDS
    assert '"05"' in text or " 05 " in text
    if script.endswith(".py"):
        compile(text, script, "exec")


# The quiz

@pytest.fixture(scope="module")
def quiz(tmp_path_factory):
    out = tmp_path_factory.mktemp("quiz")
    bundle("quiz", "--out", out)
    return out


@pytest.mark.parametrize("language", ["en", "ko"])
def test_quiz_in_each_form(quiz, language):
    from grader.quiz import load
    questions = load()
    assert len(questions) >= 15
    moodle = xml.parse(quiz / f"quiz.{language}.xml").getroot()
    assert len(moodle) == len(questions)
    for of, question in zip(moodle, questions):
        right = [i for i, answer in enumerate(of.iter("answer"))
                 if answer.get("fraction") == "100"]
        assert right == [question["right"]]
    text = (quiz / f"quiz.{language}.gift").read_text(encoding="utf-8")
    entries = re.findall(r"^::.*?(?<!\\)\}$", text, re.M | re.S)
    assert len(entries) == len(questions)
    for entry, question in zip(entries, questions):
        assert len(re.findall(r"^\t=", entry, re.M)) == 1
        assert len(re.findall(r"^\t[=~]", entry, re.M)) == len(question["options"])
    page = (quiz / f"quiz.{language}.html").read_text(encoding="utf-8")
    assert page.count("<section>") == len(questions)


def test_each_question_names_what_answers_it():
    from grader.quiz import load
    for question in load():
        assert 0 <= question["right"] < len(question["options"]) >= 3
        path = question["see"].split()[0].strip(",;")
        assert (TOP / path).exists() or "/" not in path, question["see"]
