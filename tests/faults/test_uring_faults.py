# SPDX-License-Identifier: MIT
"""Operations of an io_uring fail in every way they can.

strace cannot inject these errors: a preloaded library puts them into completions.
Also tested: io_uring not permitted, missing features, overflow.
"""

import errno
import os
import shutil
import subprocess

import pytest

import fault_table
import server
from fault_clients import Client, close_all, settle
from fault_strace import run_failing, why_not
from fault_table import Call, Case, Effect, When
from test_faults import Run, models_chosen, play

SOURCE = server.TOP / "tests" / "faults" / "uring_faults.c"

#: The operations; their errors are those of the calls.
OPERATIONS = ("accept", "recv", "send")

#: The models that take buffers from a pool; then an empty pool is no error.
POOLED = ("uring_multishot", "uring_bundle")


def rings(config):
    return [name for name in models_chosen(config) if name.startswith("uring")]


def cases(model):
    """Every operation, every error, every When"""
    for kind in OPERATIONS:
        first = 2 if kind == "accept" else 3
        call = Call(kind, kind, kind, first=first, says="io_uring accept")
        for error, effect in fault_table.ERRORS[kind].items():
            if model in POOLED and (kind, error) == ("recv", "ENOBUFS"):
                effect = Effect.DELAYS
            for when in When:
                if effect is Effect.ENDS and when is not When.ONCE:
                    continue
                yield Case(model, call, error, effect, when)


def pytest_generate_tests(metafunc):
    if "ring" in metafunc.fixturenames:
        metafunc.parametrize("ring", rings(metafunc.config))
    if "ring_case" in metafunc.fixturenames:
        all_cases = [case for model in rings(metafunc.config) for case in cases(model)]
        default = fault_table.chosen_by_default(all_cases)
        metafunc.parametrize("ring_case", [
            pytest.param(case, id=str(case),
                         marks=() if case in default else pytest.mark.long)
            for case in all_cases])


