# SPDX-License-Identifier: MIT
"""What a bout of nine servers with 1,000 clients each costs: bin/matrix, seen from
outside (for turns.py)."""

import collections
import os
import pathlib
import re
import resource
import signal
import statistics
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests")]

import server  # noqa: E402

CLIENTS = 1000
PROC = pathlib.Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20

BOUT = {"models": "all", "blocks": 1, "bout": "9s", "slice": "200ms", "aa": "yes",
        "baseline": "yes", "cells": f"closed split connections {CLIENTS}"}

#: A slice at 64 connections is this long, with its head.
SHORT_SLICE_S = 0.04


# ------------------------------------------------------------- what the kernel says

def clock(pid):
    """The CPU time of a process in s: its clock's id is made of the pid. 0: it is gone"""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0


def text_of(pid, name):
    try:
        return (PROC / str(pid) / name).read_text("utf-8")
    except OSError:
        return ""


def name_of(pid):
    """The name of its program; a keeper has no command line of its own"""
    comm = text_of(pid, "comm").strip()
    words = text_of(pid, "cmdline").split("\0")
    return comm if "keeper" in comm else words[0].rpartition("/")[2]


def states_of(pid):
    """The states of its threads: {"S", "T"}"""
    return {path.read_text("ascii").rpartition(")")[2].split()[0]
            for path in (PROC / str(pid) / "task").glob("*/stat")}


def resident(pid):
    """Bytes; of pages that are shared, its part (PSS)"""
    found = re.search(r"^Pss: *(\d+) kB", text_of(pid, "smaps_rollup"), re.M)
    return int(found.group(1)) * 1024 if found else 0


