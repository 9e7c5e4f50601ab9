# SPDX-License-Identifier: MIT
"""Memory and CPU time of idle clients."""

import pathlib
import sys
import time

import forms
import pytest
import server

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from bench.memory import bytes_per_client  # noqa: E402

def test_memory_of_an_idle_client(model):
    limit = forms.KIB_MAX.get(model, forms.KIB_MAX_OTHERS)
    cost = bytes_per_client(model, 128, clients=400)
    assert limit is None or cost <= limit * 1024


def test_idle_clients_cost_no_cpu(model, start):
    """Except with busypoll"""
    one = start()
    clients = [one.connect() for _ in range(100)]
    for client in clients:
        client.sendall(b"x")
        assert server.receive(client, 1) == b"x"
    time.sleep(0.1)
    before, begin = one.cpu_s(), time.monotonic()
    time.sleep(0.5)
    share = (one.cpu_s() - before) / (time.monotonic() - begin)
    if model == "busypoll":
        if share < 0.1:
            pytest.skip(f"the machine is busy: it got {share:.0%} of a CPU")
    else:
        assert share < 0.02
