# SPDX-License-Identifier: MIT
"""Runs bin/matrix, and reads its folders (for turns.py)."""

import csv
import functools
import json
import math
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent

CPU, RATE = "server_cpu_per_request_ns", "requests_per_second"

#: Two-sided 95 % quantiles of Student's t, from 1 degree of freedom
T = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23]

#: One setting, in about 9 s
SHORT = {"blocks": 6, "bout": "1s", "slice": "40ms", "aa": "no", "baseline": "no",
         "idle": "none", "counting": "no", "cells": "closed split connections 64"}


def trimmed_mean(values):
    """Of the middle half. NAN: there are none"""
    values = sorted(values)
    cut = int(0.25 * len(values))
    return statistics.mean(values[cut:len(values) - cut] or [math.nan])


class Run:
    """The folder of a run"""

    def __init__(self, path):
        self.path = path

    def csv(self, name):
        with (self.path / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    @functools.cached_property
    def lines(self):
        text = (self.path / "repetitions.jsonl").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    @functools.cached_property
    def comparisons(self):
        """Those of models; the baseline server is none."""
        return [row for row in self.csv("comparisons.csv")
                if row["model"] != "baseline"]

    def line(self, model, role="timing"):
        return next(line for line in self.lines
                    if (line["model"], line["role"]) == (model, role))

    @property
    def seconds(self):
        return float(self.path.with_suffix(".seconds").read_text("utf-8"))

    def rounds(self):
        """(counted, dropped), over all bouts"""
        bouts = {line["bout"]: line["rounds"] for line in self.lines
                 if line["slice_ns"] and line["status"] == "ok"}
        return [sum(of[key] for of in bouts.values())
                for key in ("counted", "dropped")]

    def values(self, index, metric):
        """{round: value} of the slices that count"""
        rows = [row for row in self.csv("slices.csv")
                if int(row["index"]) == index and row["counted"] == "1"]
        if metric == CPU:
            return {int(row["round"]): float(row["cpu_ns"]) / float(row["requests"])
                    for row in rows if row["cpu_ns"] and float(row["requests"])}
        return {int(row["round"]): float(row["answered"]) / float(row["window_ns"]) * 1e9
                for row in rows if float(row["answered"])}

    def logs(self, line, metric):
        """Logarithms of the ratio to epoll in the same bout, of each round"""
        reference = next(of for of in self.lines if of["bout"] == line["bout"] and
                         (of["model"], of["role"]) == ("epoll", "timing"))
        mine, other = (self.values(of["index"], metric) for of in (line, reference))
        return [math.log(mine[i] / other[i]) for i in sorted({*mine} & {*other})]


class Runs:
    """Makes runs in a folder, and finds those that are there."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def found(self, part):
        paths = [path.with_suffix("") for path in self.folder.glob(f"{part}-*.seconds")]
        return [Run(path) for path in sorted(
            paths, key=lambda path: int(path.name.rpartition("-")[2]))]

    def all(self, part):
        return self.found(part) or sys.exit(f"turns.py: no runs of {part}")

    def plan(self, **keys):
        path = self.folder / "bench.plan"
        path.write_text("".join(f"{key} {value}\n" for key, value in
                                {**SHORT, **keys}.items()), encoding="utf-8")
        return path

    def make(self, part, *args, plan):
        """One more; its number is the seed."""
        number = len(self.found(part)) + 1
        path = self.folder / f"{part}-{number}"
        shutil.rmtree(path, ignore_errors=True)
        begin = time.monotonic()
        ran = subprocess.run(
            [TOP / "bin/matrix", "run", "--plan", plan, "--out", path, "--seed",
             str(number), "--quiet", *args], cwd=TOP, check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if ran.returncode or not (path / "comparisons.csv").exists():
            print(f"  ! {path.name}: exit status {ran.returncode}\n{ran.stderr}")
        if (path / "INCOMPLETE").exists() or not path.exists():
            sys.exit("turns.py: a run was not completed")
        path.with_suffix(".seconds").write_text(f"{time.monotonic() - begin:.1f}")
        return Run(path)


def interval(logs):
    """(ratio, low, high) of logarithms: Student's t, 95 %. NAN: a server failed"""
    logs = [one for one in logs if math.isfinite(one)]
    middle, half = statistics.mean(logs or [math.nan]), math.inf
    if len(logs) > 1:
        t = T[min(len(logs) - 1, len(T)) - 1]
        half = t * statistics.stdev(logs) / math.sqrt(len(logs))
    return tuple(math.exp(middle + by) for by in (0, -half, half))


def as_text(of):
    return "{:.3f} [{:.3f}, {:.3f}]".format(*of)
