# SPDX-License-Identifier: MIT
"""bin/baseline, the floor of all comparisons: it does the least, but correctly, and its
counters are exact."""

import contextlib
import random
import signal
import socket
import struct
import subprocess

import load
import pytest
from load import BIN, TOP
from server import Server, receive

ECHO = ["--connections", 8, "--warmup", "50ms", "--duration", "300ms"]


@pytest.fixture
def baseline():
    started = []

    def start(*args):
        started.append(Server("baseline", *args))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.mark.parametrize("args, message", [
    ([], 64),
    (["--depth", 8], 1),
    (["--depth", 3], 16384),
    (["--message", 65536], 65536),  # its whole buffer, exactly
    (["--message", 300000, "--connections", 3], 300000),
    (["--pattern", "connect"], 64),
    (["--rate", 500, "--idle", 20], 64),
])
def test_echoes_right_and_counts(baseline, engine, args, message):
    server = baseline("--message", str(message))
    run = load.run(server, *ECHO, "--message", message, *args, "--engine",
                   engine)
    counters = server.stop()
    run.check_unharmed()
    assert run.json["requests"] > 0
    assert counters["requests"] == run.json["requests_total"]
    assert counters["bytes_in"] == counters["bytes_out"] == \
        counters["requests"] * message
    assert counters["accepted"] == run.json["connect_ns"]["count"] or \
        "connect" in args
    assert counters["refused"] == 0
    assert sum(counters["closed"].values()) == counters["accepted"]


def test_a_thousand_clients(baseline):
    server = baseline("--message", "64")
    run = load.run(server, "--connections", 1000, "--warmup", "0s",
                   "--duration", "500ms")
    counters = server.stop()
    run.check_unharmed()
    assert counters["accepted"] == 1000
    assert counters["requests"] == run.json["requests_total"] > 1000


def test_parts_of_messages(baseline):
    """A fragmented message is echoed, and counts once."""
    server = baseline("--message", "1000")
    clients = [server.connect() for _ in range(3)]
    chance = random.Random(1)
    for _ in range(60):
        client, part = chance.choice(clients), chance.randbytes(250)
        client.sendall(part)
        assert receive(client, 250) == part
    for client in clients:
        client.close()
    counters = server.stop()
    assert counters["bytes_in"] == counters["bytes_out"] == 60 * 250
    assert 60 // 4 - 2 <= counters["requests"] <= 60 // 4


def test_without_message_every_read_counts(baseline):
    server = baseline()
    client = server.connect()
    for size in (1, 5000, 70):
        client.sendall(b"x" * size)
        assert len(receive(client, size)) == size
    assert server.stop()["requests"] >= 3


def test_last_words(baseline):
    """Bytes followed by a half-close: all bytes are echoed."""
    server = baseline("--message", "1")
    for size in (1, 65536, 65537, 200_000):
        client = server.connect()
        client.settimeout(10)
        data = random.Random(size).randbytes(size)
        for at in range(0, size, 50_000):
            client.sendall(data[at:at + 50_000])
        client.shutdown(socket.SHUT_WR)
        assert receive(client, size) == data
        assert client.recv(1) == b""
        client.close()
    assert server.stop()["closed"]["eof"] == 4


def fill(client, data):
    """Sends until all buffers on the way are full; returns the number of bytes."""
    sent = 0
    client.settimeout(0.3)
    with contextlib.suppress(TimeoutError):
        while True:
            sent += client.send(data[sent % len(data):])
    client.settimeout(10)
    return sent


def test_a_full_socket_is_waited_for(baseline):
    server = baseline("--message", "1")
    client = server.connect()
    data = random.Random(1).randbytes(100_003)
    sent = fill(client, data)
    assert receive(client, sent) == (data * (sent // len(data) + 1))[:sent]
    client.close()
    assert server.stop()["bytes_out"] == sent


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                      struct.pack("ii", 1, 0))
    client.close()


def test_ends_of_others_hinder_nobody(baseline):
    server = baseline("--message", "10")
    stays = server.connect()
    for i in range(50):
        leaves = server.connect()
        if i % 2:
            leaves.sendall(b"x" * (i * 1000))  # and takes no reply
        reset(leaves) if i % 3 else leaves.close()
        stays.sendall(b"0123456789")
        assert receive(stays, 10) == b"0123456789"
    stays.close()
    counters = server.stop()
    assert counters["accepted"] == 51
    assert sum(counters["closed"].values()) == 51
    assert counters["closed"]["reset"] > 0


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("reads", [True, False])
def test_stops_whatever_it_waits_for(baseline, signo, reads):
    """Also for a client that never reads, which blocks all others"""
    server = baseline("--message", "10")
    client = server.connect()
    client.sendall(b"0123456789")
    assert receive(client, 10) == b"0123456789"
    if not reads:
        fill(client, b"x" * 100_000)
    server.send_signal(signo)
    counters = server.finish(within=2 * load.SLOW, signo=signo)
    assert counters["closed"]["stop"] == 1


def test_no_work():
    ran = subprocess.run([TOP / BIN / "baseline", "--work", "cpu:1us"],
                         capture_output=True, text=True, check=False)
    assert ran.returncode == 2 and ran.stdout == ""
    assert ran.stderr.count("\n") == 1 and "--work" in ran.stderr
