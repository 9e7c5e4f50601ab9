# SPDX-License-Identifier: MIT
"""Clients that never read or never write do not affect the others."""

import socket
import time

import pytest
from clients import check_growth, check_same, connect_many, connect_small, echo
from clients import echo_all, push, pushed, random_bytes
from server import PATIENCE_S, SLOW, STOP_WITHIN_S, receive

#: Enough rounds that a single delay does not matter
ROUNDS = 30


def rounds_take(clients):
    """Seconds in which all clients exchange ROUNDS messages"""
    begin = time.monotonic()
    for i in range(ROUNDS):
        echo_all(clients, 64, seed=i)
    return time.monotonic() - begin


@pytest.mark.repeats
def test_a_client_that_never_reads_delays_no_other(start):
    """Compared with the same rounds before; a large factor, for a busy machine"""
    server = start("--message", "64")
    others = connect_many(server, 50)
    alone = rounds_take(others)
    push([server.connect(), connect_small(server), server.connect()])
    beside = rounds_take(others)
    assert beside < 10 * alone + 1, f"{beside:.3f} s, before {alone:.3f} s"
    server.stop(within=STOP_WITHIN_S)


@pytest.mark.skipif(SLOW > 1, reason="meaningless in an instrumented build")
def test_memory_is_bounded_if_a_client_does_not_read(start):
    """20 clients write as much as they can, and five more at a time if memory grew:
    their bytes are in the kernel, and the server has one buffer for each."""
    server = start("--message", "64")
    clients = [connect_small(server) for _ in range(20)]
    echo_all(clients, 64)
    before = server.resident_bytes()
    push(clients)

    def five_more(_):
        more = [connect_small(server) for _ in range(5)]
        echo_all(more, 64)
        push(more)
        clients.extend(more)  # they stay connected

    check_growth(server, before, five_more, rounds=8, share=5 / 20)
    echo(server.connect(), random_bytes(1, 1000))


@pytest.mark.smoke
def test_client_that_did_not_read_gets_everything_later(start):
    """Although other clients were served meanwhile, no byte is lost, repeated or
    sent to another client."""
    server = start("--message", "1")
    others = connect_many(server, 5)
    clients = [connect_small(server) for _ in range(3)]
    written = push(clients, stuck_after=0.1)
    total = echo_all(others, 20_000) + sum(written)
    for i, client in enumerate(clients):
        client.settimeout(PATIENCE_S)
        client.shutdown(socket.SHUT_WR)
        check_same(receive(client, written[i] + 1), pushed(i, written[i]))
    counters = server.stop(within=STOP_WITHIN_S)
    if counters:
        assert counters["bytes_in"] == counters["bytes_out"] == total
        assert counters["requests"] == total


def test_idle_clients(start):
    """They delay no other client, and can still become active."""
    server = start("--message", "64")
    idle = connect_many(server, 100)
    others = connect_many(server, 50)
    rounds_take(others)
    for client in idle[::9]:
        echo(client, random_bytes(1, 64))
    server.stop(within=STOP_WITHIN_S)
    assert all(client.recv(1) == b"" for client in idle)
