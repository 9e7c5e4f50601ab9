# SPDX-License-Identifier: MIT
"""Thousands of clients, at once and one after another."""

import resource
import signal
import socket

import forms
import pytest
from clients import BATCH, Exchange, SIGN, carry_out, check_growth
from clients import connect_many, echo, echo_all, random_bytes, reset, wait_accepted
from server import PATIENCE_S, SLOW, eventually

#: Allowed reasons to refuse a client: not "limit", which is set high enough, nor
#: "memory"
SHORTAGES = {"fd_setsize", "descriptors", "threads", "signals"}


def need_descriptors(count):
    """Each client takes a descriptor here and one in the server."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit < count + 100:
        pytest.skip(f"needs {count} descriptors, may have {limit}")


def exchange_in_one_moment(server, clients, size, seed):
    """The server is stopped while the clients write: when it continues, more are
    ready than fit in one batch of events."""
    server.send_signal(signal.SIGSTOP)
    exchanges = [Exchange(client, random_bytes((seed << 20) + i, size))
                 for i, client in enumerate(clients)]
    for exchange in exchanges:
        exchange.write()
    server.send_signal(signal.SIGCONT)
    for exchange in carry_out(exchanges):
        exchange.check()
    return size * len(clients)


@pytest.mark.repeats
def test_a_thousand_clients_at_once(start, model):
    need_descriptors(1000)
    server = start("--message", "100", *forms.room_for(model, 1000))
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
@pytest.mark.timeout(300)
@pytest.mark.skipif(SLOW > 1, reason="an instrumented build takes too long")
@pytest.mark.parametrize("count", [2000, pytest.param(5000, marks=pytest.mark.long)])
def test_thousands_of_clients_where_the_model_allows(start, model, count):
    """Each client is either refused and counted, or served to the end."""
    need_descriptors(count)
    server = start("--message", "100", "--max-clients", str(count),
                   *forms.room_for(model, 1000))
    clients = connect_many(server, count)
    exchanges = carry_out([Exchange(client, random_bytes(i, 100))
                           for i, client in enumerate(clients)])
    served = [e.sock for e in exchanges if not e.refused()]
    for exchange in exchanges:
        if not exchange.refused():
            exchange.check()
    exchange_in_one_moment(server, served, 100, 1)
    counters = server.stop()
    assert counters["accepted"] == len(served) >= 1000
    assert counters["refused"] == count - len(served)
    by = counters["refused_by"]
    assert counters["refused"] == sum(by[why] for why in SHORTAGES)
    assert counters["requests"] == 2 * len(served)


def storm(server, count, source):
    """`count` clients connect; half of them reset, half close.

    The ports of the latter stay in TIME_WAIT for a minute, so each storm has a
    source address of its own.
    """
    for first in range(0, count, BATCH):
        clients = [connect_from(server, source)
                   for _ in range(min(BATCH, count - first))]
        wait_accepted(clients[-1])
        for i, client in enumerate(clients):
            (reset if i % 2 else socket.socket.close)(client)


def connect_from(server, source):
    """As socket.create_connection(), which is too slow here."""
    sock = socket.socket(socket.AF_INET)
    # Choose the port in connect(): more are free then.
    sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    sock.bind((source, 0))
    sock.settimeout(PATIENCE_S)
    sock.connect((server.host, server.port))
    return sock


def check_storms(server, storms, clients, warm_up=1000, limit=2 << 20):
    """Afterwards the server has no more descriptors or threads, and at most `limit` bytes
    more memory."""
    bystander = server.connect()
    echo(bystander, b".")
    descriptors, threads = server.descriptors(), server.threads()
    # As many clients as there will be at once: thread stacks and heap that are
    # kept for reuse exist before memory is measured.
    full = [server.connect() for _ in range(BATCH)]
    echo_all(full, 1)
    for client in full:
        client.close()
    storm(server, warm_up, "127.0.0.1")
    assert eventually(lambda: server.descriptors() <= descriptors)
    memory = server.resident_bytes()
    # A runtime may start threads of its own (compiler, garbage collector).
    threads += 8 * server.foreign
    came = 1 + BATCH + warm_up

    def storm_from(i):
        nonlocal came
        came += clients
        storm(server, clients, f"127.0.1.{i + 1}")
        assert eventually(lambda: server.descriptors() <= descriptors), (
            f"{server.descriptors()} descriptors, {descriptors} before")
        assert eventually(lambda: server.threads() <= threads), (
            f"{server.threads()} threads, {threads} before")
        echo(bystander, b".")  # then the last one is counted, too

    for i in range(storms):
        storm_from(i)
    if SLOW == 1:
        check_growth(server, memory, lambda i: storm_from(storms + i),
                     rounds=8, share=1 / storms, limit=limit)
    counters = server.stop()
    if counters:
        # Each once. A client that has left already may be refused.
        assert counters["accepted"] + counters["refused"] == came
        closed = counters["closed"]
        assert closed["eof"] + closed["reset"] == counters["accepted"] - 1


@pytest.mark.long
def test_connect_and_close_20000_times(start):
    """An instrumented build: 2,000 times"""
    check_storms(start("--message", "64"), 4, 5000 // SLOW)


@pytest.mark.repeats
def test_connect_and_close_thousands_of_times(start):
    """A leak of about 100 bytes per client is found; the memory of a foreign runtime
    varies, so it takes more clients. An instrumented build: 500 times"""
    server = start("--message", "64")
    if server.foreign:
        check_storms(server, 4, 5000)
    else:
        check_storms(server, 4, 1250 // SLOW, limit=512 << 10)


@pytest.mark.smoke
def test_connect_and_close(start):
    """So few do not show that memory leaks."""
    check_storms(start("--message", "64"), 1, 200, warm_up=50)
