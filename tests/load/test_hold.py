# SPDX-License-Identifier: MIT
"""--hold: an observer can read the server's counters at both edges of the window,
while all clients are connected."""

import contextlib
import select
import signal
import socket
import threading
import time

import load
import pytest
from load import PATIENCE_S, SECOND, SLOW
from server import eventually


class Echo:
    """Echoes; counts its connections, and knows when it last received bytes."""

    def __init__(self):
        self.open, self.heard_ns = 0, 0
        self._lock = threading.Lock()

    def _count(self, n):
        with self._lock:
            self.open += n

    def __call__(self, sock):
        self._count(1)
        try:
            while part := sock.recv(1 << 16):
                self.heard_ns = time.monotonic_ns()
                sock.sendall(part)
        finally:
            self._count(-1)


class Watcher:
    """The observer: loadgen's parent with its end of a socket pair"""

    def __init__(self):
        self.end, self.childs = socket.socketpair()
        self.end.settimeout(PATIENCE_S * SLOW)
        self._lines = self.end.makefile("r", encoding="ascii")

    @contextlib.contextmanager
    def watch(self, target, *args):
        with load.Running(target, "--hold", self.childs.fileno(), *args,
                          pass_fds=[self.childs.fileno()]) as running:
            self.childs.close()
            yield running

    def window(self):
        word, begin, end = self._lines.readline().split()
        assert word == "window"
        return int(begin), int(end)

    def wait_done(self):
        assert self._lines.readline() == "done\n"

    def close(self):
        self._lines.close()
        self.end.close()
        self.childs.close()


@pytest.fixture
def watcher():
    one = Watcher()
    yield one
    one.close()


@pytest.fixture
def echo():
    """An Echo and the socket on which it listens"""
    serve = Echo()
    with load.listener(serve) as listening:
        yield serve, listening


LOADS = {
    "closed": ["--connections", 6, "--depth", 2],
    "open": ["--connections", 6, "--rate", 300],
    "burst": ["--connections", 6, "--rate", 300, "--pattern", "burst:7"],
    "connect": ["--connections", 60, "--rate", 60, "--pattern", "connect"],
}


@pytest.mark.parametrize("loop, threads", [
    *((loop, 1) for loop in LOADS), ("closed", 3), ("open", 3)])
def test_window_then_done_then_silence(echo, watcher, engine, loop, threads):
    serve, listening = echo
    there = 2 + (6 if loop != "connect" else 0)
    begin = time.monotonic_ns()
    with watcher.watch(listening, *LOADS[loop], "--idle", 2, "--engine",
                       engine, "--threads", threads, "--warmup", "100ms",
                       "--duration", "300ms") as running:
        window = watcher.window()
        told = time.monotonic_ns()
        assert begin < window[0] - 0.1 * SECOND < told + 0.1 * SECOND * SLOW
        assert window[1] - window[0] == 0.3 * SECOND
        assert eventually(lambda: serve.open >= there)
        watcher.wait_done()
        done = time.monotonic_ns()
        assert done >= window[1]
        time.sleep(0.1)
        assert serve.open == there
        assert serve.heard_ns < done
        assert running.process.poll() is None
        watcher.end.send(b".")
        run = running.finish()
    run.check_unharmed()
    assert run.json["requests"] > 0 and run.json["duration_s"] == 0.3
    assert eventually(lambda: serve.open == 0)


def test_it_is_told_before_the_first_request(watcher):
    """The observer is told the window before any request is sent."""
    told = []

    def serve(sock):
        while part := sock.recv(1 << 16):
            told.append(bool(select.select([watcher.end], [], [], 0)[0]))
            sock.sendall(part)

    with load.listener(serve) as listening, \
            watcher.watch(listening, "--connections", 2, "--warmup", "0s",
                          "--duration", "300ms") as running:
        watcher.end.shutdown(socket.SHUT_WR)
        running.finish().check_unharmed()
    assert len(told) > 2 and all(told)


def test_released_by_the_other_sides_end(echo, watcher, engine):
    serve, listening = echo
    with watcher.watch(listening, "--connections", 2, "--engine", engine,
                       "--warmup", "0s", "--duration", "100ms") as running:
        watcher.window()
        watcher.wait_done()
        assert serve.open == 2
        watcher.end.shutdown(socket.SHUT_WR)
        running.finish().check_unharmed()


def test_the_observer_is_gone(echo, watcher, engine):
    """The run goes on without an observer."""
    _, listening = echo
    watcher.end.close()
    watcher._lines.close()
    with watcher.watch(listening, "--connections", 2, "--engine", engine,
                       "--warmup", "0s", "--duration", "200ms") as running:
        run = running.finish()
    run.check_unharmed()
    assert run.json["duration_s"] == 0.2


@pytest.mark.parametrize("signo", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_hold(echo, watcher, engine, signo):
    serve, listening = echo
    with watcher.watch(listening, "--connections", 2, "--engine", engine,
                       "--warmup", "0s", "--duration", "100ms") as running:
        watcher.window()
        watcher.wait_done()
        running.interrupt(signo)
        begin = time.monotonic()
        run = running.finish()
    assert time.monotonic() - begin < 1 * SLOW
    assert run.status == 130 and run.faults == ["interrupted"]
    assert run.json["requests"] > 0
    assert eventually(lambda: serve.open == 0)


def test_stopped_and_continued(echo, watcher):
    """SIGCONT does not end the hold."""
    serve, listening = echo
    with watcher.watch(listening, "--connections", 2, "--warmup", "0s",
                       "--duration", "100ms") as running:
        watcher.window()
        watcher.wait_done()
        running.interrupt(signal.SIGSTOP)
        time.sleep(0.1)
        running.interrupt(signal.SIGCONT)
        time.sleep(0.2)
        assert serve.open == 2 and running.process.poll() is None
        watcher.end.send(b".")
        running.finish().check_unharmed()


def test_after_a_signal_in_the_window_nothing_is_held(echo, watcher):
    _, listening = echo
    with watcher.watch(listening, "--connections", 2, "--warmup", "0s",
                       "--duration", "20s") as running:
        watcher.window()
        time.sleep(0.3)
        running.interrupt()
        watcher.wait_done()
        assert running.finish().status == 130


def test_with_a_search_it_is_refused(watcher):
    with watcher.watch("127.0.0.1:1", "--find-rate", "p99=1ms") as running:
        run = running.finish()
    assert run.status == 2 and run.err.count("\n") == 1
    assert "--hold" in run.err and "--find-rate" in run.err
