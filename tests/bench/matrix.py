# SPDX-License-Identifier: MIT
"""Whether bin/matrix disturbs what it measures.

  make bench-matrix                about 2 minutes
  make bench-matrix ROUNDS=15      more rounds (default 9)

- counting: the server's CPU time per request while its system calls are counted,
  relative to that of its bout
- slices: a bout of bin/matrix relative to one long window of bin/loadgen alone, in
  turns: requests/s and the server's CPU time per request
- harness: CPU time of bin/matrix itself in a bout, as share of a core

bin/epoll, 64 connections, 64 bytes, closed loop, a core each. Run it on an idle
machine. Windows that the generator's audit rejects are left out.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests")]

import server  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS") or 9)
CPUS = sorted(os.sched_getaffinity(0))[:2]
WARMUP, WINDOW, SLICE = "200ms", "800ms", "40ms"


def spread(values, form="{:.3f}"):
    """Median (lowest to highest), as text."""
    if not values:
        return "nothing"
    return (f"{form.format(statistics.median(values))} "
            f"({form.format(min(values))} to {form.format(max(values))}), "
            f"n = {len(values)}")


def cpu_clock(pid):
    """The CPU time of a process in ns: its clock's id is made of the pid."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def plan(folder, **keys):
    path = pathlib.Path(folder) / "bench.plan"
    keys = {"blocks": 1, "bout": WINDOW, "slice": SLICE, "aa": "no", "idle": "none",
            "baseline": "no", "counting": "no", "models": "epoll",
            "cells": "closed split connections 64", **keys}
    path.write_text("".join(f"{key} {value}\n" for key, value in keys.items()),
                    encoding="utf-8")
    return path


def lines(folder):
    return [json.loads(line) for line in
            (folder / "repetitions.jsonl").read_text("utf-8").splitlines()]


def matrix(folder, number, **keys):
    """One run; its records"""
    out = pathlib.Path(folder) / f"run{number}"
    subprocess.run([TOP / "bin/matrix", "run", "--plan", plan(folder, **keys),
                    "--out", out], cwd=TOP, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return lines(out)


def by_hand():
    """(requests a second, server CPU ns a request) without bin/matrix, or None"""
    with server.Server("epoll", "--message", "64",
                       wrapper=["taskset", "-c", str(CPUS[0])]) as one:
        ran = subprocess.run(
            ["bin/loadgen", "--target", f"127.0.0.1:{one.port}",
             "--message", "64", "--connections", "64", "--warmup", WARMUP,
             "--duration", WINDOW, "--cpu", str(CPUS[1]), "--quiet",
             "--json", "-"], cwd=TOP, capture_output=True, check=False)
        said = json.loads(ran.stdout)
        counters = one.stop()
    if not said["valid"]:
        return None
    return (said["requests_per_second"],
            counters["cpu_ns"] / counters["requests"])


def of_matrix(folder, number):
    """The same by bin/matrix, over the whole life of the server"""
    last = matrix(folder, number)[-1]
    return (last["metrics"]["requests_per_second"],
            last["server"]["cpu_ns"] / last["server"]["requests"])


def bench_slices(folder):
    """In turns, in alternating order. The A/A pair is two runs by hand."""
    ratios = {"slices / window": [], "window / window": []}
    for number in range(ROUNDS):
        ways = [lambda: of_matrix(folder, f"t{number}"), by_hand, by_hand]
        order = range(3) if number % 2 else reversed(range(3))
        got = dict((i, ways[i]()) for i in order)
        for name, of, to in [("slices / window", 0, 1), ("window / window", 1, 2)]:
            if got[of] and got[to]:
                ratios[name].append([a / b for a, b in zip(got[of], got[to])])
    for name, pairs in ratios.items():
        print(f"  {name:18} requests/s {spread([p[0] for p in pairs])}")
        print(f"  {'':18} CPU/request {spread([p[1] for p in pairs])}")


def bench_counting(folder):
    ratios = []
    for number in range(ROUNDS):
        records = {record["role"]: record["metrics"] for record in
                   matrix(folder, f"c{number}", counting="yes")}
        ratios.append(records["counting"]["server_cpu_per_request_ns"] /
                      records["timing"]["server_cpu_per_request_ns"])
    print(f"  counting / timing  CPU/request {spread(ratios)}")


def bench_harness(folder):
    """Its clock during the slices of a bout of 4 s"""
    out = pathlib.Path(folder) / "harness"
    with subprocess.Popen(
            [TOP / "bin/matrix", "run", "--plan", plan(folder, bout="4s"),
             "--out", out], cwd=TOP, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL) as run:
        time.sleep(1.5)
        began, used = time.monotonic_ns(), cpu_clock(run.pid)
        time.sleep(2)
        share = (cpu_clock(run.pid) - used) / (time.monotonic_ns() - began)
    print(f"  harness, in a bout: {share * 100:.3f} % of a core")


def main():
    with tempfile.TemporaryDirectory() as folder:
        bench_harness(folder)
        bench_counting(folder)
        bench_slices(folder)


if __name__ == "__main__":
    main()
