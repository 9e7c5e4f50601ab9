# SPDX-License-Identifier: MIT
"""Text, JSON and files: complete, consistent and in the right place"""

import json
import os
import pty
import re
import select
import time

import load
import pytest
import server
from load import SLOW
from oddserver import OddServer

SHORT = ["--connections", 4, "--warmup", "0s", "--duration", "300ms"]
OPEN = ["--rate", 500]

NUMBER, TEXT, LIST, NULL = (int, float), str, list, type(None)
TIMES = {"count": int, "min": int, "mean": float, "p50": int, "p90": int,
         "p99": int, "p99_9": int, "max": int}

#: design.md, section 4, and other keys that the harness reads
KEYS = {
    "schema": int, "program": TEXT, "version": TEXT, "target": TEXT,
    "loop": TEXT, "pattern": TEXT, "connections": int, "idle": int, "slow": int,
    "message": int, "depth": (int, NULL), "arrivals": (TEXT, NULL),
    "burst": (int, NULL), "seed": int, "engine": TEXT, "threads": int,
    "cpus": LIST, "requests": int, "requests_total": int, "errors": int,
    "errors_by": dict, "mismatches": int, "mismatches_by": dict,
    "first_mismatch": (dict, NULL), "damaged": int, "unanswered": int,
    "duration_s": NUMBER, "warmup_s": NUMBER, "requests_per_second": NUMBER,
    "offered_per_second": (int, float, NULL), "response_ns": dict,
    "service_ns": dict, "send_lag_ns": (dict, NULL), "connect_ns": dict,
    "client_cpu_ns": int, "client_busy": NUMBER, "coarse": bool,
    "sustained": bool, "interrupted": bool, "valid": bool,
    "invalid_reasons": LIST, "histograms": dict, "series": dict,
}


@pytest.fixture(scope="module")
def echo():
    with OddServer("--message", 64, "--delay", "2ms") as odd:
        yield odd
        odd.stop()


# JSON


@pytest.mark.parametrize("args", [[], OPEN, ["--pattern", "connect"],
                                  [*OPEN, "--pattern", "connect",
                                   "--connections", 64],
                                  [*OPEN, "--pattern", "burst:10"]])
def test_keys(echo, args):
    run = load.run(echo, *SHORT, *args)
    run.check_unharmed()
    for key, kind in KEYS.items():
        assert isinstance(run.json[key], kind), (key, run.json[key])
    opened = "--rate" in args
    assert run.json["loop"] == ("open" if opened else "closed")
    assert run.json["offered_per_second"] == (500 if opened else None)
    assert (run.json["send_lag_ns"] is None) == (args == [])
    assert run.json["connections"] in (4, 64) and run.json["message"] == 64
    assert run.json["duration_s"] == pytest.approx(0.3)
    assert run.json["interrupted"] is False
    assert run.json["sustained"] is not any(
        "not sustained" in reason for reason in run.reasons)
    assert run.json["valid"] is (run.json["invalid_reasons"] == [])
    for name in ("response_ns", "service_ns", "send_lag_ns"):
        for key, kind in TIMES.items():
            if run.json[name]:
                assert isinstance(run.json[name][key], kind), (name, key)


def check_lossless(run, name):
    """All figures can be computed from the buckets."""
    said, kept = run.json[f"{name}_ns"], run.json["histograms"][name]
    buckets = kept["buckets"]
    assert kept["count"] == said["count"] == sum(n for _, _, n in buckets)
    assert kept["above"] == 0
    assert buckets == sorted(buckets)
    for low, high, count in buckets:
        assert 0 <= low <= high <= max(low * 1.001, low) and count > 0
    assert all(a[1] < b[0] for a, b in zip(buckets, buckets[1:]))
    assert said["mean"] == pytest.approx(kept["sum"] / kept["count"])
    assert sum(low * n for low, _, n in buckets) <= kept["sum"]
    assert kept["sum"] <= sum(high * n for _, high, n in buckets)
    assert buckets[0][0] <= said["min"] <= buckets[0][1]
    assert buckets[-1][0] <= said["max"] <= buckets[-1][1]
    for key, share in (("p50", .5), ("p90", .9), ("p99", .99),
                       ("p99_9", .999)):
        known = min(load.quantile_of_buckets(buckets, share), said["max"])
        assert said[key] == known, (name, key)
        beyond = kept["count"] - 1 - int(load.rank(kept["count"], share))
        assert said["beyond"][key] == beyond, (name, key)
        assert (key in said["unsure"]) == (beyond < 100), (name, key)


@pytest.mark.parametrize("args", [[], OPEN, ["--pattern", "connect"]])
def test_histograms_are_lossless(echo, args):
    run = load.run(echo, *SHORT, *args)
    for name in ("response", "connect"):
        check_lossless(run, name)
    if args:
        check_lossless(run, "service")
        check_lossless(run, "send_lag")
    else:  # the service time is the response time, and is not written twice
        assert run.json["histograms"]["service"] is None
        assert run.json["histograms"]["send_lag"] is None
        assert run.json["service_ns"] == run.json["response_ns"]
    assert run.json["response_ns"]["count"] == (run.json["requests"] -
                                                run.json["unanswered"])


