# SPDX-License-Identifier: MIT
"""Replies are checked correctly however they are fragmented."""

import socket

import load
import pytest
import server
from load import SLOW

LOOPS = {"closed": [], "deep": ["--depth", 8], "open": ["--rate", 200]}
WINDOW = ["--warmup", "0s", "--duration", "300ms"]


def check_all_came(run, counters, size):
    run.check_unharmed()
    run.check_all_counted()
    assert run.json["requests_total"] == counters["replies"]
    assert counters["bytes_in"] == counters["bytes_out"] == (
        counters["replies"] * size)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("size, fragment", [(1, 1), (7, 1), (64, 1),
                                            (100_000, 1000)])
def test_replies_in_pieces(odd, engine, size, fragment, loop):
    pieces = odd("--message", size, "--fragment", fragment)
    run = load.run(pieces, "--message", size, "--connections", 3,
                   *LOOPS[loop], "--engine", engine, *WINDOW)
    counters = pieces.stop()
    check_all_came(run, counters, size)
    assert counters["sends"] == counters["replies"] * -(-size // fragment)


@pytest.mark.parametrize("engine_name", ["uring", "epoll"])
def test_byte_by_byte_at_length(odd, engine_name):
    """A large message, one byte per send"""
    if load.why_not(engine_name):
        pytest.skip(load.why_not(engine_name))
    pieces = odd("--message", 20_000, "--fragment", 1)
    run = load.run(pieces, "--message", 20_000, "--connections", 2,
                   "--engine", engine_name, *WINDOW)
    check_all_came(run, pieces.stop(), 20_000)


def crumbs(sock):
    """Echoes in small pieces."""
    while True:
        part = sock.recv(777)
        if not part:
            return
        sock.sendall(part)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
def test_narrow_sockets(engine, size, loop):
    """Small socket buffers: sends are partial."""
    with load.listener(crumbs) as narrow:
        # Accepted sockets inherit these sizes.
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        run = load.run(narrow, "--message", size, "--connections", 2,
                       *(["--rate", 20] if loop == "open" else LOOPS[loop]),
                       "--engine", engine, *WINDOW)
    if SLOW > 1 and run.json["unanswered"]:
        pytest.skip("too slow for the last replies")
    assert run.status in (0, 1) and run.mismatches() == {}
    assert run.errors() == {} and run.json["requests_total"] > 0
    assert run.json["damaged"] == run.json["unanswered"] == 0


@pytest.mark.parametrize("loop", ["closed", "deep", "open"])
def test_larger_than_all_buffers(engine, loop):
    """Sending all before receiving would deadlock."""
    load_of = {"closed": [], "deep": ["--depth", 3], "open": ["--rate", 5]}
    with server.Server("epoll") as echo:
        run = load.run(echo, "--message", "16MiB", "--connections", 1,
                       *load_of[loop], "--engine", engine, "--warmup", "0s",
                       "--duration", "1s", limit_s=60)
        counters = echo.stop()
    # On a slow machine the run ends before the last reply is complete.
    assert run.mismatches() == {} and run.errors().keys() <= {"stalled"}, run
    assert run.json["damaged"] == 0 and run.json["requests_total"] > 0
    assert counters["bytes_in"] >= counters["bytes_out"] >= (
        run.json["requests_total"] << 24)
