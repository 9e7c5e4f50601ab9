# SPDX-License-Identifier: MIT
"""--work: which requests cause work, and how much."""

import time

import forms
import pytest
from clients import echo, random_bytes
from server import eventually, receive

pytestmark = pytest.mark.models_only

MASK = (1 << 64) - 1


def mix(x):
    """The mixing step of splitmix64, implemented a second time"""
    x = (x + 0x9e3779b97f4a7c15) & MASK
    x = ((x ^ (x >> 30)) * 0xbf58476d1ce4e5b9) & MASK
    x = ((x ^ (x >> 27)) * 0x94d049bb133111eb) & MASK
    return x ^ (x >> 31)


def drawn(seed, client, requests, percent):
    """Which of a client's requests, numbered from 1, cause work."""
    return {n for n in range(1, requests + 1)
            if mix(mix(mix(seed) ^ client) ^ n) < percent / 100 * 2 ** 64}


def late_requests(server, requests, late_s):
    """Sends `requests`, one at a time; returns those answered late."""
    client = server.connect()
    late = set()
    for n in range(1, requests + 1):
        begin = time.monotonic()
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        if time.monotonic() - begin >= late_s:
            late.add(n)
    return late


@pytest.mark.repeats
@pytest.mark.parametrize("seed", [1, 2, MASK])
def test_the_same_requests_for_the_same_seed(start, seed):
    """A sleep is never shorter than asked, so every selected request is late. On a
    busy machine others can be late, but not most of them."""
    requests, percent, sleep_s = 24, 25, 0.04
    seeded = () if seed == 1 else ("--seed", str(seed))  # 1 is the default
    server = start("--message", "1", "--work", "sleep:40ms@25%", *seeded)
    for number in (1, 2):  # of the client
        late = late_requests(server, requests, sleep_s)
        expected = drawn(seed, number, requests, percent)
        assert expected <= late, "a request did not sleep"
        others = requests - len(expected)
        assert len(late - expected) < others / 2, "others slept as well"


def test_the_draw_depends_on_seed_client_and_percentage():
    """The reference above is not a constant."""
    one = drawn(1, 1, 10_000, 25)
    assert 2300 < len(one) < 2700
    assert one != drawn(2, 1, 10_000, 25) != drawn(1, 2, 10_000, 25) != one
    assert drawn(1, 1, 10_000, 1) < one
    assert len(drawn(1, 1, 100, 100)) == 100


def test_sleep_comes_before_the_last_byte(start):
    """The earlier bytes of the request are echoed at once."""
    server = start("--message", "4", "--work", "sleep:400ms")
    client = server.connect()
    begin = time.monotonic()
    client.sendall(b"abc")
    assert receive(client, 3) == b"abc"
    early = time.monotonic() - begin
    client.sendall(b"d")
    assert receive(client, 1) == b"d"
    assert time.monotonic() - begin - early >= 0.4
    assert early < 0.4


def test_sleep_for_every_request_of_one_read(start):
    server = start("--message", "10", "--work", "sleep:20ms")
    client = server.connect()
    begin = time.monotonic()
    echo(client, random_bytes(1, 100))
    assert time.monotonic() - begin >= 10 * 0.02


@pytest.mark.repeats
@pytest.mark.parametrize("work, percent", [("cpu:5ms", 100), ("cpu:5ms@20%", 20)])
def test_cpu_time_of_work(start, model, work, percent):
    """By the CPU clock of the process; no more than twice as much, unless the server
    busy-polls and so uses CPU time between requests, too"""
    requests = 60
    server = start("--message", "8", "--work", work)
    sleeps = eventually(lambda: server.scheduling_state() == "S", timeout=1)
    client = server.connect()
    before = server.cpu_s()
    for i in range(requests):
        echo(client, random_bytes(i, 8))
    used = server.cpu_s() - before
    wanted = len(drawn(1, 1, requests, percent)) * 0.005
    assert used >= 0.98 * wanted
    assert used < 2 * wanted + 0.05 or not sleeps or model in forms.POLLED
    counters = server.stop()
    assert counters["cpu_ns"] >= 0.98e9 * wanted
    assert counters["requests"] == requests


def test_none_is_no_work(start):
    server = start("--message", "1", "--work", "none")
    echo(server.connect(), random_bytes(1, 10_000))
    assert server.stop()["requests"] == 10_000
