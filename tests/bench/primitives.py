#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How exact bin/primitives is.

  make bench-primitives                  both parts, about five minutes
  make bench-primitives PARTS=loops      beside plain loops (tests/bench/primitives.c), in
                                         turns: medians within 5 %
  make bench-primitives PARTS=order RUNS=3
                                         whole runs: methods have the same order in each cell
                                         of the table of waits, where intervals are apart

Run it on an idle machine. Exit status 1: a target was missed.
"""

import argparse
import csv
import itertools
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PRIMITIVES, LOOPS = TOP / "bin/primitives", TOP / "build/release/bench/primitives"
ROUNDS = 25
CELLS = ["syscall/empty", "wait/poll/watched:1000/ready:1", "wait/poll/watched:1000/ready:1000"]

missed = []


def target(what, got, good):
    """Prints whether a target is reached."""
    if not good:
        missed.append(what)
    print(f"  {'reached' if good else 'MISSED'}: {what}: {got}")


def table(folder):
    with open(folder / "primitives.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def name(row):
    """As in --benchmark_list_tests"""
    parts = [f"{key}:{row[key]}" for key in ("watched", "ready", "count") if row[key]]
    return "/".join([row["primitive"], row["method"], *parts])


def measure(folder, *args):
    subprocess.run([PRIMITIVES, "--out", folder, *args], check=True, stdout=subprocess.DEVNULL)
    return table(pathlib.Path(folder))


# ---------------------------------------------------------------------- plain loops

def loops():
    cpu = str(min(os.sched_getaffinity(0)))
    ours, plain = {one: [] for one in CELLS}, {one: [] for one in CELLS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            for line in subprocess.run([LOOPS, cpu], check=True, capture_output=True,
                                       text=True).stdout.splitlines():
                plain[line.split()[0]].append(float(line.split()[1]))
            for row in measure(folder, "--benchmark_repetitions=1",
                               f"--benchmark_filter=^({'|'.join(CELLS)})$"):
                ours[name(row)].append(float(row["value"]))
    print(f"\nmedian of {ROUNDS} processes each, in turns\n"
          f"{'':36}{'plain loop':>12}{'primitives':>12}{'ratio':>8}")
    for one in CELLS:
        a, b = statistics.median(plain[one]), statistics.median(ours[one])
        print(f"{one:36}{a:>9.1f} ns{b:>9.1f} ns{b / a:>8.3f}")
        target(f"{one} within 5 % of a plain loop", f"{100 * (b / a - 1):+.1f} %",
               abs(b / a - 1) <= 0.05)


# ---------------------------------------------------------------------------- order

def cells(rows):
    """{(watched, ready): {method: (low, high)}} of the waits"""
    of = {}
    for row in rows:
        if row["primitive"] == "wait" and row["low"]:
            of.setdefault((int(row["watched"]), int(row["ready"])), {})[row["method"]] = (
                float(row["low"]), float(row["high"]))
    return of


def before(one, other):
    """-1: its interval lies below the other; 1: above; 0: they overlap"""
    return -1 if one[1] < other[0] else 1 if one[0] > other[1] else 0


def order(runs, keep):
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(keep or scratch)
        made = [cells(measure(root / f"run-{i}")) for i in range(runs)]
    pairs = apart = 0
    reversed_pairs = []
    for cell in made[0]:
        for a, b in itertools.combinations(made[0][cell], 2):
            seen = {before(run[cell][a], run[cell][b]) for run in made}
            pairs += 1
            apart += 0 not in seen
            if {-1, 1} <= seen:
                reversed_pairs.append(f"{a}, {b} at {cell[0]} watched, {cell[1]} ready")
    print(f"\n{runs} runs: {len(made[0])} cells, {pairs} pairs of methods, {apart} of them apart "
          "in every run")
    target("no pair is reversed", "; ".join(reversed_pairs) or "none", not reversed_pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="loops, order")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", help="a folder for the runs")
    options = parser.parse_args()
    parts = options.parts or ["loops", "order"]
    if set(parts) - {"loops", "order"}:
        parser.error("the parts are loops and order")
    if "loops" in parts:
        loops()
    if "order" in parts:
        order(options.runs, options.keep)
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
