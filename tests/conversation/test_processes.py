# SPDX-License-Identifier: MIT
"""Processes of a server that are killed."""

import os
import signal

import forms
import pytest
from clients import echo, echo_all
from server import BIN, TOP, Server, eventually

pytestmark = pytest.mark.models_only


def of_a_client(one):
    """A process that serves a client: it has the most sockets."""
    def sockets(pid):
        links = (os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
        return sum(link.startswith("socket:") for link in links)
    return max(one.processes()[1:], key=sockets)


@pytest.fixture(params=sorted(forms.PROCESSES))
def one(request):
    if not (TOP / BIN / request.param).exists():
        pytest.skip(f"{request.param} is not among these programs")
    with Server(request.param, "--message", "10",
                *forms.room_for(request.param, 10)) as server:
        yield server


def test_a_killed_process_ends_one_client(one):
    clients = [one.connect() for _ in range(5)]
    echo_all(clients, 10)
    os.kill(of_a_client(one), signal.SIGKILL)
    gone = []
    for client in clients:
        client.settimeout(0.2)
        try:
            gone += [client] if client.recv(1) == b"" else []
        except TimeoutError:
            echo(client, b"0123456789")
        except ConnectionResetError:
            gone.append(client)
    assert len(gone) == 1
    echo(one.connect(), b"0123456789")
    counters = one.stop()
    assert counters["accepted"] == 6
    assert counters["closed"] == {"eof": 0, "reset": 0, "error": 1, "stop": 5}
    assert counters["requests"] == 4 * 2 + 1


def runs(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_processes_end_with_a_killed_server(one):
    echo(one.connect(), b"x")
    others = one.processes()[1:]
    one.kill()
    assert eventually(lambda: not any(runs(pid) for pid in others))
