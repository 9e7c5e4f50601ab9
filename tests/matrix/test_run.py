# SPDX-License-Identifier: MIT
"""An undisturbed run: its files, its output and its options."""

import gzip
import itertools
import json
import os
import pathlib
import re
import socket
import statistics

import lines
import matrix
import pytest
from server import TOP

KEYS = {"blocks": 2, "counting": "yes", "idle": "2", "aa": "yes",
        "baseline": "yes", "bout": "160ms", "slice": "20ms",
        "cells": ["closed split connections 4",
                  "open split connections 4 rate 2000",
                  "closed shared connections 4"]}
MODELS = "epoll,thread"
CELLS = 2 * 3
#: Lines of each role; a baseline server in each closed setting
ENTRIES = {"counting": CELLS, "idle": 2, "timing": 2 * CELLS, "aa": 2 * 3,
           "baseline": 2 * 2}
BOUTS = CELLS + 2 + 2 * 3


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return matrix.run("--models", MODELS, plan=matrix.plan(folder, **KEYS),
                      out=folder / "run").check(0)


# ------------------------------------------------------------------- the record

def test_files(whole):
    assert whole.complete
    assert matrix.files(whole.folder) == matrix.FILES
    assert lines.undocumented(whole.folder) == []


def test_every_entry(whole):
    """Once each: counting and idle clients, then block after block"""
    lines = whole.lines
    assert [line["index"] for line in lines] == list(range(len(lines)))
    assert {role: len([line for line in lines if line["role"] == role])
            for role in ENTRIES} == ENTRIES
    assert [line["block"] for line in lines] == \
        sorted(line["block"] for line in lines)
    assert {line["role"] for line in lines if line["block"] == 0} == \
        {"counting", "idle"}


def setting(line):
    return line["cell"].partition("/")[2]


def test_every_bout(whole):
    """A setting with all its servers, which end at the same time; the settings are
    shuffled."""
    bouts = [bout for bout in whole.bouts if bout[0]["block"] > 0]
    assert len(bouts) == 6 and len(whole.bouts) == BOUTS
    for bout in bouts:
        assert len({(setting(line), line["block"]) for line in bout}) == 1
        assert all(line["slice_ns"] == 20e6 for line in bout)
        assert [(line["model"], line["role"]) for line in bout] == [
            ("epoll", "timing"), ("thread", "timing"), ("epoll", "aa"),
            *[("baseline", "baseline")] * (bout[0]["loop"] == "closed")]
    orders = [[setting(bout[0]) for bout in bouts if bout[0]["block"] == block]
              for block in (1, 2)]
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1])


def test_rounds(whole):
    """Every server has one slice in each round, in an order that changes, and a round
    counts for all of them or for none."""
    rows = whole.csv("slices.csv")
    orders = set()
    for bout in whole.bouts:
        if bout[0]["block"] == 0:
            continue
        of = [row for row in rows if int(row["bout"]) == bout[0]["bout"]]
        rounds = {}
        for row in of:
            rounds.setdefault(int(row["round"]), []).append(row)
        assert sorted(rounds) == list(range(len(rounds)))  # 0: the warm-up
        for row in rounds[0]:
            assert row["counted"] == "0"
        for number, slices in rounds.items():
            assert sorted(int(row["index"]) for row in slices) == \
                [line["index"] for line in bout]
            assert [int(row["position"]) for row in slices] == list(range(len(bout)))
            assert len({row["counted"] for row in slices}) == 1
            orders.add(tuple(int(row["index"]) - bout[0]["index"] for row in slices))
        counted = [slices for slices in rounds.values() if slices[0]["counted"] == "1"]
        for line in bout:
            assert line["rounds"]["counted"] == len(counted) >= 2
            assert line["rounds"]["dropped"] == len(rounds) - 1 - len(counted)
            assert sum(line["rounds"]["why"].values()) >= line["rounds"]["dropped"]
    assert len(orders) > 4


def of_line(rows, line, name, counted=False):
    """A column of the slices of a line"""
    return [float(row[name]) for row in rows if int(row["index"]) == line["index"]
            and (not counted or row["counted"] == "1")]