@pytest.fixture(scope="session", autouse=True)
def uring_is_chosen(request):
    if not rings(request.config):
        pytest.skip("--models without uring, or --server")


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The library that injects faults"""
    built = tmp_path_factory.mktemp("uring") / "uring_faults.so"
    compiler = os.environ.get("CC") or "cc"
    if not shutil.which(compiler):
        pytest.skip(f"no compiler {compiler} to build {SOURCE.name} with")
    subprocess.run([compiler, "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-Wall",
                    "-Wextra", "-shared", "-fPIC", "-o", built, SOURCE,
                    "-ldl"], check=True, timeout=60)
    return built


class RingFaults:
    """Injects failures of operations; the interface is that of Strace."""

    def __init__(self, directory):
        self._orders = directory / "orders"
        self._log = directory / "log"

    def environment(self, library, **more):
        return {**more, "LD_PRELOAD": str(library),
                "URING_FAULTS": str(self._orders),
                "URING_FAULTS_LOG": str(self._log)}

    def order(self, text):
        """Atomically: the library polls for the file."""
        new = self._orders.with_suffix(".new")
        new.write_text(text)
        new.rename(self._orders)

    def begin(self, _pid, injections):
        [(kind, error, (first, last))] = injections
        self.order(f"{kind} {getattr(errno, error)} {first} "
                   f"{1 << 31 if last is None else last}\n")

    def wait(self):
        pass

    def end(self):
        pass

    def log(self):
        return RingLog(self._log.read_text() if self._log.exists() else "")


class RingLog:
    """The log of the library."""

    def __init__(self, text):
        # The last line may be incomplete.
        self._lines = [line.split() for line in text.split("\n")[:-1]]

    def calls(self):
        return 0  # no system calls: stay_idle() relies on CPU time

    def overflown(self):
        return any(line[0] == "overflow" for line in self._lines)

    def injected(self, kind, error):
        return sum(self.victims(kind, error).values())

    def victims(self, kind, error):
        victims = {}
        for what, number, port in self._lines:
            if (what, int(number)) == (kind, getattr(errno, error)):
                victims[int(port)] = victims.get(int(port), 0) + 1
        return victims


def test_ring_fault(ring_case, tmp_path, library):
    faults = RingFaults(tmp_path)
    run = Run(ring_case, tmp_path, faults,
              env=faults.environment(library, URING_SINGLE="1"))
    try:
        play(run)
    finally:
        run.close()


def converse(one, number, sizes):
    """`number` clients exchange messages of these sizes."""
    clients = [Client(one) for _ in range(number)]
    try:
        for size in sizes:
            for client in clients:
                client.say(size)
            stuck = settle(clients)
            assert not stuck, f"never answered: {stuck}"
        assert all(client.whole() for client in clients)
        total = sum(len(client.got) for client in clients)
        counters = one.stop()
        assert counters["bytes_in"] == counters["bytes_out"] == total
        assert counters["accepted"] == number
        assert counters["closed"]["error"] == 0
    finally:
        close_all(clients)


@pytest.mark.parametrize("refused", [0, 2], ids=["featured", "plain"])
def test_overflow_loses_nothing(tmp_path, library, ring, refused):
    """More completions than fit in the completion queue"""
    faults = RingFaults(tmp_path)
    environment = faults.environment(library, URING_QUEUE="4",
                                     URING_PLAIN=str(refused))
    with server.Server(ring, env=environment) as one:
        converse(one, 250, [100, 5000, 1, 300] * 3)
    assert faults.log().overflown(), "no overflow: nothing was tested"


@pytest.mark.parametrize("kind,size", [("send", 1), ("send", 7), ("recv", 1),
                                       ("recv", 1000)])
def test_short_operations(tmp_path, library, ring, kind, size):
    """Each operation moves fewer bytes than requested."""
    faults = RingFaults(tmp_path)
    faults.order(f"{kind} short {size} 0\n")
    with server.Server(ring, env=faults.environment(library)) as one:
        converse(one, 20, [1, 2, 999, 3000])


# Errors of the setup: injected by strace

@pytest.fixture(scope="session")
def can_trace():
    reason = why_not()
    if reason:
        pytest.skip(reason)


def under_strace(*injections):
    command = ["strace", "-f", "-qq", "-o", os.devnull, "-e",
               "trace=io_uring_setup,io_uring_register"]
    for injection in injections:
        command += ["-e", f"inject={injection}"]
    return command


def start_failing(ring, *injections):
    """Starts a server that must fail; returns its exit status and message."""
    status, message = run_failing([*under_strace(*injections),
                                   server.TOP / server.BIN / ring])
    assert message.startswith(f"{ring}: ")
    return status, message


@pytest.mark.parametrize("error,remedy", [
    ("EPERM", "profile"), ("EACCES", "profile"), ("ENOSYS", "needs Linux ")])
def test_not_allowed(can_trace, ring, error, remedy):
    """Exit status 77, the reason and the remedy"""
    status, message = start_failing(ring, f"io_uring_setup:error={error}")
    assert status == 77
    assert remedy in message


def test_no_probe(can_trace, ring):
    """A kernel without IORING_REGISTER_PROBE is too old."""
    status, _ = start_failing(ring, "io_uring_register:error=EINVAL:when=1")
    assert status == 77


@pytest.mark.parametrize("error", ["ENOMEM", "EMFILE", "ENFILE", "EINVAL"])
def test_no_ring(can_trace, ring, error):
    """Lack of a resource, or no supported set of flags"""
    status, message = start_failing(ring, f"io_uring_setup:error={error}")
    assert status == 1
    assert "io_uring_setup: " in message


@pytest.mark.parametrize("injection", [
    "io_uring_setup:error=EINVAL:when=1",
    "io_uring_setup:error=EINVAL:when=1..2",
    "io_uring_register:error=EINVAL:when=2"])
def test_without_features(can_trace, ring, injection):
    """An older kernel lacks optional features."""
    with server.Server(ring, wrapper=under_strace(injection)) as one:
        converse(one, 20, [100, 1, 3000])
