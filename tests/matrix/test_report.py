# SPDX-License-Identifier: MIT
"""bin/matrix report makes all derived files again, and says what is missing."""

import os
import shutil
import subprocess

import matrix
import pytest

TABLES = ["cells.csv", "comparisons.csv", "calls.csv", "findings.csv", "warnings.csv", "summary.txt"]
DRAWS = shutil.which("gnuplot") and subprocess.run(
    [matrix.TOP / "harness/packages/python", "plots"], check=False,
    capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return matrix.run(
        "--models", "epoll,thread", out=folder / "run",
        plan=matrix.plan(folder, blocks=2, aa="yes", idle="2", bout="120ms"))


@pytest.fixture
def copy(whole, tmp_path):
    """A copy of it without its derived files"""
    folder = tmp_path / "copy"
    shutil.copytree(whole.folder, folder)
    for name in [*TABLES, "gbench.json"]:
        (folder / name).unlink()
    return matrix.Run(None, "", "", folder)


def report(run, *args, **kwargs):
    return matrix.run(*args, verb="report", out=run.folder, **kwargs)


def without_tools(tmp_path):
    """A PATH without gnuplot and Python"""
    path = tmp_path / "path"
    path.mkdir()
    for name in ("sh", "env", "dirname", "sed", "head", "ls"):
        (path / name).symlink_to(shutil.which(name))
    return {"PATH": str(path)}


def measured(run):
    """gbench.json, rounded like the numbers of the record"""
    return [{key: f"{value:.12g}" if isinstance(value, float) else value
             for key, value in one.items()}
            for one in run.json("gbench.json")["benchmarks"]]


def test_all_derived_files(copy, whole):
    done = report(copy)
    for name in TABLES:
        assert done.read(name) == whole.read(name)
    assert measured(done) == measured(whole)
    assert "4 of 4 bouts recorded" in done.out
    if not DRAWS:
        pytest.skip("gnuplot, numpy or matplotlib is not installed")
    done.check(0)
    assert (copy.folder / "charts/throughput.svg").exists()
    assert f"Report: {copy.folder}/report.html\n" in done.out
    assert "</html>" in done.read("report.html")


def test_old_context_is_kept(whole, tmp_path):
    """The context in gbench.json is that of the measurement."""
    shutil.copytree(whole.folder, tmp_path / "copy")
    run = matrix.Run(None, "", "", tmp_path / "copy")
    done = report(run, env=without_tools(tmp_path))
    assert done.json("gbench.json")["context"] == \
        whole.json("gbench.json")["context"]


def test_missing_lines_and_tools(copy, tmp_path):
    """A run with missing lines is incomplete, also if it was complete before."""
    matrix.craft(copy, lambda lines: lines[:5])
    (copy.folder / copy.lines[0]["histograms"]).unlink()
    done = report(copy, env=without_tools(tmp_path)).check(1)
    assert "3 of 4 bouts recorded" in done.out
    assert "1 missing" in done.out
    assert "1 of 5 histograms" in done.out
    assert "gnuplot" in done.err and "harness/packages/install plots" in done.err
    assert not done.complete and "resume" in done.read("INCOMPLETE")
    assert {row["cell"] for row in done.csv("cells.csv")} == \
        {line["cell"] for line in done.lines}


def test_complete_run_loses_its_mark(copy, tmp_path):
    (copy.folder / "INCOMPLETE").write_text("")
    assert report(copy, env=without_tools(tmp_path)).complete


def test_without_its_plan(copy, whole, tmp_path):
    """The files that need no plan are made."""
    (copy.folder / "plan.txt").unlink()
    done = report(copy, env=without_tools(tmp_path)).check(1)
    assert "plan.txt: No such file" in done.err
    assert done.read("cells.csv") == whole.read("cells.csv")


def test_another_reference(copy, tmp_path):
    """Every pair can be compared afterwards; the plan stays as it is."""
    plan, env = copy.read("plan.txt"), without_tools(tmp_path)
    done = report(copy, "--reference", "thread", env=env)
    rows = done.csv("comparisons.csv")
    assert {(row["model"], row["reference"]) for row in rows} == {("epoll", "thread")}
    assert copy.read("plan.txt") == plan
    wrong = report(copy, "--reference", "thraed", env=env).check(2)
    assert "did you mean 'thread'" in wrong.err


@pytest.mark.parametrize("verb", ["report", "resume", "compare"])
def test_old_results_are_refused(verb, copy):
    """Those of another way to measure, in one clear line"""
    def age(lines):
        for line in lines:
            line["schema"] = 1

    matrix.craft(copy, age)
    path = copy.folder / "run.json"
    path.write_text(path.read_text().replace('"schema": 2', '"schema": 1'))
    before = {path: path.read_bytes() for path in copy.folder.rglob("*")
              if path.is_file()}
    args = [copy.folder, copy.folder] if verb == "compare" else [copy.folder]
    error = matrix.run(*args, verb=verb).check(1).err
    assert "made by an older version of this program" in error
    assert error.count("\n") == 1
    assert before == {path: path.read_bytes() for path in copy.folder.rglob("*")
                      if path.is_file()}


def test_no_run(copy, tmp_path):
    """An error in one line, and no file is written."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (copy.folder / "cells.csv").write_text("precious")
    matrix.craft(copy, lambda lines: [])
    rows = copy.folder / "slices.csv"
    rows.write_text(rows.read_text().partition("\n")[0] + "\n")
    for name, because in [("file", "not a folder"), ("nothing", "no such folder"),
                          ("folder", "holds no run"),
                          ("copy", "no repetition is recorded")]:
        error = matrix.run(verb="report", out=tmp_path / name).check(1).err
        assert because in error and error.count("\n") == 1
    (copy.folder / "repetitions.jsonl").unlink()
    assert "repetitions.jsonl: No such file" in report(copy).check(1).err
    assert copy.read("cells.csv") == "precious"
    assert os.listdir(tmp_path / "folder") == []


def test_usage(tmp_path):
    assert "missing folder" in matrix.run(verb="report").check(2).err
    run = matrix.run("--models", "poll", verb="report", out=tmp_path)
    assert "not for report" in run.check(2).err
    run = matrix.run("--benchmark_repetitions=3", verb="report", out=tmp_path)
    assert "options of Google Benchmark" in run.check(2).err


def test_while_it_is_measured(tmp_path):
    with matrix.Running("--models", "epoll", out=tmp_path / "run",
                        plan=matrix.plan(tmp_path, bout="60s")) as running:
        running.wait_for_program("loadgen")
        run = matrix.Run(None, "", "", tmp_path / "run")
        assert "is writing this run" in report(run).check(1).err
        running.process.terminate()
        running.finish()
