# SPDX-License-Identifier: MIT
"""A run that ends early, by a signal or a crash, can be resumed: no bout that ended is
lost or measured twice, and no process is left."""

import gzip
import json
import os
import random
import re
import shutil
import signal
import time

import matrix
import probes
import pytest
import server

MODELS = "epoll,thread"

#: 2 counting, 2 idle, and in each of two blocks a bout of two models and a twin
KEYS = {"blocks": 2, "counting": "yes", "idle": "2", "aa": "yes",
        "cells": "closed split connections 4", "bout": "120ms"}
REPETITIONS = 10
BOUTS = 6


@pytest.fixture
def plan(tmp_path):
    return matrix.plan(tmp_path, **KEYS)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    return matrix.run("--models", MODELS, plan=matrix.plan(folder, **KEYS),
                      out=folder / "run").check(0)


def check_whole(run, undisturbed, sittings):
    """Complete, each entry once, and of the same structure as an undisturbed run"""
    assert run.complete, run
    assert matrix.files(run.folder) == matrix.FILES
    assert [line["index"] for line in run.lines] == list(range(REPETITIONS))
    check_histograms(run)
    check_slices(run)
    for name in "cells.csv", "calls.csv", "slices.csv":
        first, its_first = (one.read(name).partition("\n")[0]
                            for one in (run, undisturbed))
        assert first == its_first and first
    assert [row["cell"] for row in run.csv("cells.csv")] == \
        [row["cell"] for row in undisturbed.csv("cells.csv")]
    run.gbench()
    for name in "run.json", "machine.json":
        assert run.json(name).keys() == undisturbed.json(name).keys()
    assert len(run.json("run.json")["sittings"]) == sittings
    assert run.read("plan.txt") == undisturbed.read("plan.txt")
    assert "Results: " in run.out


def check_histograms(run):
    """One for each line with a generator's report, and with the same counts"""
    named = {line["histograms"]: line for line in run.lines
             if line["histograms"]}
    there = {f"histograms/{path.name}"
             for path in (run.folder / "histograms").iterdir()}
    assert there == set(named)
    for name, line in named.items():
        with gzip.open(run.folder / name, "rt") as file:
            of = json.load(file)["histograms"]
        assert sum(of["response"]["buckets"]["count"]) == \
            line["load"]["response_ns"]["count"]


def check_slices(run):
    """Those of each bout once: a server has one in each round"""
    rows = [(row["index"], row["round"]) for row in run.csv("slices.csv")]
    assert len(set(rows)) == len(rows)
    for line in run.lines:
        if line["block"] > 0:
            of = [row for row in rows if row[0] == f"{line['index']}"]
            assert len(of) == 1 + sum(line["rounds"][key] for key in
                                      ("counted", "dropped"))


# --------------------------------------------------------------------- signals

def test_sigterm(plan, tmp_path, undisturbed):
    out = tmp_path / "it's a run"
    run = matrix.interrupted("--models", MODELS, plan=plan, out=out, lines=3)
    before = run.lines
    assert 3 <= len(before) < REPETITIONS
    assert not run.complete
    assert f"resume '{tmp_path}/it'\\''s a run'" in run.resume
    assert run.resume in run.read("INCOMPLETE")
    assert "cells.csv" in os.listdir(out)  # of the recorded repetitions
    done = matrix.run_shell(run.resume, out).check(0)
    bouts = len({line["bout"] for line in before})
    assert f"{bouts} of {BOUTS} bouts recorded" in done.out
    assert done.lines[:len(before)] == before
    check_whole(done, undisturbed, 2)


def test_second_signal_ends_at_once(tmp_path, odd):
    """It does not wait 5 s for a server that ignores SIGTERM. (Signals are sent
    repeatedly, as two pending ones count as one.)"""
    out = tmp_path / "run"
    with matrix.Running("--models", f"stubborn={odd('stubborn')}",
                        plan=matrix.plan(tmp_path), out=out) as running:
        running.wait_for_program("loadgen")
        assert server.eventually(lambda: "loadgen" not in running.programs())
        begin = time.monotonic()
        while running.process.poll() is None:
            running.signal(signal.SIGINT)
            time.sleep(0.05)
        took = time.monotonic() - begin
        run = running.finish()
    assert took < 5
    assert run.status in (130, -signal.SIGINT)
    assert run.lines == []


