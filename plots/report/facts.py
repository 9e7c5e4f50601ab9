# SPDX-License-Identifier: MIT
"""Strengths and limits of this run: a sentence for each fact that applies.

Each function yields its sentences only if the run's own data supports them. The
sentence about the loopback is true of every run.
"""

from . import style, words
from .view import FEWEST_BLOCKS


def _timed(view):
    return [row for row in view.cells if row["loop"] != "none"
            and row["model"] != "baseline"]


def _names(names):
    names = list(dict.fromkeys(names))
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _where(rows):
    """'poll and select (1,000 connections, ...)', of at most four settings"""
    found = {}
    for row in rows:
        found.setdefault(words.setting_short(row), []).append(row["model"])
    texts = [f"{_names(models)} ({setting})" for setting, models in found.items()]
    more = f"; and {len(texts) - 4} more settings" if len(texts) > 4 else ""
    return "; ".join(texts[:4]) + more


# --------------------------------------------------------------------- strengths

def _compared(view):
    settings = [rows for rows in view.settings() if rows[0]["loop"] != "none"]
    there = {row["model"] for row in _timed(view) if row["status"] == "ok"}
    if settings and there:
        yield (f"It compares {words.many(len(there), 'model')} under "
               f"{words.many(len(settings), 'load')}, each measured in "
               f"{words.many(view.run.blocks, 'block')} in shuffled order: a slow phase "
               f"of the machine affects all models of a block.")


def _claims(view):
    if view.run.blocks >= FEWEST_BLOCKS:
        yield ("A chart title that calls two models different is significant: the 95 % "
               "interval of their ratio excludes 1, after Holm's correction for all "
               "comparisons, and the ratio is outside the A/A band, the difference of a "
               "model from itself.")


def _counted(view):
    methods = {row["calls_method"] for row in view.cells} - {"", "none"}
    if "bpf" in methods:
        yield ("System calls are exact: the kernel counted them by name, in repetitions "
               "of their own, so that counting slowed no timed repetition.")


def _cpu(view):
    methods = {row["cpu_method"] for row in view.cells} - {""}
    if methods and methods <= {"process", "cgroup"}:
        yield ("CPU time is exact to the nanosecond, not sampled. It includes all "
               "threads of the server and the kernel threads that work for it.")


STRENGTHS = [_compared, _claims, _counted, _cpu]


# ------------------------------------------------------------------------ limits

def _incomplete(view):
    if not view.run.complete:
        yield (f"The run is not complete: {words.many(len(view.run.repetitions), 'repetition')} "
               f"recorded when this page was made.")


def _few_blocks(view):
    n = view.run.blocks
    if n < FEWEST_BLOCKS:
        yield (f"No difference is significant: {words.many(n, 'block')} cannot reach 95 % "
               f"confidence; {FEWEST_BLOCKS} is the minimum.")


def _loopback(view):
    yield ("Server and clients run on one machine and use the loopback: without network "
           "card, distance or packet loss. The kernel charges part of receiving a packet "
           "to its sender, so the server's CPU time includes some of the clients' work.")


def _placement(view):
    placements = {row["placement"] for row in _timed(view)}
    if "split" in placements:
        cpus = ((view.run.run.get("places") or {}).get("split") or {}).get("server")
        on = f" (CPU {cpus})" if cpus else ""
        yield (f"The server is pinned to one core{on}: multi-threaded models cannot show "
               f"what they gain from more cores.")
    if "shared" in placements:
        yield ("Where server and clients share one core, they compete for it. Do not "
               "compare these numbers with those of separate cores.")


def _siblings(view):
    if (view.run.run.get("places") or {}).get("split_on_siblings"):
        yield ("Server and generator ran on two hardware threads of one core, and slowed "
               "each other down.")


def _machine(view):
    machine = view.run.machine
    kind = machine.get("virtualization")
    if kind and kind != "none":
        yield ("This is a virtual machine: the hypervisor can take its CPUs (steal time), "
               "and waking an idle CPU is slow. Models that sleep look worse than on "
               "bare metal.")
    governors = machine.get("governors")
    names = {str(name) for name in (
        governors if isinstance(governors, (dict, list)) else [governors])
        if name is not None}
    if names - {"performance"}:
        yield (f"The CPU frequency was not fixed (governor "
               f"{_names(sorted(names))}).")


