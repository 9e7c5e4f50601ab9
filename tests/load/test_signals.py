# SPDX-License-Identifier: MIT
"""Ctrl-C ends a run and reports what was measured; a second one ends it at once."""

import signal
import socket
import time

import load
import pytest
from load import DRAIN_S, SLOW
from server import eventually

BOTH = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("signo", BOTH)
@pytest.mark.parametrize("loop", ["closed", "open"])
def test_in_the_middle(odd, engine, signo, loop):
    server = odd("--message", 64, "--delay", "2ms")
    with load.Running(server, "--connections", 4, "--engine", engine,
                      "--warmup", "0s", "--duration", "30s", limit_s=10,
                      *(["--rate", 300] if loop == "open" else [])) as running:
        server.wait_for_traffic()
        time.sleep(0.1)
        running.interrupt(signo)
        begin = time.monotonic()
        run = running.finish()
    assert time.monotonic() - begin < 1 * SLOW
    counters = server.stop()
    assert run.status == 130
    assert run.json["valid"] is False and run.json["interrupted"] is True
    assert run.reasons[0] == "interrupted"
    assert run.faults == ["interrupted"]
    assert 0.05 < run.json["duration_s"] <= run.seconds
    assert run.json["duration_s"] < 10
    assert run.json["requests_total"] == counters["requests"] > 0
    assert run.json["unanswered"] == 0
    rate = run.json["answered_in_window"] / run.json["duration_s"]
    assert run.json["requests_per_second"] == pytest.approx(rate, rel=0.01)
    covered = run.json["series"]["slice_s"] * (
        len(run.json["series"]["slices"]))
    assert covered < run.json["duration_s"] + run.json["series"]["slice_s"]
    assert "INVALID:\n  - interrupted\n" in run.out
    assert "response" in run.out  # what was measured so far


def test_in_the_warm_up(odd, engine):
    server = odd("--message", 64, "--delay", "2ms")
    with load.Running(server, "--connections", 2, "--engine", engine,
                      "--warmup", "20s", "--duration", "10s",
                      limit_s=10) as running:
        server.wait_for_traffic()
        running.interrupt()
        run = running.finish()
    server.stop()
    assert run.status == 130 and run.reasons[0] == "interrupted"
    assert run.json["requests"] == 0 and run.json["duration_s"] == 0
    assert run.json["response_ns"]["p50"] is None


def full_backlog():
    """A listening socket with a full backlog: new connections wait."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = []
    for _ in range(8):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listening.getsockname())
        waiting.append(sock)
    return listening, waiting


@pytest.mark.parametrize("signo", BOTH)
def test_while_connecting(engine, signo):
    listening, waiting = full_backlog()
    with load.Running(listening, "--connections", 8, "--engine", engine,
                      "--timeout", "20s", limit_s=15) as running:
        running.wait_until_it_handles(signo)
        time.sleep(0.1)
        assert running.process.poll() is None
        running.interrupt(signo)
        begin = time.monotonic()
        run = running.finish()
    assert time.monotonic() - begin < 1 * SLOW
    assert run.status == 130
    for sock in [listening, *waiting]:
        sock.close()


def test_timeout_while_connecting(engine):
    """The same server, without a signal"""
    listening, waiting = full_backlog()
    run = load.run(listening, "--connections", 2, "--engine", engine,
                   "--timeout", "400ms", asks_json=False)
    assert run.status == 1 and run.out == ""
    assert run.err.count("\n") == 1
    assert "no connection within 0.4 s" in run.err
    assert 0.4 <= run.seconds < 0.4 + 1.5 * SLOW
    for sock in [listening, *waiting]:
        sock.close()


@pytest.mark.parametrize("signo", BOTH)
def test_second_signal_ends_it_at_once(odd, engine, signo):
    """While it waits for last replies that never come"""
    server = odd("--message", 64, "--silent-after", 50, "--delay", "1ms")
    with load.Running(server, "--connections", 2, "--engine", engine,
                      "--warmup", "0s", "--duration", "20s", "--timeout",
                      "15s", limit_s=12) as running:
        server.wait_for_traffic(45)  # it sleeps before each of at least 50 replies
        time.sleep(0.4)  # no more come
        running.interrupt(signo)
        time.sleep(0.4)
        assert running.process.poll() is None  # it awaits them for 2 s
        running.interrupt(signo)
        begin = time.monotonic()
        run = running.finish()
    assert time.monotonic() - begin < min(1 * SLOW, DRAIN_S - 0.4)
    assert run.status == -signo


def test_first_signal_awaits_last_replies(odd, engine):
    """Requests in flight are awaited and counted."""
    server = odd("--message", 64, "--delay", "600ms")
    with load.Running(server, "--connections", 3, "--engine", engine,
                      "--warmup", "0s", "--duration", "20s",
                      limit_s=12) as running:
        server.wait_for_traffic(7)  # clients, requests, the first replies
        running.interrupt()
        run = running.finish()
    counters = server.stop()
    assert run.status == 130 and run.faults == ["interrupted"]
    assert run.json["requests_total"] == counters["replies"] >= 3
    assert run.json["unanswered"] == 0


@pytest.mark.parametrize("sleeps", [1, 60])
@load.up_to_3_times
def test_a_search_that_is_cut_short(odd, sleeps):
    """Before and after a rate has held: 5 requests are sent at the first one, then 10, 20
    and so on."""
    server = odd("--message", 64)
    with load.Running(server, "--find-rate", "p50=10s", "--rate", 10,
                      "--connections", 4, "--warmup", "0s", "--duration",
                      "500ms", limit_s=15) as running:
        server.wait_for_traffic(sleeps)
        running.interrupt()
        run = running.finish()
    assert run.status == 130
    assert run.json["valid"] is False
    assert "Interrupted" in run.out
    if sleeps > 1:
        load.no_disturbance(run.json["find_rate"]["held_per_second"], "no rate held")
        assert run.json["find_rate"]["held_per_second"] > 0
        assert run.json["interrupted"] is True
        assert run.reasons[0] == "interrupted"
        assert "INVALID:\n  - interrupted\n" in run.out


def test_stdout_is_closed(odd):
    """A closed stdout is an error message, not death by SIGPIPE."""
    server = odd("--message", 64)
    with load.Running(server, "--connections", 1, "--warmup", "0s",
                      "--duration", "300ms") as running:
        running.process.stdout.close()
        running.process.stdout = None
        assert eventually(lambda: running.process.poll() is not None)
        assert running.process.returncode == 1
        assert "Broken pipe" in running.process.stderr.read()
