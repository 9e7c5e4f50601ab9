# SPDX-License-Identifier: MIT
"""Every system call of a model fails in every way it can.

strace injects the failures of fault_table.py. Whatever fails, the server does not
crash, hang or spin, and a client without a failed call gets every byte back.
"""

import time

import pytest

import fault_table
import forms
import server
from fault_clients import Client, close_all, settle
from fault_strace import Strace, why_not, wrapper
from fault_table import Effect, When

#: Failures in a row for When.SEVERAL. A client can be closed only once; temporary
#: errors exceed the immediate retries of a model, not its pauses.
SEVERAL_CLIENTS, SEVERAL_TIMES = 5, 25

#: As in models/common/conn.c
FRUITLESS_MAX = 1000

#: aio prepares as many threads; the tests have fewer clients.
MAX_CLIENTS, MAX_CLIENTS_AIO = 100, 12
AIO = {"aio", "aio_callback"}

#: Of a model with a fixed room: strace attaches to as many processes.
CLIENTS_IN_ROOM = 24

#: How long an idle server is observed, and the calls it may make. A server that
#: pauses accepting retries 100 times per second, with three or four calls each.
IDLE_S, IDLE_CALLS = 0.3, 180

#: The minimum time for which a failing wait is retried
TRIED_S = 0.5

#: A limit for the delay by pauses of accepting; a second for each of SEVERAL_TIMES
#: failures would exceed it
PAUSES_S = 20

#: Rounds of messages after which a fault is not expected any more
ROUNDS_MAX = 60

#: Attempts to be served: faults that are counted per thread can still hit some.
TRIES_MAX = 40

#: Kinds of calls made for new clients
FOR_NEWCOMERS = ("accept", "add", "rest", "thread", "reserve", "pause")

#: Kinds of calls that would be of another kind for a new client
NOT_FOR_NEWCOMERS = ("modify", "arm")


def models_chosen(config):
    """As --models says; none with --server, whose calls are not known."""
    if config.getoption("--server"):
        return []
    names = config.getoption("--models")
    return names.split(",") if names else server.models() + server.variants()


def pytest_generate_tests(metafunc):
    """A test per case of the table; those that are not in the default are long."""
    if "case" not in metafunc.fixturenames:
        return
    cases = fault_table.cases(models_chosen(metafunc.config))
    default = fault_table.chosen_by_default(cases)
    metafunc.parametrize("case", [
        pytest.param(case, id=str(case),
                     marks=() if case in default else pytest.mark.long)
        for case in cases])


@pytest.fixture(scope="session", autouse=True)
def can_trace():
    reason = why_not()
    if reason:
        pytest.skip(reason)