def test_ctrl_c(plan, tmp_path):
    """SIGINT also goes to servers and generator. That they end is not recorded as a
    failure."""
    out, moments = tmp_path / "run", random.Random(7)
    verb = "run"
    for _ in range(6):
        with matrix.Running(*(["--models", MODELS] if verb == "run" else []),
                            verb=verb, plan=plan if verb == "run" else None,
                            out=out, start_new_session=True) as running:
            there = out / "repetitions.jsonl"
            had = there.read_bytes().count(b"\n") if there.exists() else 0
            running.wait_for_lines(had + 1)
            time.sleep(moments.uniform(0, 0.3))
            if running.process.poll() is None:
                os.killpg(running.process.pid, signal.SIGINT)
            run = running.finish()
        verb = "resume"
        if run.complete:
            break
        assert run.status == 130
    for line in run.lines:
        assert line["status"] == "ok", line["reasons"]


def test_ctrl_c_in_a_bout(plan, tmp_path, undisturbed):
    """It loses the bout that is measured, and no other."""
    out = tmp_path / "run"
    long = matrix.plan(tmp_path, name="long", **{**KEYS, "blocks": 1, "bout": "60s"})
    with matrix.Running("--models", MODELS, plan=long, out=out,
                        start_new_session=True) as running:
        running.wait_for_lines(4)
        assert server.eventually(lambda: running.programs().count("loadgen") == 3)
        os.killpg(running.process.pid, signal.SIGINT)
        run = running.finish().check(130)
    assert [line["index"] for line in run.lines] == [0, 1, 2, 3]
    assert run.resume and not run.complete


def test_stopped(tmp_path):
    """Rounds with Ctrl-Z and fg do not count, and others take their place."""
    plan = matrix.plan(tmp_path, bout="2s", slice="40ms")
    with matrix.Running("--models", "epoll", plan=plan, out=tmp_path / "run",
                        start_new_session=True) as running:
        running.wait_for_program("loadgen")
        time.sleep(1)  # past the beginning, on a busy machine, too
        os.killpg(running.process.pid, signal.SIGSTOP)
        time.sleep(0.1)
        os.killpg(running.process.pid, signal.SIGCONT)
        run = running.finish().check(0)
    rounds = run.line("epoll")["rounds"]
    assert rounds["why"]["suspended"] >= 1 and rounds["dropped"] >= 1
    assert rounds["counted"] == 50


def test_nohup(tmp_path, plan):
    """An ignored signal stays ignored."""
    with matrix.Running("--models", MODELS, plan=plan, out=tmp_path / "run",
                        wrapper=["nohup"]) as running:
        running.wait_for_lines(1)
        running.signal(signal.SIGHUP)
        assert running.finish().check(0).complete


# --------------------------------------------------------------------- kill -9

def killed_and_resumed(plan, out, moments):
    """Kills a run so many seconds after its first line, then each resume of it; returns
    the last resume, which is not killed."""
    pids = []
    with matrix.Running("--models", MODELS, plan=plan, out=out) as running:
        running.wait_for_lines(1)
        kill_after(moments[0], running, pids)
    for moment in moments[1:]:
        with matrix.Running(verb="resume", out=out) as running:
            kill_after(moment, running, pids)
    run = matrix.resume(out)
    for pid in pids:
        assert server.eventually(lambda: not probes.cgroups(pid))
    return run


def kill_after(moment, running, pids):
    time.sleep(moment)
    running.process.kill()
    running.finish()
    pids.append(running.process.pid)


