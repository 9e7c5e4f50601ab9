# SPDX-License-Identifier: MIT
"""What limits trust in this run, a dozen sentences at most: its warnings, the most
important first, and what holds for all of its numbers.

Each function yields its sentences only if the run's own data supports them. The sentence
about the loopback is true of every run.
"""

from . import style, words

MOST = 12


def _names(names):
    names = list(dict.fromkeys(names))
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _incomplete(view):
    if not view.run.complete:
        yield (f"The run is not complete: {words.many(len(view.run.repetitions), 'repetition')} "
               f"recorded when this page was made.")


def _loopback(_):
    yield ("Server and clients run on one machine and use the loopback: without network "
           "card, distance or packet loss. The kernel charges part of receiving a packet "
           "to its sender, so the server's CPU time includes some of the clients' work.")


def _placement(view):
    placements = {row["placement"] for row in view.cells if row["loop"] != "none"}
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
    asleep = machine.get("idle_cpus") != "awake"
    if kind and kind != "none":
        yield ("This is a virtual machine: the hypervisor can take its CPUs (steal time)" +
               (", and waking an idle CPU is slow. Models that sleep look worse than on "
                "bare metal." if asleep else "."))
    if not asleep:
        yield ("Idle CPUs were kept awake: a CPU that sleeps to save power adds its "
               "wake-up to each response time.")
    governors = machine.get("governors")
    names = {str(name) for name in (
        governors if isinstance(governors, (dict, list)) else [governors])
        if name is not None}
    if names - {"performance"}:
        yield f"The CPU frequency was not fixed (governor {_names(sorted(names))})."


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


def _baseline(view):
    closed = [row for row in view.cells if row["loop"] == "closed"]
    baseline = [row for row in closed if row["model"] == "baseline"]
    if closed and not any(row["status"] == "ok" for row in baseline):
        why = f" ({baseline[0]['reason']})" if baseline and baseline[0]["reason"] else ""
        yield (f"The baseline server was not measured{why}: equal throughput of all models "
               f"may be the limit of the generator.")


def _harness(view):
    places = view.run.run.get("places") or {}
    if places and not places.get("harness_apart"):
        yield ("The harness had no CPU of its own: it woke up now and then on those of the "
               "server and the generator.")


def _dirty(view):
    if (view.run.machine.get("build") or {}).get("dirty"):
        yield ("The programs were built with uncommitted changes: no commit reproduces "
               "them.")


GENERAL = [_baseline, _missing, _machine, _siblings, _dirty, _placement, _loopback, _harness]


def _warned(row):
    """A row of warnings.csv"""
    models = f": {_names(row['models'].split('; '))}" if row["models"] else ""
    return (f"{row['warning']} ({row['count']} "
            f"{row['of']}{'' if row['count'] == '1' else 's'}{models})")


def limits(view):
    general = [text for make in GENERAL for text in make(view)]
    found = [*_incomplete(view), *map(_warned, view.run.warnings or [])]
    found = found[:max(5, MOST - len(general))]
    return [*found, *general][:MOST]
