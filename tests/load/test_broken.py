# SPDX-License-Identifier: MIT
"""Servers with errors: each error is named, and the run ends in time.

Exit status 1, the kind counted as often as the server did it, no other kind,
the place of the first one as in the server's record.
"""

import collections
import os
import signal
import socket
import struct
import time

import load
import pytest
import server
from load import DRAIN_S, SLOW
from oddserver import DROPPED, FLIPPED, REPEATED, SWAPPED

DURATION_S = 0.3
WINDOW = ["--warmup", "0s", "--duration", f"{DURATION_S}s"]
LOOPS = {"closed": [], "deep": ["--depth", 4], "open": ["--rate", 1000]}

#: Upper bound for a run that waits for nothing, its start included
AT_ONCE_S = 2 * SLOW

any_loop = pytest.mark.parametrize("loop", LOOPS)


def mix(x):
    """As in oddserver.c"""
    mask = (1 << 64) - 1
    x = (x + 0x9e3779b97f4a7c15) & mask
    x = ((x ^ (x >> 30)) * 0xbf58476d1ce4e5b9) & mask
    x = ((x ^ (x >> 27)) * 0x94d049bb133111eb) & mask
    return x ^ (x >> 31)


def draw(purpose, client, n, seed=1):
    return mix(mix(mix(mix(seed) ^ purpose) ^ client) ^ n)


def place_of_first(odd, run, kind, bit):
    """(connection, request, byte) of the first mismatch, and the first wrong request
    of that connection in the server's record"""
    first = run.json["first_mismatch"]
    assert first["kind"] == kind
    requests = [r.request for r in odd.records
                if r.odd & bit and r.client == first["connection"]]
    assert requests, f"nothing was wrong with connection {first['connection']}"
    sentence = (f"connection {first['connection']}, request "
                f"{first['request']}, byte {first['byte']}")
    assert any(sentence in reason for reason in run.reasons)
    return first["connection"], first["request"], first["byte"], min(requests)


def check_named(run, mismatches=None, errors=None):
    """Exit status 1 for these errors and no others; the text names them."""
    assert run.json, run
    assert run.status == 1
    assert run.json["valid"] is False
    assert run.mismatches() == (mismatches or {})
    assert run.json["mismatches"] == sum((mismatches or {}).values())
    if errors is not None:
        assert run.errors() == errors
        assert run.json["errors"] == sum(errors.values())
    for kind, times in (mismatches or {}).items():
        assert any(reason.startswith(f"{kind}, {times} time")
                   for reason in run.faults), run.faults
    assert (run.json["first_mismatch"] is None) == (not mismatches)
    assert "INVALID" in run.text
    for reason in run.reasons:
        assert reason in run.text


def says(run, *parts):
    return any(all(part in reason for part in parts) for reason in run.faults)


# Bytes


def test_one_bit_in_a_million(odd, engine):
    """Every flipped bit is found: all bytes of a reply are checked."""
    size = 100_000
    wrong = odd("--message", size, "--flip", 1_000_000)
    run = load.run(wrong, "--message", size, "--connections", 3, "--depth", 2,
                   "--engine", engine, *WINDOW)
    counters = wrong.stop()
    assert counters["flipped_bits"] > 0 or SLOW > 1
    if not counters["flipped_bits"]:
        pytest.skip("too slow for a million bytes")
    check_named(run, {"corruption": counters["flipped_bits"]}, {})
    # A closed loop may send its last requests just after the window: they are not due in
    # it, so that they are checked, but no part of `requests` and `damaged`.
    flipped = [r for r in wrong.records if r.flipped]
    ends = collections.Counter(r.client for r in wrong.records)
    late = [r for r in flipped if r.request >= ends[r.client] - 2]
    beyond = run.json["requests_total"] - run.json["requests"]
    least = len(flipped) - min(len(late), beyond)
    assert least <= run.json["damaged"] <= len(flipped)
    assert run.json["requests_total"] == counters["requests"]
    assert run.json["unanswered"] == 0
    client, request, byte, known = place_of_first(wrong, run, "corruption",
                                                  FLIPPED)
    assert request == known
    drawn = draw(FLIPPED, client, request * size + byte)
    assert drawn % 1_000_000 == 0
    # sent 0x42, received 0xc2: one bit, and that one
    sent, back = [int(word, 16) for reason in run.reasons
                  for word in reason.replace(",", "").split()
                  if word.startswith("0x")]
    assert sent ^ back == 1 << (drawn >> 61)


