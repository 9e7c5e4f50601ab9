# SPDX-License-Identifier: MIT
"""--hold: a run in slices, as an observer commands through a socket"""

import contextlib
import itertools
import signal
import socket
import threading
import time

import load
import pytest
import server
from load import MS, SECOND, SLOW
from observer import Observer, check_unharmed
from server import eventually


class Echo:
    """A server in this process. It echoes, at the earliest after `delay_s`; `heard` is
    how often it received bytes, `clients` are its connections and `active` those that
    sent something."""

    def __init__(self):
        self.delay_s, self.heard, self.clients, self.active = 0, 0, [], set()
        self._lock = threading.Lock()

    def __call__(self, sock):
        with self._lock:
            self.clients.append(sock)
        while part := sock.recv(1 << 16):
            with self._lock:
                self.heard += 1
                self.active.add(sock)
            time.sleep(self.delay_s)
            sock.sendall(part)


@pytest.fixture
def echo():
    """An Echo and the socket on which it listens"""
    serve = Echo()
    with load.listener(serve) as listening:
        yield serve, listening


@pytest.fixture
def epoll():
    with server.Server("epoll", "--message", "64",
                       wrapper=["setpriv", "--pdeathsig", "KILL"]) as one:
        yield one


def cpu_ns(pid):
    """The CPU time of a process: exact while none of its threads runs"""
    return time.clock_gettime_ns((~pid << 3) | 2)


LOADS = {
    "closed": ["--connections", 6],
    "depth": ["--connections", 3, "--depth", 16],
    "open": ["--connections", 6, "--rate", 2000],
    "uniform": ["--connections", 6, "--rate", 2000, "--arrivals", "uniform"],
    "burst": ["--connections", 6, "--rate", 2000, "--pattern", "burst:7"],
    "connect": ["--connections", 6, "--pattern", "connect"],
    "storm": ["--connections", 6, "--rate", 500, "--pattern", "storm"],
    "connect open": ["--connections", 60, "--rate", 500, "--pattern", "connect"],
}

CONNECTING = {"connect", "connect open", "storm"}

KEYS = {"requests", "answered", "window_ns", "elapsed_ns", "client_cpu_ns", "delay_ns",
        "queued", "busy", "response_p50_ns", "response_p99_ns", "service_p50_ns",
        "service_p99_ns", "send_lag_p99_ns", "due", "unanswered", "errors",
        "mismatches", "gave_up"}

# ------------------------------------------------------------------ what is counted


@pytest.mark.parametrize("loop, threads", [*((loop, 1) for loop in LOADS),
                                           *((loop, 2) for loop in LOADS)])
def test_slices_add_up_to_what_the_server_counted(epoll, engine, loop, threads):
    kept, dropped = [], []
    with Observer(epoll, *LOADS[loop], "--idle", 3, "--engine", engine, "--threads",
                  threads) as seen:
        assert seen.connected == 3 + (0 if loop in CONNECTING else LOADS[loop][1])
        for number in range(6):
            one = seen.slice(number, head=(number % 3) * 5 * MS)
            assert set(one) == KEYS
            assert one["errors"] == one["mismatches"] == one["unanswered"] == 0
            assert one["window_ns"] == 40 * MS <= one["elapsed_ns"]
            assert one["answered"] <= one["requests"] >= one["due"]
            assert one["gave_up"] is False
            assert (one["send_lag_p99_ns"] is None) == (loop in ("closed", "depth"))
            if number in (1, 4):
                dropped.append(one)
                seen.drop()
            else:
                kept.append(one)
                seen.keep()
        run = seen.finish()
    check_unharmed(run)
    total = sum(one["requests"] for one in kept + dropped)
    assert epoll.stop()["requests"] == total == run.json["requests_total"] > 0
    assert run.json["slices"] == {"kept": 4, "dropped": 2}
    assert run.json["duration_s"] == pytest.approx(0.16)
    assert run.json["answered_in_window"] == sum(one["answered"] for one in kept)
    assert run.json["requests"] == sum(one["due"] for one in kept)
    assert run.json["response_ns"]["count"] == run.json["requests"]
    assert sum(n for _, _, n in run.buckets("service")) == run.json["requests"]
    assert run.json["warmup_s"] is None and run.json["series"] is None


