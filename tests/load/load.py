# SPDX-License-Identifier: MIT
"""Runs the load generator as a user does, and reads its result.

    run = load.run(odd, "--connections", 4, "--duration", "1s")
    run.check_unharmed()
    run.json["requests"], run.quantile("service", 0.5), run.text ...

On a busy machine results are invalid: the generator was late, or waited for its CPU.
So most tests look at `run.faults`, the reasons without those. A test that needs an
undisturbed result has the decorator

    @load.up_to_3_times

and is run again when it raises Disturbed, as check_time() and no_disturbance() do.
"""

import contextlib
import functools
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from server import BIN, PATIENCE_S, SLOW, TOP, ServerError, eventually  # noqa: E402

PROGRAM = TOP / BIN / "loadgen"
MS = 1_000_000
SECOND = 1_000_000_000

#: How long replies are awaited after the window (design.md, section 4)
DRAIN_S = 2

#: Parts of the reasons that a busy machine causes
DISTURBANCES = ("the generator was late", "the generator waited for its CPU",
                "by Little's law", "the median response time",
                "the generator was the bottleneck", "all connections were in use")


class Disturbed(AssertionError):
    """The machine was busy, or loadgen is wrong: repeat the test to find out."""


def busy():
    """Whether the load average is above 1.5 per CPU"""
    return os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1)


def up_to_3_times(test):
    """Repeats a test that is Disturbed. The third time counts, unless the machine
    is busy: then nothing exact can be said."""
    @functools.wraps(test)
    def repeated(*args, **kwargs):
        for attempt in (1, 2, 3):
            try:
                return test(*args, **kwargs)
            except Disturbed as disturbed:
                print(f"disturbed: {disturbed}")
                if attempt == 3 and busy():
                    pytest.skip(f"this machine is busy: {disturbed}")
                if attempt == 3:
                    raise
        return None
    return repeated


def check_time(said, low_ns, high_ns, what="time"):
    """Checks a time that a busy machine can make longer, but not shorter."""
    assert said >= low_ns, f"{what}: {said} ns, less than {low_ns} ns"
    if said > high_ns:
        raise Disturbed(f"{what}: {said} ns, more than {high_ns} ns")


def no_disturbance(condition, what):
    """Asserts what holds if the machine is not busy."""
    if not condition:
        raise Disturbed(what)


def flat(args):
    return [str(arg) for arg in args]


def address_of(target):
    """HOST:PORT of a server, a socket or a string"""
    if isinstance(target, str):
        return target
    if isinstance(target, socket.socket):
        return "{}:{}".format(*target.getsockname())
    return f"127.0.0.1:{target.port}"


class Run:
    """The result of a run"""

    def __init__(self, status, out, err, text, seconds):
        self.status, self.out, self.err = status, out, err
        self.seconds = seconds
        self.json = json.loads(text) if text else None

    def __repr__(self):
        """Shown by pytest when a test fails"""
        return (f"<loadgen: status {self.status} after {self.seconds:.2f} s; "
                f"stdout {self.out!r}; stderr {self.err!r}>")

    @property
    def text(self):
        """stdout and stderr"""
        return self.out + self.err

    @property
    def reasons(self):
        return self.json["invalid_reasons"]

    @property
    def faults(self):
        """The reasons that a busy machine does not cause. If it is busy, generator and
        server may not get enough CPU for the rate."""
        excuses = list(DISTURBANCES)
        if busy() or any("waited for its CPU" in reason for reason in self.reasons):
            excuses.append("not sustained")
        return [reason for reason in self.reasons
                if not any(part in reason for part in excuses)]

    def check_unharmed(self):
        """Valid, or invalid only because of a busy machine"""
        assert self.json, self
        assert self.faults == [], self
        assert self.status == (1 if self.reasons else 0), self
        for count in ("errors", "mismatches", "unanswered", "damaged"):
            assert self.json[count] == 0, (count, self)

    def check_all_counted(self):
        """Without warm-up, all requests count, except those that a closed loop
        sent after the window."""
        beyond = self.json["requests_total"] - self.json["requests"]
        under_way = self.json["connections"] * (self.json["depth"] or 0)
        assert 0 <= beyond <= under_way, self
        assert self.json["response_ns"]["count"] == self.json["requests"] > 0

    def errors(self):
        """Kinds that are not 0"""
        return {k: n for k, n in self.json["errors_by"].items() if n}

    def mismatches(self):
        return {k: n for k, n in self.json["mismatches_by"].items() if n}

    def buckets(self, name):
        """[lowest, highest, count] ns of a histogram, from the lowest on"""
        kept = self.json["histograms"]
        if name == "service" and kept["service"] is None:
            name = "response"  # in a closed loop they are the same
        return kept[name]["buckets"]

    def quantile(self, name, share):
        """The time that this share of the samples did not exceed"""
        return quantile_of_buckets(self.buckets(name), share)


