# SPDX-License-Identifier: MIT
"""bin/matrix waits for CPUs that are slower than usual, for a limited time, and marks
what it measured on them."""

import time

import matrix
import pytest

KEYS = {"blocks": 12, "warmup": "10ms", "window": "50ms", "models": "epoll"}


@pytest.fixture
def running(tmp_path):
    """Starts runs; while the file `slow` exists, bin/matrix finds its CPUs slow."""
    shim = tmp_path / "slow_send.so"
    matrix.build("servers/slow_send.c", tmp_path, "-shared", "-fPIC", "-o", shim)

    def start(**keys):
        return matrix.Running(
            plan=matrix.plan(tmp_path, **{**KEYS, **keys}), out=tmp_path / "run",
            env={"LD_PRELOAD": str(shim), "SLOW": str(tmp_path / "slow")})
    return start


def slow_lines(run):
    return [line["index"] for line in run.last
            if any("times as long as usual" in warning
                   for warning in line["warnings"])]


def lines_of(running):
    return (running.folder / "repetitions.jsonl").read_bytes().count(b"\n")


def test_wait_is_limited_and_marked(running, tmp_path):
    with running(wait="500ms") as one:
        one.wait_for_lines(4)
        (tmp_path / "slow").touch()
        n = lines_of(one)
        run = one.finish()
    assert run.complete
    assert set(range(n + 1, KEYS["blocks"])) <= set(slow_lines(run)), run
    assert run.last[-1]["metrics"]["server_yardstick_ns"] > \
        10 * run.last[0]["metrics"]["server_yardstick_ns"]


def test_wait_ends_when_the_cpus_are_fast(running, tmp_path):
    slow = tmp_path / "slow"
    with running(wait="60s") as one:
        one.wait_for_lines(4)
        slow.touch()
        n = None
        while n != lines_of(one):  # until the repetition after the current one waits
            n = lines_of(one)
            time.sleep(1)
        slow.unlink()
        run = one.finish()  # the CPUs may really be slow as well
    assert n < KEYS["blocks"], run
    assert run.complete


def test_wait_none(running, tmp_path):
    """The CPUs are not timed."""
    (tmp_path / "slow").touch()
    with running(wait="none", blocks=1) as one:
        run = one.finish()
    assert run.complete
    assert not slow_lines(run)
    assert all(line["metrics"]["server_yardstick_ns"] is None
               for line in run.lines)
