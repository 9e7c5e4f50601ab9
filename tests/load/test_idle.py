# SPDX-License-Identifier: MIT
"""--connections 0 --idle N: only idle clients. The result is valid if all of them stay
connected."""

import signal
import socket
import time

import load
import pytest
from load import SLOW
from server import eventually

ONLY = ["--connections", 0, "--idle"]


@pytest.mark.parametrize("threads", [1, 3])
def test_connected_and_idle(odd, engine, threads):
    server = odd("--message", 64)
    run = load.run(server, *ONLY, 100, "--threads", threads, "--engine",
                   engine, "--warmup", "200ms", "--duration", "500ms")
    counters = server.stop()
    run.check_unharmed()
    assert run.seconds > 0.7
    assert counters["accepted"] == 100 and counters["requests"] == 0
    assert run.json["duration_s"] == 0.5
    assert run.json["connect_ns"]["count"] == 100
    assert "100 idle connections" in run.out
    # It sleeps, and takes no CPU from the server.
    assert run.json["client_busy"] < 0.05 * SLOW


def test_json(odd):
    """Counts are 0, unknown values are null."""
    run = load.run(odd("--message", 64), *ONLY, 2, "--warmup", "0s",
                   "--duration", "100ms")
    run.check_unharmed()
    said = run.json
    assert said["loop"] == "none"
    assert said["connections"] == 0 and said["idle"] == 2
    for key in ("requests", "requests_total", "answered_in_window",
                "requests_per_second", "unanswered", "damaged"):
        assert said[key] == 0, key
    for key in ("depth", "arrivals", "burst", "offered_per_second",
                "in_flight", "send_lag_ns", "client_queued"):
        assert said[key] is None, key
    for times in ("response_ns", "service_ns"):
        assert said[times]["count"] == 0
        assert {said[times][key] for key in ("min", "mean", "p50", "p90",
                                             "p99", "p99_9", "max")} == {None}
    assert said["histograms"]["response"] == {
        "count": 0, "sum": 0, "above": 0, "buckets": []}
    assert said["sustained"] is True


@pytest.fixture
def clients():
    """A listening socket, and its clients, which get no replies"""
    came = []

    def hold(sock):
        came.append(sock)
        while sock.recv(1 << 16):
            pass

    with load.listener(hold) as listening:
        yield listening, came


def shut(socks):
    for sock in socks:
        sock.shutdown(socket.SHUT_RDWR)


def test_some_are_closed(clients, engine):
    listening, came = clients
    with load.Running(listening, *ONLY, 20, "--engine", engine, "--warmup",
                      "0s", "--duration", f"{1000 + 200 * SLOW}ms") as running:
        assert eventually(lambda: len(came) == 20)
        time.sleep(0.1)
        shut(came[:3])
        run = running.finish()
    assert run.status == 1 and run.errors() == {"closed": 3}
    assert run.json["duration_s"] == 1 + 0.2 * SLOW
    assert any("3 connections were closed" in fault for fault in run.faults)


def test_all_are_closed(clients, engine):
    """No connection is left to measure."""
    listening, came = clients
    with load.Running(listening, *ONLY, 5, "--engine", engine, "--warmup",
                      "0s", "--duration", "20s", limit_s=10) as running:
        assert eventually(lambda: len(came) == 5)
        time.sleep(0.2)
        shut(came)
        run = running.finish()
    assert run.status == 1 and run.errors() == {"closed": 5}
    assert run.json["duration_s"] < 10


@pytest.mark.parametrize("busy", [0, 1])
def test_closed_at_the_last_moment(engine, busy):
    """All at once while the generator is stopped: it counts each of them."""
    came = []

    def serve(sock):
        came.append(sock)
        while part := sock.recv(1 << 16):
            sock.sendall(part)

    with load.listener(serve) as listening, \
            load.Running(listening, "--connections", busy, "--idle", 40,
                         "--engine", engine, "--warmup", "0s", "--duration",
                         "1500ms") as running:
        assert eventually(lambda: len(came) == 40 + busy)
        time.sleep(0.2)
        running.interrupt(signal.SIGSTOP)
        shut(came[-39:])  # the busy one came first
        time.sleep(1.5)
        running.interrupt(signal.SIGCONT)
        run = running.finish()
    assert run.status == 1 and run.errors() == {"closed": 39}


@pytest.mark.parametrize("length", [1, 64, 5000])
def test_unasked_bytes(clients, engine, length):
    listening, came = clients
    with load.Running(listening, *ONLY, 3, "--engine", engine, "--warmup",
                      "0s", "--duration", f"{800 + 200 * SLOW}ms") as running:
        assert eventually(lambda: len(came) == 3)
        time.sleep(0.1)
        came[1].sendall(b"?" * length)
        run = running.finish()
    assert run.status == 1 and set(run.mismatches()) == {"unasked"}
    assert run.errors() == {}


def test_a_signal_ends_it(clients, engine):
    listening, came = clients
    with load.Running(listening, *ONLY, 3, "--engine", engine, "--warmup",
                      "0s", "--duration", "20s", limit_s=10) as running:
        assert eventually(lambda: len(came) == 3)
        time.sleep(0.2)
        running.interrupt()
        begin = time.monotonic()
        run = running.finish()
    assert time.monotonic() - begin < 1 * SLOW
    assert run.status == 130 and run.faults == ["interrupted"]


def test_no_listener(engine):
    run = load.run("127.0.0.1:1", *ONLY, 3, "--engine", engine,
                   asks_json=False)
    assert run.status == 1 and "no server is listening" in run.err