@any_loop
def test_lost_byte(odd, engine, loop):
    wrong = odd("--message", 64, "--drop", 10, "--delay", "2ms")
    run = load.run(wrong, "--connections", 2, *LOOPS[loop], "--engine",
                   engine, *WINDOW)
    counters = wrong.stop()
    assert counters["dropped_bytes"] == 2
    check_named(run, {"loss": 2}, {})
    assert run.json["damaged"] == 2
    assert run.json["requests_total"] == counters["requests"]
    client, request, byte, known = place_of_first(wrong, run, "loss", DROPPED)
    assert request == known == 10
    assert byte == draw(DROPPED, client, 0) % 64


def ends_with_the_gap():
    """A message size for which the first connection drops the last byte of a reply"""
    return next(size for size in range(20, 1000)
                if draw(DROPPED, 0, 0) % size == size - 1)


@pytest.mark.parametrize("size, mismatches, errors", [
    (64, {"loss": 1}, {}),  # the bytes after it tell
    (ends_with_the_gap(), {"loss": 1}, {"stalled": 1}),  # the wait for it
    (1, {}, {"stalled": 1})])  # a reply that never comes is just that
def test_lost_byte_of_the_last_reply(odd, size, mismatches, errors):
    """No later bytes show the loss; the run still ends."""
    wrong = odd("--message", size, "--drop", 5, "--delay", "100ms")
    run = load.run(wrong, "--message", size, "--connections", 1, "--warmup",
                   "0s", "--duration", "550ms")
    counters = wrong.stop()
    if counters["requests"] != 6:
        pytest.skip("too busy a machine for six requests")
    check_named(run, mismatches, errors)
    assert run.json["unanswered"] == len(errors)
    assert run.json["damaged"] == 1 - len(errors)
    assert run.seconds < 0.55 + DRAIN_S + AT_ONCE_S
    if mismatches:
        assert place_of_first(wrong, run, "loss", DROPPED)[:3] == (
            0, 5, draw(DROPPED, 0, 0) % size)


@any_loop
def test_repeated_reply(odd, engine, loop):
    wrong = odd("--message", 64, "--repeat", 10, "--delay", "2ms")
    run = load.run(wrong, "--connections", 2, *LOOPS[loop], "--engine",
                   engine, *WINDOW)
    counters = wrong.stop()
    assert counters["repeated"] >= 2
    check_named(run, {"duplication": counters["repeated"]}, {})
    assert run.json["requests_total"] == counters["requests"]
    assert run.json["unanswered"] == 0
    _, request, byte, known = place_of_first(wrong, run, "duplication",
                                             REPEATED)
    assert (request, byte) == (known, 0)


@pytest.mark.parametrize("loop", ["deep", "open"])
def test_replies_in_another_order(odd, engine, loop):
    wrong = odd("--message", 64, "--swap", 5, "--delay", "5ms")
    run = load.run(wrong, "--connections", 2, *LOOPS[loop], "--engine",
                   engine, *WINDOW)
    counters = wrong.stop()
    assert counters["swapped"] >= 2
    check_named(run, {"reordering": counters["swapped"]}, {})
    assert run.json["requests_total"] == counters["requests"]
    assert run.json["unanswered"] == 0
    _, request, byte, known = place_of_first(wrong, run, "reordering", SWAPPED)
    assert (request, byte) == (known, 0)


