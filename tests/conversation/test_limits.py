# SPDX-License-Identifier: MIT
"""More clients than there can be: each limit refuses those over it, says so
in the counters, and is nothing to those who are served."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest
from clients import Exchange, carry_out, echo_all, random_bytes
from server import Server, Unsupported, eventually

pytestmark = pytest.mark.models_only

SIZE = 64

#: Address space in bytes, and clients whose buffers alone take more than that
MEMORY = 16_000_000
ENOUGH_FOR_MEMORY = 1000

#: With an instrumented build: to search for leaks takes a process more than
#: the user may have. (Other tests search for them.)
WITHOUT_LEAK_CHECK = {
    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


class Crowd:
    """Clients who come until some are refused, and what they have seen."""

    def __init__(self, server):
        self.server = server
        self.served = []
        self.refused = 0
        self.came = 0  # of those that were served
        self.requests = 0

    def come(self, count):
        """As many connect, all at once, and try to exchange a message.
        Refused is who soon gets an end or a reset and not a byte."""
        socks = [self.server.connect() for _ in range(count)]
        exchanges = carry_out([
            Exchange(sock, random_bytes(i, SIZE))
            for i, sock in enumerate(socks)])
        admitted = []
        for exchange in exchanges:
            if exchange.refused():
                self.refused += 1
                exchange.sock.close()
            else:
                exchange.check()
                admitted.append(exchange.sock)
        self.served += admitted
        self.came += len(admitted)
        self.requests += len(admitted)
        return len(admitted)

    def go_on(self):
        """Those who are served notice nothing."""
        echo_all(self.served, SIZE, seed=self.requests)
        self.requests += len(self.served)

    def leave(self, count):
        for _ in range(count):
            self.served.pop(0).close()

    def check_counters(self, *reasons):
        counters = self.server.stop()
        by = counters["refused_by"]
        assert counters["accepted"] == self.came
        assert counters["refused"] == self.refused
        assert sum(by[why] for why in reasons) == self.refused, by
        assert counters.get("aio_result_lost", 0) == 0
        assert counters["requests"] == self.requests
        assert counters["bytes_in"] == counters["bytes_out"] \
            == self.requests * SIZE


def over_the_limit(server, count, *reasons):
    """`count` clients, of whom some may be too many. How many were served.

    `reasons` is what refusals have to be counted under.
    """
    crowd = Crowd(server)
    crowd.come(10)
    crowd.come(count - 10)
    room = len(crowd.served)
    crowd.go_on()
    if crowd.refused:
        assert crowd.come(5) == 0
        crowd.go_on()
        crowd.leave(5)
        # Not at once: an end takes its time to get to the server.
        assert eventually(lambda: crowd.come(1) and len(crowd.served) == room)
        assert crowd.come(5) == 0
        crowd.go_on()
    crowd.check_counters(*reasons)
    return room


@pytest.mark.smoke
def test_max_clients(start):
    server = start("--max-clients", "20", "--message", str(SIZE))
    assert over_the_limit(server, 50, "limit") == 20


def test_max_clients_one(start):
    server = start("--max-clients", "1", "--message", str(SIZE))
    crowd = Crowd(server)
    assert crowd.come(3) == 1
    crowd.go_on()
    crowd.leave(1)
    assert eventually(lambda: crowd.come(1))
    crowd.check_counters("limit")


def test_fd_setsize(start, model):
    """What select() cannot name it refuses; nobody else knows of a limit."""
    server = start("--max-clients", "2000", "--message", str(SIZE))
    room = over_the_limit(server, 1100, "fd_setsize")
    if model == "select":
        assert 1000 <= room < 1024
    else:
        assert room == 1100


def test_descriptors(start):
    """RLIMIT_NOFILE: those few that a server needs itself are not clients'."""
    server = start("--message", str(SIZE),
                   wrapper=("prlimit", "--nofile=64:64"))
    room = over_the_limit(server, 100, "descriptors")
    assert 50 <= room <= 60