def test_response_is_lag_and_service(echo):
    """Also for the sums"""
    run = load.run(echo, *SHORT, *OPEN)
    sums = {name: run.json["histograms"][name]["sum"]
            for name in ("response", "service", "send_lag")}
    assert sums["response"] == sums["service"] + sums["send_lag"]


def test_json_on_stdout_is_alone_there(echo):
    run = load.run(echo, *SHORT, "--json", "-", asks_json=False)
    assert run.out.count("\n") == 1
    assert json.loads(run.out)["program"] == "loadgen"
    assert "closed loop" in run.err


def test_json_to_a_file(echo, tmp_path):
    """The file is replaced."""
    path = tmp_path / "result.json"
    path.write_text("x" * 1_000_000, encoding="ascii")
    run = load.run(echo, *SHORT, "--json", path, asks_json=False)
    assert json.loads(path.read_text("utf-8"))["program"] == "loadgen"
    assert "closed loop" in run.out and run.err == ""


@pytest.mark.parametrize("option", ["--json", "--histogram"])
def test_what_cannot_be_written_is_said_before_the_run(tmp_path, option):
    path = tmp_path / "no such folder" / "file"
    with OddServer("--message", 64) as odd:
        run = load.run(odd, "--duration", "5s", option, path,
                       asks_json=False)
        counters = odd.stop()
    assert run.status == 1 and run.out == ""
    assert run.err == (f"loadgen: {option} {path}: No such file or "
                       "directory\n")
    assert counters["accepted"] == 0
    assert run.seconds < 2 * SLOW


def test_full_disk(echo):
    """A result that cannot be written is a failure."""
    for args in (["--json", "/dev/full"], ["--histogram", "/dev/full"]):
        run = load.run(echo, *SHORT, *args, asks_json=False)
        assert run.status == 1
        assert "No space left on device" in run.err, run


@pytest.mark.parametrize("option", ["--json", "--histogram"])
def test_device_stays_one(echo, tmp_path, option):
    """It is not replaced, and no file is made beside it."""
    path = tmp_path / "device"
    try:
        server.make_device(path)
    except OSError as error:
        pytest.skip(f"no device node can be made and opened here: {error}")
    run = load.run(echo, *SHORT, option, path, asks_json=False)
    assert run.err == ""
    assert path.is_char_device() and list(tmp_path.iterdir()) == [path]


def test_what_was_there_stays_until_the_end(echo, tmp_path):
    """A full disk does not destroy the old result."""
    path = tmp_path / "result"
    path.write_text("before")
    for option in ("--json", "--histogram"):
        run = load.run(echo, *SHORT, option, path, asks_json=False, wrapper=[
            "env", "--ignore-signal=XFSZ", "prlimit", "--fsize=100"])
        assert run.status == 1 and "File too large" in run.err, run
        assert path.read_text() == "before"
        assert list(tmp_path.iterdir()) == [path]


def test_target_of_a_link(echo, tmp_path):
    """A link is followed, and the file keeps its mode."""
    path = tmp_path / "result"
    path.touch(0o640)
    link = tmp_path / "link"
    for target in (path, tmp_path / "new"):
        link.symlink_to(target)
        load.run(echo, *SHORT, "--json", link, asks_json=False)
        assert link.is_symlink() and json.loads(target.read_text())
        link.unlink()
    assert path.stat().st_mode & 0o777 == 0o640


def test_dev_stdout(echo, tmp_path):
    """stdout is a file: it gets both text and JSON."""
    path = tmp_path / "both"
    load.run(echo, *SHORT, "--json", "/dev/stdout", asks_json=False,
             wrapper=["sh", "-c", f'exec "$@" >>{path}', "sh"])
    *text, last = path.read_text().splitlines()
    assert "closed loop" in text[0] and json.loads(last)


# .hgrm


def read_hgrm(path):
    """[(ms, share, count)] and the values of the footer"""
    lines = path.read_text("ascii").splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount",
                                "1/(1-Percentile)"]
    rows = [line.split() for line in lines[1:]
            if line.strip() and not line.startswith("#")]
    known = dict(re.findall(r"([A-Z]\w+)\s*=\s*([\d.]+)",
                            "\n".join(x for x in lines if x[0:1] == "#")))
    return [(float(row[0]), float(row[1]), int(row[2]))
            for row in rows], known


@pytest.mark.parametrize("args, names", [
    (OPEN, {"": "response", ".service": "service", ".send-lag": "send_lag",
            ".connect": "connect"}),
    ([], {"": "response", ".connect": "connect"})])
