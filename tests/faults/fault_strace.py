# SPDX-License-Identifier: MIT
"""Injects faults with strace, and reads its log."""

import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import time

from server import PATIENCE_S

_YAMA = pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")

# Runs in place of the server and execs it. Where Yama permits only a parent to
# trace, this permits any process; exec keeps the permission.
_ALLOW_TRACING = """
import ctypes, os, sys
PR_SET_PTRACER, ANY = 0x59616d61, -1
ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(ANY), 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def wrapper():
    """The command prefix of a server that is to be traced later"""
    if _YAMA.exists() and _YAMA.read_text().strip() == "1":
        return (sys.executable, "-S", "-E", "-c", _ALLOW_TRACING)
    return ()


def why_not():
    """Why strace cannot be used here, or None"""
    if not shutil.which("strace"):
        return "strace is not installed"
    sleeper = subprocess.Popen([*wrapper(), shutil.which("sleep"), "60"])
    time.sleep(0.2 if wrapper() else 0)
    try:
        strace = Strace("/dev/null", "none")
        strace.begin(sleeper.pid)
        strace.end()
    except RuntimeError as error:
        return f"strace is not permitted: {error}"
    finally:
        sleeper.kill()
        sleeper.wait()
    return None


def run_failing(command):
    """Runs a server that must not become ready; returns its exit status and the one
    line on stderr.

    In a process group of its own, because a killed strace leaves its tracee behind.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    try:
        out, said = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, said = process.communicate()
    assert out == "", f"it became ready: {out}"
    assert said.count("\n") == 1, f"not one line: {said!r}"
    return process.returncode, said


def _when(first_and_last):
    first, last, *step = first_and_last
    until = "" if last is None else f"..{last}"
    if not step and last is None:
        step = [1]
    return f"{first}{until}" + "".join(f"+{n}" for n in step)


class Strace:
    """strace, attached to all threads of a running server.

    It attaches late, so that calls before the ready line are not counted.
    """

    def __init__(self, path, calls):
        self.path = pathlib.Path(path)
        self._calls = calls
        self._process = None

    def begin(self, *pids, injections=()):
        """Injects from now on: (calls, error, (first, last)) each."""
        command = ["strace", "-f", "-yy", "-ttt", "-s", "0", "-o",
                   str(self.path), "-e", f"trace={self._calls}"]
        for names, error, which in injections:
            command += ["-e", f"inject={names}:error={error}:"
                        f"when={_when(which)}"]
        self._process = subprocess.Popen([*command, "-p", ",".join(map(str, pids))], bufsize=0,
                                         stderr=subprocess.PIPE)
        self._await_attached(len(pids))

    def _await_attached(self, count):
        """Returns when strace reports that it has attached to so many processes."""
        said = b""
        while said.count(b"attached") < count:
            if not select.select([self._process.stderr], [], [],
                                 PATIENCE_S)[0]:
                self.end()
                raise RuntimeError(f"strace hangs after {said!r}")
            line = self._process.stderr.readline()
            if not line:
                self.end()
                raise RuntimeError(said.decode().strip())
            said += line

    def end(self):
        """Detaches; the server continues."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self.wait()

    def wait(self):
        """Returns when strace has ended, as it does with the server."""
        if self._process.stderr.closed:
            return
        try:
            self._process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def log(self):
        return Log(self.path.read_text(encoding="ascii", errors="replace"))


class Log:
    """The log of strace: calls, and injected failures."""

    _LINE = re.compile(r"^(\d+) +[\d.]+ (.*)$", re.MULTILINE)
    _CLIENT = re.compile(r"TCP(?:v6)?:\[[^]>]*?->[^]>]*:(\d+)\]>")
    _LISTENER = re.compile(r"TCP(?:v6)?:\[[^]>-]*\]>")
    _NAME = re.compile(r"^(?:<\.\.\. )?(\w+)[( ]")

    def __init__(self, text):
        self.lines = self._LINE.findall(text)

    def calls(self):
        """The number of calls"""
        return sum(1 for _, what in self.lines
                   if what[0] not in "<+-" and "(" in what)

    def injected(self, names, error):
        """The number of injected failures of these calls"""
        return sum(1 for _, what in self.lines
                   if self._failed_so(what, names, error))

    def _failed_so(self, what, names, error):
        return (what.endswith("(INJECTED)") and f"= -1 {error} " in what and
                self._NAME.match(what)[1] in names.replace("?", "").split(","))

    def victims(self, names, error):
        """The number of failed calls per client, by its port.

        The client is that of the socket in the call, or else of the last socket in
        a call of this thread: a thread is created for the client just accepted, a
        signal is queued for the client just read from.
        """
        victims, named_last = {}, {}
        for thread, what in self.lines:
            clients = self._CLIENT.findall(what)
            if clients:
                named_last[thread] = int(clients[-1])
            elif self._LISTENER.search(what):
                named_last.pop(thread, None)
            if self._failed_so(what, names, error):
                port = named_last.get(thread)
                victims[port] = victims.get(port, 0) + 1
        victims.pop(None, None)
        return victims