def test_no_echo(engine):
    """The server speaks another protocol."""
    def web(sock):
        sock.recv(1 << 16)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                     b"Content-Length: 11\r\n\r\nBad Request")

    with load.listener(web) as wrong:
        run = load.run(wrong, "--connections", 3, "--engine", engine, *WINDOW)
    assert run.status == 1 and not run.json["valid"]
    assert run.json["requests_total"] in range(0, 4)
    assert set(run.mismatches()) <= {"corruption", "unasked"}
    assert run.json["mismatches"] >= 3
    assert set(run.errors()) <= {"closed", "reset"}
    assert run.json["errors"] == 3
    first = run.json["first_mismatch"]
    assert (first["request"], first["byte"]) == (0, 0)
    assert len(run.reasons) == 1
    assert says(run, f"received 0x{ord('H'):02x}", "not an echo server")
    assert run.seconds < DURATION_S + AT_ONCE_S
    assert run.json["response_ns"]["count"] == 0


@any_loop
def test_no_reply(engine, loop):
    """A protocol in which the server waits for more: the only reason given"""
    def silent(sock):
        while sock.recv(1 << 16):
            pass

    with load.listener(silent) as wrong:
        run = load.run(wrong, "--connections", 4, *LOOPS[loop], "--engine",
                       engine, "--warmup", "100ms", "--duration", "2s",
                       "--timeout", "300ms")
    assert run.status == 1 and run.json["requests_total"] == 0
    assert len(run.reasons) == 1
    assert says(run, "64 B", "4 connections", "no reply", "not an echo server")
    assert run.json["sustained"] is False
    assert "p99" not in run.text


# Connections


def check_ended_early(run, kind, connections, replies):
    check_named(run, {}, {kind: connections})
    assert run.json["requests_total"] == replies
    assert run.json["first_mismatch"] is None
    # No connection is left to wait for.
    assert run.seconds < DURATION_S + AT_ONCE_S
    assert run.json["duration_s"] <= DURATION_S


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("way, kind", [("close", "closed"),
                                       ("reset", "reset")])
def test_connections_end_early(odd, engine, loop, way, kind):
    wrong = odd("--message", 64, f"--{way}-after", 20, "--delay", "1ms")
    run = load.run(wrong, "--connections", 4, *LOOPS[loop], "--engine",
                   engine, *WINDOW)
    counters = wrong.stop()
    assert counters["replies"] == 80
    if way == "reset":  # replies in flight may be lost
        assert run.json["requests_total"] <= 80
        check_ended_early(run, kind, 4, run.json["requests_total"])
    else:
        check_ended_early(run, kind, 4, 80)
    assert says(run, f"4 connections were {kind} by the server")


@pytest.mark.parametrize("engine, loop", [("uring", "open"), ("epoll", "closed")])
def test_silence(odd, engine, loop):
    """The run ends two seconds after the window: last replies are awaited."""
    if load.why_not(engine):
        pytest.skip(load.why_not(engine))
    wrong = odd("--message", 64, "--silent-after", 20, "--delay", "1ms")
    run = load.run(wrong, "--connections", 4, *LOOPS[loop], "--engine",
                   engine, *WINDOW)
    counters = wrong.stop()
    check_named(run, {}, {"stalled": 4})
    assert run.json["requests_total"] == counters["replies"] == 80
    assert run.json["unanswered"] == counters["requests"] - 80 > 0
    assert run.json["requests"] == counters["requests"]
    assert says(run, "stopped answering", "4 connections")
    assert says(run, f"{run.json['unanswered']} of {run.json['requests']} ")
    assert DURATION_S + DRAIN_S <= run.seconds
    assert run.seconds < DURATION_S + DRAIN_S + AT_ONCE_S


def test_silence_ends_by_timeout(odd, engine):
    """The run ends before the window does."""
    wrong = odd("--message", 64, "--silent-after", 20)
    run = load.run(wrong, "--connections", 4, "--engine", engine,
                   "--duration", "1min", "--warmup", "0s", "--timeout",
                   "500ms", limit_s=30)
    wrong.stop()
    check_named(run, {}, {"stalled": 4})
    assert says(run, "no reply for 0.5 s")
    assert 0.5 <= run.seconds < 0.5 + DRAIN_S + AT_ONCE_S
    assert 0.5 <= run.json["duration_s"] < 0.5 + AT_ONCE_S
    assert run.json["sustained"] is False


