# SPDX-License-Identifier: MIT
"""Workloads as cells of a plan: each is measured in bouts and slices like any other."""

import matrix
import pytest

CELLS = {
    "burst:20": "open split connections 4 rate 1k pattern burst:20",
    "connect": "closed split connections 4 pattern connect",
    "storm": "open split connections 20 rate 400 pattern storm",
    "slow-read:3": "open split connections 4 rate 400 pattern slow-read:3",
    "steady": "closed split connections 4 depth 8 work cpu:20us,sleep:1ms@10%",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workloads")
    plan = matrix.plan(folder, counting="yes", models="epoll,thread", bout="200ms",
                       slice="50ms", cells=list(CELLS.values()))
    return matrix.run(plan=plan, out=folder / "run").check(0)


def test_each_is_measured(run):
    """With a column of its own; lines() checks them against the schema."""
    for line in run.last:
        assert (line["status"], line["reasons"]) == ("ok", [])
        assert line["load"]["requests_total"] == line["server"]["requests"]
    assert {row["pattern"] for row in run.csv("cells.csv")} == set(CELLS)
    assert {row["work"] for row in run.csv("cells.csv")} == {
        "none", "cpu:20us", "sleep:1ms@10%"}


def test_each_has_words(run):
    text = " ".join(run.read("summary.txt").split())
    for words in ("bursts of 20", "a new connection per request", "all connect at once",
                  "beside 3 slow readers", "8 requests in flight", "work sleep:1ms@10%"):
        assert words in text


def test_slow_readers_are_not_measured(run):
    for line in run.last:
        if line["pattern"] != "slow-read:3":
            continue
        assert line["load"]["slow"] == 3 and line["server"]["accepted"] == 4 + 3
        slow = line["load"]["requests_total"] - line["load"]["requests"]
        assert slow > 3 * 512 * 1024 // 64 > line["load"]["requests"]
        if line["role"] == "counting":
            assert line["calls"]["requests"] < 2000
