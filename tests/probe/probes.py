# SPDX-License-Identifier: MIT
"""Runs bin/probe and reads its reports"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest
import server

HERE = pathlib.Path(__file__).parent
PROBE = server.TOP / server.BIN / "probe"
PATIENCE_S = server.PATIENCE_S

#: An unprivileged user
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]

#: A mount namespace of its own: the machine is not changed.
TRACEFS = ["unshare", "--mount", "sh", "-c",
           "mount -t tracefs tracefs /sys/kernel/tracing && exec \"$@\"", "sh"]


def build(name, folder, *flags):
    """Compiles a program of this directory."""
    program = folder / name
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu11", "-D_GNU_SOURCE", "-O1",
         "-pthread", "-o", program, HERE / f"{name}.c", *flags], check=True)
    return program


def why_not_root():
    return "" if os.geteuid() == 0 else "only root may"


def why_not_mount():
    """Why no mount namespace can be made (in a chroot, / is no mount); '' if it can"""
    ran = subprocess.run(["unshare", "--mount", "true"], text=True, check=False,
                         capture_output=True)
    return why_not_root() or ran.stderr.strip()


def why_not(method):
    """Why system calls cannot be counted by this method; '' if they can."""
    wrapper = TRACEFS if method == "perf" else []
    if wrapper and why_not_root():
        return "only root may mount a tracefs to try this with"
    ran = subprocess.run([*wrapper, PROBE, "--quiet", "--syscalls", method,
                          "true"], stderr=subprocess.PIPE, check=False,
                         text=True)
    return "" if ran.returncode == 0 else ran.stderr.strip()


def public_copy():
    """A world-readable directory with probe in it"""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="io-models-probe-"))
    folder.chmod(0o755)
    shutil.copy(PROBE, folder)
    return folder


def run(*command, options=(), wrapper=(), program=PROBE, **more):
    """Runs it to its end: the last report, and a CompletedProcess with a pid. Asserts
    that its cgroup is gone."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "used.json"
        os.chmod(folder, 0o777)
        args = [*wrapper, program, "--json", path, *options, "--", *command]
        with subprocess.Popen(args, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.PIPE, **more) as process:
            try:
                out, err = process.communicate(timeout=100)
            except BaseException:
                process.terminate()
                raise
        lines = path.read_text().splitlines() if path.exists() else []
    ran = subprocess.CompletedProcess(args, process.returncode, out, err)
    ran.pid = process.pid
    assert not cgroups(ran.pid)
    return (json.loads(lines[-1]) if lines else None), ran


def children(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(word) for word in path.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid):
    found = children(pid)
    return found + [one for child in found for one in descendants(child)]


def states(pid):
    """The state of each thread of a process and of its children: R, S, Z ..."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"):
        found.append(task.read_text().rpartition(")")[2].split()[0])
    for child in children(pid):
        found += states(child)
    return found


def asleep(pid):
    return set(states(pid)) == {"S"}


def takes_usr1(pid):
    """Whether it has blocked SIGUSR1, which would otherwise kill it"""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    blocked = int(status.partition("\nSigBlk:")[2].split()[0], 16)
    return blocked & 1 << signal.SIGUSR1 - 1


def cgroups(pid):
    """The cgroups that a probe made and has not removed. Those of others may disappear
    meanwhile: os.walk() ignores that."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        roots = [line.split()[4] for line in mounts if " - cgroup2 " in line]
    return {pathlib.Path(folder) / name for root in roots
            for folder, names, _ in os.walk(root) for name in names
            if name.startswith(f"io-models-{pid}-")}


class ProbedServer(server.Server):
    """A server that runs in probe"""

    def __init__(self, name, *args, folder, options=()):
        if not self.program(name).exists():
            pytest.skip(f"{name} is not built")
        self._path = folder / "used.json"
        self._read = 0
        super().__init__(name, *args, wrapper=[
            PROBE, "--quiet", "--json", self._path, *options, "--"])

    def so_far(self):
        """A report, once all threads sleep"""
        assert server.eventually(lambda: asleep(self.pid))
        return self.report()

    def report(self):
        self._process.send_signal(signal.SIGUSR1)
        assert server.eventually(
            lambda: self._path.read_text().count("\n") > self._read)
        self._read += 1
        return json.loads(self._path.read_text().splitlines()[-1])


class Probed:
    """A program that runs in probe"""

    def __init__(self, *command, options=(), wrapper=(), program=PROBE,
                 **more):
        self._folder = tempfile.TemporaryDirectory()
        os.chmod(self._folder.name, 0o777)
        self._path = pathlib.Path(self._folder.name) / "used.json"
        self._read = 0
        self.process = subprocess.Popen(
            [*wrapper, program, "--quiet", "--json", self._path, *options,
             "--", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            **more)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self._folder.cleanup()

    def keeper(self):
        return children(self.pid)[0]

    def program(self):
        return children(self.keeper())[0]

    def next_report(self):
        def there():
            return self._path.exists() and \
                self._path.read_text().count("\n") > self._read

        assert server.eventually(there), "no report"
        line = self._path.read_text().splitlines()[self._read]
        self._read += 1
        return json.loads(line)

    def settled(self):
        """A report, once all threads sleep: no system call is in progress."""
        assert server.eventually(lambda: asleep(self.program()))
        return self.so_far()

    def so_far(self):
        assert server.eventually(lambda: takes_usr1(self.pid))
        os.kill(self.pid, signal.SIGUSR1)
        report = self.next_report()
        assert report["event"] == "so_far"
        return report

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def hear(self):
        return self.process.stdout.readline().decode().strip()

    def end(self):
        """Closes its input, which ends it; the last report."""
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)
        self.process.stdin = open(os.devnull, "rb")
        return self.next_report()


def ping_pong(sock, rounds):
    for _ in range(rounds):
        sock.sendall(bytes(64))
        assert len(server.receive(sock, 64)) == 64


def named(report):
    return report["syscalls"]["by_name"]


def window(begin, end):
    """Calls by name between two reports, without zeros"""
    before, after = named(begin), named(end)
    assert set(before) <= set(after)
    made = {name: after[name] - before.get(name, 0) for name in after}
    assert end["syscalls"]["total"] - begin["syscalls"]["total"] == \
        sum(made.values())
    return {name: count for name, count in made.items() if count}


def gone(pid):
    """Whether the process has ended; it may be a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


def with_argument(marker):
    """The processes that have this word on their command line."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker in entry.read_text().split("\0"):
                found.append(int(entry.parent.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            pass
    return [pid for pid in found if not gone(pid)]


def wait_for(count, marker):
    assert server.eventually(lambda: len(with_argument(marker)) == count), \
        with_argument(marker)