_STATUSES = {"unsupported": "Not supported here", "refused": "Turned clients away",
             "failed": "Failed", "invalid": "No valid result"}


def _statuses(view):
    """Cells without a result, by reason"""
    for status, text in _STATUSES.items():
        found = {}
        for row in view.cells:
            if row["status"] == status:
                found.setdefault(words.without_numbers(row["reason"]), []).append(row)
        for rows in found.values():
            yield f"{text}: {_where(rows)}. Reason: {rows[0]['reason'].strip()[:300]}"


def _missing(view):
    programs = view.run.run.get("programs")
    built = programs if isinstance(programs, dict) else {}
    lost = [name for name in style.known_models() if name not in view.models]
    absent = [name for name in lost if name in built and built[name] is None]
    if absent:
        yield f"Not built, so not measured: {_names(absent)}."
    others = [name for name in lost if name not in absent]
    if others:
        yield f"Not selected, so not measured: {_names(others)}."


def _ceiling(view):
    closed = [row for row in view.cells if row["loop"] == "closed"]
    baseline = [row for row in closed if row["model"] == "baseline"]
    if closed and not any(row["status"] == "ok" for row in baseline):
        why = f" ({baseline[0]['reason']})" if baseline and baseline[0]["reason"] else ""
        yield (f"The baseline server was not measured{why}: equal throughput of all models "
               f"may be the limit of the generator.")


def _oversubscribed(view):
    rows = [row for row in _timed(view) if row["oversubscribed"]]
    if rows:
        yield (f"Oversubscribed, so drawn but not ranked: {_where(rows)}. The server "
               f"busy-polls on the CPU that the generator needs.")


def _coarse(view):
    rows = [row for row in _timed(view) if row["coarse"]]
    if rows:
        yield (f"Service time replaces response time where the generator shared its CPU, "
               f"because its own delay is in the response time: {_where(rows)}.")


def _unsure(view):
    rows = [row for row in _timed(view) if "response_p99_ns" in row["unsure"].split()
            and row["status"] == "ok"]
    if rows:
        yield (f"The p99 of {words.many(len(rows), 'cell')} is uncertain: fewer than 100 "
               f"requests are beyond it. A question mark marks it.")


def _uncounted(view):
    rows = [row for row in view.cells if row["calls_method"] == "none"]
    if rows:
        yield (f"System calls of {_names(row['model'] for row in rows)} were not counted: "
               f"this user has no permission.")
    methods = {row["calls_method"] for row in view.cells} - {"", "none"}
    if "perf" in methods:
        yield "Of some cells only the total number of system calls is known (perf)."
    if "strace" in methods:
        yield ("strace counted the system calls and stops the server at each one: under "
               "light load the server may make other calls than at full speed.")


def _harness(view):
    places = view.run.run.get("places") or {}
    if places and not places.get("harness_apart"):
        yield ("The harness had no CPU of its own: it woke up now and then on those of the "
               "server and the generator.")


def _forced(view):
    sittings = view.run.run.get("sittings")
    for sitting in sittings if isinstance(sittings, list) else []:
        texts = sitting.get("forced_differences") if isinstance(sitting, dict) else []
        for text in texts if isinstance(texts, list) else []:
            yield f"Resumed with --force under other conditions: {text}"


def _dirty(view):
    if (view.run.machine.get("build") or {}).get("dirty"):
        yield ("The programs were built with uncommitted changes: no commit reproduces "
               "them.")


LIMITS = [_incomplete, _few_blocks, _loopback, _placement, _siblings, _machine,
          _missing, _statuses, _oversubscribed, _coarse, _unsure, _ceiling, _uncounted,
          _harness, _forced, _dirty]


def strengths(view):
    return [text for make in STRENGTHS for text in make(view)]


def limits(view):
    return [text for make in LIMITS for text in make(view)]
