# SPDX-License-Identifier: MIT
"""Clients that close or reset at any point; other clients do not notice."""

import signal
import socket

import pytest
from clients import carry_out, connect_many, connect_small, echo, echo_all
from clients import Exchange, push, random_bytes, reset
from server import STOP_WITHIN_S, eventually


class Bystanders:
    """Clients that must not notice anything, and the bytes they exchanged.

    They connect and exchange a byte first: any further descriptor of the server
    belongs to another client.
    """

    def __init__(self, server, count=10):
        self.server = server
        self.socks = [server.connect() for _ in range(count)]
        self.bytes = echo_all(self.socks, 1)
        self._descriptors = server.descriptors()

    def go_on(self):
        self.bytes += echo_all(self.socks, 5000, seed=self.bytes)

    def await_others_gone(self):
        """Waits until all other clients have been accepted, dropped and counted.

        The latecomer is accepted after them. When only the bystanders'
        descriptors are left, an exchange with these comes after the counting.
        """
        latecomer = self.server.connect()
        self.bytes += echo_all([latecomer], 1)
        latecomer.close()
        assert eventually(
            lambda: self.server.descriptors() <= self._descriptors), (
                f"{self.server.descriptors()} descriptors open, "
                f"{self._descriptors} before")
        self.go_on()


@pytest.mark.smoke
@pytest.mark.parametrize("size", [1, 100, 1 << 20])
def test_half_close_after_the_last_byte(start, size):
    """The client gets the whole echo, then the end of the stream."""
    server = start("--message", "1")
    client = server.connect()
    echo(client, random_bytes(size, size), half_close=True)
    assert eventually(server.alive)
    client.close()
    counters = server.stop(within=STOP_WITHIN_S)
    if counters:
        assert counters["closed"]["eof"] == 1
        assert counters["requests"] == size
        assert counters["bytes_in"] == counters["bytes_out"] == size


def test_half_close_of_many_at_once(start):
    """Removes clients from every position of the server's list."""
    server = start("--message", "1000")
    clients = connect_many(server, 60)
    echo_all(clients, 40_000, half_close=True)
    echo_all([server.connect() for _ in range(5)], 1000)


def test_half_close_without_a_byte(start):
    server = start()
    client = server.connect()
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""


@pytest.mark.smoke
def test_reset_in_mid_request(start):
    server = start("--message", "64")
    bystanders = Bystanders(server)
    for _ in range(10):
        client = server.connect()
        client.sendall(random_bytes(1, 32))
        reset(client)
        bystanders.go_on()
    bystanders.await_others_gone()
    counters = server.stop(within=STOP_WITHIN_S)
    if counters:
        closed = counters["closed"]
        assert closed["reset"] == 10 and closed["stop"] == 10
        assert counters["requests"] >= bystanders.bytes // 64 - 10


def test_reset_while_idle(start):
    server = start("--message", "1")
    bystanders = Bystanders(server)
    clients = [server.connect() for _ in range(10)]
    echo_all(clients, 100)
    for client in clients:
        reset(client)
    bystanders.await_others_gone()
    counters = server.stop(within=STOP_WITHIN_S)
    if counters:
        assert counters["closed"]["reset"] == 10
        assert counters["requests"] == bystanders.bytes + 1000
        assert counters["bytes_out"] == bystanders.bytes + 1000


@pytest.mark.smoke
def test_reset_in_mid_reply(start):
    """While a write of the server is short."""
    server = start("--message", "64")
    bystanders = Bystanders(server)
    clients = [connect_small(server) for _ in range(8)]
    push(clients, stuck_after=0.05)
    for client in clients:
        client.setblocking(True)
        assert client.recv(1000)
        reset(client)
        bystanders.go_on()
    bystanders.await_others_gone()
    counters = server.stop(within=STOP_WITHIN_S)
    if counters:
        assert counters["closed"]["reset"] == 8
        assert counters["closed"]["stop"] == 10


@pytest.mark.smoke
def test_closed_with_a_reply_unread(start):
    """The kernel turns this close into a reset, a moment later."""
    server = start("--message", "64")
    bystanders = Bystanders(server)
    for i in range(30):
        client = server.connect()
        client.sendall(random_bytes(i, 30_000))
        client.close()
    bystanders.go_on()
    bystanders.await_others_gone()
    counters = server.stop(within=STOP_WITHIN_S)
    if counters:
        assert counters["accepted"] == 41
        assert counters["closed"]["stop"] == 10


@pytest.mark.smoke
def test_reset_before_accept(start):
    """The server is stopped meanwhile: the clients are gone before it accepts."""
    server = start("--message", "64")
    bystanders = Bystanders(server)
    server.send_signal(signal.SIGSTOP)
    for i in range(100):
        client = server.connect()
        if i % 2:
            client.sendall(b"never to be read")
        reset(client)
    server.send_signal(signal.SIGCONT)
    bystanders.go_on()
    bystanders.await_others_gone()
    counters = server.stop(within=STOP_WITHIN_S)
    if counters:
        # Linux returns such a client from accept; another kernel may not.
        assert 11 <= counters["accepted"] + counters["refused"] <= 111
        assert counters["closed"]["stop"] == 10


def test_some_close_or_reset_while_others_exchange(start):
    server = start("--message", "64")
    for turn in range(5):
        clients = connect_many(server, 40)
        leaving = clients[turn % 2::2]
        for client in leaving:
            client.sendall(random_bytes(turn, 10_000))
        exchanges = [Exchange(c, random_bytes(turn, 50_000))
                     for c in clients if c not in leaving]
        for i, client in enumerate(leaving):
            (reset if i % 3 else type(client).close)(client)
        for exchange in carry_out(exchanges):
            exchange.check()
            exchange.sock.close()