def test_descriptors_taken_by_somebody_who_waits(start):
    """At the limit those in the queue are not left there: each of many who
    come at once is told, though the server has no descriptor for him."""
    server = start("--message", str(SIZE),
                   wrapper=("prlimit", "--nofile=32:32"))
    crowd = Crowd(server)
    for _ in range(5):
        crowd.come(100)
        crowd.go_on()
    assert crowd.refused > 450
    crowd.check_counters("descriptors")


def as_another_user(*limits):
    """Put before a command, has it run by a user who has nothing else to his
    name, within `limits`.

    Limits of a user are over all his processes, and some do not bind root. The
    user's number is this process's own, so that tests in parallel do not
    share it.
    """
    if os.geteuid() != 0:
        pytest.skip("needs root, to become a user who has no processes")
    user = 20000 + os.getpid() % 40000
    return ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
            "prlimit", *limits)


@contextlib.contextmanager
def another_user(model, *limits):
    """The model's server, run by such a user, from where he may read it."""
    wrapper = as_another_user(*limits)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="io-models-"))
    try:
        folder.chmod(0o755)
        program = shutil.copy(Server.program(model), folder / model)
        with Server(program, "--message", str(SIZE), wrapper=wrapper,
                    env=WITHOUT_LEAK_CHECK) as server:
            yield server
            server.close_clients()
    except Unsupported as reason:
        pytest.skip(str(reason))
    finally:
        shutil.rmtree(folder)


def test_threads(model):
    """RLIMIT_NPROC 40: too few for who needs a thread for each client."""
    with another_user(model, "--nproc=40:40") as server:
        room = over_the_limit(server, 60, "threads")
    if model in ("thread", "aio"):
        assert 30 <= room < 40
    else:
        assert room == 60


def test_memory(start, model):
    """RLIMIT_AS: whoever has no memory for a stack or a buffer any more refuses,
    and answers all those that it has admitted."""
    program = str(Server.program(model))
    if "/asan/" in program or "/tsan/" in program:
        pytest.skip("the sanitizer itself takes more address space")
    server = start("--message", str(SIZE),
                   wrapper=("prlimit", f"--as={MEMORY}:{MEMORY}"))
    crowd = Crowd(server)
    crowd.come(10)
    for _ in range(4):
        crowd.come(ENOUGH_FOR_MEMORY // 4)
    crowd.go_on()
    if model in ("thread", "aio", "uring"):
        assert crowd.refused
        assert len(crowd.served) > 100
        crowd.leave(50)
        assert eventually(lambda: crowd.come(1))
    else:
        assert not crowd.refused
    crowd.go_on()
    crowd.check_counters("memory", "threads")


def test_signals(model):
    """RLIMIT_SIGPENDING 40: too few for who has a signal for each result."""
    with another_user(model, "--sigpending=40:40") as server:
        room = over_the_limit(server, 60, "signals")
    if model == "aio":
        assert 30 <= room <= 40
    else:
        assert room == 60


def test_threads_that_others_take_meanwhile(model):
    """A server may have had its threads, and may count on having them again,
    when other programs of the same user come. Nobody is left waiting: who is
    not served is refused, or soon ended, and counted either way."""
    limit = 60
    nproc = f"--nproc={limit}:{limit}"
    with another_user(model, nproc) as server:
        crowd = Crowd(server)
        for _ in range(100):  # which is when idle threads might end
            crowd.come(20)
            crowd.leave(len(crowd.served))
        time.sleep(0.1)
        others = [subprocess.Popen([*as_another_user(nproc), "sleep", "60"])
                  for _ in range(limit - server.threads() - 1)]
        try:
            time.sleep(0.1)
            for _ in range(40):
                crowd.come(1)
        finally:
            for process in others:
                process.kill()
                process.wait()
        crowd.go_on()
        counters = server.stop()
    unserved = counters["refused_by"]["threads"] + counters["closed"]["error"]
    assert unserved == crowd.refused
    assert counters["closed"]["error"] == counters["accepted"] - crowd.came
