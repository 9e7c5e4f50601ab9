# SPDX-License-Identifier: MIT
"""Faults found in use, reproduced as a client or an operator saw them."""

import os
import signal
import subprocess
import threading
import time

import forms
import pytest
from server import (BIN, PATIENCE_S, SLOW, TOP, TSAN, Server, Unsupported, eventually,
                    receive)

pytestmark = pytest.mark.models_only

only_aio = pytest.mark.skipif(not (TOP / BIN / "aio").exists(),
                              reason="aio is not among these programs")


@pytest.mark.skipif(TSAN, reason="the thread sanitizer defers a signal that comes just "
                    "before a wait")
def test_stop_signals_blocked_by_the_parent(model):
    """exec keeps the signal mask."""
    with subprocess.Popen(
            [TOP / BIN / model], stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.pthread_sigmask(
                signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])) as one:
        try:
            assert one.stdout.readline().startswith("ready ")
            one.send_signal(signal.SIGTERM)
            assert one.wait(PATIENCE_S) == 0
        finally:
            one.kill()


@only_aio
@pytest.mark.parametrize("signo", [signal.SIGRTMIN, signal.SIGRTMAX,
                                   signal.SIGIO])
def test_aio_ignores_signals_of_other_processes(signo):
    with Server("aio") as one, one.connect() as client:
        for _ in range(3):
            one.send_signal(signo)
            client.sendall(b"x")
            assert receive(client, 1) == b"x"
        one.stop()


class Sender(threading.Thread):
    """Keeps `depth` requests of 64 bytes in flight per client until end()."""

    def __init__(self, one, clients, depth):
        super().__init__()
        self._socks = [one.connect() for _ in range(clients)]
        for sock in self._socks:
            sock.sendall(bytes(64 * depth))
        self._going = True
        self.closed = 0

    def run(self):
        socks = list(self._socks)
        while self._going and socks:
            for sock in list(socks):
                try:
                    sock.settimeout(0.001)
                    got = sock.recv(4096)
                    if not got:
                        raise ConnectionResetError
                    sock.sendall(bytes(len(got)))
                except TimeoutError:
                    continue
                except OSError:
                    self.closed += 1
                    socks.remove(sock)

    def end(self):
        self._going = False
        self.join()
        for sock in self._socks:
            sock.close()


@only_aio
@pytest.mark.skipif(SLOW > 1, reason="meaningless in an instrumented build")
def test_aio_finds_lost_results_under_load():
    """Load must not starve patrol(): clients whose result is lost are closed."""
    with Server("aio", "--work", "cpu:1ms", "--message", "64") as one:
        load = Sender(one, 32, 4)
        load.start()
        time.sleep(0.5)
        limit = f"--pid={one.pid}"
        subprocess.run(["prlimit", limit, "--sigpending=0:"], check=True)
        time.sleep(0.05)
        subprocess.run(["prlimit", limit, "--sigpending=10000:"], check=True)
        eventually(lambda: load.closed > 0, timeout=10)
        closed = load.closed
        load.end()
        lost = one.stop()["aio_result_lost"]
        if lost == 0:
            pytest.skip("no result was lost")
        assert closed > 0


def replies_to_all_at_once(one, socks):
    """When each reply came, if the requests come together"""
    os.kill(one.pid, signal.SIGSTOP)
    for sock in socks:
        sock.sendall(b"x")
    begin = time.monotonic()
    os.kill(one.pid, signal.SIGCONT)
    took = []
    waiting = list(socks)
    while waiting:
        for sock in list(waiting):
            sock.setblocking(False)
            try:
                assert sock.recv(1) == b"x"
            except BlockingIOError:
                continue
            took.append(time.monotonic() - begin)
            waiting.remove(sock)
        time.sleep(0.001)
    return took


def test_replies_do_not_wait_for_work_of_others(model):
    """Of clients that cause work at the same time, each gets its reply when its own work
    is done, not when all the work is done. On a busy machine this process may look too
    late, but not each of five times."""
    work_s, clients = 0.03 if SLOW == 1 else 0.1, 8
    with Server(model, "--message", "1", "--work",
                f"sleep:{int(work_s * 1000)}ms") as one:
        socks = [one.connect() for _ in range(clients)]
        for sock in socks:  # wait until each is accepted
            sock.settimeout(PATIENCE_S)
            sock.sendall(b"x")
            assert receive(sock, 1) == b"x"
        early = []
        for _ in range(5):
            took = replies_to_all_at_once(one, socks)
            early = [t for t in took if t < took[-1] - work_s / 2]
            if len(early) >= clients // 2 or model in forms.CONCURRENT_WORK:
                break
        one.stop()
    assert len(early) >= clients // 2 or model in forms.CONCURRENT_WORK, took


@pytest.mark.skipif(not (TOP / BIN / "uring_multishot").exists(),
                    reason="uring_multishot is not among these programs")
def test_min_wait_collects_requests():
    """--min-wait ends early when every client has sent. It begins with the wait of the
    server, which can be long before this process sends."""
    def took(socks):
        begin = time.monotonic()
        for sock in socks:
            sock.sendall(b"x")
        for sock in socks:
            assert receive(sock, 1) == b"x"
        return time.monotonic() - begin

    try:
        one = Server("uring_multishot", "--min-wait", "500ms")
    except Unsupported as reason:
        pytest.skip(str(reason))
    with one:
        socks = [one.connect() for _ in range(3)]
        took(socks)
        alone = max(took(socks[:1]) for _ in range(3))
        assert alone >= 0.25
        assert min(took(socks) for _ in range(5)) < alone / 2