def test_slow_readers_are_in_no_slice(epoll, engine):
    """Their requests are in flight between slices, too, and count only in the sum."""
    with Observer(epoll, *LOADS["open"], "--pattern", "slow-read:2", "--engine",
                  engine) as seen:
        assert seen.connected == 6 + 2
        total = sum(seen.keep_one(number)["requests"] for number in range(3))
        used = cpu_ns(seen.process.pid)
        time.sleep(0.3)
        assert cpu_ns(seen.process.pid) - used < 0.003 * SECOND * SLOW
        run = seen.finish()
    check_unharmed(run)
    assert run.json["requests"] <= total
    assert epoll.stop()["requests"] == run.json["requests_total"] \
        >= total + 2 * 512 * 1024 // 64


def test_dropped_slices_are_in_no_histogram(echo):
    serve, listening = echo
    with Observer(listening, "--connections", 2) as seen:
        for number in range(8):
            slow = number in (2, 3, 7)
            serve.delay_s = 0.1 if slow else 0
            one = seen.slice(number, head=0, window=150 * MS)
            assert one["due"] > 0
            seen.decide("keep" if slow else "drop")
        run = seen.finish()
    check_unharmed(run)
    assert run.json["response_ns"]["min"] >= 0.1 * SECOND
    assert run.buckets("response")[0][1] >= 0.1 * SECOND


@pytest.mark.parametrize("loop", LOADS)
@pytest.mark.parametrize("threads", [1, 2])
def test_the_report_of_one_slice_is_that_slice(epoll, loop, threads):
    with Observer(epoll, *LOADS[loop], "--threads", threads) as seen:
        seen.slice(1)
        seen.drop()
        one = seen.keep_one(2, window=100 * MS)
        seen.slice(3)  # not decided: it does not count
        run = seen.finish()
    check_unharmed(run)
    assert run.json["slices"]["kept"] == 1 and run.json["slices"]["dropped"] >= 2
    for time_of in "response", "service":
        for share in "p50", "p99":
            assert run.json[f"{time_of}_ns"][share] == one[f"{time_of}_{share}_ns"]
    if one["send_lag_p99_ns"] is not None:
        assert run.json["send_lag_ns"]["p99"] == one["send_lag_p99_ns"]
    assert run.json["client_busy"] == pytest.approx(one["busy"])
    assert run.json["requests_per_second"] == pytest.approx(10 * one["answered"])


def test_percentiles_are_of_all_kept_slices(echo):
    """Two slices without a delay and one with 0.1 s: each request once."""
    serve, listening = echo
    kept = []
    with Observer(listening, "--connections", 4) as seen:
        for number, delay_s in enumerate([0.05, 0.05, 0.1]):
            serve.delay_s = delay_s
            kept.append(seen.slice(number, head=0, window=200 * MS))
            seen.keep()
        run = seen.finish()
    check_unharmed(run)
    assert all(one["due"] >= 4 for one in kept)
    for share in 0.5, 0.9, 0.99:
        said = run.json["response_ns"][f"p{100 * share:.0f}"]
        highest = run.quantile("response", share)
        assert said == min(highest, run.json["response_ns"]["max"])
    assert run.json["response_ns"]["count"] == sum(one["due"] for one in kept)
    assert sum(n for low, _, n in run.buckets("response") if low >= 0.099 * SECOND) >= \
        kept[2]["due"]
    assert run.json["response_ns"]["min"] >= 0.05 * SECOND


# --------------------------------------------------------------------- the schedule


def due_of(target, numbers, *args):
    """How many requests are due in the window of each slice"""
    with Observer(target, "--connections", 8, "--rate", 3000, *args) as seen:
        found = []
        for number in numbers:
            found.append(seen.slice(number, head=10 * MS, window=100 * MS)["due"])
            seen.drop()
    return found


@pytest.mark.parametrize("kind", [["--arrivals", "poisson"], ["--pattern", "burst:40"],
                                  ["--threads", 2]])
def test_the_number_of_a_slice_makes_its_arrivals(epoll, kind):
    first = due_of(epoll, [*range(8), *range(8)], *kind)
    assert first[:8] == first[8:], "the same number, the same arrivals"
    assert len(set(first)) > 1, "another number, other arrivals"
    again = due_of(epoll, reversed(range(8)), *kind)
    assert again == first[7::-1], "in another process, in another order"
    assert due_of(epoll, range(8), "--seed", 2, *kind) != first[:8]


