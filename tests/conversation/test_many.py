# SPDX-License-Identifier: MIT
"""A thousand clients, five thousand, and twenty thousand one after another."""

import resource
import signal
import socket

import pytest
from clients import BATCH, Exchange, SIGN, carry_out, check_growth
from clients import connect_many, echo, echo_all, random_bytes, reset, wait_accepted
from server import PATIENCE_S, SLOW, eventually

#: Reasons not to serve somebody: never "limit", for that was made high enough,
#: nor "memory".
SHORTAGES = {"fd_setsize", "descriptors", "threads", "signals"}


def need_descriptors(count):
    """Each client is a descriptor here, and one in the server."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit < count + 100:
        pytest.skip(f"needs {count} descriptors, may have {limit}")


def exchange_in_one_moment(server, clients, size, seed):
    """The server is halted while they write: when it goes on, all of them are
    ready, more than any list that it may have of what is ready."""
    server.send_signal(signal.SIGSTOP)
    exchanges = [Exchange(client, random_bytes((seed << 20) + i, size))
                 for i, client in enumerate(clients)]
    for exchange in exchanges:
        exchange.write()
    server.send_signal(signal.SIGCONT)
    for exchange in carry_out(exchanges):
        exchange.check()
    return size * len(clients)


def test_a_thousand_clients_at_once(start):
    need_descriptors(1000)
    server = start("--message", "100")
    clients = connect_many(server, 1000)
    total = 1000 // BATCH * len(SIGN)
    for turn in range(2):
        total += echo_all(clients, 100, seed=turn)
    total += exchange_in_one_moment(server, clients, 100, 3)
    counters = server.stop()
    if counters:
        assert counters["accepted"] == counters["closed"]["stop"] == 1000
        assert counters["requests"] == 3000
        assert counters["bytes_in"] == counters["bytes_out"] == total


@pytest.mark.models_only
@pytest.mark.skipif(SLOW > 1, reason="says nothing of an instrumented build")
def test_five_thousand_clients_where_the_model_allows(start):
    """Every one is served, or is refused and counted; none is left waiting.
    Those who are served are so to the end."""
    need_descriptors(5000)
    server = start("--message", "100", "--max-clients", "5000")
    clients = connect_many(server, 5000)
    exchanges = carry_out([Exchange(client, random_bytes(i, 100))
                           for i, client in enumerate(clients)])
    served = [e.sock for e in exchanges if not e.refused()]
    for exchange in exchanges:
        if not exchange.refused():
            exchange.check()
    exchange_in_one_moment(server, served, 100, 1)
    counters = server.stop()
    assert counters["accepted"] == len(served) >= 1000
    assert counters["refused"] == 5000 - len(served)
    by = counters["refused_by"]
    assert counters["refused"] == sum(by[why] for why in SHORTAGES)
    assert counters["requests"] == 2 * len(served)


def storm(server, count, source):
    """`count` clients who only connect, of whom every second one resets.

    Their ports are used up by this (those of the others stay taken for a
    minute), so each storm has an address of its own.
    """
    for first in range(0, count, BATCH):
        clients = [connect_from(server, source)
                   for _ in range(min(BATCH, count - first))]
        wait_accepted(clients[-1])
        for i, client in enumerate(clients):
            (reset if i % 2 else socket.socket.close)(client)


def connect_from(server, source):
    """socket.create_connection(), which is too slow for this."""
    sock = socket.socket(socket.AF_INET)
    # The port is chosen when it is known where to: more are free then.
    sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    sock.bind((source, 0))
    sock.settimeout(PATIENCE_S)
    sock.connect((server.host, server.port))
    return sock


def check_storms(server, storms, clients, warm_up=1000):
    """Of what the server had when it was quiet it has no more afterwards:
    descriptors, threads, memory."""
    bystander = server.connect()
    echo(bystander, b".")
    descriptors, threads = server.descriptors(), server.threads()
    # The most there will be at once, so that what is kept for the next ones
    # (stacks of threads, what malloc has) is there before it is measured.
    full = [server.connect() for _ in range(BATCH)]
    echo_all(full, 1)
    for client in full:
        client.close()
    storm(server, warm_up, "127.0.0.1")
    assert eventually(lambda: server.descriptors() == descriptors)
    memory = server.resident_bytes()
    # Fewer will do: it is for the server to say how many it keeps in store. And
    # a runtime starts some of its own (compilers, collectors) when it likes.
    threads += 8 * server.stranger
    came = 1 + BATCH + warm_up

    def storm_from(i):
        nonlocal came
        came += clients
        storm(server, clients, f"127.0.1.{i + 1}")
        assert eventually(lambda: server.descriptors() == descriptors), (
            f"{server.descriptors()} descriptors, {descriptors} before")
        assert eventually(lambda: server.threads() <= threads), (
            f"{server.threads()} threads, {threads} before")
        echo(bystander, b".")  # after which the last one gone is counted, too

    for i in range(storms):
        storm_from(i)
    if SLOW == 1:
        check_growth(server, memory, lambda i: storm_from(storms + i),
                     rounds=16, share=1 / storms)
    counters = server.stop()
    if counters:
        # Each once; who has left already may as well be refused.
        assert counters["accepted"] + counters["refused"] == came
        closed = counters["closed"]
        assert closed["eof"] + closed["reset"] == counters["accepted"] - 1


def test_connect_and_close_20000_times(start):
    """An instrumented build does it a tenth as often."""
    check_storms(start("--message", "64"), 4, 5000 // SLOW)


@pytest.mark.smoke
def test_connect_and_close(start_small):
    check_storms(start_small("--message", "64"), 1, 200, warm_up=50)
