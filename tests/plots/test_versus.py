# SPDX-License-Identifier: MIT
"""The page of bin/matrix compare: its content, and that it opens from disk."""

import csv
import json
import os
import subprocess

import pytest

import browser
import crafted
import reports
from reports import TOP

MATRIX = TOP / os.environ.get("BIN", "bin") / "matrix"

pytestmark = [pytest.mark.skipif(not MATRIX.exists(), reason="matrix is not built"),
              pytest.mark.timeout(300)]


def make(path, **more):
    return crafted.make(path, blocks=6, requests=60, tables=False, settings=[
        crafted.SETTINGS[i] for i in (1, 2, 6, -1)], **more)


def other_run(path):
    """poll takes 25 % more CPU time; one model is missing; another machine"""
    make(path, models=crafted.MODELS[:-1])
    lines = [json.loads(text) for text in (path / "repetitions.jsonl").read_text().splitlines()]
    slower = {str(line["index"]) for line in lines if line["model"] == "poll"}
    for line in lines:
        metrics = line["metrics"]
        if line["model"] == "poll" and metrics["server_cpu_per_request_ns"]:
            metrics["server_cpu_per_request_ns"] *= 1.25
    (path / "repetitions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = list(csv.DictReader((path / "slices.csv").read_text().splitlines()))
    for row in rows:
        row["cpu_ns"] = round(float(row["cpu_ns"]) * (1.25 if row["index"] in slower else 1))
    crafted.write_csv(path / "slices.csv", list(rows[0]), rows)
    machine = {**crafted.MACHINE, "cpu_model": "Another </script> & CPU"}
    (path / "machine.json").write_text(json.dumps(machine))
    (path / "INCOMPLETE").write_text("to go on: ...\n")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(page, rows of the table, path)"""
    top = tmp_path_factory.mktemp("versus")
    a, b = make(top / "before"), other_run(top / "after")
    path, table = top / "page.html", top / "table.csv"
    done = subprocess.run([MATRIX, "compare", a, b, "--page", path, "--csv", table],
                          capture_output=True, text=True, check=False, timeout=110)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"Page: {path}\n")
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return reports.Page(path.read_text("utf-8")), rows, path


def test_every_row_of_the_table_is_in_the_page(made):
    page, rows, _ = made
    for metric in {row["metric"] for row in rows}:
        found = page.rows(f"{metric}-1")
        wanted = [row for row in rows if row["metric"] == metric]
        assert sorted((row["verdict"], row["why"]) for row in found) == \
            sorted((row["verdict"], row["why"]) for row in wanted)
        for row in found:
            assert (row["ratio B / A"] != "–") == (row["verdict"] in (
                "worse", "better", "equal", "undecided")) or metric.startswith("calls"), row


def test_regressions_are_listed_and_drawn(made):
    page, rows, _ = made
    worse = [row["why"] for row in rows if row["verdict"] == "worse"]
    said = page.one(id="findings").text
    assert worse and all(why in said for why in worse)
    chart = page.one(id="server_cpu_per_request_ns")
    assert f"{len(worse)} worse" in chart.one("h2").text
    tips = [title.text for title in chart.all("title") if title.above.tag != "svg"]
    assert any(tip.startswith("poll: 1.2") for tip in tips)


def test_cell_that_is_not_comparable_has_its_reason_in_words(made):
    chart = made[0].one(id="requests_per_second")
    missing = chart.one("div", class_="missing").text
    assert "select (1,000 connections): not comparable: refused in A: the server" in missing
    assert "mine (64 connections; " in missing and "not measured in B" in missing
    words = [text.text for text in chart.all("text", class_="l soft over")]
    assert "only in A" in words and "not comparable" in words


def test_every_chart_has_a_description_and_one_axis(made):
    for chart in made[0].all("section", class_="chart beside"):
        pictures = [svg for svg in chart.all("svg")]
        assert pictures
        for svg in pictures:
            assert svg.one("title").text and svg.one("desc").text
        ticks = {tuple(text.text for text in svg.all("text", class_="c soft"))
                 for svg in pictures}
        assert len(ticks) == 1 and "same" in ticks.pop()


def test_the_head_has_both_runs(made):
    text = made[0].text
    assert "Run before against after" in text
    assert "processor: Crafted <CPU> & Sons @ 2.50GHz in A, Another </script> & CPU " \
        "in B" in text
    assert "two machines" in text
    assert text.count("This run is not complete.") == 1


def test_page_in_a_browser(made):
    if browser.MISSING:
        pytest.skip(browser.MISSING)
    with browser.Browser() as page:
        for width, dark in ((320, False), (1200, True)):
            page.open(made[2], width=width, dark=dark)
            page.run("for (const part of document.querySelectorAll('details')) "
                     "part.open = true")
            assert page.run("return document.documentElement.scrollWidth") <= width
            assert page.errors() == []
            assert page.requests() == [made[2].as_uri()]
        page.open(made[2], hash="#models=poll")
        shown = page.run("return [...document.querySelectorAll('.findings li')].map("
                         "e => [e.innerText.split(',')[0], e.checkVisibility()])")
        assert shown and all(name == "poll" and there for name, there in shown)
        page.open(made[2], hash="#models=epoll")
        assert page.run("return [...document.querySelectorAll('.findings li')].some("
                        "e => e.checkVisibility())") is False


# ------------------------------------------------------------------ bad input

@pytest.mark.parametrize("text, said", [
    ("", "stdin is not a comparison"), ("[]", "stdin is not a comparison"),
    ('{"schema": 3}', "written by a newer program"),
    ('{"schema": 2, "table": "a,b\\n1,x\\n"}', "stdin is not a comparison"),
])
def test_input_that_is_not_a_comparison(tmp_path, text, said):
    status, found = reports.call("--compare", "-", "-o", tmp_path / "x.html", text=text)
    assert status == 1 and said in found
    assert not (tmp_path / "x.html").exists()


def test_input_that_is_not_text(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe{")
    status, found = reports.call("--compare", tmp_path / "bytes", "-o", tmp_path / "x.html")
    assert status == 1 and "is not UTF-8 text" in found
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize("args, said", [
    ([], "either a folder or --compare"),
    (["run", "--compare", "-", "-o", "x"], "either a folder or --compare"),
    (["--compare", "-"], "--compare needs --out"),
])
def test_usage(args, said):
    status, found = reports.call(*args)
    assert status == 2 and said in found
