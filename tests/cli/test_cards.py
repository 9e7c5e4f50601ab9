# SPDX-License-Identifier: MIT
"""The line "Per request" of each model's card, counted by strace."""

import os
import shutil
import signal
import subprocess
import tempfile

import pytest
import server

ROUNDS = 200

#: Calls that belong to a client's life or to the start and not to a request
SLACK = 20

#: Per request, in ping-pong: what is exact, by the model
EXACT = {
    "thread": {"recvfrom": 1, "sendto": 1},
    "busypoll": {"sendto": 1},
    "select": {"recvfrom": 1, "sendto": 1, "pselect6|select": 1},
    "poll": {"recvfrom": 1, "sendto": 1, "ppoll|poll": 1},
    "epoll": {"recvfrom": 1, "sendto": 1, "epoll_pwait|epoll_wait": 1},
    "aio": {"pread64": 1, "pwrite64": 1, "read": 1, "write": 1,
            "rt_sigqueueinfo": 2, "rt_sigtimedwait": 2},
    "uring": {"io_uring_enter": 2, "recvfrom": 0, "sendto": 0},
}

WAIT = {"select": "pselect6|select", "poll": "ppoll|poll",
        "epoll": "epoll_pwait|epoll_wait", "uring": "io_uring_enter"}


def can_trace():
    if not shutil.which("strace"):
        return "strace is not installed"
    ran = subprocess.run(["strace", "-o", "/dev/null", "true"], check=False,
                         capture_output=True)
    return "" if ran.returncode == 0 else "strace may not trace here"


WHY_NOT = can_trace()
pytestmark = [pytest.mark.models_only,
              pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]


def calls_made(model, clients, rounds=ROUNDS):
    """How often which call was made while each client, in each round, had
    one request answered; the next round began when all had their answer."""
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
        pytest.skip(f"what {model} makes per request is not in the table")
    calls = calls_made(model, 1)
    for names, per_request in EXACT[model].items():
        expected = per_request * ROUNDS
        assert expected <= count(calls, names) <= expected + SLACK, names


def test_busy_clients_share_the_wait(model):
    """With 64 clients busy at once, one wait serves many of them."""
    if model not in WAIT:
        pytest.skip(f"no client of {model} shares a wait with another")
    calls = calls_made(model, 64, rounds=50)
    assert count(calls, WAIT[model]) < 64 * 50 / 2


def test_epoll_arms_once_a_client():
    """No epoll_ctl while replies fit: one for each of them, one to listen."""
    assert calls_made("epoll", 10)["epoll_ctl"] == 11


@pytest.mark.parametrize("name", ["select", "poll", "epoll", "busypoll"])
def test_several_are_accepted_a_turn(name):
    """With one a turn, newcomers would wait behind all who are busy."""
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
