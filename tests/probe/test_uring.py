# SPDX-License-Identifier: MIT
"""Counts of io_uring operations are exact."""

import json
import subprocess

import probes
import pytest
import server

LOADGEN = server.TOP / server.BIN / "loadgen"
CONNECTIONS = 20


def operations(begin, end):
    """Between two reports: submissions, completions."""
    return tuple(end["io_uring"][key] - begin["io_uring"][key]
                 for key in ("submissions", "completions"))


@pytest.fixture
def rings(bpf, programs):
    if subprocess.run([programs / "rings"], stdin=subprocess.DEVNULL,
                      stdout=subprocess.DEVNULL, check=False).returncode == 77:
        pytest.skip("no io_uring can be made here")
    with probes.Probed(programs / "rings") as one:
        assert one.hear() == "done"
        yield one


def test_each_operation_once(rings):
    """With several rings that a child process inherited"""
    begin = rings.so_far()
    for step in ("plain 1001", "polled 3003"):
        rings.say(step + "\n")
        assert rings.hear() == "done"
    end = rings.so_far()
    assert operations(begin, end) == (4004, 4004)
    # plain operations take a call each; polled ones take none, except for the one
    # that wakes up the thread
    made = probes.window(begin, end)
    assert 1001 <= made["io_uring_enter"] <= 1002


def test_the_thread_that_polls(rings):
    """Its times are reported. The kernel samples them by ticks: nothing exact can be
    said about them, least of all on a busy machine."""
    def do(step):
        rings.say(step + "\n")
        assert rings.hear() == "done"
        return rings.so_far()["io_uring"]

    begin = do("polled 1")
    if begin["sq_total_ns"] is None:
        pytest.skip("this kernel does not report them")
    assert server.eventually(
        lambda: do("wait 100")["sq_total_ns"] > begin["sq_total_ns"])
    end = do("polled 10000")
    assert 0 <= begin["sq_work_ns"] <= end["sq_work_ns"] <= end["sq_total_ns"]


def test_a_server(bpf, tmp_path):
    """Two per request, as its card says; one to accept a client, and one to see its
    end."""
    if not LOADGEN.exists():
        pytest.skip(f"{LOADGEN} is not built")
    with probes.ProbedServer("uring", "--message", "64",
                             folder=tmp_path) as one:
        begin = one.so_far()
        ran = subprocess.run(
            [LOADGEN, "--target", f"{one.host}:{one.port}", "--connections",
             str(CONNECTIONS), "--message", "64", "--warmup", "0.1s",
             "--duration", "0.5s", "--quiet", "--json", "-"],
            stdout=subprocess.PIPE, check=False)
        requests = json.loads(ran.stdout)["requests_total"]
        assert server.eventually(lambda: one.descriptors() <= 7)
        end = one.so_far()
        assert one.stop()["requests"] == requests
    expected = 2 * requests + 2 * CONNECTIONS
    assert operations(begin, end) == (expected, expected)
    assert end["io_uring"]["sq_total_ns"] is None


def test_a_ring_that_is_busy(bpf, tmp_path):
    """The counters can be read only between two submissions."""
    if not LOADGEN.exists():
        pytest.skip(f"{LOADGEN} is not built")
    with probes.ProbedServer("uring", "--message", "64",
                             folder=tmp_path) as one:
        with subprocess.Popen(
            [LOADGEN, "--target", f"{one.host}:{one.port}", "--connections",
             "500", "--message", "64", "--duration", "1s", "--quiet"],
                stdout=subprocess.DEVNULL) as load:
            assert server.eventually(lambda: one.descriptors() > 500)
            seen = [one.report() for _ in range(10)]
            load.wait()
        one.stop()
    counts = [report["io_uring"]["submissions"] for report in seen]
    assert counts == sorted(counts) and counts[0] < counts[-1]


def test_no_ring(bpf, tmp_path):
    with probes.ProbedServer("epoll", folder=tmp_path) as one:
        assert one.so_far()["io_uring"] is None
        one.stop()
