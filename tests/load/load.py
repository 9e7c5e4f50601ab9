# SPDX-License-Identifier: MIT
"""The load generator under test: run as a user runs it, its result read.

    run = load.run(odd, "--connections", 4, "--duration", "1s")
    run.check_valid()
    run.json["requests"], run.quantile("service", 0.5), run.text ...

A busy machine makes results invalid, and rightly: the generator was late, or
waited for its CPU. So most tests look at `run.faults`, the reasons without
those. Where a test needs a result that is undisturbed, it says

    @load.up_to_3_times

and is run again when it raises Disturbed, which check_valid() and check_time()
do. Nothing else is ever repeated, and the third time counts.
"""

import contextlib
import functools
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from server import BIN, PATIENCE_S, SLOW, TOP, ServerError  # noqa: E402

PROGRAM = TOP / BIN / "loadgen"
MS = 1_000_000
SECOND = 1_000_000_000

#: After the window, replies are awaited for so long (design.md, section 4).
DRAIN_S = 2

#: Parts of the sentences by which a result says that the machine was busy
DISTURBANCES = ("the generator was late", "the generator waited for its CPU",
                "by Little's law", "the median response time",
                "the generator was the bottleneck")


class Disturbed(AssertionError):
    """The machine was busy, or loadgen is wrong: a repetition will tell."""


def busy():
    """Whether more processes want to run than this machine has CPUs, by half"""
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
    """A time that a busy machine may have made longer, but never shorter."""
    assert said >= low_ns, f"{what}: {said} ns, less than {low_ns} ns"
    if said > high_ns:
        raise Disturbed(f"{what}: {said} ns, more than {high_ns} ns")


def no_disturbance(condition, what):
    """What holds where the machine has time for loadgen"""
    if not condition:
        raise Disturbed(what)


def flat(args):
    return [str(arg) for arg in args]


def address_of(target):
    """HOST:PORT of a server, a socket, or a text that is one already"""
    if isinstance(target, str):
        return target
    if isinstance(target, socket.socket):
        return "{}:{}".format(*target.getsockname())
    return f"127.0.0.1:{target.port}"


class Run:
    """What a run left behind."""

    def __init__(self, status, out, err, text, seconds):
        self.status, self.out, self.err = status, out, err
        self.seconds = seconds
        self.json = json.loads(text) if text else None

    def __repr__(self):
        """What pytest shows of it where a test fails"""
        return (f"<loadgen: status {self.status} after {self.seconds:.2f} s; "
                f"stdout {self.out!r}; stderr {self.err!r}>")

    @property
    def text(self):
        """All that was meant for people"""
        return self.out + self.err

    @property
    def reasons(self):
        return self.json["invalid_reasons"]

    @property
    def faults(self):
        """The reasons for which a busy machine is no excuse. A generator that had
        no CPU for long did not sustain its rate either."""
        excuses = list(DISTURBANCES)
        if any("waited for its CPU" in reason for reason in self.reasons):
            excuses.append("not sustained")
        return [reason for reason in self.reasons
                if not any(part in reason for part in excuses)]

    def check_unharmed(self):
        """Valid, or invalid for nothing but a busy machine"""
        assert self.json, self
        assert self.faults == [], self
        assert self.status == (1 if self.reasons else 0), self
        for count in ("errors", "mismatches", "unanswered", "damaged"):
            assert self.json[count] == 0, (count, self)

    def check_all_counted(self):
        """Without warm-up: all that was sent counts. In a closed loop, what a
        reply of the last moment led to may have been sent after the window."""
        beyond = self.json["requests_total"] - self.json["requests"]
        under_way = self.json["connections"] * (self.json["depth"] or 0)
        assert 0 <= beyond <= under_way, self
        assert self.json["response_ns"]["count"] == self.json["requests"] > 0

    def check_valid(self):
        self.check_unharmed()
        if self.status != 0:
            raise Disturbed("; ".join(self.reasons))

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
    """Which of so many sorted samples it is, from 0"""
    return max(0, min(count - 1, -(-count * share // 1) - 1))


def quantile_of_buckets(buckets, share):
    at = rank(sum(count for _, _, count in buckets), share)
    for _, highest, count in buckets:
        if at < count:
            return highest
        at -= count
    raise AssertionError("no samples")


def quantile(values, share):
    """The same of values as they are"""
    return sorted(values)[int(rank(len(values), share))]


class Running:
    """A loadgen that was started; as a context manager it ends with its block,
    and with this process however that ends."""

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
        # Before its --json is opened for the result it is made, and empty.
        text = self._json.read_text("utf-8") if self._json.exists() else ""
        return Run(self.process.returncode, out, err or "", text,
                   time.monotonic() - self.begin)


def run(target, *args, **kwargs):
    """loadgen, from start to end"""
    with Running(target, *args, **kwargs) as running:
        return running.finish()


@functools.lru_cache
def why_not(engine):
    """Why this engine does not work here; None if it does."""
    ran = run("127.0.0.1:1", "--engine", engine, asks_json=False)
    return ran.err.strip() if "does not work here" in ran.err else None


@contextlib.contextmanager
def listener(serve=None, backlog=128, host="127.0.0.1"):
    """A server of one's own: serve(sock) is called for each client, in a thread
    of its own, and its socket closed after that. Without `serve`, nobody is
    ever accepted. Yields the listening socket."""
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
    """So many processes that want all of a CPU"""
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
