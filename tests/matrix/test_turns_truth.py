# SPDX-License-Identifier: MIT
"""What a run says of servers whose cost is known, also on a machine that loses its CPUs
now and then.

A server burns most of the CPU time of a request by its own clock, so that its cost is the
same on a busy machine.
"""

import contextlib
import math
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

import matrix
import pytest
import server

CPU, RATE = "server_cpu_per_request_ns", "requests_per_second"

KNOWN = matrix.HERE / "servers/known.py"
STEADY_US, SLOWER_US, ALTERNATING_US = 2000, 2600, (1000, 6000)

#: What a request takes beside the time that is burned: most on a busy machine
OVERHEAD = 0.2
#: Of a ratio: in both of its sides are such parts.
WITHIN = 0.15


def slices(run, line):
    """The rows of a cell, in order"""
    return [row for row in run.csv("slices.csv") if int(row["index"]) == line["index"]]


def row_of(run, model, metric):
    row, = [row for row in run.csv("comparisons.csv")
            if (row["model"], row["metric"]) == (model, metric)]
    return row


# ------------------------------------------------------------------- known costs

@pytest.fixture(scope="module")
def known(apart, tmp_path_factory):
    """A run of three servers whose cost is known"""
    folder = tmp_path_factory.mktemp("known")
    models = {"steady": [STEADY_US], "slower": [SLOWER_US], "alternating": ALTERNATING_US}
    return matrix.run(
        "--reference", "steady", "--models", ",".join(
            f"{name}={KNOWN} {' '.join(map(str, us))}" for name, us in models.items()),
        out=folder / "run", plan=matrix.plan(folder, blocks=4, bout="720ms",
                                             slice="40ms", aa="yes")).check(0)


def costs(run, line):
    """The known cost of a request in each slice, in us. The server counts requests, so
    a pause within a slice, on a busy machine, is no matter."""
    each = [us for n, us in line["server"]["phases"] for _ in range(n)]
    begin, of = 0, []
    for row in slices(run, line):
        end = begin + int(row["requests"])
        of.append(statistics.mean(each[begin:end]))
        begin = end
    assert begin == len(each) == line["server"]["requests"]
    return of


def timed(run, model):
    return [line for line in run.lines if (line["model"], line["role"]) ==
            (model, "timing")]


@pytest.mark.parametrize("name", ["steady", "slower", "alternating"])
def test_each_slice_has_its_own_cost(name, known):
    off, lines = [], timed(known, name)
    assert len(lines) == 4
    for line in lines:
        for row, us in zip(slices(known, line), costs(known, line)):
            off.append(int(row["cpu_ns"]) / int(row["requests"]) / us / 1000 - 1)
    assert min(off) > -0.02
    assert statistics.median(off) < OVERHEAD
    assert sorted(off)[int(0.8 * len(off))] < 2 * OVERHEAD


def known_ratio(run):
    """Of the alternating server and the steady one, by the rounds that counted"""
    blocks = []
    for line in timed(run, "alternating"):
        logs = sorted(math.log(us / STEADY_US) for us, row in
                      zip(costs(run, line), slices(run, line)) if row["counted"] == "1")
        cut = int(0.25 * len(logs))
        blocks.append(statistics.mean(logs[cut:len(logs) - cut]))
    return math.exp(statistics.mean(blocks))


def test_ratio_of_alternating_costs(known):
    """Their geometric mean, as half of the rounds has each"""
    row = row_of(known, "alternating", CPU)
    expected = known_ratio(known)
    assert 0.5 < expected < 3
    assert float(row["ratio"]) == pytest.approx(expected, rel=WITHIN)


def test_a_slower_server_is_called_different(known):
    row = row_of(known, "slower", CPU)
    assert row["verdict"] == "different"
    assert 1.1 < float(row["low"]) < float(row["high"]) < 1.5
    assert row["sentence"].startswith("slower uses ")
    assert float(row["aa_low"]) < 1.1 and float(row["aa_high"]) > 0.9


# ------------------------------------------------------- a machine without its CPUs

#: argv: a CPU, the seed of the moments, the first one
THIEF = """
import os, random, sys, time
cpu, seed, at = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
os.sched_setaffinity(0, {cpu})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
print("ready", flush=True)
moments, parent = random.Random(seed), os.getppid()
while os.getppid() == parent:
    at += moments.uniform(0.3, 0.9)
    time.sleep(max(0, at - time.monotonic()))
    at = time.monotonic() + 0.3
    while time.monotonic() < at:
        pass
"""


@contextlib.contextmanager
def thief():
    """Takes all CPUs at once, for 300 ms at random moments."""
    seed, now = str(random.random()), str(time.monotonic() + 0.5)
    with contextlib.ExitStack() as stack:
        for cpu in sorted(os.sched_getaffinity(0)):
            one = stack.enter_context(subprocess.Popen(
                [sys.executable, "-c", THIEF, str(cpu), seed, now], text=True,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
            stack.callback(one.kill)
            if one.stdout.readline() != "ready\n":
                pytest.skip("SCHED_FIFO is not permitted here")
        yield


@matrix.needs_root
def test_lost_cpus(tmp_path):
    """Two identical builds stay equal; rounds in which it happened are dropped, or a
    warning says that too many were. No request is lost."""
    if not os.path.exists("/proc/self/schedstat"):
        pytest.skip("this kernel does not tell how long a thread waits for its CPU")
    plan = matrix.plan(tmp_path, blocks=2, slice="40ms", bout="1s",
                       cells="closed split connections 8 work cpu:100us")
    with thief():
        run = matrix.run("--models", f"epoll,same={matrix.BIN}/epoll", plan=plan,
                         out=tmp_path / "run").check(0)
    assert 0.8 < float(row_of(run, "same", CPU)["ratio"]) < 1.25
    assert 0.5 < float(row_of(run, "same", RATE)["ratio"]) < 2
    assert sum(line["rounds"]["dropped"] for line in run.lines) > 0
    for line in run.lines:
        rows = slices(run, line)
        assert sum(int(row["requests"]) for row in rows) == line["server"]["requests"]
        if not any("disturbed" in warning for warning in line["warnings"]):
            assert all(int(row["elapsed_ns"]) < 200e6 for row in rows
                       if row["counted"] == "1")


# ---------------------------------------------------------------------- frozen time

def is_frozen(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "T"


def test_frozen_time_is_in_no_response_time(tmp_path):
    """busypoll is frozen while others are served."""
    plan = matrix.plan(tmp_path, slice="400ms", bout="2400ms")
    with matrix.Running("--models", "busypoll,epoll,poll,select", plan=plan,
                        out=tmp_path / "run") as running:
        assert server.eventually(lambda: any(
            is_frozen(pid) for pid in running.processes()
            if matrix.name_of(pid) == "busypoll"))
        run = running.finish().check(0)
    line = run.line("busypoll")
    assert line["status"] == "ok", line["reasons"]
    rows = [row for row in run.csv("slices.csv") if row["round"] != "0"]
    mine = [row for row in rows if int(row["index"]) == line["index"]]
    took = [int(row["elapsed_ns"]) for row in mine]
    # On average before each of its slices, so once at least as long
    frozen = (sum(int(row["elapsed_ns"]) for row in rows) - sum(took)) / len(mine)
    assert frozen > 3 * 390e6
    assert statistics.median(took) < frozen
    # None: on a very busy machine, no reply was in a window
    assert (line["metrics"]["response_max_ns"] or 0) < frozen
