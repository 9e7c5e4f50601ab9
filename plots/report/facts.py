# SPDX-License-Identifier: MIT
"""What this run can tell, and what it cannot: sentences made from facts.

No sentence here is true of every run but the one about the loopback. What each
follows from stands in the function that makes it.
"""

import collections
import re

from . import reduce, stats, words


def _timed(view):
    return [row for row in view.cells if row["loop"] != "none"
            and row["model"] != "baseline"]


def _names(names):
    names = list(dict.fromkeys(names))
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _where(rows):
    """'poll, select (1,000 connections, ...)'; not too many"""
    found = collections.OrderedDict()
    for row in rows:
        found.setdefault(words.setting_short(row), []).append(row["model"])
    texts = [f"{_names(models)} ({setting})" for setting, models in found.items()]
    more = f"; and in {len(texts) - 4} more settings" if len(texts) > 4 else ""
    return "; ".join(texts[:4]) + more


# ------------------------------------------------------------------------ it can

def _compared(view):
    settings = [rows for rows in view.settings() if rows[0]["loop"] != "none"]
    there = {row["model"] for row in _timed(view) if row["status"] == "ok"}
    if settings and there:
        yield (f"It shows {words.many(len(there), 'model')} under the same "
               f"{words.many(len(settings), 'load')}, each measured in "
               f"{words.many(view.run.blocks, 'block')} in shuffled order: what was "
               f"slow for a while made a whole block slow, not a model.")


def _claims(view):
    if view.run.blocks >= stats.FEWEST_BLOCKS:
        yield ("It can call two models different: where a sentence above a chart "
               "says so, the 95 % interval of their ratio excludes 1, after Holm's "
               "correction for all comparisons, and the ratio is beyond what one "
               "model differs from itself by (the A/A band).")


def _counted(view):
    methods = {row["calls_method"] for row in view.cells} - {"", "none"}
    if "bpf" in methods:
        yield ("System calls are exact, by name, counted by the kernel in "
               "repetitions of their own: no time was measured while counting.")


def _cpu(view):
    methods = {row["cpu_method"] for row in view.cells} - {""}
    if methods and methods <= {"process", "cgroup"}:
        yield ("CPU time is that of all the server's threads, those of the kernel "
               "that work for it included, by a clock of nanoseconds, not by "
               "samples.")


CAN = [_compared, _claims, _counted, _cpu]


# ---------------------------------------------------------------------- it cannot

def _incomplete(view):
    if not view.run.complete:
        n = len(view.run.repetitions)
        yield (f"It is not complete: {words.many(n, 'repetition')} "
               f"{'was' if n == 1 else 'were'} recorded when this page was made.")


def _few_blocks(view):
    n = view.run.blocks
    if n < stats.FEWEST_BLOCKS:
        yield (f"{words.many(n, 'block')} allow{'s' if n == 1 else ''} no claim: no "
               f"data of fewer than {stats.FEWEST_BLOCKS} show a difference with "
               f"95 % confidence. What you see may be chance.")


def _loopback(view):
    yield ("Clients and servers are on one machine, over the loopback: there is no "
           "network card, no distance and no loss. The kernel charges a part of the "
           "receiving to who sends, so some of the clients' work is in the server's "
           "CPU time.")


def _placement(view):
    placements = {row["placement"] for row in _timed(view)}
    if "split" in placements:
        cpus = ((view.run.run.get("places") or {}).get("split") or {}).get("server")
        on = f" (CPU {cpus})" if cpus else ""
        yield (f"The server has one core{on}: what a model with several threads "
               f"would gain from more of them does not show.")
    if "shared" in placements:
        yield ("Where server and clients share one core, they take it from each "
               "other: those numbers say what both cost together, and are not to be "
               "compared with those on a core each.")


def _siblings(view):
    if (view.run.run.get("places") or {}).get("split_on_siblings"):
        yield ("Server and generator were on two threads of one core: each slows "
               "the other down.")


def _machine(view):
    machine = view.run.machine
    kind = machine.get("virtualization")
    if kind and kind != "none":
        yield ("This is a virtual machine: the host may take its CPUs away, and to "
               "wake a sleeping one takes long. Models that sleep look worse than "
               "on bare metal.")
    governors = machine.get("governors")
    names = {str(name) for name in (
        governors if isinstance(governors, (dict, list)) else [governors])
        if name is not None}
    if names - {"performance"}:
        yield (f"The clock rate was free to move (governor "
               f"{_names(sorted(names))}).")


def _bottleneck(view):
    rows = [row for row in _timed(view) if row["status"] == "invalid"
            and "generator was the bottleneck" in row["reason"]]
    if rows:
        yield (f"The generator, not the server, was the limit: {_where(rows)}. These "
               f"servers can do more than was asked of them.")