def test_metrics_are_those_of_the_slices(whole):
    rows = whole.csv("slices.csv")
    for line in whole.last:
        if line["block"] == 0:
            continue
        window_s = sum(of_line(rows, line, "window_ns", True)) / 1e9
        answered = sum(of_line(rows, line, "answered", True))
        made = line["metrics"]
        assert line["window_s"] == pytest.approx(window_s)
        assert made["requests_per_second"] == pytest.approx(answered / window_s)
        assert made["server_cpu_per_request_ns"] == pytest.approx(
            sum(of_line(rows, line, "cpu_ns", True)) /
            sum(of_line(rows, line, "requests", True)))


def test_nothing_was_lost(whole):
    """Server, generator and slices count the same requests and clients."""
    rows = whole.csv("slices.csv")
    for line in whole.lines:
        assert (line["status"], line["reasons"]) == ("ok", [])
        load, server = line["load"], line["server"]
        assert load["requests_total"] == server["requests"]
        assert load["connections"] + load["idle"] == server["accepted"]
        assert server["refused"] == 0
        assert load["errors"] == load["mismatches"] == load["unanswered"] == 0
        if line["block"] > 0:
            assert sum(of_line(rows, line, "requests")) == server["requests"] > 0


def test_where_they_ran(whole):
    places = whole.json("run.json")["places"]
    for line in whole.lines:
        there = places[line["placement"]]
        assert (line["server_cpus"], line["client_cpus"]) == \
            (there["server"], there["client"])
        assert line["load"]["spun"] is False or line["placement"] == "split"


def idle_cpus(run):
    return json.loads((run.folder / "machine.json").read_text("utf-8"))["idle_cpus"]


def test_idle_cpus_are_kept_awake(whole, tmp_path):
    driver = pathlib.Path("/sys/devices/system/cpu/cpuidle/current_driver")
    can = os.access("/dev/cpu_dma_latency", os.W_OK) and driver.exists() and \
        driver.read_text("ascii").strip() != "none"
    assert idle_cpus(whole) == ("awake" if can else "asleep")
    assert any("idle CPUs slept" in text for line in whole.lines
               for text in line["warnings"]) != can
    asked = matrix.run("--models", "epoll", "--awake", "no",
                       plan=matrix.plan(tmp_path, **matrix.TINY), out=tmp_path / "run")
    assert idle_cpus(asked.check(0)) == "asleep"
    assert not any(line["warnings"] for line in asked.lines
                   if "slept" in " ".join(line["warnings"]))


def test_without_clients(tmp_path):
    """What a server costs that has no client at all"""
    run = matrix.run("--models", "epoll", plan=matrix.plan(tmp_path, idle="0"),
                     out=tmp_path / "run").check(0)
    line, = [line for line in run.lines if line["role"] == "idle"]
    assert (line["status"], line["idle"]) == ("ok", 0), line["reasons"]


def test_histograms(whole):
    """One file for each line, with the same counts"""
    for line in whole.lines:
        with gzip.open(whole.folder / line["histograms"], "rt") as file:
            of = json.load(file)
        for kind in "response", "connect":
            buckets = of["histograms"][kind]["buckets"]
            assert sum(buckets["count"]) == line["load"][f"{kind}_ns"]["count"]
            # the first bucket contains the minimum, the last the maximum
            lowest = list(itertools.accumulate(buckets["step"]))
            for time, at in (("min", 0), ("max", -1)) if lowest else ():
                assert 0 <= line["load"][f"{kind}_ns"][time] - lowest[at] < \
                    buckets["width"][at]
    assert len(list((whole.folder / "histograms").iterdir())) == \
        len(whole.lines)


# ------------------------------------------------------------------ the tables

def value(text):
    return float(text) if text else None


