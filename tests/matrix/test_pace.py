# SPDX-License-Identifier: MIT
"""CPUs that are slower than they were are waited for, a while, and it is said."""

import time

import matrix
import pytest

KEYS = {"blocks": 16, "warmup": "10ms", "window": "50ms",
        "models": "epoll"}


@pytest.fixture
def running(tmp_path):
    """Starts runs; while the file `slow` exists, bin/matrix finds its CPUs slow"""
    shim = tmp_path / "slow_send.so"
    matrix.build("servers/slow_send.c", tmp_path, "-shared", "-fPIC", "-o", shim)

    def start(**keys):
        return matrix.Running(
            plan=matrix.plan(tmp_path, **{**KEYS, **keys}), out=tmp_path / "run",
            env={"LD_PRELOAD": str(shim), "SLOW": str(tmp_path / "slow")})
    return start


def slowed(run):
    return [line["index"] for line in run.last
            if any("times as long as usual" in warning
                   for warning in line["warnings"])]


def lines_of(running):
    return (running.folder / "repetitions.jsonl").read_bytes().count(b"\n")


def slow_from_line(running, n, slow):
    running.wait_for_lines(n)
    slow.touch()


def test_what_a_slow_cpu_measures_is_marked(running, tmp_path):
    with running(wait="0") as one:
        slow_from_line(one, 4, tmp_path / "slow")
        run = one.finish()
    indices = slowed(run)
    assert set(range(6, 10)) <= set(indices), run
    assert run.last[8]["metrics"]["server_yardstick_ns"] > \
        10 * run.last[0]["metrics"]["server_yardstick_ns"]


def test_it_is_waited_for(running, tmp_path):
    slow = tmp_path / "slow"
    with running(wait="60s") as one:
        slow_from_line(one, 4, slow)
        time.sleep(1)  # the one that was under way is over, and what follows waits
        before = lines_of(one)
        time.sleep(0.5)
        after = lines_of(one)
        slow.unlink()
        run = one.finish(patience=90)  # it may find them slow in earnest, too
    assert after == before < KEYS["blocks"], run
    assert run.complete


def test_the_wait_is_not_without_end(running, tmp_path):
    with running(wait="500ms") as one:
        slow_from_line(one, 4, tmp_path / "slow")
        run = one.finish()
    assert run.complete
    assert slowed(run)


def test_nobody_looks(running, tmp_path):
    (tmp_path / "slow").touch()
    with running(wait="none", blocks=2) as one:
        run = one.finish()
    assert run.complete
    assert not slowed(run)
    assert all(line["metrics"]["server_yardstick_ns"] is None
               for line in run.lines)
