# SPDX-License-Identifier: MIT
"""What a run claims, over many crafted runs whose truth is known: from slices.csv to
comparisons.csv, through bin/matrix report.

The noise is the same in every run of this test: nothing is measured, no luck is needed.
`make bench-turns` does the same with servers.
"""

import csv
import json
import math
import random
import subprocess
import sys

import pytest
import server
from server import TOP

sys.path.insert(0, str(TOP / "tests/plots"))

import crafted  # noqa: E402

MODELS = ("thread", "select", "poll", "epoll", "aio", "uring")
RUNS, BLOCKS, ROUNDS = 40, 6, 6

#: Standard deviation of the logarithm: of a start, and of a slice (heavy-tailed)
START, SLICE = 0.007, 0.01

pytestmark = pytest.mark.skipif(not (TOP / server.BIN / "matrix").exists(),
                                reason="matrix is not built")


class Runs:
    """The folder of a run, of which simulate() replaces the slices"""

    def __init__(self, path):
        self.path = crafted.make(path, blocks=BLOCKS, models=MODELS, requests=100,
                                 settings=[dict(connections=4)], tables=False)
        lines = self.path / "repetitions.jsonl"
        self.timed = []
        for text in lines.read_text("utf-8").splitlines():
            line = json.loads(text)
            assert line["status"] == "ok" and not line["bound"]
            if line["role"] in ("timing", "aa"):
                self.timed.append(line)

    def simulate(self, rng, effect=lambda line, number: 0, drop=()):
        """`effect`: the logarithm of what a model's slices cost more in a round"""
        rows, drift = [], {}
        for line in self.timed:
            start = rng.gauss(0, START)
            for number in range(1, ROUNDS + 1):
                # what disturbs a machine disturbs a whole round
                common = drift.setdefault((line["block"], number), rng.gauss(0, 0.3))
                slower = math.exp(common + start + effect(line, number) +
                                  SLICE * rng.gauss(0, 1) / math.sqrt(
                                      rng.gammavariate(1.5, 2 / 3)))
                rows.append([line["bout"], line["index"], number, 0, int(number not in drop),
                             1000, round(5000000 / slower), 40000000, 46000000,
                             round(20000000 * slower), 10000000, *[round(1e6 * slower)] * 4])
        text = [crafted.SLICES, *(",".join(map(str, row)) for row in rows)]
        (self.path / "slices.csv").write_text("\n".join(text) + "\n", "utf-8")
        subprocess.run([crafted._matrix(), "report", self.path], check=False,
                       capture_output=True)
        with open(self.path / "comparisons.csv", newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["model"] != "baseline"]
        assert len(rows) == 2 * (len(MODELS) - 1)
        return rows


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return Runs(tmp_path_factory.mktemp("statistics") / "run")


def verdicts(rows, **where):
    return [row["verdict"] for row in rows if where.items() <= row.items()]


def test_identical_servers(runs):
    """In 5 % of runs at most is any of them called different; most of them equal."""
    rng, wrong, equal = random.Random(1), 0, 0
    for _ in range(RUNS):
        found = verdicts(runs.simulate(rng))
        wrong += "different" in found
        equal += found.count("equal")
    assert wrong <= RUNS / 20
    assert equal >= 0.5 * RUNS * 2 * (len(MODELS) - 1)


def test_one_is_five_percent_slower(runs):
    """It is found, and its interval is right; nothing is said of the others."""
    rng, found, covered, wrong = random.Random(2), 0, 0, 0
    for _ in range(RUNS):
        rows = runs.simulate(rng, lambda line, number: math.log(1.05) * (
            line["model"] == "poll"))
        row, = [row for row in rows if row["model"] == "poll" and
                row["metric"] == "server_cpu_per_request_ns"]
        found += row["verdict"] == "different"
        covered += float(row["low"]) <= 1.05 <= float(row["high"])
        wrong += any("different" in verdicts(rows, model=model)
                     for model in MODELS if model != "poll")
    assert found >= 0.95 * RUNS
    assert covered >= 0.95 * RUNS
    assert wrong <= RUNS / 20


def test_disturbed_rounds_change_nothing(runs):
    """A round that everything disturbs is in both halves of a ratio, or was dropped."""
    rows = runs.simulate(random.Random(3))
    for how in ({"drop": (2, 5)},
                {"effect": lambda line, number: 2 * (number == 3)},
                {"effect": lambda line, number: 5 * (number == 4), "drop": (4,)}):
        for row, other in zip(rows, runs.simulate(random.Random(3), **how)):
            assert float(row["low"]) < float(other["ratio"]) < float(row["high"]), how
            assert float(other["rounds"]) == BLOCKS * (ROUNDS - len(how.get("drop", ())))


def test_a_start_that_is_off(runs):
    """One fresh start of six is 20 % slower: the interval carries it, so no claim."""
    rows = runs.simulate(random.Random(4), lambda line, number: 0.2 * (
        line["model"] == "poll" and line["block"] == 3))
    assert verdicts(rows, model="poll") == ["undecided"] * 2
    assert all(float(row["low"]) < 1 < float(row["high"]) for row in rows
               if row["model"] == "poll")
    assert "different" not in verdicts(rows)