def test_cells(whole):
    """A row for each cell; a number only if it was measured"""
    rows = {row["cell"]: row for row in whole.csv("cells.csv")}
    lines = whole.last
    assert set(rows) == {line["cell"] for line in lines}
    for cell, row in rows.items():
        role = {"baseline": "baseline"}.get(
            row["model"], "idle" if row["loop"] == "none" else "timing")
        good = [line for line in lines if line["cell"] == cell and
                line["role"] == role]
        assert int(row["n"]) == len(good), cell
        assert row["status"] == "ok"
        for name in ("response_p99_ns", "server_cpu_share", "resident_bytes",
                     "requests_per_second", "send_lag_p99_ns",
                     "submissions_per_request"):
            check_number(row, name, [line["metrics"][name] for line in good])


def check_number(row, name, values):
    values = [value for value in values if value is not None]
    median, lowest, highest = (value(row[name + suffix])
                               for suffix in ("", "_lowest", "_highest"))
    if not values:
        assert median is lowest is highest is None, (row["cell"], name)
        return
    assert lowest == pytest.approx(min(values))
    assert highest == pytest.approx(max(values))
    assert lowest <= median <= highest
    # two blocks give no interval
    assert row[f"{name}_low"] == row[f"{name}_high"] == ""


def test_calls(whole):
    """A row for each system call of each counted cell"""
    rows = whole.csv("calls.csv")
    for line in whole.last:
        if line["block"] > 0:
            continue
        counted = {row["call"]: int(row["count"]) for row in rows
                   if row["cell"] == line["cell"]}
        assert counted == (line["calls"]["by_name"] or {})


def test_comparisons(whole):
    """Each model with the reference, in each setting, by its measures; and a sentence
    that the summary may quote"""
    rows = whole.csv("comparisons.csv")
    latency = {"closed split 4": "requests_per_second",
               "open split 4 rate 2000": "response_p50_ns",
               "closed shared 4": "requests_per_second"}
    assert {(row["setting"], row["metric"]) for row in rows
            if row["model"] == "thread"} == {
        (name, metric) for name, of in latency.items()
        for metric in (of, "server_cpu_per_request_ns")}
    for row in rows:
        assert row["reference"] == "epoll"
        assert row["verdict"] in ("different", "equal", "undecided", "bound", "missing")
        assert row["sentence"]
        ends = [float(row[end]) for end in ("low", "ratio", "high") if row[end]]
        assert ends == sorted(ends)
        assert row["blocks"] == "2"


def test_summary(whole):
    """The printed summary is kept in a file."""
    assert whole.read("summary.txt").strip() in whole.out
    assert f"Results: {whole.folder}\n" in whole.out
    assert "2 blocks" in whole.read("summary.txt")


def test_no_names(whole):
    """Results name no computer, user or folder, so they can be published."""
    host = re.compile(rf"\b{re.escape(socket.gethostname())}\b")
    for name in matrix.FILES - {"histograms"}:
        text = whole.read(name)
        for path in (TOP, matrix.BIN, whole.folder, pathlib.Path.home()):
            assert len(str(path)) < 2 or f"{path}/" not in text, name
        assert "/tmp" not in text and "/home" not in text, name
        if name in ("machine.json", "run.json", "gbench.json"):
            assert not host.search(text), name


def test_gbench(whole):
    """As Google Benchmark's compare.py reads it: repetitions of a cell under one name, with
    the response time and the server's CPU time of a request"""
    report = whole.json("gbench.json")
    assert "host_name" not in report["context"]
    assert report["context"]["executable"] == "matrix"
    named = {}
    for run, line in whole.gbench():
        named.setdefault(run["name"], []).append(run)
        assert run["real_time"] == pytest.approx(
            line["metrics"][matrix.time_of(line)])
        assert run["cpu_time"] == pytest.approx(
            line["metrics"]["server_cpu_per_request_ns"])
        assert run["server_cpu_share"] == pytest.approx(
            line["metrics"]["server_cpu_share"])
    for of in named.values():
        indices = [run["repetition_index"] for run in of]
        assert indices == sorted(set(indices)) and indices[-1] < of[0]["repetitions"]
    medians = [run for run in report["benchmarks"] if run["run_type"] == "aggregate"]
    assert {run["name"]: run["cpu_time"] for run in medians} == {
        f"{name}_median": pytest.approx(
            statistics.median(run["cpu_time"] for run in of))
        for name, of in named.items() if len(of) > 1}


