# SPDX-License-Identifier: MIT
"""Every program fails, and prints the cause, if its output cannot be written."""

import subprocess
import sys

import pytest
import server
from server import BIN, TOP

sys.path.insert(0, str(TOP / "tests/plots"))

import crafted  # noqa: E402

COMMANDS = [
    "epoll --help", "epoll --version", "baseline --help", "baseline --version",
    "loadgen --help", "loadgen --version", "probe --help", "probe --version",
    "probe --machine", "probe --quiet --json - true",
    "probe --quiet --json /dev/full true", "matrix --help", "matrix --version",
    "matrix list", "matrix list cells", "matrix doctor",
    "matrix run --plan quick --dry-run",
    "matrix run --plan quick --benchmark_list_tests", "matrix compare a b"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with two runs, a and b"""
    top = tmp_path_factory.mktemp("runs")
    for name in "ab":
        crafted.make(top / name, blocks=2, models=("poll", "epoll"), requests=100,
                     settings=crafted.SETTINGS[:1])
    return top


@pytest.mark.parametrize("command", COMMANDS)
def test_full_disk(command, runs):
    program, *args = command.split()
    if not (TOP / BIN / program).exists():
        pytest.skip(f"{program} is not built")
    with open("/dev/full", "w", encoding="ascii") as full:
        ended = subprocess.run([TOP / BIN / program, *args], stdout=full,
                               stderr=subprocess.PIPE, text=True, check=False,
                               cwd=runs, timeout=server.PATIENCE_S)
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.count("No space left on device") == 1, ended.stderr
