# SPDX-License-Identifier: MIT
"""The field "Per request" of each model's card, compared with strace."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile

import pytest
import server

ROUNDS = 200

#: Calls that belong to a connection or to the start
SLACK = 20

#: Calls per request of a single client
EXACT = {
    "thread": {"recvfrom": 1, "sendto": 1},
    "busypoll": {"sendto": 1},
    "delayloop": {"sendto": 1},
    "epoll_et": {"recvfrom": 1, "sendto": 1, "epoll_pwait|epoll_wait": 1},
    "sigio": {"recvfrom": 1, "sendto": 1, "rt_sigtimedwait": 1},
    "epoll_multi": {"recvfrom": 1, "sendto": 1, "epoll_pwait|epoll_wait": 1},
    "coro": {"recvfrom": 1, "sendto": 1, "epoll_pwait|epoll_wait": 1},
    "select": {"recvfrom": 1, "sendto": 1, "pselect6|select": 1},
    "poll": {"recvfrom": 1, "sendto": 1, "ppoll|poll": 1},
    "epoll": {"recvfrom": 1, "sendto": 1, "epoll_pwait|epoll_wait": 1},
    "aio": {"pread64": 1, "pwrite64": 1, "read": 1, "write": 1,
            "rt_sigqueueinfo": 2, "rt_sigtimedwait": 2},
    "aio_callback": {"pread64": 1, "pwrite64": 1, "read": 1, "write": 1},
    "process": {"recvfrom": 1, "sendto": 1},
    "prefork": {"recvfrom": 1, "sendto": 1},
    "threadpool": {"recvfrom": 1, "sendto": 1, "epoll_ctl": 1,
                   "epoll_pwait|epoll_wait": 1},
    "uring": {"io_uring_enter": 2, "recvfrom": 0, "sendto": 0},
    "uring_batch": {"io_uring_enter": 4, "recvfrom": 0, "sendto": 0},
    "uring_bundle": {"io_uring_enter": 2, "recvfrom": 0, "sendto": 0},
    "uring_multishot": {"io_uring_enter": 1, "recvfrom": 0, "sendto": 0},
}

WAIT = {"select": "pselect6|select", "poll": "ppoll|poll",
        "epoll": "epoll_pwait|epoll_wait",
        "epoll_et": "epoll_pwait|epoll_wait", "coro": "epoll_pwait|epoll_wait",
        "epoll_multi": "epoll_pwait|epoll_wait",
        "threadpool": "epoll_pwait|epoll_wait",
        **dict.fromkeys(("uring", "uring_multishot", "uring_bundle", "uring_sqpoll"),
                        "io_uring_enter")}


def can_trace():
    if not shutil.which("strace"):
        return "strace is not installed"
    ran = subprocess.run(["strace", "-o", "/dev/null", "true"], check=False,
                         capture_output=True)
    return "" if ran.returncode == 0 else "strace is not permitted"


WHY_NOT = can_trace()
pytestmark = [pytest.mark.models_only,
              pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]


def calls_made(model, clients, rounds=ROUNDS):
    """Counts the calls, by name, of `rounds` rounds. In a round each client sends a
    request; the next round begins when all replies have arrived."""
    with tempfile.NamedTemporaryFile("r") as table:
        with server.Server(model, "--message", "64", wrapper=[
                "strace", "-f", "-c", "-U", "name,calls", "-o",
                table.name]) as one:
            socks = [one.connect() for _ in range(clients)]
            for _ in range(rounds):
                for sock in socks:
                    sock.sendall(bytes(64))
                for sock in socks:
                    assert len(server.receive(sock, 64)) == 64
            for sock in socks:
                sock.close()
            assert one.stop()["requests"] == clients * rounds
        rows = [line.split() for line in table if len(line.split()) == 2]
    return {name: int(calls) for name, calls in rows if calls.isdigit()}


def count(calls, names):
    return sum(calls.get(name, 0) for name in names.split("|"))


def test_ping_pong(model):
    if model not in EXACT:
        pytest.skip(f"{model} is not in the table")
    calls = calls_made(model, 1)
    for names, per_request in EXACT[model].items():
        expected = per_request * ROUNDS
        assert expected <= count(calls, names) <= expected + SLACK, names


def test_busy_clients_share_the_wait(model):
    """With 64 active clients, one wait reports many of them."""
    if model not in WAIT:
        pytest.skip(f"clients of {model} do not share a wait")
    calls = calls_made(model, 64, rounds=50)
    assert count(calls, WAIT[model]) < 64 * 50 / 2


def test_epoll_arms_once_a_client():
    """One epoll_ctl per client and one for the listening socket"""
    assert calls_made("epoll", 10)["epoll_ctl"] == 11


def test_endless_client_starves_no_other():
    """epoll_et is told once that a client has data. One that has more and more gets a
    few turns (TURNS_MAX), then the others have theirs, then it goes on."""
    with tempfile.NamedTemporaryFile("r") as log:
        with server.Server("epoll_et", wrapper=["strace", "-e", "trace=recvfrom",
                                                "-o", log.name]) as one:
            endless, other = one.connect(), one.connect()
            for sock in endless, other:  # both are accepted
                sock.sendall(b"x")
                assert server.receive(sock, 1) == b"x"
            os.kill(one.pid, signal.SIGSTOP)
            assert server.eventually(lambda: one.scheduling_state() in "tT")
            endless.settimeout(0.1)
            with contextlib.suppress(TimeoutError):
                endless.sendall(bytes(100_000_000))
            other.sendall(b"x")
            os.kill(one.pid, signal.SIGCONT)
            assert server.receive(other, 1) == b"x"
            endless.settimeout(server.PATIENCE_S)
            server.receive(endless, 1_000_000)
            one.stop()
        reads = [line.rsplit("= ", 1)[1].strip() for line in log if "recvfrom(" in line]
    first, *others = [turn for turn, read in enumerate(reads) if len(read) > 1]
    assert reads.index("1", first) - first <= 4 < len(others)


@pytest.mark.parametrize("name", ["select", "poll", "epoll", "busypoll"])
def test_accepts_several_clients_in_a_row(name):
    """With one per iteration, new clients would wait for all active ones."""
    with tempfile.NamedTemporaryFile("r") as log:
        with server.Server(name, wrapper=["strace", "-o", log.name]) as one:
            os.kill(one.pid, signal.SIGSTOP)
            clients = [one.connect() for _ in range(8)]
            os.kill(one.pid, signal.SIGCONT)
            for client in clients:
                client.sendall(b"x")
                assert server.receive(client, 1) == b"x"
                client.close()
            one.stop()
        calls = [line.split("(")[0] for line in log
                 if " = -1" not in line and "epoll_ctl" not in line]
    assert "accept4 accept4 accept4" in " ".join(calls)