def test_plan_txt_is_a_plan(whole):
    """It describes the same run."""
    ran = matrix.run("--dry-run", plan=whole.folder / "plan.txt").check(0)
    first = whole.out.partition("  into ")[0].splitlines()
    assert ran.out.splitlines()[1:len(first)] == first[1:]


# --------------------------------------------------------------- what is printed

def test_a_line_for_each_bout(whole):
    """Without a terminal: plain text, with the status"""
    assert "\033" not in whole.text and "\r" not in whole.text
    printed = whole.err.splitlines()
    assert len(printed) == BOUTS
    for number, (text, bout) in enumerate(zip(printed, whole.bouts), 1):
        line = bout[0]
        what = f"{line['role']} {line['model']}  .*  ok" if line["block"] == 0 else \
            f"block {line['block']}  {len(bout)} servers  " \
            rf"\d+ rounds(, \d+ dropped)?  {len(bout)} ok"
        placed = f"{line['loop']} {line['placement']}"
        assert re.fullmatch(rf"\[ *{number}/{BOUTS}\] {placed} .*  {what}(  .* left)?",
                            text), text


# ------------------------------------------------------------------- options

def test_dry_run(tmp_path):
    """Prints what is measured, time and disk space, and writes nothing."""
    plan = matrix.plan(tmp_path, **KEYS)
    before = list(tmp_path.rglob("*"))
    ran = matrix.run("--models", MODELS, "--dry-run", plan=plan,
                     out=tmp_path / "run").check(0)
    assert f"{sum(ENTRIES.values())} repetitions" in ran.out
    assert re.search(r"about .* (s|min), .*B\n", ran.out)
    assert ran.err == ""
    assert list(tmp_path.rglob("*")) == before


def test_own_program(tmp_path):
    """It has its label; its path is relative to the current folder."""
    matrix.script(tmp_path / "server", f'exec {matrix.BIN}/poll "$@"')
    matrix.plan(tmp_path)
    run = matrix.run("--models", "mine=./server,poll", plan="tiny.plan",
                     out=tmp_path / "run", cwd=tmp_path).check(0)
    assert run.line("mine")["server"]["model"] == "poll"
    assert {row["model"] for row in run.csv("cells.csv")} == {"mine", "poll"}
    assert set(run.json("run.json")["programs"]) == {"loadgen", "baseline", "mine",
                                                     "poll"}


def test_default_folder(tmp_path):
    """Without --out: a new one in results/, beside bin/"""
    bin_ = matrix.copy_of_bin(tmp_path)
    run = matrix.run("--models", "epoll", program=bin_ / "matrix",
                     plan=matrix.plan(tmp_path))
    made, = (tmp_path / "results").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}-tiny", made.name)
    assert f"Results: {made}\n" in run.out
    matrix.Run(run.status, run.out, run.err, made).check(0)


def test_strict(tmp_path, odd):
    """With a warning, here of a server without counters"""
    args = ["--models", f"echo={odd('echo')}", "--benchmark_filter=loop:none"]
    plan = matrix.plan(tmp_path, idle="2")
    matrix.run(*args, plan=plan, out=tmp_path / "plain").check(0)
    run = matrix.run(*args, "--strict", plan=plan, out=tmp_path / "strict")
    assert run.check(6).complete
    assert any("printed no counters" in row["warning"]
               for row in run.csv("warnings.csv"))


USAGE = {
    "--models poll,epol": "did you mean 'epoll'",
    "--models mine=": "mine",
    "--plan quik": "did you mean 'quick'",
    "--blocks many": "blocks 'many': not a number from 1",
    "--conections 5": "did you mean --connections",
    "--connections 0": "--connections",
    "--bout 5s parsecs": "'parsecs'",
    "--bout 5parsecs": "bout '5parsecs': not a time",
    "--reference epol": "did you mean 'epoll'",
    "--reference uring --models epoll,poll": "uring",
    "--fail-on-regression 3percent": "3percent",
    "--fail-on-regression=3percent": "not a percentage, such as 3%",
    "--margin -1%": "margin",
    "--server-cpus 999": "999",
    "--force": "--force is not for run",
    "--blocks 2 --blocks 3": "given twice",
    "--benchmark_filter=nothing": "matrix list cells",
    "--benchmark_filter=(": "(",
    "--benchmark_repetitions=0": "blocks",
    "--benchmark_min_time=1": "--bout",
    "--benchmark_fliter=epoll": "did you mean --benchmark_filter",
}


