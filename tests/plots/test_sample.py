# SPDX-License-Identifier: MIT
"""The committed runs: valid by their schema, and drawn like any run."""

import csv
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import reports

TOP = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = TOP / "results/sample"
CLAIMS = TOP / "results/sample-claims"
SAMPLES = sorted((TOP / "results").glob("sample*"))
CHARTS = ["charts/few.svg", "charts/verdicts.svg"]
sys.path.insert(0, str(TOP / "tests/matrix"))

from lines import validate  # noqa: E402


@pytest.fixture
def copy(tmp_path):
    """A copy without its charts and page"""
    return shutil.copytree(SAMPLE, tmp_path / "sample",
                           ignore=shutil.ignore_patterns("charts", "report.html"))


def titles():
    with open(SAMPLE / "findings.csv", encoding="utf-8") as file:
        return {row["chart"]: row["title"] for row in csv.DictReader(file)}


def git(*arguments):
    return subprocess.run(["git", "-C", TOP, *arguments], check=False,
                          capture_output=True, text=True)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_it_is_complete(sample):
    assert not (sample / "INCOMPLETE").exists()
    last = {line["index"]: line for line in validate(sample)}
    assert len(last) == 1 + max(last)
    for line in last.values():
        if line["histograms"]:
            assert (sample / line["histograms"]).exists()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_it_was_built_from_a_commit_without_changes(sample):
    build = json.loads((sample / "machine.json").read_text("utf-8"))["build"]
    assert build["dirty"] is False
    if not shutil.which("git") or \
            git("rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        pytest.skip("no git, or a shallow clone")
    assert git("cat-file", "-e", build["commit"]).returncode == 0, build["commit"]


def test_a_report_is_made_of_it(copy):
    made = reports.program(copy)
    assert (made.status, made.said) == (0, "")
    assert html.escape(titles()["server_cpu"], quote=False) in made.text


def test_the_charts_in_readme_are_up_to_date(copy):
    """The same numbers as in charts drawn now"""
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    subprocess.run([TOP / "plots/draw", copy], check=True, capture_output=True)
    for chart in CHARTS:
        assert numbers(SAMPLE / chart) == numbers(copy / chart)
        assert f"](results/sample/{chart})" in readme


def test_readme_quotes_its_comparisons():
    quoted = re.findall(r"^> (.*)$", (TOP / "README.md").read_text("utf-8"), re.M)
    with (SAMPLE / "comparisons.csv").open(newline="", encoding="utf-8") as file:
        said = {row["sentence"] for row in csv.DictReader(file)}
    assert len(quoted) == 2
    assert said.issuperset(quoted)


def test_readme_quotes_its_claims():
    with (CLAIMS / "claims.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["claim"]: row for row in csv.DictReader(file)}  # the newest
    quoted = re.findall(r"^\| \[(.*)\]\(claims/(.*)\.claim\) \| (.*) \| .*: (.*) \|$",
                        (TOP / "README.md").read_text("utf-8"), re.M)
    assert len(quoted) == 3
    for title, name, here, figure in quoted:
        row = rows[name]
        verdict = {"holds": "holds", "fails": "does not hold",
                   "only-when": f"holds only when {row['condition_en']}"}[row["verdict"]]
        assert (title, here, figure) == (row["title_en"], verdict, row["figure"])


def numbers(svg):
    """Texts with a number, such as "12.3 µs"; their order depends on the version of
    gnuplot"""
    texts = re.findall(r">\s*([^<>\s][^<>]*?)\s*<", svg.read_text(encoding="utf-8"))
    found = sorted(text for text in texts if re.search(r"\d", text))
    assert found
    return found
