# SPDX-License-Identifier: MIT
"""Checks of how a server waits: its system calls and threads, seen from outside.

bin/probe counts in the kernel where that is permitted: a server cannot see it. Else
strace traces it.
"""

import functools
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from . import course, sandbox
from .results import Fault, Unavailable
from .subject import PATIENCE_S, Subject

PROBE = course.TOP / "bin/probe"

#: Calls and threads that show what a server waits in; {name: calls}
WAITS = {"epoll_wait": ("epoll_wait", "epoll_pwait", "epoll_pwait2"),
         "poll": ("poll", "ppoll"), "select": ("select", "pselect6"),
         "io_uring_enter": ("io_uring_enter",),
         "rt_sigtimedwait": ("rt_sigtimedwait",)}

IDLE_S = 0.5


@functools.cache
def method():
    """How bin/probe counts here"""
    if not PROBE.exists():
        raise course.UsageError("bin/probe is missing; run make first")
    for name in "bpf", "strace":
        done = subprocess.run([PROBE, "--quiet", "--syscalls", name, "--", "true"],
                              capture_output=True, check=False)
        if done.returncode == 0:
            return name
    raise Unavailable("system calls cannot be counted here: strace is not installed, or "
                      "not permitted (ptrace)")


#: In the sandbox, as its user may lack what the grader has; io_uring_setup is call 425
#: on every architecture.
TRY_URING = """import ctypes
call = ctypes.CDLL(None, use_errno=True).syscall
if call(425, 1, ctypes.create_string_buffer(120)) < 0:
    print(ctypes.get_errno())"""


@functools.cache
def uring_error():
    """The errno of io_uring here, or 0"""
    text = sandbox.run(["/usr/bin/python3", "-c", TRY_URING], PATIENCE_S)[1].strip()
    return int(text) if text.isdecimal() else 0


def check_there(lab):
    """Raises Unavailable if this kernel lacks what the lab is about."""
    if lab.spec["code"].get("waits_in") == "io_uring_enter" and (error := uring_error()):
        raise Unavailable(f"io_uring is not permitted here, or this kernel lacks it "
                          f"({os.strerror(error)})")


class Traced(Subject):
    """A server whose system calls are counted"""

    def __init__(self, program, *args):
        with tempfile.NamedTemporaryFile("r", suffix=".json", delete=False) as file:
            self._json = pathlib.Path(file.name)
        self._reports = 0
        super().__init__(program, *args, wrapper=[
            PROBE, "--quiet", "--json", self._json, "--syscalls", method(), "--"])

    def end(self):
        super().end()
        self._json.unlink(missing_ok=True)

    def used(self):
        """The report of bin/probe so far"""
        os.kill(self.process.pid, signal.SIGUSR1)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.alive():
            lines = self._json.read_text(encoding="utf-8").splitlines(keepends=True)
            if len(lines) > self._reports and lines[-1].endswith("\n"):
                self._reports = len(lines)
                report = json.loads(lines[-1])
                if report["event"] == "so_far":
                    return report
            time.sleep(0.01)
        raise self.fault("it ended while its system calls were counted")


def calls_between(before, after):
    """{name: count}"""
    names = after["syscalls"]["by_name"], before["syscalls"]["by_name"]
    return {name: count - names[1].get(name, 0) for name, count in names[0].items()
            if count > names[1].get(name, 0)}


def listed(calls):
    top = sorted(calls.items(), key=lambda item: -item[1])[:6]
    return ", ".join(f"{count} {name}" for name, count in top) or "none"


def traffic(subject, clients):
    """A message of each"""
    for client in clients:
        subject.send(client, b"." * 64)
    for client in clients:
        subject.receive(client, 64)


def waits(subject, lab):
    """In which call it waits while clients come and go"""
    expected = lab.spec["code"]["waits_in"]
    clients = [subject.connect() for _ in range(8)]
    traffic(subject, clients)
    before = subject.used()
    for _ in range(10):
        traffic(subject, clients)
        time.sleep(0.01)
    calls = calls_between(before, subject.used())
    subject.step("8 clients exchange 10 messages each")
    wanted = sum(calls.get(name, 0) for name in WAITS[expected])
    if not wanted:
        raise Fault(f"it does not wait in {expected}", expected=f"calls of {expected}",
                    got=listed(calls), by_hand=f"strace -f -c bin/{lab.model.stem}")
    subject.step(f"it calls {expected}: {listed(calls)}")
    code = lab.spec["code"]
    forbidden = {call for name, of in WAITS.items() if name != expected for call in of}
    for call in sorted(forbidden | set(code.get("never", []))):
        if call in calls:
            raise Fault(f"it also calls {call}", expected=f"{expected} only",
                        got=listed(calls))


def one_thread(subject, lab):
    del lab
    clients = [subject.connect() for _ in range(8)]
    traffic(subject, clients)
    threads = subject.of_processes("task")
    if threads > 1:
        raise Fault(f"it has {threads} threads or processes with 8 clients",
                    expected="1", got=str(threads),
                    look="all clients are served by the thread that waits")
    subject.step("8 clients are served by 1 thread")


def a_thread_per_client(subject, lab):
    del lab
    clients = [subject.connect() for _ in range(8)]
    traffic(subject, clients)
    threads = subject.of_processes("task")
    if threads != 9:
        raise Fault(f"it has {threads} threads with 8 clients",
                    expected="9: one for each, and the one that accepts", got=str(threads))
    subject.step("8 clients are served by 9 threads")
    for client in clients:
        client.close()
    end = time.monotonic() + PATIENCE_S
    while (threads := subject.of_processes("task")) > 1 and time.monotonic() < end:
        time.sleep(0.02)
    if threads > 1:
        raise Fault(f"{threads - 1} threads are left when all clients are gone",
                    expected="1 thread", got=str(threads),
                    look="a thread ends with its client: detached, or joined")
    subject.step("when they are gone, 1 thread is left")


def sleeps(subject, lab):
    """No calls and no CPU time while clients are silent"""
    del lab
    clients = [subject.connect() for _ in range(4)]
    traffic(subject, clients)
    before = subject.used()
    time.sleep(IDLE_S)
    after = subject.used()
    calls = calls_between(before, after)
    subject.step(f"4 clients are silent for {IDLE_S} s")
    if sum(calls.values()) > 20:
        raise Fault(f"it makes {sum(calls.values())} system calls while nobody sends",
                    expected="none: it sleeps in its wait", got=listed(calls),
                    look="a wait that returns at once, again and again: which event is "
                         "never handled, or what is the timeout?")
    used = after["cpu"]["used_ns"] - before["cpu"]["used_ns"]
    if used > 0.5 * IDLE_S * 1e9:
        raise Fault("it computes while nobody sends", expected="it sleeps in its wait",
                    got=f"{used / 1e6:.0f} ms of CPU time in {IDLE_S * 1000:.0f} ms",
                    look="a loop without a wait")
    subject.step(f"meanwhile: {sum(calls.values())} system calls")


#: name: (function, title)
CHECKS = {"waits": (waits, "it waits in the call of this lab"),
          "one-thread": (one_thread, "one thread serves all clients"),
          "a-thread-per-client": (a_thread_per_client, "each client has a thread"),
          "sleeps": (sleeps, "it sleeps while nobody sends")}
