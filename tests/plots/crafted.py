# SPDX-License-Identifier: MIT
"""Makes the folder of a run with every kind of odd cell, without measuring.

    folder = crafted.make(tmp_path / "run")
    folder = crafted.make(tmp_path / "run", blocks=3, incomplete=True)

The numbers are made up, plausible and always the same; `python3 tests/plots/crafted.py
FOLDER` makes a folder to look at. ODD lists the odd cells. bin/matrix makes all tables but
warnings.csv from the lines and slices.
"""

import atexit
import csv
import functools
import gzip
import hashlib
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
MATRIX = TOP / os.environ.get("BIN", "bin") / "matrix"

MODELS = ["thread", "busypoll", "select", "poll", "epoll", "aio", "uring", "mine"]

CLOSED = [dict(connections=n) for n in (1, 64, 1000)]
SETTINGS = [
    *CLOSED,
    dict(connections=64, placement="shared"),
    dict(loop="open", connections=16, rate=1e3, idle=900),
    dict(connections=64, message=16384),
    *[dict(loop="open", connections=64, rate=rate) for rate in (5e3, 1e4, 4e4, 8e4)],
    dict(loop="open", connections=64, rate=5e3, placement="shared"),
    dict(loop="open", connections=64, rate=1e4, pattern="burst:100"),
    *[dict(loop="open", connections=16, rate=1e3, idle=idle) for idle in (0, 100, 5000)],
    *[dict(loop="none", connections=0, idle=n) for n in (100, 1000)],
]

#: Of a run of 2,000 repetitions
FULL = dict(blocks=10, models=MODELS[:7], settings=[
    *SETTINGS,
    *[dict(connections=64, message=1024 * n) for n in (1, 128)],
    *[dict(connections=n, depth=16) for n in (1, 64)],
    *[dict(connections=n) for n in (4, 16, 256, 4000)],
    *[dict(loop="open", connections=64, rate=rate) for rate in (2e4, 6e4, 2500)],
    dict(connections=16, pattern="connect")])

DISAGREE = ("server and generator disagree on the number of requests: 1,000 were sent, "
            "998 received")
SELECT_FULL = ("the server refused 3 clients: it is at a limit of its own "
               "(fd_setsize)")
NO_URING = ("the server: io_uring_queue_init: Operation not permitted; it is "
            "allowed by kernel.io_uring_disabled=0")
NASTY = "it printed </script><script>alert('no')</script> & \"quotes\", commas\n"
DIED = "the server: it ended by itself, with status 139"

#: (model, parts of the cell, status, reasons, blocks; None: all). The first match applies.
ODD = [
    ("uring", dict(placement="shared"), "unsupported", [NO_URING], None),
    ("select", dict(connections=1000), "refused", [SELECT_FULL], None),
    ("select", dict(loop="open", idle=5000), "refused", [SELECT_FULL], None),
    ("aio", dict(message=16384), "failed", [NASTY], None),
    ("poll", dict(connections=1000), "failed", [DISAGREE], None),
    ("busypoll", dict(placement="shared", loop="closed"), "failed", [DIED], [1, 3]),
    ("mine", dict(loop="none"), "failed", [DIED], None),
    ("poll", dict(connections=64, loop="closed", placement="split", message=64, idle=0),
     "failed", [DIED], [2]),
]

