# SPDX-License-Identifier: MIT
"""bin/timeline, and request.csv of a run, with servers that run here"""

import csv
import shutil
import signal
import subprocess

import matrix
import pytest
import server

TIMELINE = matrix.MATRIX.parent / "timeline"


def timeline(*arguments, status=0, **more):
    made = subprocess.run([TIMELINE, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=120, **more)
    assert made.returncode == status, made.stderr
    assert len(made.stderr.splitlines()) == (status != 0), made.stderr
    return made


def may_use_bpf():
    return timeline("epoll").stdout.find("(BPF)") > 0


def events(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def calls_of_server(rows):
    """Names of the calls that the server ended, in order"""
    process = next(row["process"] for row in rows if row["event"] == "server")
    return [row["what"] for row in rows
            if row["event"] == "exit" and row["process"] == process]


def in_order(wanted, names):
    names = iter(names)
    return all(any(name in one.split() for name in names) for one in wanted)


@pytest.mark.parametrize("method", ["bpf", "strace"])
def test_calls_of_epoll(method, tmp_path):
    if method == "bpf" and not may_use_bpf():
        pytest.skip("BPF is not permitted")
    if method == "strace" and not shutil.which("strace"):
        pytest.skip("there is no strace")
    timeline("--trace", method, "--out", tmp_path / "a/b", "epoll")
    rows = events(tmp_path / "a/b/epoll.csv")
    assert [row["what"] for row in rows if row["event"] == "method"] == [method]
    assert in_order(["epoll_wait epoll_pwait", "recvfrom", "sendto"] * 3, calls_of_server(rows))
    kinds = {row["event"] for row in rows}
    assert ({"on", "off", "wake"} <= kinds) == (method == "bpf")
    assert (tmp_path / "a/b/epoll.svg").exists() and (tmp_path / "a/b/epoll.png").exists()


def test_small_buffer_loses_events_and_counts_them(tmp_path):
    if not may_use_bpf():
        pytest.skip("BPF is not permitted")
    made = timeline("--trace", "bpf", "--buffer", "4096", "--out", tmp_path, "epoll")
    lost = next(int(row["value"]) for row in events(tmp_path / "epoll.csv")
                if row["event"] == "lost")
    assert lost > 0 and f"{lost:,} events are missing" in made.stdout


def test_user_without_privilege_gets_strace(public):
    if not shutil.which("strace"):
        pytest.skip("there is no strace")
    shutil.copytree(matrix.TOP / "plots", public / "plots")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
              public / "bin/timeline"]
    made = subprocess.run([*nobody, "epoll"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, timeout=60)
    assert made.returncode == 0, made.stderr
    assert "by strace" in made.stdout and "Not seen: " in made.stdout
    made = subprocess.run([*nobody, "--trace", "bpf", "epoll"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert made.returncode == 77 and "cgroup" in made.stderr


@pytest.mark.parametrize("wrong, word", [
    (["epol"], "epoll"), ([], "MODEL"), (["epoll", "poll"], "epoll,poll"),
    (["x=127.0.0.1:7000"], "command"), (["--trace", "perf", "epoll"], "strace"),
    (["--buffer", "1", "epoll"], "buffer")])
def test_bad_usage(wrong, word):
    assert word in timeline(*wrong, status=2).stderr


def test_server_that_dies(odd):
    assert "ended" in timeline(f"x={odd('dies')}", status=1).stderr


def test_interrupted_leaves_nothing_running(tmp_path):
    mark = f"MARK={tmp_path}"
    run = subprocess.Popen(["env", mark, TIMELINE, "--out", tmp_path,
                            "poll,epoll,thread,select"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert server.eventually(lambda: len(matrix.processes(mark)) > 1)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert run.returncode == 130
    assert server.eventually(lambda: not matrix.processes(mark))


def test_run_records_the_order_of_each_model(tmp_path):
    plan = matrix_plan(tmp_path)
    subprocess.run([matrix.MATRIX, "run", "--plan", plan, "--models", "poll,epoll",
                    "--out", tmp_path / "run"], stdout=subprocess.DEVNULL, check=True,
                   timeout=120)
    path = tmp_path / "run/request.csv"
    if not may_use_bpf():
        pytest.skip("system calls cannot be counted by name")
    rows = events(path)
    for model in ("poll", "epoll"):
        wait = {"poll": "poll ppoll", "epoll": "epoll_wait epoll_pwait"}[model]
        of = [row for row in rows if row["model"] == model]
        assert in_order([wait, "recvfrom", "sendto"] * 2, calls_of_server(of))


def matrix_plan(tmp_path):
    path = tmp_path / "one.plan"
    path.write_text("# one - a cell\nmodels all\nblocks 1\nbout 100ms\n"
                    "cells closed connections 1\n", encoding="utf-8")
    return path