def test_rare_requests_are_not_all_in_the_head(epoll):
    """At equal intervals that are longer than a slice, some slices have one."""
    with Observer(epoll, "--connections", 1, "--rate", 10, "--arrivals",
                  "uniform") as seen:
        due = 0
        for number in range(20):
            due += seen.slice(number, head=10 * MS, window=40 * MS)["due"]
            seen.drop()
    assert 0 < due < 20


# -------------------------------------------------------------------------- at rest


@pytest.mark.parametrize("loop, cpu", [*((loop, False) for loop in LOADS),
                                       ("open", True)])
def test_between_slices_it_does_nothing(echo, engine, loop, cpu):
    serve, listening = echo
    own = ["--cpu", load.cpus()[-1]] if cpu else []
    with Observer(listening, *LOADS[loop], "--engine", engine, "--idle", 2,
                  *own) as seen:
        for number in range(2):
            for word in "", "drop":
                if word:
                    seen.decide(word)
                else:
                    assert seen.slice(number)["requests"] > 0
                heard, used = serve.heard, cpu_ns(seen.process.pid)
                time.sleep(0.15)
                assert serve.heard == heard
                assert cpu_ns(seen.process.pid) - used < 0.003 * SECOND * SLOW
        run = seen.finish()
    assert run.json["slices"] == {"kept": 0, "dropped": 2}


def test_nothing_is_sent_before_the_first_slice(echo):
    serve, listening = echo
    with Observer(listening, "--connections", 2, "--rate", 1000) as seen:
        time.sleep(0.2)
        assert serve.heard == 0
        assert seen.connected == 2
        run = seen.finish()
    assert run.status == 1 and serve.heard == 0
    assert "nothing was measured" in run.reasons[0]


def test_idle_clients_alone(epoll):
    with Observer(epoll, "--connections", 0, "--idle", 20) as seen:
        assert seen.connected == 20
        one = seen.slice(1, head=0, window=100 * MS)
        assert one["requests"] == one["due"] == 0 and one["window_ns"] == 100 * MS
        assert one["response_p50_ns"] is None and one["queued"] is None
        seen.keep()
        check_unharmed(seen.finish())
    assert epoll.stop()["requests"] == 0


def idle_clients(serve):
    """Two connections that sent nothing"""
    assert eventually(lambda: len(serve.clients) == 5)
    assert len(serve.active) == 2
    return [sock for sock in serve.clients if sock not in serve.active][:2]


@pytest.mark.parametrize("when", ["between slices", "in a slice"])
def test_a_server_that_closes_an_idle_connection(echo, engine, when):
    serve, listening = echo
    with Observer(listening, "--connections", 2, "--idle", 3, "--engine",
                  engine) as seen:
        assert seen.slice(1)["errors"] == 0
        seen.keep()
        if when == "in a slice":
            seen.begin(2, window=200 * MS)
        for sock in idle_clients(serve):
            sock.shutdown(socket.SHUT_RDWR)
        if when != "in a slice":
            seen.begin(2)
        found = seen.answer(2)["errors"]
        seen.drop()
        assert found == 2 or when == "in a slice"  # it was over before
        assert found + seen.slice(3)["errors"] == 2
        seen.keep()
        run = seen.finish()
    assert run.status == 1 and run.errors() == {"closed": 2}


def test_the_shortest_slice_sees_them_all(echo, engine):
    serve, listening = echo
    with Observer(listening, "--connections", 1, "--rate", 0.01, "--idle", 30, "--engine",
                  engine) as seen:
        assert eventually(lambda: len(serve.clients) == 31)
        for sock in serve.clients[1:]:
            sock.shutdown(socket.SHUT_RDWR)
        assert seen.slice(1, head=0, window=1)["errors"] == 30


def test_bytes_that_nobody_asked_for(echo, engine):
    serve, listening = echo
    with Observer(listening, "--connections", 2, "--idle", 3, "--engine",
                  engine) as seen:
        assert seen.slice(1)["mismatches"] == 0
        seen.keep()
        for sock in idle_clients(serve):
            sock.sendall(b"unasked")
        assert seen.slice(2)["mismatches"] == 2
        seen.drop()
        run = seen.finish()
    assert run.status == 1 and run.mismatches() == {"unasked": 2}


