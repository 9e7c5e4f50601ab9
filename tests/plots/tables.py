# SPDX-License-Identifier: MIT
"""Tables of a run, made up by hand: cells.csv, comparisons.csv and what else plots/draw
reads, with every kind of odd cell and every verdict."""

import csv

REFUSED = "the server refused 3 clients: it is at a limit of its own (fd_setsize)"
NO_URING = "io_uring_queue_init: Operation not permitted"
NASTY = "it printed `touch /tmp/x` $(id) 'a' \"b\" @grid {/:Bold c} %s \\n <d> & e, f"
DIED = "the server: it ended by itself, with status 139"

PARTS = ["model", "loop", "connections", "rate", "idle", "message", "depth",
         "pattern", "work", "placement"]
FACTS = ["setting", "cell", "n", "status", "reason", "state", "bound", "rounds",
         "spins", "cpu_method", "calls_method"]
METRICS = ["requests_per_second", "response_p50_ns", "response_p99_ns",
           "service_p50_ns", "service_p99_ns", "server_cpu_per_request_ns",
           "server_cpu_share", "voluntary_switches_per_request",
           "involuntary_switches_per_request", "calls_per_request",
           "calls_per_second", "resident_per_connection_bytes"]
ENDS = ["", "_low", "_high", "_lowest", "_highest"]
COLUMNS = [*PARTS, *FACTS, *[m + end for m in METRICS for end in ENDS], "unsure"]

VERSUS = ["setting", "model", "reference", "metric", "ratio", "low", "high", "blocks",
          "rounds", "aa_low", "aa_high", "p", "verdict", "sentence", "state"]


def cell(model, setting, n=7, status="ok", reason="", marks="", **metrics):
    """A row of cells.csv. `setting`: "closed split 64", "open split 16 rate 1000 idle 900".
    Metrics by the beginnings of their names; with an interval from 6 blocks on."""
    loop, placement, *words = setting.split()
    row = {"connections": words.pop(0) if loop != "none" else "", "idle": 0, "message": 64,
           "depth": 1, "pattern": "steady", "work": "none",
           **dict(zip(words[::2], words[1::2])),
           "model": model, "loop": loop, "placement": placement, "setting": setting,
           "cell": f"{model} {setting}", "n": n if status == "ok" else 0,
           "status": status, "reason": reason, "rounds": 10 * n,
           "state": "whole core" if "whole" in marks else
           "generator limit" if "bound" in marks else "", "bound": int("bound" in marks),
           "spins": int("spins" in marks), "cpu_method": "process",
           "calls_method": "bpf" if "calls" in metrics else "",
           "unsure": "response_p99_ns" if "unsure" in marks else ""}
    for start, value in metrics.items():
        metric = next(m for m in METRICS if m.startswith(start))
        row[metric] = value
        once = n == 1 or start == "calls"
        row[metric + "_lowest"] = value if once else value * 0.9
        row[metric + "_highest"] = value if once else value * 1.2
        if n >= 6 and not once:
            row[metric + "_low"] = value * 0.98
            row[metric + "_high"] = value * 1.04
    return row


def busy(requests, cpu, voluntary=0.3, calls=None, **more):
    """The metrics of a cell in a closed loop"""
    metrics = dict(requests=requests, response_p50=6.4e10 / requests,
                   response_p99=1.28e11 / requests, server_cpu_per=cpu,
                   voluntary=voluntary, involuntary=0.01, **more)
    return {**metrics, "calls": calls} if calls else metrics


def times(p50, requests, cpu=9000, **more):
    """The metrics of a cell in an open loop"""
    return dict(requests=requests, response_p50=p50, response_p99=3 * p50,
                service_p50=p50 * 0.8, service_p99=2 * p50, server_cpu_per=cpu,
                voluntary=0.9, involuntary=0.01, **more)


