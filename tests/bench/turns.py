#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How exact bin/matrix is, measuring in turns, and what that costs.

  make bench-turns                            all parts, about an hour
  make bench-turns PARTS='aa cost'            some of them
  make bench-turns PARTS=quick RUNS=10 KEEP=build/turns
                                              ten runs; their folders are kept there

- quick (2 min a run): time, width of the intervals, A/A twin, verdicts, dropped rounds
  of the plan quick
- hog (2 min a run): the same with a busy loop on each CPU
- aa (10 s a run): how often two identical builds are called different
- slower (10 s a run): how often a server that uses 5 % more CPU time is found
- slices (1 min a run): ratios with slices of half and twice the length, and in one long
  window; the cost of a slice's cold start
- cost (1 min): CPU time of the harness and of servers without a turn, time until all are
  connected, freezing, memory

Run it on an idle machine; --apart runs it beside another run of bin/matrix. Runs of the
first four that are in KEEP already are in the tables, too, so they can be at different
times. Exit status 1: a target was missed.
"""

import argparse
import collections
import contextlib
import itertools
import json
import math
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

import turns_cost
from turns_runs import CPU, RATE, Run, Runs, as_text, interval, trimmed_mean

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests"), str(TOP / "tests/matrix")]

import apart  # noqa: E402
import server  # noqa: E402

CPUS = sorted(os.sched_getaffinity(0))[:2]
AT_64 = "closed split 64"

missed = []


def target(what, got, good):
    """Prints whether a target is reached."""
    if not good:
        missed.append(what)
    print(f"  {'reached' if good else 'MISSED'}: {what}: {got}")


# ------------------------------------------------------------------- the plan quick

def width(row):
    """Half of the width of an interval, in percent of the ratio; None: it is open"""
    if not row["low"] or not row["high"]:
        return None
    return 50 * (float(row["high"]) - float(row["low"])) / float(row["ratio"])


def widths(run):
    """{setting: median over its comparisons of CPU time per request}"""
    of = collections.defaultdict(list)
    for row in run.comparisons:
        if row["metric"] == CPU and width(row) is not None:
            of[row["setting"]].append(width(row))
    return {setting: statistics.median(all_of) for setting, all_of in of.items()}


def twin(run, metric, setting=AT_64):
    """How far the A/A twin is from 1, in percent"""
    for row in run.comparisons:
        if (row["setting"], row["metric"]) == (setting, metric) and row["aa_low"]:
            return 100 * (math.sqrt(float(row["aa_low"]) * float(row["aa_high"])) - 1)
    return math.nan


def decided(run):
    """(different or equal, all)"""
    verdicts = [row["verdict"] for row in run.comparisons]
    return sum(of in ("different", "equal") for of in verdicts), len(verdicts)


def print_runs(runs):
    settings = [*widths(runs[0])]
    print("  half-width: of the interval of CPU per request, median over models, %\n"
          "  A/A: the twin's distance from 1 at 64 connections, CPU per request and "
          "requests/s, %")
    names = [f"{name.replace('closed ', ''):>10.10}" for name in settings]
    print(f"  {'run':9}{'time':>6}  {'dropped':>10}  {'decided':>14}"
          f"  {' '.join(names)}  {'A/A':>11}")
    for run in runs:
        counted, dropped = run.rounds()
        done, of = decided(run)
        print(f"  {run.path.name:9}{run.seconds:4.0f} s  "
              f"{f'{dropped} of {counted + dropped}':>10}  "
              f"{f'{done} of {of} {done / of:.0%}':>14}  " +
              " ".join(f"{widths(run).get(name, math.nan):10.2f}" for name in settings) +
              f"  {twin(run, CPU):+5.2f} {twin(run, RATE):+5.2f}")


def print_verdicts(runs):
    """What the undecided ones are"""
    count = collections.Counter(row["verdict"] for run in runs for row in run.comparisons)
    print("  verdicts:", ", ".join(f"{n} {name}" for name, n in count.most_common()))
    where = collections.Counter(
        (row["setting"], row["metric"]) for run in runs for row in run.comparisons
        if row["verdict"] not in ("different", "equal"))
    for (setting, metric), n in where.most_common(4):
        print(f"    not decided: {n} in {setting}, {metric}")


def noise(runs, loop, connections):
    """Standard deviations of a log ratio of CPU time, median over models: (between
    starts, between the rounds of a start)"""
    values = collections.defaultdict(list)
    for run in runs:
        for line in run.lines:
            if line["role"] == "timing" and line["status"] == "ok" and \
                    line["model"] != "epoll" and line["loop"] == loop and \
                    line["connections"] == connections:
                logs = run.logs(line, CPU)
                if len(logs) > 1:
                    values[run.path.name, line["model"]].append(logs)
    starts, rounds = [], []
    for blocks in values.values():
        if len(blocks) < 2:
            continue
        within = statistics.mean(statistics.variance(logs) for logs in blocks)
        n = statistics.mean(map(len, blocks))
        between = statistics.variance(map(trimmed_mean, blocks)) - within / n
        rounds.append(within)
        starts.append(max(between, 0))
    return [math.sqrt(statistics.median(of)) if of else math.nan
            for of in (starts, rounds)]


def print_noise(runs):
    print("  standard deviation of the log ratio of CPU per request, for estimate.c")
    for loop, connections in (("closed", 1), ("closed", 64), ("closed", 1000),
                              ("open", 16)):
        starts, rounds = noise(runs, loop, connections)
        print(f"    {loop}, {connections} connections: {starts:.3f} between starts, "
              f"{rounds:.3f} between rounds")


def median_of(runs, figure):
    return statistics.median(figure(run) for run in runs)


def bench_quick(runs, count):
    for _ in range(count):
        runs.make("quick", plan="quick")
    found = runs.all("quick")
    print_runs(found)
    print_verdicts(found)
    print_noise(found)
    target("quick takes at most 150 s", f"{max(run.seconds for run in found):.0f} s",
           all(run.seconds <= 150 for run in found))
    for setting, most in (("closed split 1", 4), (AT_64, 1.5), ("closed split 1000", 4)):
        got = median_of(found, lambda run: widths(run).get(setting, math.nan))
        target(f"half-width at most {most} %, {setting}", f"{got:.2f} %", got <= most)
    off = max((twin(run, CPU) for run in found), key=abs)
    target("the A/A twin is within 1.5 % of 1 in each run", f"{off:+.2f} %",
           abs(off) <= 1.5)
    share_decided(found, 0.9)


def share_decided(found, least):
    done, of = (sum(column) for column in zip(*map(decided, found)))
    target(f"{least:.0%} of the comparisons are decided", f"{done / of:.1%}",
           done >= least * of)


@contextlib.contextmanager
def hogs():
    """A busy loop on each CPU"""
    with contextlib.ExitStack() as stack:
        for cpu in os.sched_getaffinity(0):
            one = stack.enter_context(subprocess.Popen(
                ["taskset", "-c", str(cpu), sys.executable, "-c", "while True: pass"]))
            stack.callback(one.kill)
        yield


def bench_hog(runs, count):
    with hogs():
        for _ in range(count):
            runs.make("hog", plan="quick")
    found = runs.all("hog")
    print_runs(found)
    print_verdicts(found)
    share_decided(found, 0.8)


# ------------------------------------------------- verdicts whose truth is known

def called(run, metric=None):
    """The comparisons that are called different"""
    return [row for row in run.comparisons if row["verdict"] == "different" and
            metric in (None, row["metric"])]


def bench_aa(runs, count):
    """Two files with the same contents"""
    copy = runs.folder / "same"
    shutil.copy(TOP / "bin/epoll", copy)
    for _ in range(count):
        runs.make("aa", "--models", f"epoll,same={copy}", plan=runs.plan())
    found = runs.all("aa")
    wrong = [run for run in found if called(run)]
    verdicts = collections.Counter(row["verdict"] for run in found
                                   for row in run.comparisons)
    print("  verdicts:", ", ".join(f"{n} {name}" for name, n in verdicts.items()),
          f"in {len(found)} runs")
    for row in (row for run in wrong for row in called(run)):
        print(f"  called different: {row['sentence']}")
    target("identical builds are called different in at most 2 of 40 runs",
           f"{len(wrong)} of {len(found)}", len(wrong) <= max(1, len(found) // 20))


def cpu_ratio(run):
    return float(next(row["ratio"] for row in run.comparisons if row["metric"] == CPU))


def calibrated(runs):
    """The share of requests to burn 2 us of CPU time for, so that a request takes 5 %
    more on average. (Reading clocks takes time, too, so it is found by measuring.)"""
    run = runs.make("calibrate", "--models", models_with(50), plan=runs.plan(bout="2s"))
    return min(max(50 * 0.05 / max(cpu_ratio(run) - 1, 0.01), 0.5), 100)


def models_with(share):
    return f"epoll,slow={TOP}/bin/epoll --work cpu:2us@{share:.2f}%"


def bench_slower(runs, count):
    share = calibrated(runs) if count else 0
    for _ in range(count):
        runs.make("slower", "--models", models_with(share), plan=runs.plan())
    found = runs.all("slower")
    ratios = [cpu_ratio(run) for run in found]
    right = [row for run in found for row in called(run, CPU)
             if float(row["low"] or 0) > 1]
    verdicts = collections.Counter(row["verdict"] for run in found
                                   for row in run.comparisons if row["metric"] == CPU)
    print(f"  2 us of work for {share:.1f} % of the requests: CPU per request "
          f"{math.exp(statistics.mean(map(math.log, ratios))):.3f} "
          f"({min(ratios):.3f} to {max(ratios):.3f})")
    print("  verdicts:", ", ".join(f"{n} {name}" for name, n in verdicts.items()))
    target("5 % more CPU per request is called different in 19 of 20 runs",
           f"{len(right)} of {len(found)}", len(right) >= len(found) * 0.95)


# ---------------------------------------------------------------- length of slices

OTHERS = ("thread", "poll", "uring")
WINDOW_MS = 1000


@contextlib.contextmanager
def awake():
    """As in a run: idle CPUs do not sleep."""
    try:
        latency = open("/dev/cpu_dma_latency", "wb", 0)
    except OSError:
        latency = contextlib.nullcontext()
    with latency as file:
        if file:
            file.write(bytes(4))
        yield


def by_hand(connections):
    """(requests/s, CPU ns per request) of epoll in one window, without bin/matrix"""
    with awake(), server.Server("epoll", "--message", "64",
                                wrapper=["taskset", "-c", str(CPUS[0])]) as one:
        ran = subprocess.run(
            ["bin/loadgen", "--target", f"127.0.0.1:{one.port}", "--message", "64",
             "--connections", str(connections), "--warmup", "250ms", "--duration",
             f"{WINDOW_MS}ms", "--cpu", str(CPUS[1]), "--quiet", "--json", "-"],
            cwd=TOP, capture_output=True, check=False)
        rate = json.loads(ran.stdout)["requests_per_second"]
        counters = one.stop()
    return rate, counters["cpu_ns"] / counters["requests"]


class Ways:
    """The same setting with slices of several lengths, in turns. A value of a way is a
    list with a logarithm a run, each of which is a fresh start."""

    def __init__(self, runs, connections, count):
        cells = f"closed split connections {connections}"
        models = ",".join(["epoll", *OTHERS])
        name = f"slices{connections}"
        auto = runs.make(f"{name}pilot", "--models", models,
                         plan=runs.plan(blocks=1, slice="auto", counting="yes",
                                        cells=cells)).line("epoll")["slice_ns"] / 1e6
        self.auto, self.window = auto, WINDOW_MS * 8 / 7  # an eighth is the head
        #: None: each model's own
        self.lengths = [None, auto / 2, auto, auto * 2, self.window]
        self.runs, self.hand = collections.defaultdict(list), []
        for _ in range(count):
            for length in random.sample([*self.lengths, "by hand"], 6):
                if length == "by hand":
                    self.hand.append(by_hand(connections))
                    continue
                text = "auto" if length is None else f"{length:.1f}ms"
                self.runs[length].append(runs.make(
                    f"{name}x{text}", "--models", models, plan=runs.plan(
                        blocks=1, slice=text, bout="2s", cells=cells,
                        counting="yes" if length is None else "no")))

    def ratios(self, length, model, metric):
        return [trimmed_mean(run.logs(run.line(model), metric))
                for run in self.runs[length]]

    def epoll(self, length, metric):
        """Absolute"""
        return [trimmed_mean(map(math.log, run.values(
            run.line("epoll")["index"], metric).values())) for run in self.runs[length]]

    def epoll_whole(self, metric):
        """As by_hand(): over its whole life"""
        of = []
        for run in self.runs[self.window]:
            line = run.line("epoll")
            counters = line["server"] or {"cpu_ns": math.nan, "requests": 1}
            of.append(math.log(line["metrics"][RATE] or math.nan if metric == RATE else
                               counters["cpu_ns"] / counters["requests"]))
        return of


def overlap(a, b):
    return a[1] <= b[2] and b[1] <= a[2]


def print_way(ways, model, metric):
    """Its ratios by length. How far the most different one is from that of the models'
    own lengths, and whether all intervals overlap with that one's"""
    of = {length: interval(ways.ratios(length, model, metric))
          for length in ways.lengths}
    agree = all(overlap(one, of[None]) for one in of.values())
    print(f"  {model:7}{'CPU' if metric == CPU else 'req/s':6}" +
          "  ".join(f"{as_text(one):21}" for one in of.values()) +
          f"  {'yes' if agree else 'NO'}")
    return max(abs(one[0] / of[None][0] - 1) for one in of.values()), agree


