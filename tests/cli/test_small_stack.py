# SPDX-License-Identifier: MIT
"""Every program works with a stack of 64 KiB."""

import subprocess
import sys

import pytest
import server
from server import BIN, TOP

sys.path[:0] = [str(TOP / "tests/plots"), str(TOP / "tests/matrix")]

import apart  # noqa: E402
import crafted  # noqa: E402

COMMANDS = [
    "probe true", "probe --json - true", "probe --machine", "matrix list cells",
    "matrix list plans", "matrix doctor", "matrix compare a b",
    "matrix run --plan tiny.plan --out run"]

PLAN = """blocks 1
bout 40ms
slice 20ms
cells closed split connections 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a plan and two runs, a and b"""
    top = tmp_path_factory.mktemp("stack")
    for name in "ab":
        crafted.make(top / name, blocks=2, models=("poll", "epoll"), requests=100,
                     settings=crafted.SETTINGS[:1])
    (top / "tiny.plan").write_text(PLAN, encoding="ascii")
    return top


@pytest.mark.parametrize("command", COMMANDS)
def test_small_stack(command, folder):
    program, *args = command.split()
    ended = subprocess.run(  # where it may: beside another run of bin/matrix
        ["prlimit", "--stack=65536", TOP / BIN / program, *args],
        capture_output=True, text=True, check=False, cwd=folder,
        timeout=2 * server.PATIENCE_S, preexec_fn=apart.own_namespaces)
    assert ended.returncode in (0, 1), ended.stderr  # not a signal
    assert ended.stdout + ended.stderr
    if "run" in args:  # its servers and generators inherit the limit
        record = (folder / "run/repetitions.jsonl").read_text(encoding="utf-8")
        assert record and '"status":"failed"' not in record
