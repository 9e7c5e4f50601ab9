# SPDX-License-Identifier: MIT
"""Runs what was handed in where it can do no harm.

Two walls. The grader itself moves to a network namespace that has only loopback, so
that nothing it starts reaches a network. A program that was handed in, and the compiler
that reads it, run in bubblewrap: their own processes, an empty /tmp, and of the file
system only what they need. Where user namespaces are not permitted, limits and a process
group are all there is; kind() says so, and it is recorded.
"""

import contextlib
import ctypes
import fcntl
import functools
import os
import pathlib
import resource
import select
import shutil
import socket
import struct
import subprocess
import sys
import time

MIB = 1 << 20

#: Of a program that was handed in: enough for 1,100 clients with a thread each
LIMITS = {"cpu": 60, "as": 2048 * MIB, "nofile": 4096, "nproc": 1300, "fsize": 8 * MIB,
          "core": 0}

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PR_SET_CHILD_SUBREAPER = 36

#: What every program needs to run, and nothing that a person wrote
SYSTEM = ["--ro-bind", "/usr", "/usr", "--ro-bind-try", "/lib", "/lib",
          "--ro-bind-try", "/lib64", "/lib64", "--ro-bind-try", "/bin", "/bin",
          "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache",
          "--ro-bind-try", "/etc/alternatives", "/etc/alternatives",
          "--proc", "/proc", "--dev", "/dev", "--size", str(16 * MIB), "--tmpfs", "/tmp"]
ALONE = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
         "--die-with-parent", "--new-session", "--clearenv",
         "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "LC_ALL", "C.UTF-8"]


def enter_own_network():
    """Starts this program again in a network namespace; returns if it already is in one,
    or if none is permitted."""
    if "LABS_NETWORK" in os.environ:
        if os.environ["LABS_NETWORK"] != "shared":
            _loopback_up()
        return
    own, unshare = "own", ["unshare", "--net"]
    if os.geteuid() != 0:
        own = "own, as a user"
        unshare[1:1] = ["--user", "--map-root-user"]
    works = shutil.which("unshare") and subprocess.run(
        [*unshare, "true"], capture_output=True, check=False).returncode == 0
    os.environ["LABS_NETWORK"] = own if works else "shared"
    if works:
        os.execvp("unshare", [*unshare, sys.executable, *sys.argv])


def _loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = bytearray(struct.pack("16sH22x", b"lo", 0))
        fcntl.ioctl(sock, SIOCGIFFLAGS, request)
        flags = struct.unpack_from("H", request, 16)[0]
        struct.pack_into("H", request, 16, flags | IFF_UP)
        fcntl.ioctl(sock, SIOCSIFFLAGS, request)


def hard(name):
    """The limit that this process has, and cannot raise"""
    value = resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[1]
    return float("inf") if value == resource.RLIM_INFINITY else value


def raise_descriptors():
    """1,024 is the usual limit, and too few for as many clients."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(LIMITS["nofile"], hard("nofile")), most))


def adopt_orphans():
    """Processes that outlive their parent become children of this one."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid):
    """Of a process, from all its threads"""
    found = []
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(word) for word in path.read_text(encoding="ascii").split()]
    return found


def end_descendants():
    """Without pid namespaces, a process that left its group is still there: it has become
    a child of this one (adopt_orphans)."""
    for _ in range(100):
        left = children(os.getpid())
        for pid in left:
            left += children(pid)
        if not left:
            return
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, 9)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


def other_user():
    """Root becomes a user that nobody is, another one for each grader: the number of
    processes of root is not limited."""
    if os.geteuid() != 0 or os.environ.get("LABS_NETWORK") == "own, as a user":
        return []
    user = str(1_000_000_000 + os.getpid())
    return ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"]


@functools.cache
def kind():
    """bubblewrap or limits"""
    works = shutil.which("bwrap") and subprocess.run(
        [*other_user(), *ALONE, *SYSTEM, "true"], capture_output=True,
        check=False).returncode == 0
    return "bubblewrap" if works else "limits"


def command(words, see=(), write=None, **limits):
    """The command that runs `words` in the sandbox: it can read `see`, a list of paths,
    and write to the folder `write`, where it also starts."""
    bounds = [f"--{name}={min(value, hard(name))}"
              for name, value in {**LIMITS, **limits}.items()]
    words = ["prlimit", *bounds, "--", *map(str, words)]
    if write:
        os.chmod(write, 0o777)
    if kind() == "limits":
        return [*other_user(), "env", "-i", *(["-C", str(write)] if write else []),
                "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", *words]
    paths = [part for path in see for part in ("--ro-bind", str(path), str(path))]
    if write:
        paths += ["--bind", str(write), str(write)]
    paths += ["--chdir", str(write or "/tmp")]
    return [*other_user(), *ALONE, *SYSTEM, *paths, *words]


def run(words, timeout, see=(), write=None, most=64 * 1024, **limits):
    """Runs a command to its end; (exit status, the first `most` bytes of its output). The
    status is None after `timeout` seconds."""
    read, out = os.pipe()
    process = subprocess.Popen(command(words, see, write, **limits), stdin=subprocess.DEVNULL,
                               stdout=out, stderr=out, start_new_session=True)
    os.close(out)
    try:
        text = _read_until_end(read, process, timeout, most)
        status = process.poll()
    finally:
        kill(process)
        os.close(read)
    return status, text.decode(errors="replace")


def _read_until_end(fd, process, timeout, most):
    text = b""
    end = time.monotonic() + timeout
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while (left := end - time.monotonic()) > 0:
        if not poll.poll(min(left, 0.1) * 1000):
            if process.poll() is not None:
                break
            continue
        part = os.read(fd, 1 << 16)
        if not part:
            break
        text = (text + part)[:most]
    if time.monotonic() < end:
        try:
            process.wait(max(0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
    return text


def kill(process):
    """Ends a process of command() and everything that it started."""
    try:
        os.killpg(process.pid, 9)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()