def _disturbed(view):
    rows = [row for row in _timed(view) if row["status"] == "invalid" and re.search(
        "waited for its CPU|hypervisor|something else ran|probes were read",
        row["reason"])]
    if rows:
        yield (f"Something else used the machine, so that nothing counts: "
               f"{_where(rows)}.")


def _unsustained(view):
    rows = [row for row in _timed(view) if row["loop"] == "open"
            and row["status"] == "invalid" and "not sustained" in row["reason"]]
    if rows:
        yield (f"More was offered than could be done: {_where(rows)}. There is no "
               f"response time then: it would grow for as long as the load lasts.")


def _statuses(view):
    """Models that could not, or were not allowed to"""
    for status, text in (("unsupported", "Not possible here"),
                         ("refused", "At a limit of their own, and turned clients "
                                     "away"), ("failed", "Did not work")):
        rows = [row for row in view.cells if row["status"] == status]
        if rows:
            yield f"{text}: {_where(rows)}. {_first_reason(rows)}"


def _first_reason(rows):
    return f"Reason: {rows[0]['reason'].strip()[:300]}"


def _missing(view):
    programs = view.run.run.get("programs")
    built = programs if isinstance(programs, dict) else {}
    lost = [name for name in reduce.TAUGHT if name not in view.models]
    absent = [name for name in lost if name in built and built[name] is None]
    if absent:
        yield f"Not built, so not measured: {_names(absent)}."
    others = [name for name in lost if name not in absent]
    if others:
        yield f"Not asked for, so not in it: {_names(others)}."


def _ceiling(view):
    closed = [row for row in view.cells if row["loop"] == "closed"]
    ceiling = [row for row in closed if row["model"] == reduce.BASELINE]
    if closed and not any(row["status"] == "ok" for row in ceiling):
        why = f" ({ceiling[0]['reason']})" if ceiling and ceiling[0]["reason"] else ""
        yield (f"How much the generator itself can do was not measured{why}: a "
               f"throughput that is the same for all may be its limit.")


def _oversubscribed(view):
    rows = [row for row in _timed(view) if row["oversubscribed"]]
    if rows:
        yield (f"Who spins takes the CPU from its own clients: {_where(rows)}. Drawn, "
               f"but not ranked.")


def _coarse(view):
    rows = [row for row in _timed(view) if row["coarse"]]
    if rows:
        yield (f"The generator had no CPU of its own, and its own lateness is in the "
               f"response time, so service time stands in its place: "
               f"{_where(rows)}.")


def _unsure(view):
    rows = [row for row in _timed(view) if "response_p99_ns" in row["unsure"].split()
            and row["status"] == "ok"]
    if rows:
        yield (f"The 99th percentile of {words.many(len(rows), 'cell')} is decided by "
               f"chance: fewer than 100 requests were beyond it. They are marked "
               f"with a question mark.")


def _uncounted(view):
    rows = [row for row in view.cells if row["calls_method"] == "none"]
    if rows:
        yield (f"System calls could not be counted of "
               f"{_names(row['model'] for row in rows)}: this user may not.")
    methods = {row["calls_method"] for row in view.cells} - {"", "none"}
    if methods & {"perf"}:
        yield "Of some cells only the total of the system calls is known (perf)."
    if methods & {"strace"}:
        yield ("System calls were counted by strace, which stops the server at each: "
               "with little to do at a time it may make others than at full speed.")


def _harness(view):
    places = view.run.run.get("places") or {}
    if places and not places.get("harness_apart"):
        yield ("There was no CPU to spare for the harness: it woke up now and then "
               "on those of the server and the generator.")


def _forced(view):
    sittings = view.run.run.get("sittings")
    for sitting in sittings if isinstance(sittings, list) else []:
        texts = sitting.get("forced_differences") if isinstance(sitting, dict) else []
        for text in texts if isinstance(texts, list) else []:
            yield f"Measured partly under other conditions (resume --force): {text}"


def _dirty(view):
    if (view.run.machine.get("build") or {}).get("dirty"):
        yield ("It was built with changes that are in no commit: nobody else can "
               "build the same.")


CANNOT = [_incomplete, _few_blocks, _loopback, _placement, _siblings, _machine,
          _missing, _statuses, _bottleneck, _disturbed, _unsustained,
          _oversubscribed, _coarse, _unsure, _ceiling, _uncounted, _harness, _forced,
          _dirty]


def can(view):
    return [text for make in CAN for text in make(view)]


def cannot(view):
    return [text for make in CANNOT for text in make(view)]
