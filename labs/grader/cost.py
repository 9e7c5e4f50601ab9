# SPDX-License-Identifier: MIT
"""What a request costs, as a ratio to the reference: both are measured in turns under the
same load, and no absolute time counts."""

import json
import statistics
import subprocess

from . import course, mechanism
from .results import Fault, Unavailable

LOADGEN = course.TOP / "bin/loadgen"

TURNS = 5
SLICE_S = 0.2

#: metric: what it is
METRICS = {"calls": "system calls per request", "switches": "voluntary switches per request",
           "cpu": "CPU time per request"}


def load(subject, connections):
    """Requests in a slice of closed-loop load"""
    done = subprocess.run(
        [LOADGEN, "--target", f"127.0.0.1:{subject.port}", "--connections",
         str(connections), "--duration", f"{SLICE_S}s", "--warmup", "50ms", "--json", "-",
         "--quiet"], capture_output=True, text=True, check=False, timeout=60)
    try:
        result = json.loads(done.stdout)
    except ValueError:
        raise subject.fault("the load generator gave no result", got=done.stderr) from None
    if result["errors"] or result["mismatches"] or result["unanswered"]:
        raise subject.fault(f"with {connections} clients, replies are wrong or missing",
                            got=f"{result['errors']} errors, {result['mismatches']} wrong "
                                f"bytes, {result['unanswered']} without a reply")
    return result["requests_total"]


def slice_of(subject, connections):
    """{metric: per request}"""
    before = subject.used()
    requests = load(subject, connections)
    after = subject.used()
    if not requests:
        raise subject.fault(f"no request was answered with {connections} clients")
    calls = sum(mechanism.calls_between(before, after).values())
    cpu = after["cpu"]["used_ns"] - before["cpu"]["used_ns"]
    switches = after["cpu"]["voluntary_switches"] - before["cpu"]["voluntary_switches"]
    return {"calls": calls / requests, "switches": switches / requests,
            "cpu": cpu / requests}


def in_turns(mine, reference, connections, turns=TURNS):
    """[({metric: of mine}, {metric: of the reference})], a pair a turn"""
    pairs = []
    for turn in range(turns):
        both = [mine, reference]
        values = {}
        for subject in both if turn % 2 else reversed(both):
            values[subject] = slice_of(subject, connections)
        pairs.append((values[mine], values[reference]))
    return pairs


def judge(mine, reference, bound):
    """Compares with `bound` of lab.toml: metric, connections, at_most. Returns (figures,
    in how many turns it was within)"""
    if not LOADGEN.exists():
        raise Unavailable("bin/loadgen is missing; run make first")
    pairs = in_turns(mine, reference, bound["connections"])
    metric = bound["metric"]
    # an epsilon, for a reference that needs hardly any
    ratios = [(a[metric] + 0.01) / (b[metric] + 0.01) for a, b in pairs]
    figures = {"metric": METRICS[metric], "connections": bound["connections"],
               "ratio": statistics.median(ratios), "at_most": bound["at_most"],
               "ratios": [round(ratio, 3) for ratio in ratios],
               "mine": statistics.median(a[metric] for a, _ in pairs),
               "reference": statistics.median(b[metric] for _, b in pairs)}
    return figures, sum(ratio <= bound["at_most"] for ratio in ratios)


def check(mine, reference, bound):
    """Raises Fault; returns (figures, stable)"""
    figures, within = judge(mine, reference, bound)
    if within <= TURNS // 2:
        raise Fault(
            f"{figures['metric']} with {figures['connections']} clients: "
            f"{figures['ratio']:.2f} times the reference's",
            expected=f"at most {bound['at_most']} times",
            got=f"{figures['mine']:.3g}, the reference {figures['reference']:.3g}",
            look=bound.get("look"))
    mine.step(f"{figures['metric']}, {figures['connections']} clients: "
              f"{figures['mine']:.3g}, the reference {figures['reference']:.3g} "
              f"(ratio {figures['ratio']:.2f}, at most {bound['at_most']})")
    return figures, within in (0, TURNS)
