# SPDX-License-Identifier: MIT
"""Programs that cannot be tested: one line with the cause, at once."""

import pathlib
import shutil
import subprocess
import sys

import pytest
import server

READY = 'echo "ready model=x host=127.0.0.1 port=1 pid=$$"'

#: A script, and what the message has to contain
UNFIT = {
    "exit 3": "exit status 3",
    "kill -SEGV $$": "SIGSEGV",
    "echo Listening on port 7": "'Listening on port 7'",
    "echo ready port=7": "pid=N",
    READY + "; exec sleep 9": "did not come back",
    "echo ready port=7 pid=1": "exec",
    "exec bin/epoll --port $PORT": "twice",
}


def preflight(program):
    return subprocess.run(
        [sys.executable, "tests/preflight.py", program], cwd=server.TOP,
        capture_output=True, text=True, check=False,
        timeout=server.PATIENCE_S)


def script(folder, text):
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("text", UNFIT)
def test_unfit(tmp_path, text):
    program = script(tmp_path, text.replace("$PORT", str(server.free_port())))
    ran = preflight(program)
    assert ran.returncode == 1 and ran.stdout == ""
    own = [line for line in ran.stderr.splitlines() if program in line]
    assert len(own) == 1 and own[0].startswith(program + ": ")
    assert UNFIT[text] in own[0]


def test_not_executable(tmp_path):
    path = tmp_path / "program"
    path.write_text("")
    assert "chmod +x" in preflight(str(path)).stderr
    assert "no such file" in preflight(str(path) + "x").stderr


def test_command():
    """With arguments; with {port} it needs no ready line."""
    epoll = pathlib.Path(server.BIN) / "epoll"
    for command in f"{epoll} --host 127.0.0.1", f"sh -c 'exec {epoll} --port {{port}}'":
        ran = preflight(command)
        assert (ran.returncode, ran.stderr) == (0, ""), command
    assert "PATH" in preflight("no-such-program --fast").stderr
    assert "{port}" in preflight("sh -c 'exec sleep 9'").stderr
    assert "does not listen" in preflight(
        "sh -c 'exec sleep 9' {port}").stderr


def test_exit_status_143(tmp_path):
    """A JVM exits with it on SIGTERM."""
    program = tmp_path / "exits143"
    shutil.copy(server.TOP / "tests/matrix/servers/odd.py", program)
    program.chmod(0o755)
    assert preflight(str(program)).stderr == ""


def test_fit(model):
    ran = preflight(str(pathlib.Path(server.BIN) / model))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
