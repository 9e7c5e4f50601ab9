# SPDX-License-Identifier: MIT
"""bin/primitives: what it writes is complete and true, whatever the machine lacks."""

import csv
import json
import os
import pty
import resource
import signal
import socket
import subprocess

import matrix
import probes
import pytest

from lines import section
from server import TOP

PRIMITIVES = matrix.BIN / "primitives"
QUICK = ["--benchmark_min_time=0.0001", "--benchmark_repetitions=6"]
CALLS = "--benchmark_filter=^syscall/(empty|vdso|fd_isset)$"


def run(*args, before=(), **kwargs):
    return subprocess.run([*before, PRIMITIVES, *args], capture_output=True, text=True,
                          check=False, timeout=matrix.PATIENCE_S, **kwargs)


def rows(folder):
    """{(primitive, method, watched, ready, count, unit): row}"""
    with open(folder / "primitives.csv", encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    keys = ["primitive", "method", "watched", "ready", "count", "unit"]
    of = {tuple(row[key] for key in keys): row for row in found}
    assert len(of) == len(found), "a row twice"
    return of


def wait(method, watched, ready=1):
    return ("wait", method, str(watched), str(ready), "", "ns")


def number(row, column="value"):
    return float(row[column]) if row[column] else None


@pytest.fixture(scope="module")
def some(apart, tmp_path_factory):
    """Everything that takes little time"""
    folder = tmp_path_factory.mktemp("primitives") / "new" / "run"
    ran = run(*QUICK, "--out", folder, "--benchmark_filter=-0000|process|count:1000$|aio/.*1000"
              "|last_read/count:64")
    assert (ran.returncode, ran.stderr) == (0, "")
    return folder, ran.stdout


def test_values_have_intervals(some):
    table = rows(some[0])
    assert len(table) > 80
    for key, row in table.items():
        if row["why"]:
            assert (row["value"], row["low"], row["high"]) == ("", "", "")
            continue
        assert 0 <= number(row, "low") <= number(row) <= number(row, "high"), row
        assert row["repetitions"] == "6"
        assert key[5] == "count" or number(row) > 0


def test_few_repetitions_have_none(apart, tmp_path):
    run("--benchmark_repetitions=2", "--benchmark_min_time=0.0001", CALLS, "--out", tmp_path)
    for row in rows(tmp_path).values():
        assert number(row) > 0 and (row["low"], row["high"]) == ("", "")


def test_proof_of_mechanism(some):
    """System calls per operation"""
    if probes.why_not("bpf"):
        pytest.skip("system calls cannot be counted")
    table = rows(some[0])
    for method in ("select", "poll", "epoll", "epoll_et", "uring_oneshot", "uring_multishot"):
        for ready in (1, 10, 100):
            assert number(table[wait(method, 100, ready)], "calls") == 1
    expected = {("syscall", "empty", ""): 1, ("syscall", "vdso", ""): 0,
                ("syscall", "fd_isset", ""): 0, ("batch", "uring", "1"): 1,
                ("batch", "uring", "64"): 1 / 64, ("signal", "realtime", "1"): 2}
    for (primitive, method, count), calls in expected.items():
        assert number(table[primitive, method, "", "", count, "ns"], "calls") == calls
    for method, calls in {"poll": 0, "epoll": 2, "uring_oneshot": 2}.items():
        assert number(table["register", method, "1000", "", "", "ns"], "calls") == calls


def test_scans_grow_and_lists_do_not(some):
    """By the fastest repetition: on a busy machine others have waited for a CPU."""
    table = {key: number(row, "low") for key, row in rows(some[0]).items()}
    for method, grows in {"poll": True, "select": True, "epoll": False, "epoll_et": False,
                          "uring_multishot": False}.items():
        ratio = table[wait(method, 1000)] / table[wait(method, 10)]
        assert ratio > 8 if grows else ratio < 8, method
    # Bits that are set, not the highest number:
    assert table[wait("select", 1000)] / table[wait("select_gap", 2)] > 8


def test_pool_of_posix_aio(some):
    table = rows(some[0])
    for count in (1, 10, 20, 21, 64):
        key = ("aio", "threads", "", "", str(count), "count")
        assert number(table[key]) == min(count, 20)
    assert [number(table["aio", "last_read", "", "", count, "count"])
            for count in ("1", "20", "21")] == [1, 1, 0]


def test_burst_of_signals(apart, tmp_path):
    assert run(*QUICK, "--benchmark_filter=signal", "--out", tmp_path).returncode == 0
    table = rows(tmp_path)
    assert number(table["signal", "standard", "", "", "1000", "count"]) == 1
    assert number(table["signal", "realtime", "", "", "1000", "count"]) == 1000


def test_tables(some):
    assert "Kerrisk" in some[1] and "io_uring" not in some[1].split("Kerrisk")[1]
    line = next(line for line in some[1].splitlines() if line.startswith("   1000"))
    ours, theirs = line.split()[1:4], line.split()[4:]
    assert float(ours[1]) > float(ours[2]) > 0 and theirs == ["1510.0", "1570.0", "8.9"]


def test_every_word_is_documented(some):
    text = section("primitives.csv")
    for primitive, method, *_ in rows(some[0]):
        assert f"`{primitive}`" in text and f"`{method}`" in text


# ------------------------------------------------------------------ the folder

def test_rows_stay(some, apart, tmp_path):
    before = rows(some[0])
    ran = run(*QUICK, CALLS, "--out", some[0])
    after = rows(some[0])
    assert ran.returncode == 0 and before.keys() == after.keys()
    changed = {key[0] for key in before if before[key] != after[key]}
    assert changed == {"syscall"}
    machine = json.loads((some[0] / "machine.json").read_text())
    assert machine["kernel_release"] == os.uname().release
    machine["kernel_release"] = "0.9"
    (tmp_path / "machine.json").write_text(json.dumps(machine))
    ran = run(*QUICK, CALLS, "--out", tmp_path)
    assert ran.returncode == 2 and "another machine" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["machine.json"]


def test_other_csv_is_not_overwritten(apart, tmp_path):
    (tmp_path / "primitives.csv").write_text("mine\n")
    ran = run(*QUICK, CALLS, "--out", tmp_path)
    assert ran.returncode == 1 and "remove it" in ran.stderr
    assert (tmp_path / "primitives.csv").read_text() == "mine\n"


@pytest.mark.parametrize("args, said", [
    (["--benchmark_filter=nothing"], "--benchmark_list_tests"),
    (["--benchmark_filter=("], "("),
    (["--benchmark_fliter=x"], "did you mean --benchmark_filter"),
    (["--benchmark_repetitions=0"], "at least 1"),
    (["--benchmark_repetitions=5000"], "at most"),
    (["--benchmark_min_time=soon"], "0.01"),
    (["--benchmark_perf_counters=cycles"], "bin/probe"),
    (["--uot", "x"], "did you mean --out"),
    (["x"], "unexpected"),
])
def test_bad_usage(args, said):
    ran = run(*args)
    assert (ran.returncode, ran.stdout) == (2, "") and said in ran.stderr


def test_folder_that_cannot_be_made(apart):
    ran = run(CALLS, "--out", "/dev/null/x")
    assert ran.returncode == 1 and "/dev/null" in ran.stderr


# ------------------------------------------------------------ the library's options

def test_options_of_the_library(apart):
    names = run(CALLS, "--benchmark_list_tests").stdout.split()
    assert names == ["syscall/empty", "syscall/vdso", "syscall/fd_isset"]
    ran = run(*QUICK, "--benchmark_filter=/empty$", "--benchmark_format=json",
              "--benchmark_min_time=0.05")
    assert ran.returncode == 0 and "Kerrisk" in ran.stderr
    report = json.loads(ran.stdout)
    single = [one for one in report["benchmarks"] if one["run_type"] == "iteration"]
    assert [one["repetition_index"] for one in single] == list(range(6))
    assert all(one["name"] == "syscall/empty" and one["iterations"] > 1 for one in single)
    assert {one["aggregate_name"] for one in report["benchmarks"][6:]} >= {"mean", "median"}
    ran = run(*QUICK, "--benchmark_filter=/empty$", "--benchmark_format=json",
              "--benchmark_display_aggregates_only")
    assert {one["run_type"] for one in json.loads(ran.stdout)["benchmarks"]} == {"aggregate"}


# ----------------------------------------------------------- what this machine lacks

def test_few_descriptors(apart, tmp_path):
    ran = run(*QUICK, "--benchmark_filter=wait/(poll|epoll)/.*ready:1$", "--out", tmp_path,
              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    assert (ran.returncode, ran.stderr) == (0, "")
    table = rows(tmp_path)
    assert number(table[wait("epoll", 10)]) > 0
    assert "the limit is 64" in table[wait("epoll", 100)]["why"]
    assert number(table[wait("poll", 100)]) is None and "the limit is 64" in ran.stdout


def test_no_io_uring(apart, tmp_path):
    forbid = probes.build("forbid", tmp_path, "-lseccomp")
    ran = run(*QUICK, "--benchmark_filter=wait/(poll|uring.*)/watched:10/|batch", "--out",
              tmp_path / "run", before=[forbid, "io_uring_setup"])
    assert ran.returncode == 0
    table = rows(tmp_path / "run")
    for key, row in table.items():
        missing = key[1].startswith("uring")
        assert (number(row) is None, "Operation not permitted" in row["why"]) == \
            (missing, missing)


# --------------------------------------------------------------------- interruption

def test_ctrl_c_keeps_what_was_measured(apart, tmp_path):
    """The progress on the terminal tells when something was."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([PRIMITIVES, CALLS, "--benchmark_repetitions=1000", "--out", tmp_path],
                          stderr=theirs, stdout=subprocess.DEVNULL,
                          env={**os.environ, "TERM": "xterm"}) as program:
        os.close(theirs)
        text = b""
        while b"[  40/3000]" not in text:
            text = (text + os.read(ours, 4096))[-10000:]
        program.send_signal(signal.SIGINT)
        assert program.wait(matrix.PATIENCE_S) == 130
    os.close(ours)
    table = rows(tmp_path)
    assert table and all(number(row) > 0 for row in table.values())
    assert max(int(row["repetitions"]) for row in table.values()) < 1000


def test_only_one_at_a_time(apart):
    """The lock of bin/matrix, which may start it"""
    with socket.socket(socket.AF_UNIX) as lock:
        try:
            lock.bind("\0io-models-matrix")
        except OSError:
            pytest.skip("another run has the lock")
        lock.listen()
        assert run(*QUICK, "--benchmark_filter=/empty$").returncode == 0
        ran = run(*QUICK, "--benchmark_filter=/empty$", before=["sh", "-c", '"$@"; exit', "sh"])
        assert ran.returncode == 1 and "is measuring" in ran.stderr


def test_charts(some, tmp_path):
    done = subprocess.run([TOP / "plots/draw", some[0], tmp_path], capture_output=True,
                          text=True, check=False)
    if "gnuplot is missing" in done.stderr:
        pytest.skip("gnuplot is missing")
    assert (done.returncode, done.stderr) == (0, "")
    with open(tmp_path / "kerrisk.tsv", encoding="utf-8") as file:
        drawn = {(row["model"], row["watched"]): row["median"]
                 for row in csv.DictReader(file, delimiter="\t")}
    assert float(drawn["poll_2006", "10000"]) == 17500e3
    assert float(drawn["epoll", "100"]) == pytest.approx(
        number(rows(some[0])[wait("epoll", 100)]))
    assert (tmp_path / "waits.png").exists() and (tmp_path / "kerrisk.svg").exists()
