# SPDX-License-Identifier: MIT
"""What a run calls different: not the same server, but one that is slower.

Each run has nine blocks and two labels; one metric is looked at, the server's CPU
time for each request. A claim is made at 5 %: of twenty runs of the same server
one may err, and two are forgiven.
"""

import os
import shutil
import subprocess

import matrix
import pytest
from server import TOP

RUNS = 20

PLAN = {"blocks": 9, "warmup": "40ms", "window": "300ms", "aa": "all",
        "wait": "30s", "cells": "closed shared connections 16"}


def called_different(folder, number, other):
    """Whether `other` is, from the same program as the reference"""
    plan = matrix.plan(folder, **PLAN, models=f"a=bin/epoll,b={other}",
                       seed=number)
    run = matrix.run(plan=plan, out=folder / f"run{number}",
                     patience=180).check(0)
    titles = [row["title"] for row in run.csv("findings.csv")
              if row["chart"] == "server_cpu/closed shared 16"]
    assert len(titles) == 1, run
    shutil.rmtree(run.folder)
    print(titles[0])
    return "no difference" not in titles[0] and "claim" not in titles[0]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_same_is_seldom_called_different(tmp_path):
    same = tmp_path / "same"
    shutil.copy(matrix.BIN / "epoll", same)
    different = sum(called_different(tmp_path, number, same)
                    for number in range(RUNS))
    assert different <= 2


@pytest.fixture
def slower(tmp_path):
    """bin/epoll, but it takes a fifth more CPU for each request"""
    plan = matrix.plan(tmp_path, name="cost", blocks=5, warmup="40ms",
                       window="300ms", models="a=bin/epoll", wait="30s",
                       cells=PLAN["cells"])
    run = matrix.run(plan=plan, out=tmp_path / "cost", patience=120).check(0)
    cost = float(run.csv("cells.csv")[0]["server_cpu_per_request_ns"])
    program = tmp_path / "slower"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu11", "-D_GNU_SOURCE", "-O2",
         '-DVERSION="test"', f"-DSLOW_NS={cost / 5:.0f}", "-pthread",
         f"-I{TOP}", f"-I{TOP}/models", "-include",
         matrix.HERE / "servers/slow.h", "-o", program,
         TOP / "models/epoll.c", *(TOP / "models/common").glob("*.c")],
        check=True)
    return program


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_fifth_slower_is_called_different(tmp_path, slower):
    different = sum(called_different(tmp_path, number, slower)
                    for number in range(RUNS))
    assert different >= 18
