# SPDX-License-Identifier: MIT
"""bin/matrix compare, run as a user does.

The runs are crafted (tests/plots/crafted.py): nothing is measured. B differs from A by
noise, and by what a test changes.
"""

import csv
import io
import json
import math
import os
import random
import shutil
import subprocess
import sys

import pytest
import server
from lines import names_in
from server import TOP

sys.path.insert(0, str(TOP / "tests/plots"))

import crafted  # noqa: E402

MATRIX = TOP / server.BIN / "matrix"
TIMES = ("response_p50_ns", "response_p99_ns", "server_cpu_per_request_ns",
         "requests_per_second")

pytestmark = pytest.mark.skipif(not MATRIX.exists(), reason="matrix is not built")


class Compared:
    def __init__(self, done, table):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.text = " ".join(self.out.split())  # without line breaks
        self.rows = list(csv.DictReader(io.StringIO(table), strict=True))

    def rows_of(self, **wanted):
        return [row for row in self.rows if wanted.items() <= row.items()]

    def verdicts(self, **wanted):
        return {row["verdict"] for row in self.rows_of(**wanted)}


def compare(a, b, *args, **environment):
    """Prints text and writes a table"""
    table = b.parent / f"{a.name}-{b.name}.csv"
    table.unlink(missing_ok=True)
    done = subprocess.run(
        [MATRIX, "compare", a, b, "--csv", table, *args], capture_output=True,
        text=True, check=False, env={**os.environ, **environment},
        timeout=4 * server.PATIENCE_S)
    return Compared(done, table.read_text("utf-8") if table.exists() else "")


def edit(folder, change):
    """Changes every line by a function."""
    path = folder / "repetitions.jsonl"
    lines = [json.loads(text) for text in path.read_text("utf-8").splitlines()]
    for line in lines:
        change(line)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def edit_json(folder, name, **changes):
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_plan(folder, before, after):
    path = folder / "plan.txt"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


#: The column of slices.csv that a metric is proportional to
COLUMNS = {"requests_per_second": "answered", "server_cpu_per_request_ns": "cpu_ns",
           "response_p50_ns": "response_p50_ns", "response_p99_ns": "response_p99_ns"}


def scale(folder, metric, factor, **where):
    """Multiplies a metric of some cells, also in their slices. `factor`: a number, or
    called for each repetition"""
    factors = {}

    def change(line):
        if where.items() <= line.items() and line["metrics"][metric] is not None:
            factors[str(line["index"])] = factor() if callable(factor) else factor
            line["metrics"][metric] *= factors[str(line["index"])]
    edit(folder, change)
    path = folder / "slices.csv"
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    for row in rows:
        if row["index"] in factors:
            row[COLUMNS[metric]] = round(
                float(row[COLUMNS[metric]]) * factors[row["index"]])
    crafted.write_csv(path, list(rows[0]), rows)


def make(path, **more):
    return crafted.make(path, **{
        "blocks": 6, "models": ("poll", "epoll"), "requests": 100, "tables": False,
        "settings": [crafted.SETTINGS[0], crafted.SETTINGS[2], crafted.SETTINGS[-1]],
        **more})


def disturb(folder, seed):
    """Noise of 1 % between starts, and no odd cell"""
    rng = random.Random(seed)
    edit(folder, lambda line: line.update(status="ok", reasons=[]))
    for metric in COLUMNS:
        scale(folder, metric, lambda: math.exp(rng.gauss(0, 0.01)))
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two runs of six blocks that differ only by noise"""
    top = tmp_path_factory.mktemp("runs")
    a = make(top / "a")
    b = top / "b"
    shutil.copytree(a, b)
    return disturb(a, 1), disturb(b, 2)


@pytest.fixture
def runs(made, tmp_path):
    """A copy of them that a test may change"""
    for folder in made:
        shutil.copytree(folder, tmp_path / folder.name,
                        ignore=shutil.ignore_patterns("histograms"))
    return tmp_path / "a", tmp_path / "b"


def tree(folder):
    return {path: (path.stat().st_mtime_ns, path.read_bytes())
            for path in folder.rglob("*") if path.is_file()}


# ------------------------------------------------------------------------- verdicts

def test_equal_runs(runs):
    for folder in runs:  # else some of four may be undecided
        edit_plan(folder, "margin 3%", "margin 8%")
    before = tree(runs[0]), tree(runs[1])
    found = compare(*runs, "--fail-on-regression")
    assert found.status == 0, found.out
    assert found.err == ""
    for metric in "requests_per_second", "server_cpu_per_request_ns":
        rows = found.rows_of(metric=metric, model="poll")
        assert [row["verdict"] for row in rows] == ["equal"] * 2, rows
        assert {row["reference"] for row in rows} == {"epoll"}
    assert found.verdicts(metric="calls_per_request") == {"equal"}
    assert found.verdicts(model="baseline") == {"not judged"}
    assert "8 equal within 8 %" in found.text
    assert "No regression of 8 % or more found" in found.text
    assert (tree(runs[0]), tree(runs[1])) == before  # it writes nothing there


@pytest.mark.parametrize("option", ["--csv", "--page"])
def test_device_is_not_replaced(runs, tmp_path, option):
    """--csv and --page write to a device."""
    try:
        server.make_device(tmp_path / "device")
    except OSError as error:
        pytest.skip(f"no device node can be made and opened here: {error}")
    found = compare(*runs, option, tmp_path / "device")
    assert found.status == 0 and found.err == ""
    assert (tmp_path / "device").is_char_device()


def test_other_slices(runs):
    """How it was measured is not part of a cell's name, so a difference is reported."""
    edit_plan(runs[1], "bout 3s", "bout 6s")
    found = compare(*runs)
    assert "measured bout: 3s in A, 6s in B" in found.text
    (runs[1] / "plan.txt").unlink()
    assert "measured bout: 3s in A" in compare(*runs).text


