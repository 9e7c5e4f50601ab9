# SPDX-License-Identifier: MIT
"""strace as the maker of faults, and what its log says of them."""

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

# Run instead of the server, which it becomes: where only a parent may trace,
# it allows everybody to trace this process. exec leaves that as it is.
_ALLOW_TRACING = """
import ctypes, os, sys
PR_SET_PTRACER, ANYBODY = 0x59616d61, -1
ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(ANYBODY), 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def wrapper():
    """What a server is to be started with, so that it can be traced later."""
    if _YAMA.exists() and _YAMA.read_text().strip() == "1":
        return (sys.executable, "-S", "-E", "-c", _ALLOW_TRACING)
    return ()


def why_not():
    """Why there can be no strace here; None if there can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    sleeper = subprocess.Popen([*wrapper(), shutil.which("sleep"), "60"])
    time.sleep(0.2 if wrapper() else 0)
    try:
        strace = Strace("/dev/null", "none")
        strace.begin(sleeper.pid)
        strace.end()
    except RuntimeError as error:
        return f"strace may not trace: {error}"
    finally:
        sleeper.kill()
        sleeper.wait()
    return None


def run_in_vain(command):
    """Runs what must not get ready: its exit status, its one line of stderr.

    As a process group, so that nothing is left if it does not end: strace
    that is killed leaves behind whom it traced.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    try:
        out, said = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, said = process.communicate()
    assert out == "", f"not to be ready: {out}"
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

    Attached and not started with it, so that calls are counted from here:
    what the server called until it was ready plays no part.
    """

    def __init__(self, path, calls):
        self.path = pathlib.Path(path)
        self._calls = calls
        self._process = None

    def begin(self, pid, injections=()):
        """From now on, calls fail: (calls, error, (first, last)) each."""
        command = ["strace", "-f", "-yy", "-ttt", "-s", "0", "-o",
                   str(self.path), "-e", f"trace={self._calls}"]
        for names, error, which in injections:
            command += ["-e", f"inject={names}:error={error}:"
                        f"when={_when(which)}"]
        self._process = subprocess.Popen([*command, "-p", str(pid)],
                                         stderr=subprocess.PIPE)
        self._await_attached()

    def _await_attached(self):
        """Returns when no call can escape any more: strace says so then."""
        said = b""
        while b"attached" not in said:
            if not select.select([self._process.stderr], [], [],
                                 PATIENCE_S)[0]:
                self.end()
                raise RuntimeError(f"strace is silent after {said!r}")
            line = self._process.stderr.readline()
            if not line:
                self.end()
                raise RuntimeError(said.decode().strip())
            said += line

    def end(self):
        """Ends it; the server, if there still is one, goes on untraced."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self.wait()

    def wait(self):
        """Returns when it has ended, as it does with the server."""
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
    """What strace wrote: which calls were made, and which of them failed."""

    _LINE = re.compile(r"^(\d+) +[\d.]+ (.*)$", re.MULTILINE)
    _CLIENT = re.compile(r"TCP(?:v6)?:\[[^]>]*?->[^]>]*:(\d+)\]>")
    _LISTENER = re.compile(r"TCP(?:v6)?:\[[^]>-]*\]>")
    _NAME = re.compile(r"^(?:<\.\.\. )?(\w+)[( ]")

    def __init__(self, text):
        self.lines = self._LINE.findall(text)

    def calls(self):
        """How many calls were begun."""
        return sum(1 for _, what in self.lines
                   if what[0] not in "<+-" and "(" in what)

    def injected(self, names, error):
        """How often one of these calls was made to fail so."""
        return sum(1 for _, what in self.lines
                   if self._failed_so(what, names, error))

    def _failed_so(self, what, names, error):
        return (what.endswith("(INJECTED)") and f"= -1 {error} " in what and
                self._NAME.match(what)[1] in names.replace("?", "").split(","))

    def victims(self, names, error):
        """For each client whose call failed, by its port: how often.

        That is the socket named in the call, or if it names none, the one
        named last by this thread: a thread is created for the client accepted
        just before, a signal is queued for the client just read from.
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
