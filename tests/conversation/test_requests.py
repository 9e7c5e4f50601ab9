# SPDX-License-Identifier: MIT
"""Every byte is echoed and every request counted, however the stream is split."""

import random
import socket
import time

import pytest
from clients import Exchange, carry_out, check_same, connect_many, echo
from clients import random_bytes
from server import STOP_WITHIN_S, receive

#: Around probable sizes of buffers
SIZES = [1, 2, 63, 64, 65, 1000, 4095, 4096, 4097, 16383, 16384, 16385,
         65535, 65536, 65537, 1 << 18, 1 << 20]


def check_counters(server, requests, size):
    """Stops the server and compares its counters."""
    counters = server.stop(within=STOP_WITHIN_S)
    if counters:
        assert counters["requests"] == requests
        assert counters["bytes_in"] == size
        assert counters["bytes_out"] == size


def without_delay(sock):
    """Sends a packet per write."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def test_bytes_one_at_a_time(start):
    server = start("--message", "1")
    client = without_delay(server.connect())
    data = random_bytes(1, 256)
    for i in range(len(data)):
        client.sendall(data[i:i + 1])
        assert client.recv(100) == data[i:i + 1]
    check_counters(server, len(data), len(data))


def test_bytes_one_at_a_time_without_waiting(start):
    """One read may return any number of these packets."""
    server = start("--message", "1")
    client = without_delay(server.connect())
    data = random_bytes(2, 5000)
    echo(client, data, sizes=lambda: 1)
    check_counters(server, len(data), len(data))


@pytest.mark.smoke
def test_every_size_on_one_connection(start):
    server = start("--message", "1")
    client = server.connect()
    for size in SIZES:
        echo(client, random_bytes(size, size))
    check_counters(server, sum(SIZES), sum(SIZES))


def test_every_size_at_once(start):
    """One client per size"""
    server = start("--message", "1")
    clients = [server.connect() for _ in SIZES]
    for exchange in carry_out([
            Exchange(client, random_bytes(size, size))
            for client, size in zip(clients, SIZES)]):
        exchange.check()
    check_counters(server, sum(SIZES), sum(SIZES))


@pytest.mark.parametrize("size", [1, 4097, 16384, 16385, 1 << 20])
def test_a_request_of_any_size_counts_once(start, size):
    """However many reads it takes"""
    server = start("--message", str(size))
    client = server.connect()
    for i in range(3):
        echo(client, random_bytes(i, size))
    check_counters(server, 3, 3 * size)


@pytest.mark.smoke
def test_many_requests_in_one_segment(start):
    """One read, but 64 requests"""
    server = start("--message", "16")
    client = server.connect()
    data = random_bytes(3, 16 * 64)
    client.sendall(data)
    check_same(receive(client, len(data)), data)
    check_counters(server, 64, len(data))


def test_many_requests_in_many_segments(start):
    """Requests begin and end anywhere in a read."""
    server = start("--message", "7")
    client = server.connect()
    echo(client, random_bytes(4, 7 * 50000))
    check_counters(server, 50000, 7 * 50000)


@pytest.mark.smoke
def test_request_cut_at_every_byte(start):
    """A request in two packets, some time apart: 63 clients, 63 cuts"""
    size = 64
    server = start("--message", str(size))
    data = random_bytes(5, size)
    clients = [without_delay(server.connect()) for _ in range(1, size)]
    for cut, client in enumerate(clients, 1):
        client.sendall(data[:cut])
    time.sleep(0.1)  # long enough for all of them to be read
    for cut, client in enumerate(clients, 1):
        client.sendall(data[cut:])
    for client in clients:
        check_same(receive(client, size), data)
    check_counters(server, len(clients), size * len(clients))


@pytest.mark.models_only
def test_part_of_a_request_is_echoed_at_once(start):
    """--message affects counting only."""
    server = start("--message", "64")
    client = server.connect()
    data = random_bytes(6, 64)
    for cut in range(1, 64):
        echo(client, data[:cut])
        echo(client, data[cut:])
    client.sendall(data[:10])
    assert receive(client, 10) == data[:10]
    check_counters(server, 63, 63 * 64 + 10)  # the incomplete request does not count


@pytest.mark.models_only
def test_without_a_size_every_read_counts(start):
    """The client waits for each reply, so each write is one read."""
    server = start()
    client = server.connect()
    for i in range(20):
        echo(client, random_bytes(i, 100))
    check_counters(server, 20, 2000)


def test_random_streams_in_random_pieces(start):
    """40 clients, each with its own stream"""
    server = start("--message", "100")
    clients = [without_delay(c) for c in connect_many(server, 40)]
    draw = random.Random(7)
    for exchange in carry_out([
            Exchange(client, random_bytes(i, 100_000),
                     sizes=lambda: draw.choice([1, 100, 1460, 5000, 30000]))
            for i, client in enumerate(clients)]):
        exchange.check()
    check_counters(server, 40 * 1000, 40 * 100_000)