@pytest.mark.parametrize("loop", ["closed", "open"])
def test_refused_in_the_middle(odd, engine, loop):
    wrong = odd("--message", 64, "--refuse-after", 20)
    run = load.run(wrong, "--connections", 2, "--pattern", "connect",
                   *(["--rate", 200] if loop == "open" else []), "--engine",
                   engine, *WINDOW)
    counters = wrong.stop()
    assert counters["accepted"] == 20
    # Clients in the backlog of a closed listener are reset.
    assert set(run.errors()) <= {"refused", "reset"}
    assert run.errors()["refused"] >= 1
    check_named(run, {}, run.errors())
    assert run.json["requests_total"] == counters["replies"]
    assert says(run, "refused")
    assert run.seconds < DURATION_S + AT_ONCE_S


def test_refused_at_the_start(odd, engine):
    """The run goes on with the connections that were established."""
    wrong = odd("--message", 64, "--refuse-after", 4, "--delay", "1ms")
    run = load.run(wrong, "--connections", 8, "--engine", engine, *WINDOW)
    counters = wrong.stop()
    assert set(run.errors()) <= {"refused", "reset"}
    assert run.json["errors"] == 4
    check_named(run, {}, run.errors())
    assert run.json["requests_total"] == counters["replies"] > 0
    assert run.json["duration_s"] == DURATION_S


def test_closes_at_once(engine):
    with load.listener(lambda sock: None) as wrong:
        run = load.run(wrong, "--connections", 4, "--engine", engine, *WINDOW)
    assert run.status == 1
    assert run.seconds < DURATION_S + AT_ONCE_S
    if run.json:  # they were connected when the run began
        assert set(run.errors()) <= {"closed", "reset"}
        assert run.json["errors"] == 4
        assert run.json["requests_total"] == 0
        assert says(run, "nothing was measured") or says(run, "no reply")
    else:
        assert run.err.count("\n") == 1
        assert "closed every connection at once" in run.err


def test_resets_at_once(engine):
    def reset(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))

    with load.listener(reset) as wrong:
        run = load.run(wrong, "--connections", 4, "--engine", engine, *WINDOW)
    assert run.status == 1
    assert run.seconds < DURATION_S + AT_ONCE_S
    assert run.json is None or run.errors() == {"reset": 4}


@pytest.mark.parametrize("loop", LOOPS)
def test_never_reads(engine, loop):
    """The send buffers are full, and nothing is received."""
    with load.listener(lambda sock: time.sleep(30)) as wrong:
        run = load.run(wrong, "--connections", 2, "--message", "8MiB",
                       *LOOPS[loop], "--engine", engine, "--warmup", "0s",
                       "--duration", "20s", "--timeout", "700ms",
                       limit_s=15)
    check_named(run, {}, {"stalled": 2})
    assert says(run, "on 2 connections, no reply within 0.7 s")
    assert run.json["requests_total"] == 0
    assert run.json["unanswered"] == run.json["requests"] > 0
    assert run.seconds < 0.7 + DRAIN_S + AT_ONCE_S


def test_dies_in_the_middle(engine):
    """All bytes before were right: no mismatch is reported."""
    with server.Server("epoll", "--message", "64") as wrong, \
            load.Running(wrong, "--connections", 4, "--engine", engine,
                         "--warmup", "0s", "--duration", "10s",
                         limit_s=8) as running:
        wrong.wait_for_traffic(1)
        time.sleep(0.3)
        os.kill(wrong.pid, signal.SIGKILL)
        run = running.finish()
    assert set(run.errors()) <= {"closed", "reset"}
    assert run.json["errors"] == 4
    check_named(run, {}, run.errors())
    assert run.json["requests_total"] > 0
    assert run.json["response_ns"]["count"] > 0
    assert run.json["duration_s"] < 5