@pytest.mark.parametrize("words", USAGE)
def test_usage(words, tmp_path):
    """An error names the mistake and a remedy; nothing is measured."""
    own_plan = [] if "--plan" in words else \
        ["--plan", str(matrix.plan(tmp_path))]
    ran = matrix.run(*own_plan, *words.split(), out=tmp_path / "run").check(2)
    assert USAGE[words] in ran.err
    assert ran.out == ""
    assert not (tmp_path / "run").exists()


def test_wrong_plan(tmp_path):
    path = tmp_path / "my.plan"
    path.write_text("blocks 3\ncells closed split conections 1\n")
    ran = matrix.run(plan=path, out=tmp_path / "run").check(2)
    assert re.search("my.plan:2: .*did you mean 'connections'", ran.err)


# ------------------------------------------------------------- Google Benchmark

def test_list_tests(tmp_path):
    ran = matrix.run("--models", MODELS, "--benchmark_list_tests", "--blocks",
                     "1", plan=matrix.plan(tmp_path), out=tmp_path / "run")
    assert sorted(ran.check(0).out.splitlines()) == [
        f"model:{name}/loop:closed/connections:2/message:64/placement:split"
        "/role:timing" for name in ("epoll", "thread")]
    assert not (tmp_path / "run").exists()


def test_options_of_google_benchmark(tmp_path):
    """Filter, blocks, a report in a file and one on stdout"""
    plan = matrix.plan(tmp_path, cells="closed split connections 1,2")
    run = matrix.run(
        "--models", MODELS, "--benchmark_filter=thread/.*connections:2/",
        "--benchmark_repetitions=2", "--benchmark_format=json",
        f"--benchmark_out={tmp_path}/out.csv", "--benchmark_out_format=csv",
        "--benchmark_context=room=12", plan=plan, out=tmp_path / "run").check(0)
    report = json.loads(run.out)  # and nothing but that
    timing = ("model:thread/loop:closed/connections:2/message:64/placement:split"
              "/role:timing")
    names = [one["name"] for one in report["benchmarks"]]
    assert names == [timing, timing, f"{timing}_median"]
    assert report["context"]["room"] == "12"
    assert "Results: " in run.err and "plan tiny" in run.err
    lines = (tmp_path / "out.csv").read_text().splitlines()
    while not lines[0].startswith("name,"):  # the context comes first
        lines.pop(0)
    assert [line.partition(",")[0].strip('"') for line in lines[1:]] == names
    assert run.json("run.json")["filter"] == "thread/.*connections:2/"
    assert {line["cell"] for line in run.lines} == {
        timing.partition("/role")[0]}


def test_resume_keeps_the_filter(tmp_path):
    """Though plan.txt has all cells"""
    plan = matrix.plan(tmp_path, blocks=3, counting="yes")
    run = matrix.interrupted("--models", MODELS, "--benchmark_filter=epoll",
                             plan=plan, out=tmp_path / "run", lines=2)
    done = matrix.run_shell(run.resume, run.folder).check(0)
    assert {line["model"] for line in done.lines} == {"epoll"}
    assert len(done.last) == 4


def test_filter_drops_the_reference(tmp_path):
    """The first model that is left takes its place, and the run says so."""
    run = matrix.run("--models", "epoll,thread,poll", "--benchmark_filter=-epoll",
                     plan=matrix.plan(tmp_path, aa="yes"), out=tmp_path / "run").check(0)
    assert "compared with thread, as epoll does not take part" in run.out
    assert {row["reference"] for row in run.csv("comparisons.csv")} == {"thread"}
    assert run.line("thread", "aa")
    assert run.json("run.json")["reference"] == "thread"