def test_regression(runs):
    scale(runs[1], "server_cpu_per_request_ns", 1.2, model="poll", connections=1000)
    found = compare(*runs, "--fail-on-regression")
    assert found.status == 1 and "Regressions of 3 % or more: 1." in found.out
    assert "Judged by the ratios to epoll in the same run" in found.text
    row, = found.rows_of(verdict="worse")
    assert (row["model"], row["connections"], row["metric"]) == (
        "poll", "1000", "server_cpu_per_request_ns")
    assert 1.1 < float(row["low"]) < 1.2 < float(row["high"]) < 1.3
    assert float(row["ratio"]) == pytest.approx(1.2, rel=0.03)
    assert float(row["ratio"]) == pytest.approx(
        float(row["ratio_b"]) / float(row["ratio_a"]), rel=1e-6)
    assert row["why"].startswith("relative to epoll, B uses 1.") and row["why"].endswith(
        "times as much CPU per request as A")
    assert f"poll at 1,000 connections: {row['why']}" in found.text
    assert "1 worse" in found.text.partition("Worse in B")[0]
    assert compare(*runs).status == 0


def test_slower_machine_is_no_regression(runs):
    """B on a machine that is half as fast: the absolute figures double, not the ratios"""
    scale(runs[1], "server_cpu_per_request_ns", 2)
    scale(runs[1], "requests_per_second", 0.5)
    found = compare(*runs, "--fail-on-regression")
    assert found.status == 0 and found.rows_of(verdict="worse") == []
    row = found.rows_of(model="poll", metric="server_cpu_per_request_ns")[0]
    assert float(row["change"]) == pytest.approx(2, rel=0.05)
    assert float(row["change_low"]) < 2 < float(row["change_high"])
    assert float(row["ratio"]) == pytest.approx(1, rel=0.05)


def test_changed_reference(runs):
    """It looks like the opposite change of the others."""
    scale(runs[1], "server_cpu_per_request_ns", 1.2, model="epoll")
    found = compare(*runs)
    assert found.verdicts(model="poll", metric="server_cpu_per_request_ns") == {"better"}
    assert found.verdicts(model="epoll", metric="server_cpu_per_request_ns") == {
        "not judged"}
    assert "A change of epoll itself looks like the opposite change" in found.text


def test_no_common_reference(runs):
    for folder, reference in zip(runs, ("epoll", "aio")):
        (folder / "plan.txt").write_text(f"bout 3s\nreference {reference}\n")
    scale(runs[1], "server_cpu_per_request_ns", 2, model="poll")
    assert compare(*runs).rows_of(verdict="worse") != []  # B was measured with epoll, too
    edit(runs[1], lambda line: line.update(
        model=line["model"].replace("epoll", "aio"),
        cell=line["cell"].replace("epoll", "aio")))
    found = compare(*runs, "--fail-on-regression")
    assert found.status == 0
    assert found.verdicts(model="poll", metric="server_cpu_per_request_ns") == {
        "not judged"}
    row = found.rows_of(model="poll", metric="server_cpu_per_request_ns")[0]
    assert "no reference in common" in row["why"] and float(row["change"]) > 1.9
    assert "the runs have no reference in common" in found.text
    assert "only counts are judged" in found.text


