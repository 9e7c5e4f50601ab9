# SPDX-License-Identifier: MIT
"""What is sent, when, and on which connections, by the server's record"""

import collections
import select
import signal
import statistics
import time

import load
import pytest
from load import MS, SECOND, no_disturbance
from oddserver import OddServer


def per_client(odd):
    return collections.Counter(record.client for record in odd.records)


def most_under_way(odd):
    """The maximum number of requests in the server"""
    changes = sorted([(r.read_ns, 1) for r in odd.records] +
                     [(r.sent_ns, -1) for r in odd.records])
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


# Schedules


@pytest.mark.parametrize("threads", [1, 2])
@load.up_to_3_times
def test_bursts(odd, engine, threads):
    """All requests of a burst at once, and bursts at equal intervals"""
    size, rate = 20, 400
    distance = size * SECOND // rate
    server = odd("--message", 64)
    run = load.run(server, "--rate", rate, "--pattern", f"burst:{size}",
                   "--connections", 7, "--threads", threads, "--engine",
                   engine, "--warmup", "0s", "--duration", "1s")
    counters = server.stop()
    run.check_unharmed()
    assert run.json["requests"] == counters["requests"] == rate
    assert (run.json["pattern"], run.json["burst"]) == ("burst", size)
    came = [r.read_ns for r in server.records]
    bursts = [came[i:i + size] for i in range(0, rate, size)]
    spans = [burst[-1] - burst[0] for burst in bursts]
    no_disturbance(statistics.median(spans) < distance / 4 * load.SLOW,
                        f"bursts took {spans}")
    late = [burst[0] - came[0] - i * distance
            for i, burst in enumerate(bursts)]
    no_disturbance(all(abs(ns) < distance / 2 for ns in late),
                        f"bursts came {late} ns after their time")


@pytest.mark.parametrize("size, threads, connections", [
    (3, 2, 2), (2, 4, 4), (1, 1, 1), (100, 3, 5)])
def test_bursts_are_divided_without_remainder(odd, size, threads, connections):
    server = odd("--message", 64)
    run = load.run(server, "--rate", 600, "--pattern", f"burst:{size}",
                   "--connections", connections, "--threads", threads,
                   "--warmup", "0s", "--duration", "500ms")
    counters = server.stop()
    run.check_unharmed()
    assert run.json["requests"] == counters["requests"] == 300


@pytest.mark.parametrize("threads", [1, 3])
@load.up_to_3_times
def test_uniform(odd, engine, threads):
    """Requests are at equal intervals, whichever thread sends them."""
    rate = 250
    gap = SECOND // rate
    server = odd("--message", 64)
    run = load.run(server, "--rate", rate, "--arrivals", "uniform",
                   "--connections", 5, "--threads", threads, "--engine",
                   engine, "--warmup", "0s", "--duration", "1s")
    counters = server.stop()
    run.check_unharmed()
    assert run.json["requests"] == counters["requests"] == rate
    came = sorted(r.read_ns for r in server.records)
    off = [at - came[0] - i * gap for i, at in enumerate(came)]
    spread = load.quantile(off, 0.9) - load.quantile(off, 0.1)
    no_disturbance(spread < gap / 2 * load.SLOW,
                        f"off the grid by {spread} ns")
    assert set(per_client(server).values()) <= {49, 50, 51} or threads > 1


@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_due_at_the_end_is_not_forgotten(odd, engine, threads):
    """A generator that is stopped at the end of the window still sends what was due in
    it: leaving it out would hide the delay."""
    server = odd("--message", 64)
    with load.Running(server, "--rate", 500, "--arrivals", "uniform",
                      "--connections", 4, "--threads", threads, "--engine",
                      engine, "--warmup", "0s", "--duration",
                      "800ms") as running:
        server.wait_for_traffic()
        running.interrupt(signal.SIGSTOP)
        time.sleep(0.9)
        running.interrupt(signal.SIGCONT)
        run = running.finish()
    counters = server.stop()
    assert run.json["requests"] == 400
    assert run.json["requests_total"] == counters["requests"] == 400
    assert any("the generator was late" in reason for reason in run.reasons)
    assert run.json["response_ns"]["max"] > 300 * MS


def requests_due(odd, seed, *args):
    run = load.run(odd, "--rate", 500, "--connections", 4, "--seed", seed,
                   "--warmup", "50ms", "--duration", "250ms", *args)
    run.check_unharmed()
    return run.json["requests"], run.json["requests_total"]


def test_same_seed_same_schedule(engine):
    with OddServer("--message", 64) as odd:
        first = requests_due(odd, 7, "--engine", engine)
        assert requests_due(odd, 7, "--engine", engine) == first
        others = {requests_due(odd, seed, "--engine", engine)
                  for seed in (8, 9)}
        odd.stop()
    assert others - {first}
    for requests, total in others | {first}:  # six standard deviations
        assert abs(requests - 125) < 6 * 125 ** 0.5
        assert abs(total - 150) < 6 * 150 ** 0.5