def test_histogram_files(echo, tmp_path, args, names):
    path = tmp_path / "times.hgrm"
    run = load.run(echo, *SHORT, *args, "--histogram", path)
    assert {one.name for one in tmp_path.iterdir()} == {
        path.name + suffix for suffix in names}
    for suffix, name in names.items():
        rows, known = read_hgrm(path.with_name(path.name + suffix))
        said = run.json[f"{name}_ns"]
        assert [row[1] for row in rows] == sorted(row[1] for row in rows)
        assert [row[2] for row in rows] == sorted(row[2] for row in rows)
        assert rows[-1][1] == 1.0
        assert rows[-1][2] == said["count"] == int(known["Total"] if "Total"
                                                   in known else
                                                   said["count"])
        assert rows[-1][0] * 1e6 == pytest.approx(said["max"], rel=0.001,
                                                  abs=1000)
        assert float(known["Mean"]) * 1e6 == pytest.approx(
            said["mean"], rel=0.01, abs=1000)
        for ms, share, count in rows:
            if 0 < share < 1:
                exact = load.quantile_of_buckets(run.buckets(name), share)
                assert ms * 1e6 == pytest.approx(exact, rel=0.002, abs=1000)
                assert count >= share * said["count"] * 0.999


# Text


def test_quiet(echo):
    run = load.run(echo, *SHORT, "--quiet", asks_json=False)
    if run.status == 0:
        assert run.out == run.err == ""
    run = load.run(echo, *SHORT, "--quiet", "--json", "-", asks_json=False)
    assert json.loads(run.out)
    assert (run.err == "") == (run.status == 0)


def test_quiet_says_what_is_wrong():
    with load.listener(lambda sock: sock.recv(1000) and sock.recv(1)) as silent:
        run = load.run(silent, *SHORT, "--quiet")
    assert run.status == 1 and run.out == ""
    for reason in run.reasons:
        assert reason in run.err


def test_text(echo):
    run = load.run(echo, *SHORT)
    assert run.err == ""  # no live line: it is no terminal
    assert "\r" not in run.out and "\033" not in run.out
    lines = run.out.splitlines()
    assert lines[0] == (f"127.0.0.1:{echo.port}: closed loop, 1 request in "
                        "flight on each of 4 connections, 64 B")
    table = next(line for line in lines if line.startswith("response"))
    p50 = float(table.split()[1])
    assert table.split()[2] == "ms"
    assert p50 == pytest.approx(run.json["response_ns"]["p50"] / 1e6,
                                rel=0.01)
    assert "?" in table  # so few samples say little of p99.9
    assert "fewer than 100 samples above it" in run.out
    assert lines[-1] == "valid" or not run.json["valid"]
    count = re.search(r"^([\d,]+) requests, ([\d,.]+)/s$", run.out, re.M)
    assert int(count[1].replace(",", "")) == run.json["requests"]


def read_terminal(running, primary):
    """[(time, text)] written to the terminal"""
    seen = []
    poll = select.poll()
    poll.register(primary, select.POLLIN)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if not poll.poll(50):
            if running.process.poll() is not None:
                break
            continue
        try:
            part = os.read(primary, 4096)
        except OSError:  # the last one who had it open is gone
            break
        seen.append((time.monotonic(), part.decode()))
    return seen


def draw_live_line(echo, *args, duration="1500ms"):
    primary, secondary = pty.openpty()
    try:
        with load.Running(echo, "--connections", 4, "--warmup", "500ms",
                          "--duration", duration, *args,
                          stderr=secondary) as running:
            os.close(secondary)
            seen = read_terminal(running, primary)
            run = running.finish()
    finally:
        os.close(primary)
    return run, seen


def test_live_line(echo):
    run, seen = draw_live_line(echo)
    assert run.json, run
    text = "".join(part for _, part in seen)
    drawn = [part for part in re.split(r"\r\033\[K", text) if part]
    assert 4 / SLOW <= len(drawn) <= 4 * run.seconds + 1
    for line in drawn:
        assert re.fullmatch(r"(warm-up|measuring|last replies)  [\d,.]+/s  "
                            r"p99 ([\d.]+ [num]?s|-)  \d+ errors?  "
                            r"\d+ s left", line), line
    assert any(line.startswith("warm-up") for line in drawn)
    measured = [line for line in drawn if line.startswith("measuring")]
    assert any("p99 -" not in line for line in measured)
    assert all("  0 errors  " in line for line in drawn)
    rates = [float(re.search(r"  ([\d,.]+)/s", line)[1].replace(",", ""))
             for line in measured]
    assert max(rates) > 100
    assert "\n" not in text
    assert text.endswith("\r\033[K")  # nothing of it stays


def test_live_line_counts_errors():
    with OddServer("--message", 64, "--delay", "2ms", "--repeat", 10) as odd:
        run, seen = draw_live_line(odd)
        odd.stop()
    counts = [int(n) for n in re.findall(
        r"(\d+) errors?", "".join(part for _, part in seen))]
    assert counts == sorted(counts) and counts[-1] > 0
    assert counts[-1] <= run.json["mismatches"]


def test_quiet_has_no_live_line(echo):
    run, seen = draw_live_line(echo, "--quiet", duration="200ms")
    assert run.json and seen == []
