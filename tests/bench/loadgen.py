# SPDX-License-Identifier: MIT
"""Speed and accuracy of the load generator.

  make bench-loadgen                        all of it, about 5 minutes
  make bench-loadgen ONLY=open,idle         parts: saturate count open idle truth steady record slices
  make bench-loadgen PEER=./rust_echo_bench
                                            in turns with haraldh/rust_echo_bench
  make bench-loadgen ROUNDS=15              more rounds (default 7)

The server, bin/epoll, has the first CPU to itself and the generator the second.
Compared programs run in turns, because the speed of a machine drifts. Figures are
medians over the rounds, with minimum and maximum. Run it on an idle machine.
"""

import bisect
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests"), str(TOP / "tests/load")]

import oddserver  # noqa: E402
import server  # noqa: E402
from observer import Observer  # noqa: E402

CPUS = sorted(os.sched_getaffinity(0))[:2]
PEER = os.environ.get("PEER") or None
ROUNDS = int(os.environ.get("ROUNDS") or 7)
ONLY = (os.environ.get("ONLY") or "").split(",")
MESSAGE = 128
SLICES = 100
PEER_S = 4  # long enough beside the time it takes to start its threads


def spread(values, form="{:,.0f}"):
    """Median (lowest to highest), as text."""
    return (f"{form.format(statistics.median(values))} "
            f"({form.format(min(values))} to {form.format(max(values))})")


def pinned(cpu):
    return ["taskset", "-c", str(cpu)]


def cpu_clock(pid):
    """The CPU time of a process in ns: its clock's id is made of the pid."""
    return time.clock_gettime_ns((~pid << 3) | 2)


class Run:
    """One run of bin/loadgen against a fresh bin/epoll, and the server's counters.

    `server_busy` is the server's share of its CPU in the middle of the window.
    """

    def __init__(self, *args, duration=1.5, warmup=0.5, cpu=True):
        with server.Server("epoll", "--message", str(MESSAGE),
                           wrapper=pinned(CPUS[0])) as one, \
                tempfile.NamedTemporaryFile() as file:
            process = subprocess.Popen(
                ["bin/loadgen", "--target", f"127.0.0.1:{one.port}",
                 "--message", str(MESSAGE), "--duration", f"{duration}s",
                 "--warmup", f"{warmup}s", "--quiet", "--json", file.name,
                 *(["--cpu", str(CPUS[1])] if cpu else []), *args], cwd=TOP)
            time.sleep(warmup + duration * 0.25)
            began, used = time.monotonic_ns(), cpu_clock(one.pid)
            time.sleep(duration * 0.5)
            self.server_busy = ((cpu_clock(one.pid) - used) /
                                (time.monotonic_ns() - began))
            process.wait()
            self.json = json.load(file)
            self.counters = one.stop()
        for reason in self.json["invalid_reasons"]:
            print(f"    ! {' '.join(map(str, args))}: {reason[:90]}")

    def __getattr__(self, key):
        return self.json[key]


def peer_run(connections):
    """Requests a second of rust_echo_bench: what the server counted, over how
    long it really took (its own figure divides by the time it was asked for)."""
    with server.Server("epoll", "--message", str(MESSAGE),
                       wrapper=pinned(CPUS[0])) as one:
        began = time.monotonic()
        subprocess.run(
            [*pinned(CPUS[1]), PEER, "--address", f"127.0.0.1:{one.port}",
             "--number", str(connections), "--duration", str(PEER_S),
             "--length", str(MESSAGE)],
            stdout=subprocess.DEVNULL, check=True, timeout=120)
        took = time.monotonic() - began
        return one.stop()["requests"] / took