def bytes_of_seed(*args):
    """The bytes that a single connection sends"""
    taken = []

    def take(sock):
        got = b""
        while len(got) < 4096:
            part = sock.recv(4096 - len(got))
            if not part:
                return
            got += part
        taken.append(got)

    with load.listener(take) as sink:
        load.run(sink, "--connections", 1, "--message", 4096, "--warmup",
                 "0s", "--duration", "100ms", *args)
    (got,) = taken
    return got


def test_same_seed_same_bytes():
    first = bytes_of_seed("--seed", 3)
    assert bytes_of_seed("--seed", 3, "--engine", "epoll") == first
    other = bytes_of_seed("--seed", 4)
    assert sum(a == b for a, b in zip(first, other)) < 100


# Connections


@pytest.mark.parametrize("loop", ["closed", "open"])
@pytest.mark.parametrize("idle", [0, 5])
def test_connect(odd, engine, loop, idle):
    """One connection per request, and no others"""
    server = odd("--message", 64, "--delay", "2ms")
    most = 4 if loop == "closed" else 64
    run = load.run(server, "--pattern", "connect", "--connections", most,
                   "--idle", idle, "--engine", engine,
                   *(["--rate", 200] if loop == "open" else []),
                   "--warmup", "100ms", "--duration", "400ms")
    counters = server.stop()
    run.check_unharmed()
    assert run.json["requests_total"] == counters["requests"] > 20
    assert counters["accepted"] == run.json["requests_total"] + idle
    assert max(per_client(server).values()) == 1
    assert run.json["pattern"] == "connect"
    # The response time includes connecting, the service time does not.
    for name in ("connect_ns", "service_ns", "response_ns"):
        assert run.json[name]["count"] > 0
    if loop == "closed":
        assert run.json["connect_ns"]["count"] == run.json["requests"]
    assert run.json["response_ns"]["mean"] >= run.json["service_ns"]["mean"]
    assert "connect" in run.text and "a new one for each request" in run.text
    assert counters["client_reset"] == 0
    assert most_under_way(server) <= most


@pytest.mark.parametrize("threads", [1, 2])
@load.up_to_3_times
def test_storm(odd, engine, threads):
    """All clients connect at once, each for one request, and then no one for a while"""
    size, rate = 20, 400
    server = odd("--message", 64)
    run = load.run(server, "--pattern", "storm", "--connections", size, "--rate", rate,
                   "--threads", threads, "--engine", engine, "--warmup", "0s",
                   "--duration", "500ms")
    counters = server.stop()
    run.check_unharmed()
    assert run.json["requests"] == counters["requests"] == 200
    assert counters["accepted"] == 200 and max(per_client(server).values()) == 1
    assert (run.json["pattern"], run.json["burst"]) == ("storm", size)
    came = [record.read_ns for record in server.records]
    spans = [came[i + size - 1] - came[i] for i in range(0, 200, size)]
    no_disturbance(statistics.median(spans) < size * SECOND // rate / 4 * load.SLOW,
                   f"storms took {spans}")


class Patient:
    """A server in this process that notes which clients it had to wait for, with a part
    of a reply in its hands; it answers `first` bytes of each client, then no more."""

    def __init__(self, first=1 << 40):
        self.first, self.served, self.waited = first, {}, set()

    def __call__(self, sock):
        sock.setblocking(False)
        while part := self._when(select.POLLIN, sock, sock.recv, 1 << 14):
            if self.served.get(sock, 0) >= self.first:
                continue
            self.served[sock] = self.served.get(sock, 0) + len(part)
            while part:
                part = part[self._when(select.POLLOUT, sock, sock.send, part):]

    def _when(self, event, sock, call, argument):
        while True:
            try:
                return call(argument)
            except BlockingIOError:
                if event == select.POLLOUT:
                    self.waited.add(sock)
                poll = select.poll()
                poll.register(sock, event)
                poll.poll()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("loop", ["closed", "open"])