# ------------------------------------------------------------------ servers that fail


def test_a_server_that_dies_between_slices(epoll, engine):
    with Observer(epoll, "--connections", 5, "--engine", engine) as seen:
        done = seen.slice(1)["requests"]
        seen.keep()
        epoll.kill()
        one = seen.slice(2)
        assert one["errors"] == 5 and one["requests"] == 0
        seen.drop()
        assert seen.slice(3)["requests"] == 0
        seen.drop()
        run = seen.finish()
    assert run.status == 1 and sum(run.errors().values()) == 5
    assert run.json["requests_total"] == done


@pytest.mark.parametrize("loop, engine", [*zip(LOADS, itertools.cycle(["epoll", "uring"])),
                                          ("closed", "uring")])
def test_a_server_that_hangs(epoll, engine, loop):
    """Also if it hangs in the head: these requests are of no window."""
    if load.why_not(engine):
        pytest.skip(load.why_not(engine))
    with Observer(epoll, *LOADS[loop], "--engine", engine) as seen:
        before = seen.slice(1)["requests"]
        seen.keep()
        epoll.send_signal(signal.SIGSTOP)
        begin = time.monotonic()
        one = seen.slice(2, head=30 * MS, window=40 * MS)
        assert time.monotonic() - begin >= load.DRAIN_S
        assert one["unanswered"] > 0 and one["requests"] == 0
        seen.drop()
        epoll.send_signal(signal.SIGCONT)
        assert seen.slice(3)["mismatches"] == 0  # late replies are of no slice
        seen.drop()
        run = seen.finish()
    assert run.json["mismatches"] == 0 and run.json["requests_total"] >= before


def test_it_gives_up(echo):
    serve, listening = echo
    with Observer(listening, "--connections", 2, "--timeout", "1s") as seen:
        seen.slice(1)
        seen.keep()
        serve.delay_s = 5
        one = seen.slice(2, window=30 * SECOND)
        assert one["gave_up"] and one["unanswered"] == 2
        assert one["window_ns"] < 20 * SECOND
        seen.drop()
        assert seen.slice(3)["gave_up"] is False
        seen.drop()
        run = seen.finish()
    assert run.status == 1 and any(
        "no reply for 1 s, so the slice was ended" in reason for reason in run.reasons)


def test_errors_count_even_if_the_slice_does_not(odd):
    one = odd("--message", 64, "--flip", 5)
    with Observer(one, "--connections", 3) as seen:
        found = 0
        for number in range(10):
            found += seen.slice(number)["mismatches"]
            seen.drop()
        run = seen.finish()
    assert sum(run.mismatches().values()) == found > 0
    assert run.status == 1 and run.json["response_ns"]["count"] == 0


def test_without_a_server(engine):
    with Observer("127.0.0.1:1", "--engine", engine, wait=False) as seen:
        assert seen.read_line() == ""
        run = seen.finish()
    assert run.status == 1 and "no server is listening" in run.err


# ------------------------------------------------------------------------ the machine


@load.two_cpus
def test_it_stops_busy_polling_if_others_use_its_cpu(epoll):
    """Every slice is too short to tell: they add up. Nothing of it is an error, because
    the observer judges the machine."""
    cpu = load.cpus()[-1]
    with load.spinners(cpu, 2), \
            Observer(epoll, "--connections", 4, "--rate", 200, "--cpu", cpu) as seen:
        for number in range(20):
            seen.slice(number)
            seen.keep()
        run = seen.finish()
    check_unharmed(run)
    assert not run.json["spun"] and run.json["coarse"]
    assert run.json["client_run_delay_ns"] > 0
    assert not [reason for reason in run.reasons
                if any(part in reason for part in load.DISTURBANCES)]


# ------------------------------------------------------------------------ the protocol


