# SPDX-License-Identifier: MIT
"""Checks whether a program can be tested at all; if not, prints one line.

  tests/preflight.py ./a.out
  tests/preflight.py 'java Echo {port}'

The program has to print its ready line and be the process in that line, or listen
on the port it is given for {port}. It has to echo a byte, run twice at the same
time, and end on SIGTERM. `make check SERVER=...` runs this first.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time

import server

#: A correct server needs milliseconds.
WAIT_S = 5

EXPECTED = "ready model=NAME host=ADDRESS port=N pid=N"
WITHOUT = "for a server without a ready line, put {port} into the command"


class Unfit(Exception):
    """The reason why it cannot be tested."""


def check_file(name):
    path = server.TOP / name
    if "/" not in name:
        if not shutil.which(name):
            raise Unfit("is not in PATH (name a file by its path, as ./a.out)")
        return
    if not path.exists():
        raise Unfit("there is no such file (give a path, as bin/mine or ./a.out)")
    if path.is_dir() or not os.access(path, os.X_OK):
        raise Unfit(f"is not executable (chmod +x {path.name})")


def start(program):
    """The process, and the port in place of {port}, or None"""
    words, port = server.command(program)
    args = [] if port else ["--port", "0", "--message", "64"]
    try:
        return subprocess.Popen(
            words + args, cwd=server.TOP,
            stdout=subprocess.DEVNULL if port else subprocess.PIPE), port
    except OSError as reason:
        raise Unfit(f"cannot be started: {reason.strerror}") from None


def wait_for(process, port):
    """Waits until it listens; returns what a ready line would contain."""
    end = time.monotonic() + WAIT_S
    while not server.listens(port):
        if process.poll() is not None:
            raise Unfit(f"{server.how_it_ended(process.poll())} before it "
                        "listened")
        if time.monotonic() > end:
            raise Unfit(f"does not listen on port {port}, which it was given "
                        f"for {{port}}, within {WAIT_S} s")
        time.sleep(0.01)
    return {"port": port, "pid": process.pid}


def read_ready_line(process):
    os.set_blocking(process.stdout.fileno(), False)
    line, end = b"", time.monotonic() + WAIT_S
    while not line.endswith(b"\n"):
        part = process.stdout.read(1)
        line += part or b""
        if part == b"":
            time.sleep(0.1)
            raise Unfit(f"printed no ready line and "
                        f"{server.how_it_ended(process.poll())}")
        if time.monotonic() > end:
            raise Unfit(f"printed no ready line within {WAIT_S} s (is it "
                        "flushed? C: fflush(stdout), Python: flush=True); "
                        + WITHOUT)
        if part is None:
            time.sleep(0.01)
    return line.decode(errors="replace").rstrip("\n")


def parse(line):
    words = line.split()
    pairs = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    if words[:1] != ["ready"]:
        raise Unfit(f"its first line is {line!r}; expected: {EXPECTED}; "
                    + WITHOUT)
    for key in ("port", "pid"):
        if not pairs.get(key, "").isdigit():
            raise Unfit(f"its ready line {line!r} has no {key}=N; expected: "
                        f"{EXPECTED}")
    return pairs


def check_echo(pairs):
    host = pairs.get("host", "127.0.0.1")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    try:
        with server.socket.create_connection((host, int(pairs["port"])),
                                             WAIT_S) as client:
            client.sendall(b"?")
            echoed = client.recv(1)
    except OSError as reason:
        raise Unfit(f"one byte sent to {host} port {pairs['port']} did not "
                    f"come back: {reason}") from None
    if echoed != b"?":
        raise Unfit(f"one byte was sent, and {echoed!r} came back")


def check_serving(process, port):
    pairs = wait_for(process, port) if port else \
        parse(read_ready_line(process))
    if int(pairs["pid"]) != process.pid:
        raise Unfit(f"its ready line says pid={pairs['pid']}, but it is "
                    f"process {process.pid} (a script has to exec it)")
    check_echo(pairs)
    if process.poll() is not None:
        raise Unfit(f"{server.how_it_ended(process.poll())} after one client")


def check_second(program):
    process, port = start(program)
    try:
        check_serving(process, port)
    except Unfit as reason:
        raise Unfit(f"does not run twice at the same time: the second {reason} "
                    "(--port 0 means any free port)") from None
    finally:
        end(process)


def check_stop(process):
    process.terminate()
    try:
        status = process.wait(WAIT_S)
    except subprocess.TimeoutExpired:
        raise Unfit(f"is still running {WAIT_S} s after SIGTERM") from None
    if status not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
        raise Unfit(f"{server.how_it_ended(status)} on SIGTERM; expected 0")


def end(process):
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def check(program):
    try:
        check_file(shlex.split(program)[0])
    except (IndexError, ValueError):
        raise Unfit("is not a command: it is empty or lacks a closing quote") \
            from None
    process, port = start(program)
    try:
        check_serving(process, port)
        check_second(program)
        check_stop(process)
    finally:
        end(process)


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    program = sys.argv[1]
    try:
        check(program if server.is_foreign(program) else f"./{program}")
    except Unfit as reason:
        print(f"{program}: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
