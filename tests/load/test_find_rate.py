# SPDX-License-Identifier: MIT
"""--find-rate: the highest rate that keeps a limit."""

import json
import re

import load
import pytest
import server
from load import no_disturbance
from oddserver import OddServer

SHORT = ["--warmup", "50ms", "--duration", "200ms"]

#: A limit that a server with a delay of 30 ms exceeds at any rate
FUTILE = ["--find-rate", "p50=5ms", "--rate", 3, "--arrivals", "uniform",
          "--connections", 2, "--warmup", "0s", "--duration", "200ms"]


def probes_in(text):
    """The probes in the text: (rate, percentile or "-", outcome)"""
    return re.findall(r"^ *([\d,.]+)/s  p\S+ ([\d.]+ [num]?s|-) +"
                      r"(held|failed|unusable|wrong)", text, re.M)


def check_search(run, limit_ns):
    """Text and JSON of a search agree, and are consistent."""
    found = run.json["find_rate"]
    listed = probes_in(run.text)
    assert len(listed) == len(found["probes"]) > 0
    for (rate, _, outcome), probe in zip(listed, found["probes"]):
        assert outcome == probe["outcome"]
        assert float(rate.replace(",", "")) == pytest.approx(
            probe["offered_per_second"], rel=0.01)
        if outcome == "held":
            assert probe["reached_ns"] <= limit_ns
    # The probing of a rate ends when enough probes agree.
    tried = {}
    for probe in found["probes"]:
        tried.setdefault(probe["offered_per_second"], []).append(
            probe["outcome"])
    for rate, outcomes in tried.items():
        said = outcomes[-1]
        assert outcomes.count(said) == (3 if said == "unusable" else 2)
    assert found["limit_ns"] == limit_ns
    return found


@load.up_to_3_times
def test_near_what_the_server_can_do():
    """Eight connections at 10 ms per request: at most 800 requests/s. About half of
    that keeps a median of 25 ms."""
    with server.Server("thread", "--message", "64", "--work",
                       "sleep:10ms") as slow:
        run = load.run(slow, "--find-rate", "p50=25ms", "--rate", 100,
                       "--connections", 8, *SHORT, limit_s=60)
        slow.stop()
    found = check_search(run, 25 * load.MS)
    no_disturbance(found["held_per_second"] is not None and
                   not found["limited_by_generator"], "the generator was late")
    held, failed = found["held_per_second"], found["failed_per_second"]
    # In a short window, random arrivals may be fewer than the rate.
    assert held < 1.25 * 800
    no_disturbance(held > 250, f"only {held}/s held")
    assert held < failed <= held * 1.06
    assert found["limit"] == "p50"
    # The result is that of the highest rate that held.
    no_disturbance(run.status == 0, run.reasons)
    assert run.json["valid"] is True
    assert run.json["offered_per_second"] == held
    # ... and not of one that held once by chance: the requests due in 200 ms
    assert abs(run.json["requests"] - held / 5) < 6 * (held / 5) ** 0.5
    assert run.json["response_ns"]["p50"] <= 25 * load.MS
    assert "held p50 <= 25.0 ms" in run.out and run.out.endswith("valid\n")


@load.up_to_3_times
def test_what_held_once_by_chance(odd):
    """The server stalls forever after twice the rate held once: the result is that of
    the rate that held twice."""
    stalls = odd("--message", 64, "--stall", "1000s", "--stall-at", "740ms")
    run = load.run(stalls, "--find-rate", "p50=10s", "--rate", 100,
                   "--arrivals", "uniform", "--connections", 4, "--warmup",
                   "0s", "--duration", "200ms", "--timeout", "100ms",
                   limit_s=60)
    found = check_search(run, 10 * load.SECOND)
    first = [(probe["offered_per_second"], probe["outcome"] == "held")
             for probe in found["probes"][:5]]
    no_disturbance(first == [(100, True), (100, True), (200, True),
                             (200, False), (200, False)], first)
    assert found["held_per_second"] == 100
    assert run.json["offered_per_second"] == 100
    assert run.json["requests"] == 20
    assert run.json["requests_per_second"] == pytest.approx(100, rel=0.06)


def test_a_limit_that_nothing_can_hold():
    with OddServer("--message", 64, "--delay", "30ms") as slow:
        run = load.run(slow, *FUTILE)
        slow.stop()
    found = check_search(run, 5 * load.MS)
    assert run.status == 1 and run.json["valid"] is False
    assert found["held_per_second"] is None
    assert "No rate held p50 <= 5.00 ms; the lowest tried was " in run.out
    assert "valid\n" not in run.out


def test_json_alone_on_stdout():
    with OddServer("--message", 64, "--delay", "30ms") as slow:
        run = load.run(slow, *FUTILE, "--json", "-", asks_json=False)
        quiet = load.run(slow, *FUTILE, "--json", "-", "--quiet",
                         asks_json=False)
        slow.stop()
    assert json.loads(run.out)["find_rate"]["held_per_second"] is None
    assert "No rate held" in run.err
    assert json.loads(quiet.out)["find_rate"]["held_per_second"] is None
    assert quiet.err.count("\n") == 1 and "no rate held" in quiet.err


def test_no_listener():
    """It is reported once, without a search."""
    run = load.run("127.0.0.1:1", "--find-rate", "p99=1ms", asks_json=False)
    assert run.status == 1 and run.err.count("\n") == 1
    assert "no server is listening" in run.err