def test_orders_in_pieces_and_several_at_once(epoll):
    with Observer(epoll, "--connections", 2) as seen:
        for piece in b"sl", b"ice 7 5000000 ", b"4000", b"0000", b"\nke", b"ep\n":
            seen.end.sendall(piece)
            time.sleep(0.02)
        assert seen.answer(7)["requests"] > 0
        assert seen.read_line() == "ok\n"
        seen.end.sendall(b"slice 8 0 1000000\ndrop\nslice 9 0 1000000\nkeep\n")
        for number in 8, 9:
            seen.answer(number)
            assert seen.read_line() == "ok\n"
        run = seen.finish()
    assert run.json["slices"] == {"kept": 2, "dropped": 1}


GARBAGE = ["", " ", "go", "slice", "slice 1", "slice 1 2", "slice 1 2 3 4", "slice 1 2 0",
           "slice 1 2 x", "slice -1 2 3", "slice 1 -2 3", "slice  1 2 3", "slice 1 2 3 ",
           "slice 18446744073709551616 0 1000000", "slice 1 86400000000001 1000",
           "slice 1 0 99999999999999", "slices 1 0 1000000", "keep 1", "Keep", "x" * 500]


@pytest.mark.parametrize("line", GARBAGE)
def test_unknown_orders(epoll, line):
    with Observer(epoll, "--connections", 2) as seen:
        seen.say(line)
        assert seen.read_line() == ""
        run = seen.running.finish()
    assert run.status == 1 and run.err.count("\n") == 1, run
    assert "--hold" in run.err and line[:40] in run.err, run
    assert run.json is None


@pytest.mark.parametrize("lines", [["keep"], ["drop"],
                                   ["slice 1 0 1000000", "keep", "keep"],
                                   ["slice 1 0 1000000", "slice 2 0 1000000"]])
def test_orders_at_the_wrong_time(epoll, lines):
    with Observer(epoll, "--connections", 2) as seen:
        for line in lines:
            seen.say(line)
        while seen.read_line():
            continue
        run = seen.running.finish()
    assert run.status == 1 and run.err.startswith("loadgen: --hold: "), run


@pytest.mark.parametrize("when", ["at once", "in a slice", "after a slice"])
def test_the_observer_is_gone(echo, when):
    serve, listening = echo
    with Observer(listening, "--connections", 2) as seen:
        seen.keep_one(1)
        if when == "in a slice":
            seen.begin(2)
        elif when == "after a slice":
            seen.slice(2)
        seen._lines.close()
        seen.end.close()
        run = seen.running.finish()
    check_unharmed(run)
    assert run.json["slices"]["kept"] == 1 and run.json["duration_s"] == 0.04
    assert eventually(lambda: all(is_closed(sock) for sock in serve.clients))


def is_closed(sock):
    with contextlib.suppress(OSError):
        return sock.fileno() < 0 or not sock.recv(1, socket.MSG_DONTWAIT)
    return sock.fileno() < 0


@pytest.mark.parametrize("signo", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", ["waiting", "in a slice"])
def test_a_signal_ends_it(epoll, signo, when):
    with Observer(epoll, "--connections", 2) as seen:
        done = seen.keep_one(1)["due"]
        if when == "in a slice":
            seen.begin(2, window=60 * SECOND)
            time.sleep(0.1)
        seen.running.interrupt(signo)
        assert seen.read_line() == ""
        run = seen.running.finish()
    assert run.status == 130 and run.faults == ["interrupted"]
    assert run.json["requests"] == done > 0
    assert epoll.stop()["requests"] == run.json["requests_total"]


def test_stopped_and_continued(epoll):
    """SIGCONT ends nothing."""
    with Observer(epoll, "--connections", 2) as seen:
        seen.running.interrupt(signal.SIGSTOP)
        time.sleep(0.1)
        seen.begin(1)
        seen.running.interrupt(signal.SIGCONT)
        assert seen.answer(1)["requests"] > 0
        seen.running.interrupt(signal.SIGSTOP)
        seen.running.interrupt(signal.SIGCONT)
        time.sleep(0.1)
        assert seen.process.poll() is None
        seen.drop()
        seen.keep_one(2)
        check_unharmed(seen.finish())


@pytest.mark.parametrize("option", ["--warmup=1s", "--duration=2s", "--find-rate=p99=1ms"])
def test_options_that_it_replaces(option):
    with Observer("127.0.0.1:1", option, wait=False) as seen:
        run = seen.running.finish()
    assert run.status == 2 and run.err.count("\n") == 1
    assert "--hold" in run.err and option.split("=")[0] in run.err