def test_killed_in_a_bout(tmp_path, undisturbed):
    """It is measured again, as a whole, and nothing twice."""
    out = tmp_path / "run"
    plan = matrix.plan(tmp_path, **KEYS)
    with matrix.Running("--models", MODELS, plan=plan, out=out) as running:
        assert server.eventually(lambda: running.programs().count("loadgen") == 3,
                                 every=0.002)
        running.process.kill()
        run = running.finish()
    had = run.lines
    assert 4 <= len(had) < REPETITIONS
    run = matrix.resume(out).check(0)
    assert run.lines[:len(had)] == had
    check_whole(run, undisturbed, 2)


def test_killed(plan, tmp_path, undisturbed):
    moments = [random.Random(1).uniform(0, 1)]
    run = killed_and_resumed(plan, tmp_path / "run", moments).check(0)
    if "is complete." not in run.out:  # it was, before it was killed
        check_whole(run, undisturbed, 2)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_killed_at_ten_moments(tmp_path, undisturbed):
    """Once in each of ten runs, and ten times in one"""
    plan, draw = matrix.plan(tmp_path, **KEYS), random.Random()
    for n in range(10):
        moments = [draw.uniform(0, 3)]
        run = killed_and_resumed(plan, tmp_path / f"{n}", moments)
        if "is complete." not in run.out:
            check_whole(run.check(0), undisturbed, 2)
    moments = [draw.uniform(0, 0.8) for _ in range(10)]
    run = killed_and_resumed(plan, tmp_path / "often", moments)
    if "is complete." not in run.out:
        sittings = len(run.json("run.json")["sittings"])
        assert sittings <= 11
        check_whole(run.check(0), undisturbed, sittings)


def test_killed_before_it_began(plan, tmp_path):
    """Resume says so, and that the folder can be used for a new run."""
    out, found = tmp_path / "run", False
    for pause in [n * 0.01 for n in range(30)]:
        with matrix.Running("--models", MODELS, plan=plan,
                            out=out) as running:
            assert server.eventually((out / "INCOMPLETE").exists, every=0)
            time.sleep(pause)
            running.process.kill()
            running.finish()
        found = not (out / "run.json").exists()
        if found:
            break
        shutil.rmtree(out)
    if not found:
        pytest.skip("run.json was always written before the kill")
    error = matrix.resume(out).check(1).err
    assert f"bin/matrix run --out {out}" in error
    assert matrix.run("--models", "epoll", plan=plan, out=out).check(0).complete


def test_truncated_line(tmp_path, undisturbed):
    """Its bout moves to repetitions.broken and is measured again."""
    run, out = undisturbed, tmp_path / "cut"
    shutil.copytree(run.folder, out)
    lines = (out / "repetitions.jsonl").read_bytes().splitlines(True)
    (out / "repetitions.jsonl").write_bytes(
        b"".join(lines[:-1]) + lines[-1][:100])
    (out / "INCOMPLETE").write_text("")
    again = matrix.resume(out).check(0)
    assert f"repetitions.jsonl:{len(lines)}: " in again.err
    assert again.read("repetitions.broken") == \
        b"".join(lines[-3:-1]).decode() + lines[-1][:100].decode() + "\n"
    check_whole(again, undisturbed, 2)


# ------------------------------------------------------------- what resume takes

def cut(run, n):
    """Keeps the first `n` lines of the record, and what belongs to them. There is no
    INCOMPLETE."""
    (run.folder / "INCOMPLETE").unlink(missing_ok=True)
    for line in run.lines[n:]:
        (run.folder / line["histograms"]).unlink()
    kept = {line["index"] for line in run.lines[:n]}
    head, *rows = run.read("slices.csv").splitlines(True)
    (run.folder / "slices.csv").write_text(
        head + "".join(row for row in rows if int(row.split(",")[1]) in kept))
    matrix.craft(run, lambda lines: lines[:n])


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """half(folder): a copy of a run in which a bout is missing"""
    folder = tmp_path_factory.mktemp("half")
    bin_ = matrix.copy_of_bin(folder)
    run = matrix.run("--models", MODELS, out=folder / "run",
                     program=bin_ / "matrix", plan=matrix.plan(folder, **KEYS))
    cut(run, REPETITIONS - 3)
    (run.folder / "INCOMPLETE").write_text("")

    def copy(to):
        shutil.copytree(folder, to)
        return matrix.Run(None, "", "", to / "run")

    return copy


