# SPDX-License-Identifier: MIT
"""An engine that this kernel or its policy does not allow is not used."""

import subprocess

import pytest
import server

#: The system call that each engine needs
NEEDS = {"uring": "io_uring_setup", "epoll": "epoll_pwait2"}


def run_without(call, target, *args):
    return subprocess.run(
        ["strace", "-f", "-o", "/dev/null", "-e", f"inject={call}:error=ENOSYS",
         server.BIN / "loadgen", "--target", target, "--duration", "100ms",
         "--warmup", "0", *args], cwd=server.TOP, capture_output=True,
        text=True, timeout=60, check=False)


@pytest.mark.skipif(server.SLOW > 1, reason="strace and sanitizers")
@pytest.mark.parametrize("engine", NEEDS)
def test_forced_and_not_allowed(engine):
    ran = run_without(NEEDS[engine], "127.0.0.1:1", "--engine", engine)
    assert ran.returncode == 1
    assert f"--engine {engine} does not work here" in ran.stderr
    assert "Function not implemented" in ran.stderr


@pytest.mark.skipif(server.SLOW > 1, reason="strace and sanitizers")
def test_the_other_is_chosen():
    with server.Server("epoll") as one:
        ran = run_without("io_uring_setup", f"127.0.0.1:{one.port}")
    assert "engine epoll" in ran.stdout