def test_reference_of_a(runs):
    """B's own reference is another one, but it measured that of A, too."""
    (runs[1] / "plan.txt").write_text("bout 3s\nreference poll\n")
    found = compare(*runs)
    assert {row["reference"] for row in found.rows if row["ratio"]} == {"epoll"}
    assert {row["model"] for row in found.rows if row["ratio"]} == {"poll"}


def test_lower_rate_is_worse(runs):
    scale(runs[1], "requests_per_second", 0.8, model="poll", connections=1)
    found = compare(*runs, "--fail-on-regression")
    assert found.status == 1
    assert [row["metric"] for row in found.rows_of(verdict="worse")] == [
        "requests_per_second"]


def test_improvement_is_no_regression(runs):
    scale(runs[1], "server_cpu_per_request_ns", 0.8, model="poll")
    found = compare(*runs, "--fail-on-regression")
    assert found.status == 0
    assert len(found.rows_of(verdict="better")) == 2


@pytest.mark.parametrize("least, status", [("10%", 1), ("30%", 0)])
def test_least(runs, least, status):
    scale(runs[1], "server_cpu_per_request_ns", 1.2, model="poll")
    found = compare(*runs, "--fail-on-regression", least)
    assert found.status == status
    assert len(found.rows_of(verdict="worse")) == 2  # it changes only the status


def test_swapped_runs_give_the_inverse(runs):
    scale(runs[1], "server_cpu_per_request_ns", 1.2, model="poll")
    there, back = compare(*runs), compare(*runs[::-1])
    for row, other in zip(there.rows, back.rows):
        assert row["cell"] == other["cell"]
        if row["ratio"]:
            assert float(row["ratio"]) * float(other["ratio"]) == pytest.approx(1)
            assert float(row["p"]) == pytest.approx(float(other["p"]))
    assert len(there.rows_of(verdict="worse")) == 2
    assert len(back.rows_of(verdict="better")) == 2


# --------------------------------------------------------------------------- counts

def count(by_name, **where):
    def change(line):
        if line["role"] == "counting" and where.items() <= line.items():
            line["calls"]["by_name"] = by_name
            line["metrics"]["calls_per_request"] = sum(by_name.values()) / 1e5
    return change


def test_count_differs(runs):
    for folder, n in zip(runs, (300000, 400000)):
        edit(folder, count({"recvfrom": n}, model="poll", connections=1))
    found = compare(*runs, "--fail-on-regression")
    row, = found.rows_of(verdict="worse")
    assert found.status == 1
    assert (row["metric"], row["low"], row["p"]) == ("calls_per_request", "", "")
    assert row["why"].startswith("B makes 1.33 times as many system calls")
    assert "(a count)" in found.out


def test_count_that_depends_on_timing_is_no_regression(runs):
    for folder, n in zip(runs, (208000, 216000)):
        edit(folder, count({"recvfrom": n}, model="epoll", connections=1000))
    found = compare(*runs, "--fail-on-regression")
    row, = found.rows_of(verdict="different")
    assert found.status == 0 and "depends on timing" in row["why"]
    assert row["model"] == "epoll"


def test_count_within_one_percent(runs):
    for folder, n in zip(runs, (300000, 302000)):
        edit(folder, count({"recvfrom": n}, model="poll", connections=1))
    assert compare(*runs, "--fail-on-regression").verdicts(
        metric="calls_per_request") == {"equal"}


# ------------------------------------------------------------- what is not comparable

def test_cells_of_one_run_only(tmp_path):
    one, many, idle = crafted.SETTINGS[0], crafted.SETTINGS[2], crafted.SETTINGS[-1]
    runs = (make(tmp_path / "a", settings=[one, idle]),
            make(tmp_path / "b", settings=[one, many, idle], models=("poll",)))
    found = compare(*runs)
    assert found.verdicts(connections="1000") == {"only in B"}
    assert found.verdicts(model="epoll") == {"only in A"}
    assert "only in A" in found.out and "only in B" in found.out
    cells = {line["cell"] for folder in runs for line in map(
        json.loads, (folder / "repetitions.jsonl").read_text().splitlines())}
    assert {row["cell"] for row in found.rows} == cells


def test_no_common_cell(tmp_path):
    found = compare(make(tmp_path / "a", models=("epoll",), settings=[crafted.SETTINGS[3]]),
                    make(tmp_path / "b", models=("poll",), settings=[crafted.SETTINGS[3]]))
    assert found.status == 1
    assert "no cell was measured in both runs" in found.err