def test_slow_readers(engine, loop, threads):
    """The server has to wait for them and not for others. Both sides count the same, but
    measured are the others alone."""
    serve = Patient()
    with load.listener(serve) as server:
        run = load.run(server, "--connections", 2, "--idle", 1, "--message", 64,
                       "--pattern", "slow-read:3", "--threads", threads, "--engine",
                       engine, *(["--rate", 300] if loop == "open" else []),
                       "--warmup", "100ms", "--duration", f"{500 * load.SLOW}ms")
        run.check_unharmed()
    made = sorted(n // 64 for n in serve.served.values())
    assert len(made) == 5 and len(serve.waited) == 3
    assert run.json["requests_total"] == sum(made)
    asked = [serve.served[sock] // 64 for sock in serve.served
             if sock not in serve.waited]
    assert 0 < run.json["requests"] <= sum(asked) < run.json["requests_total"]
    assert min(serve.served[sock] for sock in serve.waited) >= 512 * 1024
    assert (run.json["pattern"], run.json["slow"]) == ("slow-read", 3)
    assert "beside 3 that read slowly" in run.text


def test_slow_readers_are_forgotten(engine):
    """A server that stops serving them is reported, although they are not measured."""
    serve = Patient(first=4096)
    with load.listener(serve) as server:
        run = load.run(server, "--connections", 1, "--rate", 20, "--message", 64,
                       "--pattern", "slow-read:2", "--engine", engine, "--warmup",
                       "0s", "--duration", "200ms")
    assert run.status == 1 and run.json["unanswered"] == 0
    assert run.errors() == {"stalled": 2}
    assert any("2 connections stalled" in fault for fault in run.faults)


@load.up_to_3_times
def test_connects_in_window_are_counted(odd, engine):
    server = odd("--message", 64)
    run = load.run(server, "--pattern", "connect", "--connections", 50,
                   "--rate", 200, "--arrivals", "uniform", "--engine", engine,
                   "--warmup", "200ms", "--duration", "300ms")
    counters = server.stop()
    run.check_unharmed()
    assert run.json["requests"] == 60
    assert counters["accepted"] == run.json["requests_total"] == 100
    # A request due before an edge may start connecting after it.
    count = run.json["connect_ns"]["count"]
    no_disturbance(abs(count - 60) <= 3 * load.SLOW, f"{count} connects")


@pytest.mark.parametrize("threads", [1, 3])
def test_idle(odd, engine, threads):
    """Idle connections stay open and send nothing."""
    server = odd("--message", 64, "--delay", "1ms")
    run = load.run(server, "--connections", 5, "--idle", 100, "--threads",
                   threads, "--engine", engine, "--warmup", "0s",
                   "--duration", "300ms")
    counters = server.stop()
    run.check_unharmed()
    assert counters["accepted"] == 105
    assert len(per_client(server)) == 5
    assert counters["requests"] == run.json["requests_total"]
    assert run.json["connections"] == 5 and run.json["idle"] == 100
    assert run.json["connect_ns"]["count"] == 105
    assert "5 connections and 100 idle" in run.text


def test_idle_closed_by_the_server(engine):
    """A server that closes idle connections is reported."""
    def impatient(sock):
        sock.settimeout(0.15 * load.SLOW)
        try:
            while part := sock.recv(1 << 16):
                sock.sendall(part)
                sock.settimeout(None)
        except TimeoutError:
            pass

    with load.listener(impatient) as server:
        run = load.run(server, "--connections", 2, "--idle", 6, "--engine",
                       engine, "--warmup", "0s", "--duration",
                       f"{400 * load.SLOW}ms")
    assert run.status == 1
    assert run.errors() == {"closed": 6} and run.mismatches() == {}
    assert run.json["unanswered"] == 0 and run.json["requests"] > 0
    assert run.json["duration_s"] == 0.4 * load.SLOW
    assert any("6 connections were closed" in fault for fault in run.faults)


@pytest.mark.parametrize("connections, depth, threads", [
    (1, 1, 1), (1, 8, 1), (3, 5, 1), (5, 1, 2), (5, 3, 2), (7, 2, 3)])
@load.up_to_3_times
def test_depth_and_threads(odd, engine, connections, depth, threads):
    """Each connection always has `depth` requests in flight."""
    server = odd("--message", 64, "--delay", "10ms")
    run = load.run(server, "--connections", connections, "--depth", depth,
                   "--threads", threads, "--engine", engine, "--warmup",
                   "0s", "--duration", "400ms")
    counters = server.stop()
    run.check_unharmed()
    wanted = connections * depth
    assert counters["accepted"] == connections
    assert run.json["requests_total"] == counters["requests"]
    assert run.json["requests"] == run.json["response_ns"]["count"]
    assert run.json["threads"] == threads
    assert most_under_way(server) == wanted
    shares = per_client(server)
    assert len(shares) == connections
    assert min(shares.values()) >= depth * (5 if load.SLOW == 1 else 1)
    # The mean number of requests in the server, by its record
    inside = sum(r.took_ns for r in server.records) / (400 * MS)
    no_disturbance(0.8 * wanted < inside, f"{inside} of {wanted}")
    no_disturbance(abs(run.json["in_flight"] - wanted) < 0.1 * wanted,
                        f"in flight: {run.json['in_flight']} of {wanted}")


@pytest.mark.parametrize("threads", [1, 2])
def test_histograms_of_threads_add_up(odd, engine, threads):
    server = odd("--message", 64, "--delay", "2ms")
    run = load.run(server, "--connections", 3, "--threads", threads, "--rate",
                   300, "--engine", engine, "--warmup", "50ms", "--duration",
                   "300ms")
    server.stop()
    run.check_unharmed()
    count = run.json["requests"]
    for name in ("response", "service", "send_lag"):
        assert sum(n for _, _, n in run.buckets(name)) == count
        assert run.json[f"{name}_ns"]["count"] == count
    assert sum(slot["requests"] for slot in
               run.json["series"]["slices"]) == count