def rank(count, share):
    """The index of this quantile in `count` sorted samples"""
    return max(0, min(count - 1, -(-count * share // 1) - 1))


def quantile_of_buckets(buckets, share):
    at = rank(sum(count for _, _, count in buckets), share)
    for _, highest, count in buckets:
        if at < count:
            return highest
        at -= count
    raise AssertionError("no samples")


def quantile(values, share):
    """The same for a list of values"""
    return sorted(values)[int(rank(len(values), share))]


class Running:
    """A running loadgen. As a context manager it ends with its block, and always
    with this process."""

    def __init__(self, target, *args, wrapper=(), stderr=subprocess.PIPE,
                 asks_json=True, limit_s=PATIENCE_S, pass_fds=()):
        self.begin = time.monotonic()
        self.limit_s = limit_s
        self._folder = tempfile.TemporaryDirectory(prefix="loadgen.")
        self._json = pathlib.Path(self._folder.name) / "json"
        wanted = ["--json", self._json] if asks_json else []
        aim = ["--target", address_of(target)] if target else []
        self.process = subprocess.Popen(
            flat(["setpriv", "--pdeathsig", "KILL", *wrapper, PROGRAM, *aim,
                  *wanted, *args]),
            stdout=subprocess.PIPE, stderr=stderr, stdin=subprocess.DEVNULL,
            cwd=TOP, text=True, pass_fds=pass_fds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
        self._folder.cleanup()

    def wait_until_it_handles(self, signo):
        """Returns when this signal no longer kills it: a thread blocks it. (The main thread
        does not while it waits for signals.)"""
        def blocked():
            for task in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/status"):
                mask, = re.findall(r"^SigBlk:\s(\w+)$", task.read_text("utf-8"), re.M)
                yield int(mask, 16) >> (signo - 1) & 1
        assert eventually(lambda: any(blocked()))

    def interrupt(self, signo=signal.SIGINT):
        self.process.send_signal(signo)

    def finish(self):
        """Waits for its end; the Run."""
        left = self.begin + self.limit_s * SLOW - time.monotonic()
        try:
            out, err = self.process.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"loadgen still runs after {self.limit_s * SLOW} s") from None
        # The file of --json is empty until the result is written.
        text = self._json.read_text("utf-8") if self._json.exists() else ""
        return Run(self.process.returncode, out, err or "", text,
                   time.monotonic() - self.begin)


def run(target, *args, **kwargs):
    """Runs loadgen to its end."""
    with Running(target, *args, **kwargs) as running:
        return running.finish()


@functools.lru_cache
def why_not(engine):
    """Why this engine does not work here; None: it works"""
    ran = run("127.0.0.1:1", "--engine", engine, asks_json=False)
    return ran.err.strip() if "does not work here" in ran.err else None


@contextlib.contextmanager
def listener(serve=None, backlog=128, host="127.0.0.1"):
    """A server: serve(sock) is called for each client, in a thread
    of its own, and its socket closed after that. Without `serve`, it does
    not accept. Yields the listening socket."""
    clients = []

    def one(sock):
        with contextlib.suppress(OSError):
            serve(sock)
        with contextlib.suppress(OSError):
            sock.close()

    def accept_all():
        while True:
            try:
                sock, _ = listening.accept()
            except OSError:
                return
            clients.append(sock)
            threading.Thread(target=one, args=(sock,), daemon=True).start()

    listening = socket.create_server((host, 0), backlog=backlog)
    thread = threading.Thread(target=accept_all, daemon=True)
    if serve:
        thread.start()
    try:
        yield listening
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)  # which wakes accept()
        listening.close()
        for sock in clients:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        if serve:
            thread.join(PATIENCE_S)


@contextlib.contextmanager
def spinners(cpu, count):
    """Starts processes that spin on a CPU."""
    program = f"import os\nos.sched_setaffinity(0, [{cpu}])\nprint(flush=True)\n" \
              "while True: pass"
    started = []
    try:
        for _ in range(count):
            started.append(subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", sys.executable, "-c",
                 program], stdout=subprocess.PIPE))
        for one in started:
            one.stdout.readline()
        yield
    finally:
        for one in started:
            one.kill()
            one.wait()
            one.stdout.close()


def cpus():
    return sorted(os.sched_getaffinity(0))


two_cpus = pytest.mark.skipif(len(cpus()) < 2, reason="takes two CPUs")

__all__ = ["DRAIN_S", "MS", "SECOND", "SLOW", "Disturbed", "Run", "Running",
           "ServerError", "check_time", "cpus", "listener", "no_disturbance",
           "quantile", "quantile_of_buckets", "run", "spinners", "two_cpus",
           "up_to_3_times", "why_not"]