def test_refused_cell_has_its_reason(runs):
    def spoil(line):
        if line["model"] == "poll" and line["connections"] == 1 and \
                line["role"] != "counting":
            line.update(status="refused", reasons=["the server was full"])
    edit(runs[1], spoil)
    found = compare(*runs)
    assert {row["why"] for row in found.rows_of(
        model="poll", connections="1")} == {"refused in B: the server was full"}
    assert found.verdicts(model="poll", connections="1") == {"not comparable"}
    assert "not comparable: refused in B: the server was full" in found.text


def test_other_methods(runs):
    def methods(line):
        if line["model"] == "poll":
            line["cpu_method"] = "cgroup"
            if line["calls"]:
                line["calls"]["method"] = "strace"
    edit(runs[1], methods)
    found = compare(*runs)
    whys = {row["metric"]: row["why"] for row in found.rows_of(
        model="poll", connections="1", verdict="not comparable")}
    assert whys == {
        "server_cpu_per_request_ns": "CPU time by method process in A and cgroup in B",
        "calls_per_request": "counted by bpf in A and by strace in B"}
    assert found.verdicts(model="poll", metric="response_p50_ns") == {"not judged"}


def test_not_counted(runs):
    def method(line):
        if line["role"] == "counting":
            line.update(status="unsupported", reasons=["not here"], calls=None)
    edit(runs[1], method)
    row = compare(*runs).rows_of(model="poll", metric="calls_per_request")[0]
    assert (row["verdict"], row["why"]) == ("not comparable", "not counted in B")


def test_server_that_spins(tmp_path):
    """Its calls and its CPU time are not compared; on one core with its clients, nothing
    is."""
    for name in "ab":
        make(tmp_path / name, models=("busypoll", "epoll"),
             settings=[crafted.SETTINGS[0], crafted.SETTINGS[3], crafted.SETTINGS[-1]])
    found = compare(tmp_path / "a", tmp_path / "b")
    for metric, why in (("calls_per_request", "the server spins"),
                        ("server_cpu_per_request_ns", "busypoll uses its whole core")):
        row, = found.rows_of(model="busypoll", placement="split", connections="1",
                             metric=metric)
        assert row["verdict"] == "not comparable" and why in row["why"], row
    row, = found.rows_of(model="busypoll", placement="shared",
                         metric="requests_per_second")
    assert row["verdict"] == "not comparable" and "is oversubscribed" in row["why"]


def test_generator_limit(runs):
    def bind(line):
        line["bound"] = line["model"] == "poll"
    edit(runs[1], bind)
    row = compare(*runs).rows_of(model="poll", metric="requests_per_second")[0]
    assert row["verdict"] == "not comparable"
    assert row["why"].startswith("in B: poll serves at least ")


def test_one_block(tmp_path):
    for name in "ab":
        make(tmp_path / name, blocks=1)
    scale(tmp_path / "b", "server_cpu_per_request_ns", 10, model="poll")
    found = compare(tmp_path / "a", tmp_path / "b", "--fail-on-regression")
    assert found.status == 0
    row, _ = found.rows_of(metric="server_cpu_per_request_ns", model="poll")
    assert row["verdict"] == "not comparable"
    assert row["why"] == "no ratio to epoll in A: 1 block with rounds of both; it takes two"


