# SPDX-License-Identifier: MIT
"""Reported times agree with the server's own record.

loadgen measures the time in the server and on the way, so every reported quantile is
at least the recorded one. The way is short compared to the delays used here. The
accuracy with short delays is measured by make bench-loadgen.
"""

import load
import pytest
from load import MS, check_time

QUANTILES = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999]


def sure(count, share):
    """Whether there are enough samples for this quantile"""
    return count * min(share, 1 - share) >= 10


def check_quantiles(run, name, recorded, shares=QUANTILES):
    """Reported quantiles follow recorded ones; the delays are long compared to the way."""
    count = len(recorded)
    reported = sum(n for _, _, n in run.buckets(name))
    load.no_disturbance(reported == count, "one was sent after the window")
    for share in [share for share in shares if sure(count, share)]:
        least = load.quantile(recorded, share)
        # On a busy machine some wake-ups take long, but not most.
        way = max(least // 50, 2 * MS) if 0.1 <= share <= 0.9 else 20 * MS
        check_time(run.quantile(name, share), least,
                   least + way * load.SLOW, f"quantile {share} of {name}")


def check_counts(run, odd, counters):
    """Both counted the same requests."""
    run.check_all_counted()
    assert run.json["requests_total"] == counters["requests"] == \
        counters["replies"] == len(odd.records) > 200


LOADS = {"closed": ["--connections", 16],
         "deep": ["--connections", 4, "--depth", 4],
         "open": ["--connections", 8, "--rate", 1000]}


@pytest.mark.parametrize("loop", LOADS)
@load.up_to_3_times
def test_constant_delay(odd, engine, loop):
    server = odd("--message", 64, "--delay", "10ms")
    run = load.run(server, *LOADS[loop], "--engine", engine, "--warmup", "0s",
                   "--duration", "1s")
    counters = server.stop()
    run.check_unharmed()
    assert run.json["engine"] == engine
    check_counts(run, server, counters)
    check_quantiles(run, "service", [r.took_ns for r in server.records])


@load.up_to_3_times
def test_two_valued_delay(odd, engine):
    server = odd("--message", 64, "--delay", "5ms", "--delay2", "30ms",
                 "--percent", "20%")
    run = load.run(server, "--connections", 16, "--engine", engine,
                   "--warmup", "0s", "--duration", "1s")
    counters = server.stop()
    run.check_unharmed()
    check_counts(run, server, counters)
    took = [r.took_ns for r in server.records]
    check_quantiles(run, "service", took)
    # Two distinct values, nothing between
    slow = counters["delay2"] / counters["requests"]
    assert 0.1 < slow < 0.3
    assert sum(n for low, high, n in run.buckets("service")
               if high >= 30 * MS) >= counters["delay2"]
    assert run.quantile("service", 1 - slow * 0.8) >= 30 * MS
    load.no_disturbance(run.quantile("service", 0.5) < 15 * MS * load.SLOW,
                        "half of them are fast")


@load.up_to_3_times
def test_one_stall(odd, engine):
    """Requests that are due during a stall wait, and their waiting counts.

    Due times are known: one connection, and equal intervals from the first request
    on, which was due before it was read.
    """
    gap = 5 * MS
    server = odd("--message", 64, "--stall", "500ms", "--stall-at", "400ms")
    run = load.run(server, "--connections", 1, "--rate", 200, "--arrivals",
                   "uniform", "--engine", engine, "--warmup", "0s",
                   "--duration", "1500ms")
    counters = server.stop()
    run.check_unharmed()
    check_counts(run, server, counters)
    assert run.json["requests"] == 300
    first = server.records[0].read_ns
    due = [first + i * gap for i in range(300)]
    waited = [r.sent_ns - at for r, at in zip(server.records, due)]
    lag = run.json["send_lag_ns"]["max"]  # of the first one, perhaps
    for share in (0.7, 0.75, 0.8, 0.9, 0.95):
        said, known = run.quantile("response", share), load.quantile(
            waited, share)
        check_time(said, known, known + lag + max(known // 50, 5 * MS),
                   f"quantile {share}")
    stalled = counters["stall_end_ns"] - counters["stall_begin_ns"]
    check_time(run.json["response_ns"]["max"], stalled - gap,
               stalled + lag + 20 * MS, "the longest")


@pytest.mark.parametrize("threads", [1, 2])
def test_window_is_counted_exactly(odd, engine, threads):
    """The number of requests in warm-up and window is exact."""
    server = odd("--message", 64)
    run = load.run(server, "--connections", 5, "--threads", threads, "--rate",
                   400, "--arrivals", "uniform", "--engine", engine,
                   "--warmup", "250ms", "--duration", "500ms")
    counters = server.stop()
    run.check_unharmed()
    assert run.json["requests"] == 200
    assert run.json["requests_total"] == counters["requests"] == 300
    assert run.json["response_ns"]["count"] == 200
    assert run.json["duration_s"] == 0.5


def test_warm_up_is_not_counted(odd, engine):
    """A stall in the warm-up does not affect the result. A busy machine may stall in the
    window, too, but not in each of five."""
    longest = []
    while len(longest) < 5 and min(longest, default=150 * MS) >= 150 * MS:
        server = odd("--message", 64, "--stall", "300ms")
        run = load.run(server, "--connections", 4, "--engine", engine, "--rate",
                       200, "--warmup", "1s", "--duration", "500ms")
        stalled = server.stop()
        assert stalled["stall_end_ns"] - stalled["stall_begin_ns"] >= 300 * MS
        assert not run.faults
        assert run.json["requests"] < run.json["requests_total"]
        longest.append(run.json["response_ns"]["max"])
    assert min(longest) < 150 * MS, longest
