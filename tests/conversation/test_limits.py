# SPDX-License-Identifier: MIT
"""Each limit refuses the clients beyond it and counts them; served clients do not
notice."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import forms
import pytest
from clients import Exchange, carry_out, random_bytes
from server import BIN, TOP, Server, Unsupported, eventually

pytestmark = pytest.mark.models_only

SIZE = 64

#: Address space in bytes, and a number of clients whose buffers exceed it
MEMORY = 16_000_000
ENOUGH_FOR_MEMORY = 1000

#: In an instrumented build, the search for leaks takes a process beyond the limit.
#: (Other tests search for leaks.)
WITHOUT_LEAK_CHECK = {
    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


class Crowd:
    """Clients that connect until some are refused."""

    def __init__(self, server):
        self.server = server
        self.served = []
        self.refused = 0
        self.came = 0  # and were served
        self.requests = 0

    def come(self, count):
        """`count` clients connect and exchange a message, concurrently. A client is
        refused if it gets EOF or a reset and no byte. Returns how many were served."""
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

    def go_on(self, may_lose=0):
        """All served clients exchange a message; the server may close a few. Returns how
        many it closed."""
        exchanges = carry_out([
            Exchange(sock, random_bytes((self.requests << 20) + i, SIZE))
            for i, sock in enumerate(self.served)])
        closed = [e for e in exchanges if may_lose and e.refused()]
        assert len(closed) <= may_lose
        self.served = [e.sock for e in exchanges if e not in closed]
        for exchange in exchanges:
            if exchange not in closed:
                exchange.check()
        self.requests += len(self.served)
        return len(closed)

    def leave(self, count):
        for _ in range(count):
            self.served.pop(0).close()

    def check_counters(self, *reasons, may_lose=0):
        counters = self.server.stop()
        by = counters["refused_by"]
        lost = counters["accepted"] - self.came
        assert 0 <= lost <= may_lose
        assert counters["refused"] == self.refused - lost
        assert sum(by[why] for why in reasons) == counters["refused"], by
        assert counters.get("aio_result_lost", 0) == 0
        assert counters["requests"] == self.requests
        assert counters["bytes_in"] == counters["bytes_out"] \
            == self.requests * SIZE


def over_the_limit(server, count, *reasons):
    """Connects `count` clients; returns how many were served.

    The others have to be counted as refused for one of `reasons`.
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
        # Eventually: the server has to see the end of the stream first.
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


@pytest.mark.repeats
def test_fd_setsize(start, model):
    """select refuses descriptors from FD_SETSIZE; no other model has this limit."""
    server = start("--max-clients", "2000", "--message", str(SIZE),
                   *forms.room_for(model, 1100))
    room = over_the_limit(server, 1100, "fd_setsize")
    if model == "select":
        assert 1000 <= room < 1024
    else:
        assert room == 1100


def test_descriptors(start, model):
    """RLIMIT_NOFILE, of which the server needs a few itself; sockets of an io_uring
    have a table of their own, as large as this limit."""
    server = start("--message", str(SIZE),
                   wrapper=("prlimit", "--nofile=64:64"))
    room = over_the_limit(server, 100, "descriptors")
    assert room == 100 if model in forms.PROCESSES else 50 <= room <= 64


def test_descriptors_do_not_block_the_queue(start, model):
    """At the limit, clients do not stay in the queue: each is refused, although
    the server has no descriptor for it."""
    server = start("--message", str(SIZE),
                   *forms.room_for(model, 500),
                   wrapper=("prlimit", "--nofile=32:32"))
    crowd = Crowd(server)
    for _ in range(5):
        crowd.come(100)
        crowd.go_on()
    assert crowd.refused > 450 or model in forms.PROCESSES
    crowd.check_counters("descriptors")


def as_another_user(*limits):
    """A command prefix: a user without other processes, within `limits`.

    Such limits count all processes of a user, and some do not apply to root. The
    user id is derived from this process, so that parallel tests do not share it.
    """
    if os.geteuid() != 0:
        pytest.skip("needs root, to become a user who has no processes")
    user = 20000 + os.getpid() % 40000
    return ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
            "prlimit", *limits)