#: The made-up cost of each model
KIND = {
    #           base us  per client ns  calls  memory B
    "thread":   (13.0, 1.0, 2.0, 9800),
    "busypoll": (7.6, 30.0, 2.0, 130),
    "select":   (7.9, 60.0, 2.9, 127),
    "poll":     (7.52, 40.0, 2.9, -12),
    "epoll":    (7.5, 0.5, 2.2, 210),
    "aio":      (80.0, 20.0, 24.0, 17700),
    "uring":    (6.4, 0.5, 1.1, 4220),
    "mine":     (7.6, 300.0, 3.0, 8192),  # and differs from start to start
    "baseline": (6.0, 0.3, 2.1, 90),
}
CALLS = {
    "thread": {"recvfrom": 1.0, "sendto": 1.0, "rt_sigprocmask": 0.001},
    "busypoll": {"recvfrom": 31.5, "accept4": 2.2, "sendto": 1.0},
    "select": {"recvfrom": 1.0, "sendto": 1.0, "pselect6": 0.9},
    "poll": {"recvfrom": 1.0, "sendto": 1.0, "poll": 0.9},
    "epoll": {"recvfrom": 1.0, "sendto": 1.0, "epoll_wait": 0.2,
              "epoll_ctl": 0.002},
    "aio": {"futex": 12.0, "rt_sigqueueinfo": 2.0, "rt_sigtimedwait": 2.0,
            "pread64": 1.0, "pwrite64": 1.0, "read": 1.0, "write": 1.0,
            "getpid": 2.0, "getuid": 2.0},
    "uring": {"io_uring_enter": 1.1, "accept4": 0.001},
    "baseline": {"recvfrom": 1.0, "sendto": 1.0, "epoll_wait": 0.1},
}


def _seeded(*words):
    digest = hashlib.sha256(repr(words).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


def _noise():
    rng = random.Random(1)
    return [math.exp(rng.gauss(0, 0.25)) for _ in range(997)]


NOISE = _noise()


def cell_of(model, setting):
    cell = {"model": model, "loop": "closed", "connections": 1, "rate": None,
            "idle": 0, "message": 64, "depth": 1, "pattern": "steady",
            "work": "none", "placement": "split", **setting}
    name = f"model:{model}/loop:{cell['loop']}"
    if cell["connections"]:
        name += f"/connections:{cell['connections']}"
    if cell["rate"]:
        name += f"/rate:{cell['rate']:g}"
    if cell["idle"]:
        name += f"/idle:{cell['idle']}"
    name += f"/message:{cell['message']}"
    if cell["pattern"] != "steady":
        name += f"/pattern:{cell['pattern']}"
    if cell["work"] != "none":
        name += f"/work:{cell['work']}"
    return {"cell": f"{name}/placement:{cell['placement']}", **cell}


def odd(cell, block):
    """(status, reasons) of a cell in a block"""
    for model, where, status, reasons, blocks in ODD:
        if model == cell["model"] and where.items() <= cell.items() and \
                (blocks is None or block in blocks):
            return status, reasons
    return "ok", []


# ----------------------------------------------------------------------- numbers

ROUNDS, SLICE_NS, WINDOW_NS = 8, 50000000, 43750000


def _cost_us(cell, rng):
    """Of a request, in this block"""
    base, per_client, *_ = KIND[cell["model"]]
    clients = cell["connections"] + cell["idle"]
    cost = base + per_client * clients / 1000
    if cell["message"] > 64:
        cost *= 2.5
    return cost * math.exp(rng.gauss(0, 0.15 if cell["model"] == "mine" else 0.01))


def _is_saturated(cell, cost_us):
    return cell["loop"] == "open" and cell["rate"] * cost_us > 0.95e6


def _rate(cell, cost_us):
    """Replies per second"""
    most = 1e6 / cost_us
    return min(cell["rate"], most) if cell["loop"] == "open" else most


def _times(cell, rng, cost_us, n):
    """Response and service times of n requests, in ns"""
    wait = cost_us * (cell["connections"] if cell["loop"] == "closed" else 3)
    if _rate(cell, cost_us) != cell["rate"] and cell["loop"] == "open":
        wait *= 300
    shift = rng.randrange(len(NOISE))
    service = [int(wait * 1000 * NOISE[(i + shift) % len(NOISE)]) for i in range(n)]
    for i in range(0, n, 150):  # a stall now and then
        service[i] = int(service[i] * rng.uniform(3, 12))
    if cell["loop"] == "closed":
        return service, None
    return [int(t * NOISE[i % 97] * 1.6) + t for i, t in enumerate(service)], service


def _bucket(t):
    shift = max(0, t.bit_length() - 7)
    low = t >> shift << shift
    return low, low + (1 << shift) - 1


def _buckets(times):
    found = {}
    for t in times:
        bucket = _bucket(t)
        found[bucket] = found.get(bucket, 0) + 1
    rows = sorted(found.items())
    lowest = [low for (low, _), _ in rows]
    return {"step": [low - before for low, before in zip(lowest, [0, *lowest])],
            "width": [high - low + 1 for (low, high), _ in rows],
            "count": [n for _, n in rows]}


def _histogram(times):
    if times is None:
        return None
    return {"count": len(times), "sum": sum(times), "above": 0,
            "buckets": _buckets(times)}


def _quantile(ordered, share):
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))])