def resume(run, *args, **kwargs):
    return matrix.resume(run.folder, *args, **kwargs,
                         program=run.folder.parent / "bin/matrix")


def check_refused(run, *because, **kwargs):
    """It prints why, and changes no file."""
    before = {path: path.read_bytes() for path in run.folder.rglob("*")
              if path.is_file()}
    refused = resume(run, **kwargs).check(1)
    for part in because:
        assert re.search(part, refused.err), refused.err
    assert before == {path: path.read_bytes() for path in
                      run.folder.rglob("*") if path.is_file()}


def check_forced(run, *because, **kwargs):
    """With --force it continues, and the results say so."""
    had = len(run.lines)
    done = resume(run, "--force", **kwargs).check(0)
    assert done.complete
    for part in because:
        forced = done.json("run.json")["sittings"][-1]["forced_differences"]
        assert any(re.search(part, one) for one in forced)
        for n, line in enumerate(done.lines):
            assert (n >= had) == any(
                re.search(f"forced: .*{part}", warning)
                for warning in line["warnings"])
        assert any(re.search(part, row["warning"])
                   for row in done.csv("warnings.csv"))


def test_another_build(half, tmp_path):
    """One byte of a program differs: the message names it."""
    run = half(tmp_path / "copy")
    with open(run.folder.parent / "bin/epoll", "ab") as program:
        program.write(b"\0")
    because = "program epoll"
    check_refused(run, because, "--force")
    check_forced(run, because)


def test_other_limits(half, tmp_path):
    run = half(tmp_path / "copy")
    wrapper = ["prlimit", "--nofile=900:1000"]
    because = r"limit nofile hard: \d+ then, 1000 now"
    check_refused(run, because, "--force", wrapper=wrapper)
    check_forced(run, because, wrapper=wrapper)


def test_another_plan(half, tmp_path):
    """A plan or a record that was edited is refused."""
    run = half(tmp_path / "copy")
    plan = run.folder / "plan.txt"
    text = plan.read_text()
    for old, new, because in [
            ("connections 4", "connections 5", r"line \d+ of "
             "repetitions.jsonl does not belong to the plan"),
            ("seed 1", "seed 3", "does not belong to the plan"),
            ("blocks 2", "bloks 2", "did you mean 'blocks'")]:
        assert old in text
        plan.write_text(text.replace(old, new))
        check_refused(run, because)
    plan.write_text(text)
    lines = run.folder / "repetitions.jsonl"
    kept = lines.read_text()
    lines.write_text(kept.replace('"connections":4', '"connections":8')
                     .replace("connections:4", "connections:8"))
    check_refused(run, "line .* does not belong to the plan")


def test_complete_run(half, tmp_path):
    """Resume changes nothing."""
    run = half(tmp_path / "copy")
    done = resume(run).check(0)
    before = {path: path.read_bytes() for path in run.folder.rglob("*")
              if path.is_file()}
    again = resume(run)
    assert again.status == 0 and "is complete" in again.out
    assert before == {path: path.read_bytes() for path in
                      run.folder.rglob("*") if path.is_file()}
    assert done.lines == again.lines


@pytest.mark.parametrize("n", [REPETITIONS - 3, 0])
def test_record_decides_what_is_complete(n, half, tmp_path, undisturbed):
    """What is planned and not recorded is measured, also without INCOMPLETE."""
    run = half(tmp_path / "copy")
    cut(run, n)
    done = resume(run).check(0)
    assert f"{BOUTS - 1 if n else 0} of {BOUTS} bouts recorded" in done.out
    check_whole(done, undisturbed, 2)