def difference(a, b):
    return as_text(interval([x - y for x, y in zip(a, b)]))


def bench_slices(runs, count):
    good = []
    for connections in (64, 1000):
        ways = Ways(runs, connections, count)
        print(f"  {connections} connections, {count} starts; ratio to epoll by length "
              f"of slices (auto: {ways.auto:.0f} ms for epoll); intervals overlap?")
        print(" " * 15 + f"{'auto':21}  " + "  ".join(
            f"{f'{ms:.0f} ms':21}" for ms in ways.lengths[1:4]) + "  one window of 1 s")
        good += [print_way(ways, model, metric)
                 for metric, model in itertools.product((CPU, RATE), OTHERS)]
        for name, metric in ("CPU per request", CPU), ("requests/s", RATE):
            cold = difference(ways.epoll(None, metric),
                              ways.epoll(ways.window, metric))
            hand = difference(ways.epoll_whole(metric),
                              [math.log(one[metric == CPU]) for one in ways.hand])
            print(f"  epoll, {name}: slices of {ways.auto:.0f} ms / window (cold start): "
                  f"{cold}; window / bin/loadgen alone: {hand}")
    target("ratios do not depend on the length of slices",
           f"{sum(agree for _, agree in good)} of {len(good)} agree; differences up to "
           f"{max(good)[0]:.1%}", all(agree for _, agree in good))


# -------------------------------------------------------------------------- main

def bench_cost(runs, count):
    del count
    turns_cost.bench(runs, Run, target)


#: The number of runs
PARTS = {"quick": (bench_quick, 4), "hog": (bench_hog, 2), "aa": (bench_aa, 40),
         "slower": (bench_slower, 20), "slices": (bench_slices, 6), "cost": (bench_cost, 1)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--runs", type=int, help="runs of each part; 0: none")
    parser.add_argument("--keep", help="folder for the runs; those in it count, too")
    parser.add_argument("--apart", action="store_true",
                        help="in namespaces of its own, beside another run")
    args = parser.parse_args()
    for name in {*args.parts} - {*PARTS}:
        parser.error(f"no part '{name}'; there are {', '.join(PARTS)}")
    if args.apart and not apart.own_namespaces():
        sys.exit("turns.py: --apart: not permitted")
    sys.stdout.reconfigure(line_buffering=True)
    with contextlib.ExitStack() as stack:
        folder = args.keep or stack.enter_context(tempfile.TemporaryDirectory())
        for name in args.parts or PARTS:
            bench, count = PARTS[name]
            print(f"\n{name}")
            bench(Runs(folder), count if args.runs is None else args.runs)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