def _summary(times):
    if times is None:
        return None
    n, ordered = len(times), sorted(times)
    return {"count": n, "min": ordered[0], "mean": sum(times) / n,
            "p50": _quantile(ordered, .5), "p90": _quantile(ordered, .9),
            "p99": _quantile(ordered, .99), "p99_9": _quantile(ordered, .999),
            "max": ordered[-1], "beyond": {"p50": n // 2, "p90": n // 10,
                                          "p99": n // 100, "p99_9": n // 1000},
            "unsure": ["p99", "p99_9"] if times[0] % 3 == 0 else ["p99_9"]}


METRICS = [
    "requests_per_second", "offered_per_second", "response_p50_ns",
    "response_p90_ns", "response_p99_ns", "response_p99_9_ns", "response_max_ns",
    "service_p50_ns", "service_p99_ns", "send_lag_p99_ns",
    "server_cpu_per_request_ns", "client_cpu_per_request_ns", "cpu_per_request_ns",
    "server_cpu_share", "client_cpu_share", "server_queue_per_request_ns",
    "server_queue_share", "voluntary_switches_per_request",
    "involuntary_switches_per_request", "switches_per_second", "calls_per_request",
    "calls_per_second", "submissions_per_request", "completions_per_request",
    "sq_busy_share", "sq_work_share", "resident_bytes",
    "resident_per_connection_bytes", "threads", "descriptors", "steal_share"]


def _idle_metrics(cell, rng):
    spins = cell["model"] == "busypoll"
    return {"server_cpu_share": 0.995 if spins else rng.uniform(0, 2e-5),
            "client_cpu_share": 0.0001, "calls_per_second": 9e5 if spins else 0.0,
            "resident_bytes": 2e6 + cell["idle"] * KIND[cell["model"]][3],
            "resident_per_connection_bytes": float(KIND[cell["model"]][3]),
            "threads": float(cell["idle"] + 1 if cell["model"] == "thread" else 1),
            "descriptors": cell["idle"] + 6.0, "steal_share": 0.0}


def _busy_metrics(cell, rng, cost_us, times, service):
    rate = _rate(cell, cost_us)
    spins = cell["model"] == "busypoll"
    asleep = {"thread": 1.2, "aio": 4.1, "busypoll": 0.0}.get(cell["model"], 0.3)
    cpu = 1e9 / rate if spins else cost_us * 1000
    times, service = sorted(times), sorted(service or times)
    return {
        "requests_per_second": rate, "offered_per_second": cell["rate"],
        "response_p50_ns": _quantile(times, .5),
        "response_p90_ns": _quantile(times, .9),
        "response_p99_ns": _quantile(times, .99),
        "response_p99_9_ns": _quantile(times, .999), "response_max_ns": max(times),
        "service_p50_ns": _quantile(service, .5),
        "service_p99_ns": _quantile(service, .99),
        "send_lag_p99_ns": 9000.0 if cell["loop"] == "open" else None,
        "server_cpu_per_request_ns": cpu, "client_cpu_per_request_ns": 5000.0,
        "cpu_per_request_ns": cpu + 5000, "server_cpu_share": cpu * rate / 1e9,
        "client_cpu_share": 0.9, "server_queue_per_request_ns": 40.0,
        "server_queue_share": 0.004,
        "voluntary_switches_per_request": asleep * rng.uniform(0.97, 1.03),
        "involuntary_switches_per_request": rng.uniform(0, 0.02),
        "switches_per_second": asleep * rate, "resident_bytes": 2e6,
        "resident_per_connection_bytes": float(KIND[cell["model"]][3]),
        "threads": 1.0, "descriptors": cell["connections"] + 6.0,
        "steal_share": 0.0}


def _count(line, cell, rng):
    """Adds the system calls; those of `mine` could not be counted"""
    names = CALLS.get(cell["model"])
    if not names:
        line["calls"] = {"method": "none", "requests": None, "by_name": None}
        line["warnings"].append("system calls could not be counted: this user may "
                                "not; root may")
        return
    requests = 100000 if cell["loop"] != "none" else None
    share = {1: 1.4, 1000: 0.6}.get(cell["connections"], 1)
    by_name = {name: max(1, int(n * 1e5 * (share if name not in (
        "recvfrom", "sendto") else 1))) for name, n in names.items()}
    if not requests:
        by_name = by_name if cell["model"] == "busypoll" else {}
    line["calls"] = {"method": "bpf", "requests": requests, "by_name": by_name}
    total = sum(by_name.values())
    line["metrics"]["calls_per_request"] = total / requests if requests else None
    line["metrics"]["calls_per_second"] = float(total)
    if cell["model"] == "uring":
        line["metrics"]["submissions_per_request"] = 2.0 if requests else None
        line["metrics"]["completions_per_request"] = 2.0 if requests else None


# ------------------------------------------------------------------------- lines

def _line(index, block, bout, size, role, cell):
    timed = role in ("timing", "aa", "baseline")
    return {"schema": 2, "index": index, "block": block, "bout": bout, "bout_size": size,
            "role": role, **cell, "status": "ok", "reasons": [], "warnings": [],
            "started": "2026-11-21T15:00:00Z", "took_s": 1.6, "server_cpus": "0",
            "client_cpus": "1" if cell["placement"] == "split" else "0",
            "slice_ns": SLICE_NS if timed else None,
            "rounds": {"counted": ROUNDS if timed else 0, "dropped": 0, "why": {}},
            "window_s": ROUNDS * WINDOW_NS / 1e9 if timed else 1.0, "bound": False,
            "saturated": False, "cpu_method": "process",
            "metrics": dict.fromkeys(METRICS), "calls": None, "load": None,
            "server": None, "histograms": None}


def _no_times():
    return {"count": 0, "min": None, "mean": None, "p50": None, "p90": None,
            "p99": None, "p99_9": None, "max": None,
            "unsure": ["p50", "p90", "p99", "p99_9"]}


def _load(cell, times, service):
    open_loop = cell["loop"] == "open"
    n = len(times)
    return {"schema": 1, "loop": cell["loop"], "requests": n, "requests_total": n,
            "answered_in_window": n, "unanswered": 0, "errors": 0, "mismatches": 0,
            "duration_s": 1.0, "requests_per_second": float(n),
            "offered_per_second": cell["rate"],
            "coarse": open_loop and cell["placement"] == "shared",
            "valid": True, "invalid_reasons": [],
            "response_ns": _summary(times) if times else _no_times(),
            "service_ns": _summary(service or times) if times else _no_times(),
            "send_lag_ns": None, "client_cpu_ns": 900000000}


def _measure(line, cell, n):
    """Sets the numbers of a repetition; returns the content of its histogram file"""
    rng = _seeded(line["index"], cell["cell"])
    if cell["loop"] == "none":
        line["metrics"].update(_idle_metrics(cell, rng))
        line["load"] = _load(cell, [], None)
        return {"histograms": {"response": _histogram([]), "service": None,
                               "send_lag": None, "connect": None}, "series": None}
    cost = _cost_us(cell, rng)
    times, service = _times(cell, rng, cost, n)
    line["metrics"].update(_busy_metrics(cell, rng, cost, times, service))
    line["load"] = _load(cell, times, service)
    line["saturated"] = _is_saturated(cell, cost)
    line["bound"] = cell["loop"] == "closed" and cell["connections"] == 64 and \
        cell["placement"] == "split" and cost < 7
    return {"histograms": {"response": _histogram(times),
                           "service": _histogram(service), "send_lag": None,
                           "connect": None}, "series": None}


def _spoil(line, status, reasons):
    line["status"], line["reasons"] = status, list(reasons)
    if status in ("unsupported", "failed") and reasons != [DISAGREE]:  # measured to the end
        line["metrics"] = dict.fromkeys(METRICS)
        line.update(load=None, calls=None, window_s=None, cpu_method=None, slice_ns=None,
                    saturated=False, bound=False,
                    rounds={"counted": 0, "dropped": 0, "why": {}})
        return False
    return True


SLICES = ("bout,index,round,position,counted,requests,answered,window_ns,elapsed_ns,cpu_ns,"
          "client_cpu_ns,response_p50_ns,response_p99_ns,service_p50_ns,service_p99_ns")


def _slices(line, position):
    """Rows of slices.csv: a drift that all servers of a bout share, and their own noise"""
    metrics, rows = line["metrics"], []
    for number in range(1, ROUNDS + 1):
        drift = math.exp(_seeded(line["bout"], number).gauss(0, 0.15))
        slower = drift * math.exp(_seeded(line["index"], number).gauss(0, 0.01))
        answered = metrics["requests_per_second"] * WINDOW_NS / 1e9
        if line["loop"] == "closed":
            answered /= slower
        cpu = metrics["server_cpu_per_request_ns"] * answered * 8 / 7
        times = [metrics[name] for name in ("response_p50_ns", "response_p99_ns",
                                            "service_p50_ns", "service_p99_ns")]
        rows.append([line["bout"], line["index"], number, position, 1,
                     round(answered * 8 / 7), round(answered), WINDOW_NS, SLICE_NS,
                     round(cpu * (slower if line["model"] != "busypoll" else 1)), 20000000,
                     *(round(time * slower) for time in times)])
    return rows


class _Writer:
    def __init__(self, path, requests):
        self.path, self.requests = path, requests
        self.lines, self.slices, self.bouts = [], [], 0

    def bout(self, block, entries):
        """`entries`: (role, cell) of servers that take turns"""
        for position, (role, cell) in enumerate(entries):
            line = self._repetition(block, len(entries), role, cell)
            if line["slice_ns"]:
                self.slices += _slices(line, position)
        self.bouts += 1

    def _repetition(self, block, size, role, cell):
        line = _line(len(self.lines), block, self.bouts, size, role, cell)
        status, reasons = odd(cell, block)
        if role == "counting" and reasons == [DISAGREE]:
            status, reasons = "ok", []
        times = _measure(line, cell, self.requests)
        if role in ("counting", "idle"):
            _count(line, cell, _seeded(cell["cell"]))
        if _spoil(line, status, reasons) and times:
            line["histograms"] = f"histograms/{line['index']:04}.json.gz"
            with gzip.open(self.path / line["histograms"], "wt",
                           compresslevel=1) as file:
                file.write(json.dumps(times, separators=(",", ":")))
        if cell["model"] == "thread" and cell["connections"] == 64 and block == 3:
            line["warnings"].append("2 of 10 rounds were disturbed, and count all the same")
        self.lines.append(line)
        return line


def lines(path, blocks, models, settings, requests):
    writer = _Writer(path, requests)
    for setting in settings:
        role = "idle" if setting.get("loop") == "none" else "counting"
        for model in models:
            writer.bout(0, [(role, cell_of(model, setting))])
    reference = "epoll" if "epoll" in models else models[0]
    for block in range(1, blocks + 1):
        for setting in settings:
            if setting.get("loop") == "none":
                continue
            entries = [("timing", cell_of(model, setting)) for model in models]
            entries.append(("aa", cell_of(reference, setting)))
            if setting in CLOSED:
                entries.append(("baseline", cell_of("baseline", setting)))
            writer.bout(block, entries)
    return writer


# ------------------------------------------------------------------- other files

MACHINE = {
    "kernel_release": "6.1.0-crafted", "kernel_version": "#1 SMP PREEMPT_DYNAMIC",
    "architecture": "x86_64", "mitigations": {"meltdown": "Not affected"},
    "clocksource": "tsc", "cpu_model": "Crafted <CPU> & Sons @ 2.50GHz", "cpus": 2,
    "cpus_allowed": 2, "smt_active": 0, "smt_siblings": ["0", "1"],
    "governors": {"powersave": 2}, "turbo_disabled": False, "idle_driver": "none",
    "idle_governor": "menu", "isolated_cpus": "", "memory_bytes": 8 << 30,
    "page_bytes": 4096, "virtualization": "guest", "container": "none",
    "guest_halt_poll_ns": 0,
    "limits": {"nofile": {"soft": 20000, "hard": 20000}}, "io_uring_disabled": 0,
    "perf_event_paranoid": 2, "unprivileged_bpf_disabled": 2, "somaxconn": 4096,
    "build": {"version": "0.1.0", "commit": "0123456789abcdef0123456789abcdef01234567",
              "dirty": True, "compiler": "cc 12.2.0", "flags": "-O2 -g",
              "packages": {"glibc": "2.36", "liburing": "2.3"}}}

RUN = {
    "schema": 2, "program": "matrix", "version": "0.1.0", "plan": "crafted",
    "blocks": 7, "seed": 42, "reference": "epoll", "margin": 0.03, "filter": None,
    "server_cpus": None, "client_cpus": None, "counting": "bpf",
    "places": {"allowed": "0-1", "split": {"server": "0", "client": "1"},
               "split_why": None, "split_on_siblings": False,
               "shared": {"server": "0", "client": "0"}, "harness": "0-1",
               "harness_apart": False},
    "programs": {"loadgen": "fnv:1", "baseline": "fnv:2", "epoll": "fnv:3"},
    "benchmark": "1.7.1",
    "sittings": [{"started": "2026-11-21T15:00:00Z", "forced_differences": []},
                 {"started": "2026-11-21T16:00:00Z", "forced_differences": [
                     f"build commit: {'f6a5' * 10} then, {'6321' * 10} now"]}]}

def write_csv(path, columns, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


WARNINGS = [{"warning": f"it printed </script><script>alert('no')</script>, 7 to {n},073 "
             "times", "count": n, "of": "repetition", "models": "poll; epoll",
             "settings": "closed split 64"} for n in (1, 12)]


@functools.cache
def _matrix():
    """A copy of bin/matrix that finds no charts to draw: it only makes the tables."""
    top = pathlib.Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, top)
    for name in ("draw", "report.py"):
        (top / "plots").mkdir(exist_ok=True)
        (top / "plots" / name).symlink_to("/bin/true")
    (top / "bin").mkdir()
    return shutil.copy(MATRIX, top / "bin/matrix")


def write_tables(path):
    """Those that bin/matrix makes; warnings.csv is made up"""
    subprocess.run([_matrix(), "report", path], capture_output=True, check=False)
    write_csv(path / "warnings.csv", list(WARNINGS[0]), WARNINGS)


def make(path, *, blocks=7, models=tuple(MODELS), settings=tuple(SETTINGS),
         incomplete=False, tables=True, requests=600):
    """The folder, with so many requests in each repetition. `tables`: with those that
    bin/matrix makes of the record"""
    path = pathlib.Path(path)
    (path / "histograms").mkdir(parents=True)
    made = lines(path, blocks, list(models), list(settings), requests)
    with open(path / "repetitions.jsonl", "w", encoding="utf-8") as file:
        for line in made.lines:
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
    (path / "slices.csv").write_text("".join(
        f"{row}\n" for row in [SLICES, *(",".join(map(str, row)) for row in made.slices)]))
    (path / "machine.json").write_text(json.dumps(MACHINE, indent=2))
    (path / "run.json").write_text(json.dumps({**RUN, "blocks": blocks}, indent=2))
    (path / "plan.txt").write_text(f"blocks {blocks}\nbout 3s\nmargin 3%\nseed 42\n"
                                   f"models {','.join(models)}\n")
    if tables:
        write_tables(path)
    if incomplete:
        (path / "INCOMPLETE").write_text("This run is not complete. To go on:\n\n"
                                         "    bin/matrix resume results/crafted\n")
    return path


if __name__ == "__main__":
    print(make(sys.argv[1]))