def test_bout_that_is_not_whole(half, tmp_path, undisturbed):
    """After a power failure a bout may lack a line. It is measured again as a whole, and
    what is left of it is in no result."""
    run = half(tmp_path / "copy")
    cut(run, 6)

    def claim(lines):
        for line in lines[4:]:
            line["metrics"]["requests_per_second"] = 1e12

    matrix.craft(run, claim)
    done = resume(run).check(0)
    assert f"{BOUTS - 2} of {BOUTS} bouts recorded" in done.out
    assert done.read("repetitions.broken").count("\n") == 2
    check_whole(done, undisturbed, 2)
    assert all(float(row["requests_per_second_highest"] or 0) < 1e12
               for row in done.csv("cells.csv"))


def test_missing_plan(half, tmp_path):
    run = half(tmp_path / "copy")
    cut(run, 2)
    (run.folder / "plan.txt").unlink()
    check_refused(run, "plan.txt: No such file")


# ------------------------------------------------------------- the exit status

def disturb(line):
    line["rounds"] |= {"dropped": 2, "why": {**line["rounds"]["why"], "steal": 2}}
    line["warnings"].append("disturbed rounds count")


def outgrow(line):
    line["bound"] = True


def lose(line):
    line |= {"status": "failed", "reasons": ["1 request was never answered"]}
    line["load"]["unanswered"] = 1


def die(line):
    line |= {"status": "failed", "reasons": ["the server: killed by signal 11"],
             "load": None, "server": None}


def refuse(line):
    line |= {"status": "refused", "reasons": ["the server turned away 1 of 4"]}


@pytest.mark.parametrize("happens, status", [
    (disturb, 0), (outgrow, 0), (refuse, 0), (lose, 1), (die, 1)])
def test_only_what_failed_is_a_failure(happens, status, half, tmp_path):
    """A busy machine is none, nor is a comparison that cannot be decided."""
    run = half(tmp_path / "copy")

    def all_of_epoll(lines):
        for line in lines:
            if line["model"] == "epoll":
                happens(line)

    matrix.craft(run, all_of_epoll)
    assert resume(run).check(status).complete


def test_no_run(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path, because in [("file", "not a folder"),
                          ("folder", "holds no run"),
                          ("nothing", "no such folder")]:
        error = matrix.resume(tmp_path / path).check(1).err
        assert because in error and str(tmp_path / path) in error
        assert error.count("\n") == 1
    assert list((tmp_path / "folder").iterdir()) == []
    assert "missing folder" in matrix.run(verb="resume").check(2).err


def test_resume_takes_no_option_of_run(half, tmp_path):
    run = half(tmp_path / "copy")
    for option in (["--models", "poll"], ["--blocks", "3"], ["--plan", "quick"],
                   ["--out", "x"], ["--benchmark_filter=poll"],
                   ["--benchmark_repetitions=3"],
                   ["--server-cpus", "0"], ["--dry-run"]):
        assert "resume" in resume(run, *option).check(2).err


def test_one_at_a_time(half, tmp_path, plan):
    """Two runs would disturb each other, also in different folders."""
    copy = half(tmp_path / "half")
    long = matrix.plan(tmp_path, name="long", bout="60s")
    with matrix.Running("--models", "epoll", plan=long,
                        out=tmp_path / "first") as first:
        first.wait_for_program("loadgen")
        pid = first.process.pid
        for second in (matrix.run(plan=plan, out=tmp_path / "second"),
                       resume(copy)):
            assert f"process {pid} (matrix)" in second.check(1).err
        error = matrix.resume(tmp_path / "first").check(1).err
        assert f"process {pid} (matrix) is writing this run" in error
        assert not (tmp_path / "second").exists()
        # Commands that measure nothing need no lock.
        matrix.run("--dry-run", plan=plan).check(0)
        first.signal(signal.SIGTERM)
        first.finish().check(130)


def test_lock_ends_with_its_holder(plan, tmp_path):
    """SIGKILL leaves no lock, although a server may live a moment longer."""
    with matrix.Running("--models", MODELS, plan=plan,
                        out=tmp_path / "run") as running:
        running.wait_for_program("loadgen")
        running.process.kill()
        running.process.wait()
        assert matrix.resume(tmp_path / "run").check(0).complete