def test_lost_slices(runs):
    path = runs[1] / "slices.csv"
    path.write_text(path.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    found = compare(*runs)
    row = found.rows_of(metric="server_cpu_per_request_ns", model="poll")[0]
    assert row["verdict"] == "not comparable" and "in B: 0 blocks" in row["why"]


# -------------------------------------------------------------------- the two runs

def test_description_of_the_runs(runs):
    build = {**crafted.MACHINE["build"], "commit": "fedcba9876543210"}
    edit_json(runs[1], "machine.json", build=build)
    edit_json(runs[1], "run.json", plan="other", programs={"epoll": "fnv:9"})
    found = compare(*runs)
    assert f"A {runs[0]}: plan crafted, 6 blocks" in found.text
    assert f"B {runs[1]}: plan other, 6 blocks" in found.text
    assert "started 2026-11-21T15:00:00Z; seed 42; commit 0123456789ab, with uncommitted " \
        "changes; kernel 6.1.0-crafted; processor Crafted <CPU> & Sons" in found.text
    assert f"build commit: {crafted.MACHINE['build']['commit']} in A, " \
        "fedcba9876543210 in B" in found.text
    assert "plan: crafted in A, other in B" in found.text
    assert "program epoll: not the same build" in found.text
    assert "two machines" not in found.text


def test_another_machine(runs):
    edit_json(runs[1], "machine.json", cpu_model="Another", memory_bytes=1 << 30)
    found = compare(*runs)
    assert "processor: Crafted <CPU> & Sons @ 2.50GHz in A, Another in B" in found.text
    assert "memory_bytes: 8589934592 in A, 1073741824 in B" in found.text
    assert "two machines" in found.text
    assert found.status == 0


def test_interrupted_run(runs):
    (runs[1] / "INCOMPLETE").write_text("")
    found = compare(*runs)
    assert found.status == 0
    assert "B is not complete" in found.text and "NOT COMPLETE" in found.text


def test_broken_lines(runs):
    """They are reported, and the good ones are compared."""
    path = runs[1] / "repetitions.jsonl"
    path.write_text(path.read_text() + '{"schema":2,"ind')
    found = compare(*runs)
    assert found.status == 1 and "left out" in found.err
    assert found.verdicts(metric="response_p50_ns", model="poll") == {"not judged"}


def test_newer_schema(runs):
    def newer(line):
        line["schema"] = 3
    edit(runs[1], newer)
    found = compare(*runs)
    assert found.status == 1 and found.rows == []
    assert "schema 3 is newer than this program" in found.err
    assert "no repetition in it can be read" in found.err.splitlines()[-1]


def test_missing_machine_json(runs):
    (runs[0] / "machine.json").unlink()
    found = compare(*runs)
    assert found.status == 1 and "machine.json" in found.err
    assert "The machine of A is unknown" in found.text
    assert found.verdicts(metric="response_p50_ns", model="poll") == {"not judged"}


def test_no_runs(runs, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder, expected in ((tmp_path / "none", "no such folder"),
                         (tmp_path / "empty", "holds no run"),
                         (runs[0] / "run.json", "not a folder")):
        for pair in (folder, runs[1]), (runs[1], folder):
            found = compare(*pair)
            assert found.status == 1 and expected in found.err, found.err
            assert found.err.count("\n") == 1 and found.out == ""


@pytest.mark.parametrize("args, expected", [
    (["a"], "two folders"),
    (["a", "a/"], "the same folder"),
    (["a", "b", "c"], "'c': unexpected"),
    (["a", "b", "--plan", "quick"], "--plan is not for compare"),
    (["a", "b", "--benchmark_format=json"], "Google Benchmark"),
    (["a", "b", "--fail-on-regresion"], "did you mean --fail-on-regression?"),
    (["a", "b", "--fail-on-regression=much"], "percentage"),
])
def test_wrong_usage(runs, args, expected):
    done = subprocess.run([MATRIX, "compare", *args], cwd=runs[0].parent, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 2 and expected in done.stderr, done.stderr


# ---------------------------------------------------------------------------- files

def test_csv_to_stdout(runs):
    done = subprocess.run([MATRIX, "compare", *runs, "--csv", "-"], text=True,
                          capture_output=True, check=False)
    rows = list(csv.DictReader(io.StringIO(done.stdout), strict=True))
    assert rows == compare(*runs).rows
    assert "req/s" in done.stderr


def test_columns_are_in_the_dictionary(runs):
    columns = set(compare(*runs).rows[0])
    known = set(names_in("What bin/matrix compare says"))
    assert known - columns == set()
    assert columns - known - set(names_in("Terms")) == set()


def test_files_that_cannot_be_written(runs, tmp_path):
    nowhere = tmp_path / "none/x"
    done = subprocess.run(
        [MATRIX, "compare", *runs, "--csv", nowhere, "--page", nowhere], text=True,
        capture_output=True, check=False)
    assert done.returncode == 1 and "req/s" in done.stdout
    assert f"{nowhere}: No such file or directory" in done.stderr
    assert f"{nowhere}: not made" in done.stderr


def test_page_without_python(runs, tmp_path):
    """The table is printed; the page is not made."""
    found = compare(*runs, "--page", tmp_path / "page.html", PATH="/nonexistent")
    assert found.status == 1 and "req/s" in found.out
    assert "page.html: not made" in found.err


def test_no_line_is_too_long(runs):
    scale(runs[1], "server_cpu_per_request_ns", 1.2)

    def spoil(line):
        if line["connections"] == 1 and line["role"] != "counting":
            line.update(status="failed", reasons=["a long reason, " * 12])
    edit(runs[1], spoil)
    assert [line for line in compare(*runs).out.splitlines() if len(line) > 100] == []