def closed_cells():
    return [
        cell("thread", "closed split 1", **busy(78e3, 13e3, 1.2, 2)),
        cell("busypoll", "closed split 1", marks="spins whole",
             **busy(131e3, 7600, 0, 9000.5)),
        cell("select", "closed split 1", **busy(119e3, 8400, calls=2.9)),
        cell("epoll", "closed split 1", **busy(133e3, 7500, calls=3)),
        cell("uring", "closed split 1", status="unsupported", reason=NO_URING),
        cell("mine", "closed split 1", n=3, **busy(100e3, 9900)),
        cell("baseline", "closed split 1", **busy(167e3, 6000)),
        cell("thread", "closed split 64", status="failed", reason=NASTY),
        cell("busypoll", "closed split 64", marks="spins whole",
             **busy(104e3, 9600, 0, 120)),
        cell("select", "closed split 64", **busy(82e3, 12e3, calls=2.3)),
        cell("epoll", "closed split 64", marks="bound", **busy(134e3, 7400, 0.01, 2.2)),
        cell("uring", "closed split 64", status="unsupported", reason=NO_URING),
        cell("mine", "closed split 64", n=3, **busy(35e3, 0)),
        cell("baseline", "closed split 64", marks="bound", **busy(166e3, 6000)),
        cell("thread", "closed split 1000", **busy(71e3, 14e3, 1.1, 2)),
        cell("busypoll", "closed split 1000", status="failed", reason=DIED),
        cell("select", "closed split 1000", status="refused", reason=REFUSED),
        cell("epoll", "closed split 1000", **busy(124e3, 8000, 0.001, 2.1)),
        cell("uring", "closed split 1000", status="failed", reason=DIED),
        cell("mine", "closed split 1000", n=3, **busy(3e3, 310e3)),
        cell("baseline", "closed split 1000", **busy(165e3, 6100)),
        cell("epoll", "closed shared 64", marks="bound", **busy(90e3, 5000)),
        cell("uring", "closed shared 64", status="unsupported", reason=NO_URING)]


def open_cells():
    """Up to saturation; aio and thread reach it. busypoll always uses its whole core."""
    found = []
    for rate in (5000, 20000, 40000, 80000):
        setting = f"open split 64 rate {rate}"
        found += [
            cell("thread", setting, marks="whole" if rate > 40000 else "",
                 n=4, **times(50e3 if rate <= 40000 else 9e6, min(rate, 62e3), 13e3)),
            cell("busypoll", setting, marks="spins whole",
                 **times(40e3, rate, 1e9 / rate)),
            cell("epoll", setting, marks="unsure" if rate == 5000 else "",
                 **times(30e3, rate)),
            cell("aio", setting, marks="whole" if rate > 20000 else "",
                 **times(300e3 if rate <= 20000 else 4e7, min(rate, 21e3), 45e3))]
    for idle, slow in ((0, 9500), (100, 14e3), (900, 120e3), (5000, 6e5)):
        setting = "open split 16 rate 1000" + (f" idle {idle}" if idle else "")
        found += [
            cell("busypoll", setting, marks="spins whole", **times(90e3, 1000, 1e6)),
            cell("poll", setting, marks="whole" if idle > 900 else "",
                 **times(20e3, 1000, slow)),
            cell("epoll", setting, **times(20e3, 1000, 9000))]
    return found + [
        cell("epoll", "open shared 64 rate 5000", **times(60e3, 5000)),
        cell("aio", "open shared 64 rate 5000", status="failed", reason=DIED)]


def idle_cells():
    return [
        cell("epoll", f"none split idle {n}", n=1, resident=210, server_cpu_share=0,
             calls_per_second=0) for n in (100, 1000)
    ] + [
        cell("poll", f"none split idle {n}", n=1, resident=-12, server_cpu_share=0,
             calls_per_second=0) for n in (100, 1000)
    ] + [
        cell("busypoll", "none split idle 1000", n=1, resident=130,
             server_cpu_share=0.995, calls_per_second=9e5)]


def cells():
    return closed_cells() + open_cells() + idle_cells()


CPU, RATE, P50 = "server_cpu_per_request", "requests_per_second", "response_p50"


def versus(model, setting, metric, ratio, low, high, verdict="different", state="",
           aa=0.006):
    return {"setting": setting, "model": model, "reference": "epoll", "metric": metric,
            "ratio": ratio, "low": low, "high": high, "blocks": 6, "rounds": 54,
            "aa_low": 1 - aa, "aa_high": 1 + aa, "p": 0.01, "verdict": verdict,
            "state": state, "sentence": f"{model} against epoll: {verdict} by {metric}, "
                                        f"{setting}"}


