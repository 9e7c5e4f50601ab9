# SPDX-License-Identifier: MIT
"""Coordinated omission: a server that freezes for half of the run.

A closed loop sends least while the server is slowest, and sees one slow request. An
open loop sees what users see.
"""

import signal
import time

import load
import server
from load import SECOND

DURATION_S = 4
#: Slightly less than half, so that the median request is not stalled
STALL_S = 1.9
RATE = 1000

COMMON = ["--warmup", "0s", "--duration", f"{DURATION_S}s", "--timeout",
          "10s"]


@load.up_to_3_times
def test_freeze_for_half_of_the_run():
    with server.Server("epoll", "--message", "64") as epoll, \
            load.Running(epoll, "--rate", RATE, "--arrivals", "uniform",
                         *COMMON) as opened, \
            load.Running(epoll, "--connections", 1, *COMMON) as closed:
        epoll.wait_for_traffic(100)
        epoll.send_signal(signal.SIGSTOP)
        frozen = time.monotonic_ns()
        time.sleep(STALL_S)
        stall = time.monotonic_ns() - frozen
        epoll.send_signal(signal.SIGCONT)
        opened, closed = opened.finish(), closed.finish()
        requests = epoll.stop()["requests"]
    assert opened.faults == [] and closed.faults == []
    assert opened.json["requests"] == DURATION_S * RATE
    assert requests == (opened.json["requests_total"] +
                        closed.json["requests_total"])
    near = stall * 0.03
    # Of all requests a tenth waited longer than so:
    p90 = stall - 0.1 * DURATION_S * SECOND
    assert 0.75 * stall < p90 < 0.85 * stall
    said = opened.json["response_ns"]
    load.check_time(said["max"], stall - near, stall + near, "max")
    load.check_time(said["p90"], p90 - near, p90 + near, "p90")
    load.check_time(said["p50"], 0, stall * 0.01, "p50")
    # The stall did not move the schedule: the send lag does not include it.
    load.check_time(opened.json["send_lag_ns"]["max"], 0, stall * 0.1, "lag")

    hidden = closed.json["response_ns"]
    load.check_time(hidden["max"], stall - near, stall + near, "closed, max")
    load.check_time(hidden["p90"], 0, stall * 0.01, "closed, p90")
    assert closed.json["loop"] == "closed" and opened.json["loop"] == "open"
    assert "closed loop" in closed.text and "open loop" in opened.text
