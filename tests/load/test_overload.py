# SPDX-License-Identifier: MIT
"""A result that is not valid says why.

The offered load is above the server's capacity, or the generator does not get enough
CPU. Also: it busy-polls only with --cpu.
"""

import os
import subprocess

import load
import pytest
import server
from load import SLOW, no_disturbance

pytestmark = pytest.mark.xdist_group("cpu")


def check_not_sustained(run):
    assert run.status == 1
    assert run.json["sustained"] is False and run.json["valid"] is False
    (reason,) = [r for r in run.reasons if r.startswith("not sustained: ")]
    assert "--find-rate" in reason
    assert run.json["requests_per_second"] < run.json["offered_per_second"]
    # The text has no times, the JSON has all of them.
    assert "No times are shown" in run.text
    for word in ("p50", "p99", "response  ", "service  "):
        assert word not in run.text
    assert run.json["response_ns"]["p50"] > 0


@pytest.mark.parametrize("threads", [1, 2])
def test_more_than_the_server_can_do(threads):
    """Two connections at 5 ms per request: at most 400 requests/s"""
    with server.Server("thread", "--message", "64", "--work",
                       "sleep:5ms") as slow:
        run = load.run(slow, "--connections", 2, "--rate", 800, "--threads",
                       threads, "--warmup", "0s", "--duration", "1s")
        requests = slow.stop()["requests"]
    check_not_sustained(run)
    assert run.json["requests_per_second"] <= 420
    assert run.json["offered_per_second"] == 800
    assert run.errors() in ({}, {"stalled": 2}) and run.mismatches() == {}
    # Requests that could not be sent count.
    assert run.json["requests"] == (run.json["response_ns"]["count"] +
                                    run.json["unanswered"])
    assert run.json["requests_total"] <= requests
    # The queue grows to the end.
    assert run.json["response_ns"]["max"] > 300 * load.MS


def test_far_more_than_the_server_can_do():
    """Most requests are unanswered even two seconds after the window."""
    with server.Server("thread", "--message", "64", "--work",
                       "sleep:10ms") as slow:
        run = load.run(slow, "--connections", 1, "--rate", 2000, "--warmup",
                       "0s", "--duration", "500ms")
    check_not_sustained(run)
    assert run.json["unanswered"] > 500
    assert run.json["requests"] == (run.json["response_ns"]["count"] +
                                    run.json["unanswered"])
    assert run.errors() in ({}, {"stalled": 1})
    assert run.seconds < 0.5 + load.DRAIN_S + 2 * SLOW


@load.up_to_3_times
def test_as_much_as_it_can_do(engine):
    """The same server with a load that it sustains"""
    with server.Server("thread", "--message", "64", "--work",
                       "sleep:5ms") as slow:
        run = load.run(slow, "--connections", 20, "--rate", 500, "--engine",
                       engine, "--warmup", "100ms", "--duration", "1s")
    no_disturbance(run.json["sustained"] is True, run.reasons)
    assert run.json["unanswered"] == 0
    assert "p50" in run.text and "as offered" in run.text


# The generator's own CPU


@load.two_cpus
@pytest.mark.parametrize("loop", ["closed", "open"])
def test_starved(odd, engine, loop):
    """Other programs use its CPU: the reason names cause and remedy."""
    mine, other = load.cpus()[:2]
    quick = odd("--message", 64)
    os.sched_setaffinity(quick.pid, [other])
    load_of = {"closed": ["--connections", 16],
               "open": ["--rate", "20k", "--connections", 16]}
    with load.spinners(mine, 2):
        run = load.run(quick, *load_of[loop], "--cpu", mine, "--engine",
                       engine, "--warmup", "0s", "--duration", "1s")
    quick.stop()
    assert run.status == 1 and run.json["valid"] is False
    assert any("CPU" in reason and ("generator" in reason)
               for reason in run.reasons), run
    assert any("the generator waited for its CPU" in reason and "--cpu" in
               reason for reason in run.reasons), run
    # It has a CPU of its own: the advice is not to give it one.
    assert f"other programs used CPU {mine}" in run.text
    assert "CPU of its own" not in run.text
    assert run.json["client_run_delay_ns"] > 100 * load.MS
    assert not run.mismatches() and not run.errors()


def undisturbed():
    """A wrapper that gives loadgen real-time priority, if that is allowed: parallel
    tests use the CPU, too."""
    first = ["chrt", "--fifo", "1"]
    allowed = subprocess.run([*first, "true"], check=False,
                             stderr=subprocess.DEVNULL).returncode == 0
    return first if allowed else []


@load.two_cpus
@load.up_to_3_times
def test_busy_polls_on_its_own_cpu(odd, engine):
    mine, other = load.cpus()[-1], load.cpus()[0]
    slow = odd("--message", 64, "--delay", "30ms")
    os.sched_setaffinity(slow.pid, [other])
    args = ["--rate", 100, "--connections", 8, "--cpu", mine, "--engine",
            engine, "--warmup", "0s", "--duration", "500ms"]
    awake = load.run(slow, *args, wrapper=undisturbed())
    asleep = load.run(slow, *args, "--spin", "never")
    slow.stop()
    assert awake.json["cpus"] == asleep.json["cpus"] == [mine]
    assert asleep.json["spun"] is False and asleep.json["coarse"] is True
    assert asleep.json["client_busy"] < 0.3
    no_disturbance(asleep.json["sustained"], "no times were shown")
    assert "coarse" in asleep.text and "busy-polls" not in asleep.text
    no_disturbance(awake.json["spun"], "others wanted its CPU")
    assert awake.json["coarse"] is False
    assert "busy-polls" in awake.text and "coarse" not in awake.text
    assert awake.json["client_busy"] > 0.6


def test_does_not_busy_poll_otherwise(odd, engine):
    """It sleeps without --cpu, and always in a closed loop."""
    slow = odd("--message", 64, "--delay", "30ms")
    for args in (["--rate", 100], [], ["--cpu", load.cpus()[0]]):
        run = load.run(slow, *args, "--connections", 4, "--engine", engine,
                       "--warmup", "0s", "--duration", "300ms")
        assert run.json["spun"] is False
        assert run.json["client_busy"] < 0.3 * SLOW
        assert run.json["coarse"] is ("--rate" in args)
    slow.stop()