@contextlib.contextmanager
def another_user(model, limit, clients):
    """The server, run by such a user from a folder that the user can read."""
    wrapper = as_another_user(limit)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="io-models-"))
    try:
        folder.chmod(0o755)
        program = shutil.copy(Server.program(model), folder / model)
        with Server(program, "--message", str(SIZE), *forms.room_for(model, clients),
                    wrapper=wrapper, env=WITHOUT_LEAK_CHECK) as server:
            yield server
            server.close_clients()
    except Unsupported as reason:
        pytest.skip(str(reason))
    finally:
        shutil.rmtree(folder)


def test_threads(model):
    """RLIMIT_NPROC of 40"""
    with another_user(model, "--nproc=40:40", 30) as server:
        room = over_the_limit(server, 60, "threads")
    if model in forms.THREADS_BESIDE:
        assert 30 <= room + forms.THREADS_BESIDE[model] < 40
    else:
        assert room == 60


def test_memory(start, model):
    """RLIMIT_AS: without memory for a stack or a buffer a client is refused; every
    admitted client is served."""
    program = str(Server.program(model))
    if "/asan/" in program or "/tsan/" in program:
        pytest.skip("the sanitizer itself takes more address space")
    server = start("--message", str(SIZE),
                   *forms.room_for(model, ENOUGH_FOR_MEMORY + 10),
                   wrapper=("prlimit", f"--as={MEMORY}:{MEMORY}"))
    crowd = Crowd(server)
    crowd.come(10)
    for _ in range(20):
        crowd.come(ENOUGH_FOR_MEMORY // 20)
    may_lose = len(crowd.served) // 20 if model in forms.MAY_LOSE else 0
    crowd.go_on(may_lose)
    if model in forms.MEMORY_PER_CLIENT:
        assert crowd.refused
        assert len(crowd.served) >= 50
        crowd.leave(50)
        assert eventually(lambda: crowd.come(1))
    else:
        assert not crowd.refused
    crowd.go_on(may_lose)
    crowd.check_counters("memory", "threads", may_lose=may_lose)


def test_signals(model):
    """RLIMIT_SIGPENDING of 40"""
    with another_user(model, "--sigpending=40:40", 60) as server:
        room = over_the_limit(server, 60, "signals")
    if model == "aio":
        assert 30 <= room <= 40
    else:
        assert room == 60


def is_asleep(process):
    """Whether it is `sleep`, and no longer a program that will become it; or has ended,
    because there was no process left for it"""
    try:
        return process.poll() is not None or pathlib.Path(
            f"/proc/{process.pid}/comm").read_text("ascii") == "sleep\n"
    except ProcessLookupError:
        return True


@pytest.mark.skipif(not (TOP / BIN / "sigio").exists(),
                    reason="sigio is not among these programs")
def test_signal_queue_overflows():
    """RLIMIT_SIGPENDING of 0: every signal is lost, and no client notices."""
    with Server("sigio", "--message", str(SIZE),
                wrapper=("prlimit", "--sigpending=0:0")) as server:
        crowd = Crowd(server)
        crowd.come(100)
        for _ in range(3):
            crowd.go_on()
            crowd.leave(10)
        crowd.check_counters()
        assert server.counters["signal_overflows"] > 0


def test_threads_taken_by_other_processes(model):
    """Other processes of the user take the threads that the server had before. No
    client waits for ever: it is served, or refused or closed, and counted.

    aio may close a client that was served, too: one that comes when the last thread
    has just been taken can get the thread that an idle client had."""
    limit = 60
    nproc = f"--nproc={limit}:{limit}"
    with another_user(model, nproc, 40) as server:
        crowd = Crowd(server)
        for _ in range(25):  # idle threads may end
            crowd.come(20)
            crowd.leave(len(crowd.served))
        time.sleep(0.1)
        others = [subprocess.Popen([*as_another_user(nproc), "sleep", "60"])
                  for _ in range(limit - server.threads() - 1)]
        try:
            assert eventually(lambda: all(is_asleep(one) for one in others))
            for _ in range(40):
                crowd.come(1)
        finally:
            for process in others:
                process.kill()
                process.wait()
        closed = crowd.go_on(may_lose=2 if model == "aio" else 0)
        counters = server.stop()
    unserved = counters["refused_by"]["threads"] + counters["closed"]["error"]
    assert unserved == crowd.refused + closed
    assert counters["closed"]["error"] == counters["accepted"] - crowd.came + closed