def saturate():
    print("\nclosed loop, 128 B, in turn: requests/s, and the server's share of "
          "its CPU")
    for connections in (64, 300):
        of = {"uring": [], "epoll": []}
        peer = []
        for _ in range(ROUNDS):
            for engine, runs in of.items():
                runs.append(Run("--connections", str(connections), "--engine",
                                engine))
            if PEER:
                peer.append(peer_run(connections))
        print(f"  {connections} connections")
        for engine, runs in of.items():
            print(f"    loadgen, {engine}: "
                  f"{spread([run.requests_per_second for run in runs])}/s, "
                  "server busy "
                  f"{spread([100 * run.server_busy for run in runs], '{:.1f}')} %,"
                  " generator busy "
                  f"{spread([100 * run.client_busy for run in runs], '{:.0f}')} %,"
                  f" valid {sum(run.valid for run in runs)} of {len(runs)}")
        if peer:
            print(f"    rust_echo_bench: {spread(peer)}/s")
            for engine, runs in of.items():
                ratios = [run.requests_per_second / other
                          for run, other in zip(runs, peer)]
                print(f"    {engine} / rust_echo_bench: "
                      f"{spread(ratios, '{:.2f}')}")


def count():
    print("\nrequests as the server counted them, and as the generator did")
    for connections in (64, 300, 1000):
        for engine in ("uring", "epoll"):
            run = Run("--connections", str(connections), "--engine", engine)
            ours = run.requests_total + run.unanswered
            theirs = run.counters["requests"]
            print(f"  {connections:5} connections, {engine}: {theirs:,} and "
                  f"{ours:,}: {100 * abs(ours - theirs) / theirs:.4f} % apart")


def open_loop():
    print("\nopen loop with its own CPU, 64 connections")
    for rate in (10000, 50000):
        for engine in ("uring", "epoll"):
            runs = [Run("--rate", str(rate), "--engine", engine, duration=2)
                    for _ in range(ROUNDS)]
            print(f"  {rate:,}/s, {engine}: achieved/due "
                  + spread([run.answered_in_window / run.requests
                            for run in runs], "{:.4f}")
                  + ", send lag p99 "
                  + spread([run.send_lag_ns["p99"] / 1000 for run in runs],
                           "{:.1f}")
                  + " us, p50 "
                  + spread([run.send_lag_ns["p50"] / 1000 for run in runs],
                           "{:.2f}") + " us")


def idle():
    print("\n100 busy connections at 5,000 requests/s, and idle ones beside them")
    of = {"0": [], "9900": []}
    for _ in range(ROUNDS):
        for n, runs in of.items():
            runs.append(Run("--connections", "100", "--idle", n, "--rate", "5k",
                            "--spin", "never"))
    for n, runs in of.items():
        print(f"  {n:>5} idle: set up in "
              + spread([run.set_up_s for run in runs], "{:.2f}")
              + " s, CPU of the generator a request "
              + spread([run.client_cpu_ns / 1000 / run.requests
                        for run in runs], "{:.2f}") + " us")
    ratios = [b.client_cpu_ns / b.requests / (a.client_cpu_ns / a.requests)
              for a, b in zip(of["0"], of["9900"])]
    print(f"  with / without, in turn: {spread(ratios, '{:.2f}')}")


def quantile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))]


def beyond_record(delay, engine):
    """How far the reported service times are beyond what the server recorded,
    at p50, p90 and p99 and in us: the way there and back, and waking up."""
    with oddserver.OddServer("--message", MESSAGE, "--delay", delay,
                             wrapper=pinned(CPUS[0])) as odd, \
            tempfile.NamedTemporaryFile() as file:
        subprocess.run(
            ["bin/loadgen", "--target", f"127.0.0.1:{odd.port}", "--message",
             str(MESSAGE), "--rate", "500", "--arrivals", "uniform",
             "--duration", "3s", "--warmup", "0s", "--engine", engine, "--cpu",
             str(CPUS[1]), "--quiet", "--json", file.name], cwd=TOP, check=False)
        reported = json.load(file)["service_ns"]
        odd.stop()
        took = sorted(one.took_ns for one in odd.records)
    return [(reported[key] - quantile(took, share)) / 1000 for key, share in
            (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))]


def truth():
    print("\nreported service time beyond the server's own record, us, p50 p90 "
          "p99; 500/s")
    for engine in ("uring", "epoll"):
        rounds = {delay: [] for delay in ("0s", "100us", "1ms", "10ms")}
        for _ in range(ROUNDS):
            for delay, of in rounds.items():
                of.append(beyond_record(delay, engine))
        for delay, of in rounds.items():
            print(f"  {engine}, a reply after {delay:>5}: "
                  + ", ".join(spread(column, "{:.1f}") for column in zip(*of)))