def descendants(pid):
    found = []
    for task in (PROC / str(pid) / "task").glob("*/children"):
        try:
            children = [int(word) for word in task.read_text("ascii").split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def sockets():
    """Of TCP in this network namespace: how many, and pages of memory"""
    for line in (PROC / "net/sockstat").read_text("ascii").splitlines():
        words = line.split()
        if words[0] == "TCP:":
            return int(words[words.index("inuse") + 1]), int(words[words.index("mem") + 1])
    return 0, 0


# --------------------------------------------------------------------- a whole bout

class Bout:
    """A run of bin/matrix, watched: when all are connected and under load, and what is
    used during slices"""

    def __init__(self, command, servers):
        self.before = sockets()
        self.process = subprocess.Popen(command, cwd=TOP, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        try:
            self.watch_start(servers)
            self.look()
            self.error = self.process.communicate()[1]
        finally:
            self.process.stderr.close()
            self.process.kill()

    def until(self, condition):
        """The time at which it is true"""
        while not condition():
            if self.process.poll() is not None:
                sys.exit(f"turns.py: the bout failed: {self.process.stderr.read()}")
            time.sleep(0.003)
        return time.monotonic()

    def find(self):
        """{pid: name} of all its processes"""
        return {pid: name_of(pid)
                for pid in (self.process.pid, *descendants(self.process.pid))}

    def watch_start(self, servers):
        begin = self.until(lambda: descendants(self.process.pid))
        wanted = self.before[0] + 2 * servers * CLIENTS
        self.connected_s = self.until(lambda: sockets()[0] >= wanted) - begin
        generators = [pid for pid, name in self.find().items() if name == "loadgen"]
        used = sum(map(clock, generators))
        self.up_s = self.until(lambda: sum(map(clock, generators)) > used + 0.01) - begin
        time.sleep(1)  # the warm-up round

    def look(self):
        names = self.find()
        self.names = names
        self.groups = {"harness": [], "servers": [], "generators": []}
        for pid, name in names.items():
            group = "generators" if name == "loadgen" else \
                "harness" if name == "matrix" or "keeper" in name else "servers"
            self.groups[group].append(pid)
        self.resident = collections.Counter()
        self.descriptors = collections.Counter()
        for pid, name in names.items():
            self.resident[name] += resident(pid)
            self.descriptors[name] += len(os.listdir(PROC / str(pid) / "fd"))
        self.socket_memory = (sockets()[1] - self.before[1]) * PAGE
        self.sample()

    def sample(self):
        """CPU time of all, every few ms. The server under load is the one that used
        most; what others used counts if it was the same before and after, as only then
        no slice has begun or ended."""
        samples, self.frozen = [], set()
        end = time.monotonic() + 5
        while time.monotonic() < end:
            samples.append((time.monotonic(), {pid: clock(pid) for pid in self.names}))
            if len(samples) % 20 == 0:
                self.frozen |= {self.names[pid] for pid in self.groups["servers"]
                                if "T" in text_of(pid, "stat").rpartition(")")[2][:3]}
            time.sleep(0.004)
        steps = [(b[0] - a[0], {pid: b[1][pid] - a[1][pid] for pid in self.names})
                 for a, b in zip(samples, samples[1:])]
        busiest = [max(self.groups["servers"], key=used.get) for _, used in steps]
        busiest = [pid if used[pid] > took / 10 else None
                   for pid, (took, used) in zip(busiest, steps)]
        inside = [step for before, now, after, step in zip(
            busiest, busiest[1:], busiest[2:], steps[1:]) if now and before == now == after]
        self.sampled_s = sum(took for took, _ in inside)
        self.shares = {}
        for group, pids in self.groups.items():
            used = sum(sum(step[pid] for pid in pids) for _, step in inside)
            if group != "harness":
                used -= sum(max(step[pid] for pid in pids) for _, step in inside)
            self.shares[group] = used / self.sampled_s
        self.out_of_turn = collections.Counter()
        for _, step in inside:
            for pid in sorted(self.groups["servers"], key=step.get)[:-1]:
                self.out_of_turn[self.names[pid]] += step[pid] / self.sampled_s


# ------------------------------------------------------------------------- freezing

def stop_and_continue(one):
    """(time, CPU time of the server) in s"""
    begin, used = time.monotonic(), one.cpu_s()
    one.send_signal(signal.SIGSTOP)
    while states_of(one.pid) != {"T"}:
        pass
    took = time.monotonic() - begin
    begin = time.monotonic()
    one.send_signal(signal.SIGCONT)
    took += time.monotonic() - begin
    time.sleep(0.05)  # all threads wake up, and sleep again
    return took, one.cpu_s() - used


def freezing(model):
    """Median (time, CPU time) of a server with idle clients"""
    with server.Server(model, "--message", "64") as one:
        for _ in range(CLIENTS):
            one.connect()
        time.sleep(0.3)
        got = [stop_and_continue(one) for _ in range(15)]
        one.close_clients()
    return [statistics.median(column) for column in zip(*got)]


def bench_freezing(frozen):
    """Returns the time that it takes in a round."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    print(f"  frozen in this bout: {', '.join(sorted(frozen)) or 'none'}. SIGSTOP until "
          f"all threads are stopped, and SIGCONT, with {CLIENTS} clients:")
    total = 0
    for model in sorted({*frozen, "epoll", "thread"} & {*server.models()}):
        took, used = freezing(model)
        spins = model == "busypoll"
        print(f"    {model}: {took * 1e6:,.0f} us" +
              ("" if spins else f", and {used * 1e6:,.0f} us of its CPU time"))
        total += took if model in frozen else 0
    return total


def bench(runs, run_of, target):
    """Prints all of it. run_of(path): see turns.py"""
    path = runs.folder / "cost"
    servers = len(server.models()) + 2
    bout = Bout([TOP / "bin/matrix", "run", "--plan", runs.plan(**BOUT), "--out", path,
                 "--quiet"], servers)
    run = run_of(path)
    if bout.process.returncode:
        print(f"  ! exit status {bout.process.returncode}\n{bout.error}")
    print(f"  {servers} servers, {CLIENTS} clients each")
    load_s = sum(float(row["elapsed_ns"]) for row in run.csv("slices.csv")) / 1e9
    print(f"  under load: {load_s:.1f} s of the {sum(line['took_s'] for line in run.lines):.1f}"
          " s of the bout")
    print(f"  CPU during slices ({bout.sampled_s:.1f} s were watched): bin/matrix and "
          "its keepers {harness:.3%} of a core, other servers {servers:.3%}, other "
          "generators {generators:.3%}".format(**bout.shares))
    print("    of servers without a turn: " + ", ".join(
        f"{name} {share:.3%}" for name, share in bout.out_of_turn.most_common(3)))
    for what, of, unit in (("resident memory, MiB", bout.resident, MIB),
                           ("descriptors", bout.descriptors, 1)):
        print(f"  {what}: {sum(of.values()) / unit:,.0f}: " + ", ".join(
            f"{name} {n / unit:,.0f}" for name, n in of.most_common()))
    print(f"  memory of TCP sockets: {bout.socket_memory / MIB:.1f} MiB")
    took = bench_freezing(bout.frozen)
    target("a bout is up in at most 2 s", f"{bout.up_s:.2f} s (connected after "
           f"{bout.connected_s:.2f} s)", bout.up_s <= 2)
    share = took / (servers * SHORT_SLICE_S)
    target("freezing and thawing take at most 2 % of the time, with the shortest slices",
           f"{share:.2%}", share <= 0.02)
    most = max(bout.shares.values())
    target("harness and servers without a turn use nothing during a slice (below 0.5 % "
           "of a core)", f"{most:.3%}", most < 0.005)