def comparisons():
    """A setting near 1, one with ratios up to 63, bounds, states, gaps"""
    one, many, idle = "closed split 1", "closed split 64", "open split 16 rate 1000 idle 900"
    rows = [
        versus("thread", one, CPU, 1.513, 1.49, 1.537),
        versus("thread", one, RATE, 0.585, 0.58, 0.59),
        versus("busypoll", one, CPU, 1.013, 1.01, 1.02, state="whole core"),
        versus("busypoll", one, RATE, 0.984, 0.97, 0.999, "equal"),
        versus("select", one, CPU, 0.972, 0.967, 0.98),
        versus("select", one, RATE, 1.004, 0.96, 1.049, "undecided"),
        versus("uring", one, CPU, "", "", "", "missing"),
        versus("uring", one, RATE, "", "", "", "missing"),
        versus("mine", one, CPU, 1.32, 1.1, 1.59),
        versus("mine", one, RATE, 0.75, 0.7, 0.8),
        versus("baseline", one, CPU, 0.79, 0.78, 0.82),
        versus("baseline", one, RATE, 1.1, 0.45, 2.6, "undecided"),
        versus("select", many, CPU, 1.62, 1.59, 1.66),
        versus("select", many, RATE, 0.612, "", 0.65, "different", "generator limit"),
        versus("busypoll", many, RATE, 0.78, "", 0.8, "bound", "generator limit"),
        versus("thread", many, CPU, "", "", "", "missing")]
    for setting, ratio in (("idle 100", 1.55), ("idle 900", 13.6), ("idle 5000", 67.1)):
        setting = f"open split 16 rate 1000 {setting}"
        rows += [versus("busypoll", setting, CPU, 111, 108, 114, state="whole core"),
                 versus("poll", setting, CPU, ratio, ratio / 1.02, ratio * 1.02,
                        state="whole core" if "5000" in setting else ""),
                 versus("poll", setting, P50, 1.01, 0.99, 1.026, "equal")]
    rows += [versus("mine", idle, CPU, 1.021, 1.012, 1.031),
             versus("mine", idle, P50, 2.8, 2.75, 2.9)]
    for rate in (5000, 20000, 40000, 80000):
        setting = f"open split 64 rate {rate}"
        whole = {"aio": 20000, "thread": 40000}
        rows += [versus(model, setting, CPU, ratio, ratio * 0.97, ratio * 1.03,
                        state="whole core" if rate > whole[model] else "")
                 for model, ratio in (("thread", 1.4), ("aio", 5.0))]
    return rows


CALLS = [("epoll closed split 1", "epoll_wait", 1), ("epoll closed split 1",
         "recvfrom", 1), ("epoll closed split 1", "sendto", 1),
         ("epoll closed split 64", "recvfrom", 1),
         ("epoll closed split 64", "sendto", 1),
         ("epoll closed split 64", "epoll_wait", 0.19),
         ("epoll closed split 64", "epoll_ctl", 0.01),
         ("thread closed split 1", "recvfrom", 1),
         ("thread closed split 1", "sendto", 1),
         ("select closed split 1", "recvfrom", 1),
         ("select closed split 1", "sendto", 1),
         ("select closed split 1", "unheard_of", 0.9),
         ("busypoll closed split 1", "recvfrom", 8999.5),
         ("busypoll closed split 1", "sendto", 1)]

FINDINGS = [
    ("verdicts", "Of 30 comparisons with epoll: 20 different", ""),
    ("verdicts/1", "poll is about a setting that the lead chart does not have", ""),
    ("verdicts/2", "poll against epoll: different by server_cpu_per_request, open split 16 "
     "rate 1000 idle 900; mine 1.01 to 1.03", ""),
    ("throughput", "select answers 0.51 to 0.68 times the requests of epoll at 64 "
     "connections", "7 blocks"),
    ("throughput/closed split 1", "undecided: requests/s at 1 connection", "7 blocks"),
    ("throughput/closed split 64", "select answers 0.51 to 0.68 times the requests "
     "of epoll at 64 connections", "7 blocks"),
    ("throughput/closed split 1000", "thread answers 0.55 to 0.59 times the requests "
     "of epoll at 1,000 connections", "7 blocks"),
    ("server_cpu/closed split 64", "select takes 1.5 times the CPU of epoll", "7"),
    ("throughput/closed shared 64", "undecided: requests/s at 64 connections (one core)",
     "7 blocks"),
    ("response_p50/closed split 64", "p50: from 478 us (epoll) to 1.83 ms (mine)", ""),
    ("load", "aio saturates at 40,000/s, thread at 80,000/s", ""),
    ("server_cpu/open split 16 rate 1000 idle 900",
     "poll takes 13.3 to 13.9 times the CPU of epoll with 900 idle clients", ""),
    ("calls", "system calls a request: from 2 (thread) to 3 (epoll)", "once")]


def write_csv(path, columns, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def make(path, incomplete=False, schema=2, rows=None):
    """The folder of a run, as far as plots/draw reads it"""
    path.mkdir()
    write_csv(path / "cells.csv", COLUMNS, rows or cells())
    if not rows:
        write_csv(path / "comparisons.csv", VERSUS, comparisons())
    write_csv(path / "calls.csv", ["cell", "call", "per_request"],
              [dict(zip(["cell", "call", "per_request"], call)) for call in CALLS])
    write_csv(path / "findings.csv", ["chart", "title", "note"],
              [dict(zip(["chart", "title", "note"], one)) for one in FINDINGS])
    (path / "run.json").write_text(f'{{\n  "schema": {schema},\n  "blocks": 7,\n'
                                   '  "margin": 0.05\n}\n')
    (path / "machine.json").write_text(
        '{\n  "kernel_release": "6.1.0-odd",\n  "cpu_model": "Odd\' CPU"\n}\n')
    if incomplete:
        (path / "INCOMPLETE").write_text("This run is not complete.\n")
    return path