def steady():
    """System calls per request: counted, not timed"""
    print("\nsystem calls a request, 64 connections, closed loop (strace -c)")
    for engine in ("uring", "epoll"):
        with server.Server("epoll", "--message", str(MESSAGE)) as one, \
                tempfile.NamedTemporaryFile("r") as log, \
                tempfile.NamedTemporaryFile() as file:
            subprocess.run(
                ["strace", "-f", "-c", "-o", log.name, "bin/loadgen",
                 "--target", f"127.0.0.1:{one.port}", "--message", str(MESSAGE),
                 "--engine", engine, "--duration", "1s", "--warmup", "0s",
                 "--quiet", "--json", file.name], cwd=TOP, check=False)
            total = json.load(file)["requests_total"]
            calls = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+).* (\w+)$",
                               log.read(), re.M)
            often = [f"{name} {int(n) / total:.3f}" for n, name in calls
                     if int(n) / total > 0.005 and name != "total"]
            print(f"  {engine}: {', '.join(often)} ({total:,} requests)")


def record():
    print("\ntaking note of a reply")
    subprocess.run([TOP / "build/release/bench/record"], check=True)


HEAD_NS, WINDOW_NS = 5_000_000, 40_000_000


def first_heard(connections):
    """Times in us from the command of a slice until the server has read its first
    request"""
    with oddserver.OddServer("--message", MESSAGE, wrapper=pinned(CPUS[0])) as odd:
        began = []
        with Observer(odd, "--message", MESSAGE, "--connections", connections,
                      "--cpu", CPUS[1]) as seen:
            for number in range(SLICES):
                time.sleep(0.01)
                began.append(time.monotonic_ns())
                seen.slice(number, HEAD_NS, WINDOW_NS)
                seen.keep()
        odd.stop()
        heard = sorted(one.read_ns for one in odd.records)
    return [(heard[bisect.bisect(heard, at)] - at) / 1000 for at in began]


def beyond_slice(*args):
    """What a slice takes beyond head and window, in us: until the last reply, until the
    answer, and the time to keep it"""
    found = [], [], []
    with server.Server("epoll", "--message", str(MESSAGE),
                       wrapper=pinned(CPUS[0])) as one, \
            Observer(one, "--message", MESSAGE, "--cpu", CPUS[1], *args) as seen:
        for number in range(SLICES):
            began = time.monotonic_ns()
            rest = seen.slice(number, HEAD_NS, WINDOW_NS)["elapsed_ns"]
            answered = time.monotonic_ns()
            seen.keep()
            for of, took in zip(found, (rest - HEAD_NS - WINDOW_NS,
                                        answered - began - rest,
                                        time.monotonic_ns() - answered)):
                of.append(took / 1000)
    return found


def slices():
    print(f"\n{SLICES} slices of 5 + 40 ms")
    for connections in (64, 1000):
        print(f"  {connections:5} connections: from the command until the server has "
              f"read a request: {spread(first_heard(connections))} us")
    for connections in (64, 1000):
        for loop in ([], ["--rate", "10k"], ["--threads", "2", "--spin", "never",
                                             "--cpu", f"{CPUS[0]},{CPUS[1]}"]):
            drained, answered, kept = beyond_slice("--connections", connections, *loop)
            print(f"  {connections:5} connections {' '.join(loop):40} last replies "
                  f"{spread(drained)} us, start and answer {spread(answered)} us, keep "
                  f"{spread(kept)} us")


PARTS = {"saturate": saturate, "count": count, "open": open_loop, "idle": idle,
         "truth": truth, "steady": steady, "record": record, "slices": slices}


def main():
    if len(CPUS) < 2:
        sys.exit("bench-loadgen: needs two CPUs, and this process may use one")
    for name in ONLY:
        if name and name not in PARTS:
            sys.exit(f"bench-loadgen: ONLY={name}: there are {', '.join(PARTS)}")
    print(f"server on CPU {CPUS[0]}, generator on CPU {CPUS[1]}; {ROUNDS} "
          "rounds; median (lowest to highest)")
    if not PEER:
        print("without PEER=PATH there is no comparison with rust_echo_bench")
    for name, part in PARTS.items():
        if ONLY == [""] or name in ONLY:
            part()


if __name__ == "__main__":
    main()