class Run:
    """One case: a server, its clients, and the faults between them."""

    def __init__(self, case, directory, faults, **how_to_start):
        self.case = case
        self.directory = directory
        self.faults = faults
        limit = MAX_CLIENTS_AIO if case.model in AIO else MAX_CLIENTS
        with open(directory / "stderr", "wb") as stderr:
            self.server = server.Server(
                case.model, "--max-clients", str(limit),
                *forms.room_for(case.model, CLIENTS_IN_ROOM), stderr=stderr,
                **how_to_start)
        self.clients = []
        try:
            self.begin_with(8 if case.call.kind in NOT_FOR_NEWCOMERS else 4)
            self.begun = time.monotonic()
            faults.begin(*self.server.processes(), injections=[
                *case.call.also,
                (case.call.strace, case.error, self.first_and_last())])
        except BaseException:
            self.close()
            raise

    def begin_with(self, count):
        """Clients that connect before anything fails.

        Every second one sends in each round, the others only at the beginning and
        at the end, so that few of their calls can fail.
        """
        self.old = [self.connect() for _ in range(count)]
        self.talkers = self.old[::2]
        for client in self.old:
            client.say(100)
        assert not settle(self.old)

    def times(self):
        """How often the call fails; None: for ever"""
        if self.case.when is When.ONCE:
            return 1
        if self.case.when is When.FOREVER:
            return None
        delays = self.case.effect is Effect.DELAYS
        return SEVERAL_TIMES if delays else SEVERAL_CLIENTS

    def first_and_last(self):
        """The numbers of the failing calls"""
        first, times = self.case.call.first, self.times()
        return first, first + times - 1 if times else None

    def connect(self):
        self.clients.append(Client(self.server))
        return self.clients[-1]

    def injected(self):
        return self.faults.log().injected(self.case.call.strace,
                                          self.case.error)

    def victims(self):
        """The clients that may be closed, because a call failed"""
        ports = self.faults.log().victims(self.case.call.strace,
                                          self.case.error)
        if self.tires():
            ports = {port for port, n in ports.items() if n >= FRUITLESS_MAX}
        elif not self.closes():
            ports = {}
        return [client for client in self.clients if client.port in ports]

    # Expectations

    def accepts_no_more(self):
        return (self.case.call.kind == "accept" and
                self.case.when is When.FOREVER)

    def serves_no_more(self):
        """For it, there is never data."""
        return (self.case.model in fault_table.TRY_ALL and
                self.case.error == "EAGAIN" and
                self.case.call.kind in ("recv", "send") and
                self.case.when is When.FOREVER)

    def ends(self):
        """A wait that fails for ever ends the server."""
        return (self.case.effect is Effect.ENDS or
                (self.case.call.kind in ("wait", "enter") and
                 self.case.when is When.FOREVER))

    def may_wait(self, client):
        """Whether this client need not be served while the fault lasts"""
        return (self.serves_no_more() or
                (self.accepts_no_more() and client not in self.old))

    def tires(self):
        """A client is closed after FRUITLESS_MAX failures."""
        return (self.case.effect is Effect.DELAYS and
                self.case.call.kind in ("recv", "send") and
                self.case.when is When.FOREVER and not self.serves_no_more())

    def closes(self):
        """A client is closed after one failure."""
        return self.case.effect in (Effect.CLOSES, Effect.DROPS, Effect.REFUSES,
                                    Effect.LOSES)

    def patience_s(self):
        """How long until each client is served or closed.

        FRUITLESS_MAX failures take long under strace on a busy machine.
        """
        if self.serves_no_more():
            return 0
        return server.PATIENCE_S * (3 if self.tires() else 1)

    # The phases

    def talk(self, speakers):
        """The speakers send, and each is served or closed."""
        for client in speakers:
            client.say(100 + client.port % 50)
        stuck = settle([c for c in self.clients if not self.may_wait(c)],
                       timeout=self.patience_s(),
                       give_up=lambda: not self.server.alive())
        assert self.ends() or self.server.alive(), self.last_words()
        assert self.ends() or not stuck, f"no reply: {stuck}"

    def wants_newcomer(self, number):
        """Whether a new client connects in this round"""
        if self.case.call.kind in NOT_FOR_NEWCOMERS:
            return False  # its call would be an add, not a modify
        if self.accepts_no_more():
            return number < 4
        if self.case.call.kind in FOR_NEWCOMERS:
            return True
        living = sum(not client.closed for client in self.talkers)
        return number == 1 or living < 2

    def talk_until_failed(self):
        """Rounds of messages until the call has failed as often as it will."""
        begin = time.monotonic()
        self.talk_in_rounds()
        took = time.monotonic() - begin
        assert self.case.call.kind != "accept" or took < PAUSES_S, (
            f"{took} s to survive {self.injected()} failures")

    def talk_in_rounds(self):
        self.talk(self.old)
        for number in range(ROUNDS_MAX):
            if self.wants_newcomer(number):
                self.make_room()
                try:
                    newcomer = self.connect()
                except ConnectionError:
                    assert self.ends(), "the server does not listen any more"
                    break
                newcomer.say(10)
                if self.case.call.kind not in FOR_NEWCOMERS:
                    self.talkers.append(newcomer)
            self.talk([c for c in self.talkers if not c.closed])
            if not self.server.alive() or self.serves_no_more():
                break
            if number > 1 and self.injected() >= (self.times() or 3):
                break
            if self.ends() or self.accepts_no_more():
                time.sleep(0.02)  # until it fails again

    def make_room(self):
        """Keeps the number of clients below the limit."""
        living = [c for c in self.clients if not c.closed]
        if self.case.model in AIO and len(living) >= MAX_CLIENTS_AIO - 1:
            living[len(self.old)].leave()

    def stay_idle(self):
        """Without traffic the server makes few calls and uses little CPU time.

        Not at once: threads of aio may have failures left, and clients may have to
        reach FRUITLESS_MAX.
        """
        end = time.monotonic() + (self.patience_s() if self.tires() else 3)
        while True:
            calls, cpu_s = self.faults.log().calls(), self.server.cpu_s()
            time.sleep(IDLE_S)
            calls = self.faults.log().calls() - calls
            cpu_s = self.server.cpu_s() - cpu_s
            if calls < IDLE_CALLS and cpu_s < IDLE_S / 2:
                return
            assert time.monotonic() < end, (
                f"{calls} calls and {cpu_s} s of CPU time in {IDLE_S} s, while idle")

    def find_service(self):
        """A new client is served, as the fault is over."""
        for _ in range(TRIES_MAX):
            self.make_room()
            client = self.connect()
            client.say(100)
            assert not settle([client]), f"no reply: {client}"
            if not client.closed:
                return
        pytest.fail("no new client is served")

    def last_words(self):
        return (self.directory / "stderr").read_text()

    # The outcome

    def check_end(self):
        """It ended by itself with a message."""
        assert self.server.wait() == 1
        lasted = time.monotonic() - self.begun
        assert self.case.effect is Effect.ENDS or lasted > TRIED_S, (
            f"it ended after {lasted} s already")
        self.faults.wait()
        said = self.last_words()
        assert said.count("\n") == 1 and f" {self.case.call.says}: " in said
        assert self.server.read_line() == "", "no closing line, as it failed"

        victims = self.victims()
        stuck = settle(victims, lambda client: client.closed)
        assert not stuck, f"its call failed, but it is not closed: {stuck}"

    def check_clients(self):
        """Only clients with failed calls are affected; returns these."""
        victims = self.victims()
        stuck = settle(victims, lambda client: client.closed)
        assert not stuck, f"its call failed, but it is not closed: {stuck}"
        settle([c for c in self.clients if not self.may_wait(c)])
        for client in self.clients:
            if client in victims or self.may_wait(client):
                continue
            assert client.whole(), f"bytes lost: {client}, not {victims}"
            assert client.left or not client.closed, (
                f"closed without a failure: {client}, not {victims}")
        return victims

    def check_counters(self, counters, victims):
        """The counters agree with what the clients saw.

        One more call may have failed since, because the threads of aio can be late.
        """
        closed, refused = counters["closed"], counters["refused"]
        lost = counters["aio_result_lost"]
        number = range(len(victims), len(self.victims()) + 1)
        if self.case.effect is Effect.REFUSES:
            assert refused in number
            assert (closed["error"], closed["reset"]) == (0, 0)
        elif self.case.effect is Effect.DROPS:
            assert refused + closed["error"] in number and closed["reset"] == 0
        elif self.case.effect is Effect.LOSES:
            # a result can be lost at the stop, too
            assert (refused, lost) == (0, len(self.victims()))
        elif self.case.error in ("ECONNRESET", "EPIPE"):
            assert closed["reset"] in number
            assert (refused, closed["error"]) == (0, 0)
        else:
            assert closed["error"] in number
            assert (refused, closed["reset"]) == (0, 0)
        came = counters["accepted"] + refused
        assert came == len(self.clients) or self.accepts_no_more()
        if self.case.effect is not Effect.LOSES:
            # aio cannot tell an injected EAGAIN from a lost result, if it is not
            # delivered yet when the server stops
            injected = self.case.error == "EAGAIN" and self.case.model == "aio"
            assert lost <= (len(self.clients) if injected else 0)
            assert (sum(len(c.got) for c in self.clients) <=
                    counters["bytes_out"] <= counters["bytes_in"] <=
                    sum(len(c.sent) for c in self.clients))

    def close(self):
        """Ends everything, also after a failure."""
        self.server.kill()
        self.faults.end()
        close_all(self.clients)


def play(run):
    """The course of every case"""
    run.talk_until_failed()
    if not run.serves_no_more():
        assert run.injected() > 0, "the call never failed: nothing was tested"
    if run.ends():
        run.check_end()
        return
    if run.case.when is not When.FOREVER:
        run.find_service()
    run.talk([client for client in run.old if not client.closed])
    if run.case.model not in fault_table.TRY_ALL:
        run.stay_idle()
    victims = run.check_clients()
    counters = run.server.stop()
    run.faults.wait()
    assert run.last_words() == ""
    run.check_counters(counters, victims)


def traced(case):
    """All calls of this model, so that a busy loop is seen"""
    names = set()
    for call in fault_table.CALLS[case.model]:
        names.update(call.strace.split(","))
    for also in case.call.also:
        names.update(also[0].split(","))
    return ",".join(sorted(names))


def test_fault(case, tmp_path):
    if case.model in forms.PROCESSES and wrapper():
        pytest.skip("Yama permits to trace children of the server to their parent only")
    run = Run(case, tmp_path, Strace(tmp_path / "strace", traced(case)),
              wrapper=wrapper())
    try:
        play(run)
    finally:
        run.close()
