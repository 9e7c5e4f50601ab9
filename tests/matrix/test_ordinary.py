# SPDX-License-Identifier: MIT
"""Runs without privileges, as in a container: they complete and say what is missing."""

import shutil

import matrix
import probes
import pytest

#: The user nobody, without any capability
NOBODY = [*probes.NOBODY, "--bounding-set=-all"]

KEYS = {"counting": "yes", "idle": "3", "cells": "closed split connections 1"}


@pytest.fixture
def results(public):
    """A folder that every user may write to"""
    folder = public / "results"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def run(results, *wrapper, models):
    public = results.parent
    return matrix.run("--models", models, plan=matrix.plan(public, **KEYS),
                      out=results / "run", program=public / "bin/matrix",
                      wrapper=[*NOBODY, *wrapper], cwd=public)


def test_nothing_is_allowed(results):
    """No strace, no tracefs, no cgroup, no io_uring"""
    forbid = matrix.build("../probe/forbid.c", results.parent, "-lseccomp")
    words = ["env", "PATH=/no/such/folder"]
    for name in "io_uring_setup", "bpf", "perf_event_open":
        words += [forbid, name]
    ran = run(results, *words, models="epoll,thread,uring").check(0)
    assert ran.complete
    check_epoll(ran)
    check_uring(ran)
    # before the first repetition, and at the end
    first, _, last = " ".join(ran.out.split()).partition(" into ")
    assert "system calls cannot be counted: " in first
    assert "uring" in first
    assert "not counted" in last
    assert "unsupported: the server: uring: " in last
    for row in ran.csv("cells.csv"):
        assert row["calls_per_request"] == row["calls_per_second"] == ""
        if row["model"] == "uring":
            assert row["status"] == "unsupported" and row["reason"]
        else:
            assert row["calls_method"] == "none"


def check_epoll(ran):
    for role in "counting", "idle":
        line = ran.line("epoll", role)
        assert line["calls"] == {"method": "none", "requests": None,
                                 "by_name": None}
        assert line["metrics"]["calls_per_second"] is None
        assert "system calls were not counted: " in " ".join(line["warnings"])
    timing = ran.line("epoll")
    assert timing["cpu_method"] == "process"
    assert timing["metrics"]["server_cpu_share"] is not None
    assert timing["calls"] is None
    warnings = " ".join(timing["warnings"])
    assert "CPU time of forked children is not included: " in warnings
    assert "system calls" not in warnings


def check_uring(ran):
    for role in "counting", "idle", "timing":
        line = ran.line("uring", role)
        assert line["status"] == "unsupported"
        assert "forbids io_uring" in line["reasons"][0]
        assert all(value is None for value in line["metrics"].values())


def test_strace_counts(results):
    """Where BPF and perf are forbidden, strace counts just as exactly."""
    if probes.why_not("strace"):
        pytest.skip(probes.why_not("strace"))
    ran = run(results, models="epoll").check(0)
    assert "system calls are counted by strace: bpf: " in ran.out
    calls = ran.line("epoll", "counting")["calls"]
    assert calls["method"] == "strace"
    made = {name.replace("epoll_pwait", "epoll_wait"): count
            for name, count in calls["by_name"].items()}
    # A traced server is slow: it may accept its client late (accept4 twice, the second
    # finds none), and after the last reply it may not have reached its wait.
    late = made.pop("accept4", 0)
    assert late <= 2 and made.pop("epoll_ctl", 0) <= 1
    assert abs(made.pop("epoll_wait") - calls["requests"]) <= 1 + late
    assert made == dict.fromkeys(["recvfrom", "sendto"], calls["requests"])
    assert {row["method"] for row in ran.csv("calls.csv")} == {"strace"}


@matrix.needs_root
def test_perf_counts(tmp_path):
    """perf counts only the total, just as exactly."""
    if probes.why_not("perf"):
        pytest.skip(probes.why_not("perf"))
    forbid = matrix.build("../probe/forbid.c", tmp_path, "-lseccomp")
    ran = matrix.run("--models", "epoll", plan=matrix.plan(tmp_path, **KEYS),
                     out=tmp_path / "run",
                     wrapper=[*probes.TRACEFS, forbid, "bpf"]).check(0)
    line = ran.line("epoll", "counting")
    assert line["calls"] == {"method": "perf", "by_name": None,
                             "requests": line["load"]["requests_total"]}
    requests = line["calls"]["requests"]
    calls = round(line["metrics"]["calls_per_request"] * requests)
    # A busy server may accept its client after counting began, with up to 10 calls.
    assert 0 <= calls - 3 * requests <= 10
    assert ran.csv("calls.csv") == []


def test_no_process_is_left(public, results, odd):
    """Also of a child in a session of its own, without a cgroup"""
    adopts = shutil.copy(odd("adopts"), public / "adopts")
    out = results / "run"
    with matrix.Running("--models", f"adopts={adopts}", out=out,
                        plan=matrix.plan(public, blocks=2),
                        program=public / "bin/matrix", wrapper=NOBODY,
                        cwd=public) as running:
        running.wait_for_lines(1)
        running.wait_for_program("sleep")
        running.process.kill()
        running.finish()
    done = matrix.resume(out, program=public / "bin/matrix", wrapper=NOBODY)
    assert done.check(0).complete and len(done.last) == 2


def test_one_cpu(tmp_path):
    """Server and generator cannot have a core each: those cells are unsupported, and the
    rest is measured."""
    ran = matrix.run("--models", "epoll", out=tmp_path / "run",
                     plan=matrix.plan(tmp_path, cells=[
                         "closed split connections 2",
                         "closed shared connections 2"]),
                     wrapper=["taskset", "-c", "0"]).check(0)
    split, shared = sorted(ran.last, key=lambda line: line["placement"],
                           reverse=True)
    assert split["status"] == "unsupported" and "CPU" in split["reasons"][0]
    assert shared["load"]["requests_total"] > 0
    assert shared["server_cpus"] == shared["client_cpus"] == "0"
