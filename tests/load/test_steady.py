# SPDX-License-Identifier: MIT
"""In a run, a request costs the generator its send and its receive: no memory
allocation and no other system call."""

import json
import os
import pathlib
import re
import subprocess

import pytest
import server

HERE = pathlib.Path(__file__).parent
ENGINES = ["uring", "epoll"]

pytestmark = pytest.mark.skipif(
    server.SLOW > 1, reason="says nothing of an instrumented build")


def run(one, folder, *args, wrapper=(), env=None, **options):
    """The JSON of a run, by default a closed loop with 64 connections"""
    path = folder / "result.json"
    options = {"duration": "500ms", "warmup": "0s", **options}
    subprocess.run(
        [*wrapper, server.BIN / "loadgen", "--target",
         f"127.0.0.1:{one.port}", "--quiet", "--json", path, *args,
         *[word for name, value in options.items()
           for word in (f"--{name}", str(value))]],
        cwd=server.TOP, env={**os.environ, **(env or {})}, timeout=60,
        check=False)
    return json.loads(path.read_text())


@pytest.fixture(scope="session")
def counter(tmp_path_factory):
    library = tmp_path_factory.mktemp("preload") / "malloc_count.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o",
                    library, HERE / "malloc_count.c"], check=True)
    return library


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("args", [[], ["--rate", "5k", "--arrivals", "uniform"]],
                         ids=["closed", "open"])
def test_no_allocations(engine, args, counter, tmp_path):
    """Four times as many requests need no more allocations."""
    asked, requests = [], []
    with server.Server("epoll") as one:
        for duration in ("300ms", "1200ms"):
            count = tmp_path / "count"
            result = run(one, tmp_path, "--engine", engine, *args,
                         env={"LD_PRELOAD": str(counter),
                              "MALLOC_COUNT": str(count)},
                         duration=duration)
            asked.append(int(count.read_text()))
            requests.append(result["requests"])
    assert requests[1] > requests[0] + 1000
    # on a busy machine more requests are in flight, so rings double a few times
    assert asked[0] > 64
    assert asked[1] - asked[0] < (requests[1] - requests[0]) / 4


def calls_of(log):
    """Calls by name, from the output of strace -c"""
    return {name: int(n) for n, name in re.findall(
        r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+)(?: +\d+)? +(\w+)$", log.read_text(),
        re.M) if name != "total"}


@pytest.mark.parametrize("engine, allowed", [
    ("epoll", {"sendto": 1, "recvfrom": 1, "epoll_pwait2": 0.6}),
    ("uring", {"io_uring_enter": 0.6})])
def test_system_calls(engine, allowed, tmp_path):
    log = tmp_path / "calls"
    with server.Server("epoll") as one:
        result = run(one, tmp_path, "--engine", engine, duration="1s",
                     wrapper=["strace", "-f", "-c", "-o", log])
    total = result["requests_total"]
    calls = calls_of(log)
    for name, each in allowed.items():
        assert calls.pop(name) / total <= each * 1.01, name
    # the rest: set-up, teardown, and sampling the sockets 50 times a second
    assert sum(calls.values()) < 64 * 12 + 16 * 200 + 500, calls
