# SPDX-License-Identifier: MIT
"""How long plots/report.py takes, and how large its page is.

  make bench-report                     a full run and a quick one, both made up
  make bench-report RUN=results/...     this run

The full one has 2,000 repetitions (tests/plots/crafted.py), each with as many buckets in its
histograms as a real one has, a hundred claims and the primitives. The page goes into a folder
of its own; the exit status is 1 if it took too long or is too large.
"""

import gzip
import itertools
import json
import math
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests/plots")]

import crafted  # noqa: E402
import crafted_claims  # noqa: E402

QUICK = dict(blocks=3, models=crafted.MODELS[:7],
             settings=[*crafted.CLOSED, dict(loop="none", connections=0, idle=1000)])
BUCKETS = 3000
MOST_BYTES = 5_000_000


def buckets(rng):
    """A bell on a logarithmic scale"""
    first, wide = rng.randrange(5_000, 2_000_000), rng.uniform(0.1, 0.25)
    edges = sorted({int(first * 2 ** (i / 300)) for i in range(BUCKETS + 1)})
    where = [(i - len(edges) / 3) / (wide * len(edges)) for i in range(len(edges))]
    return {"step": [edges[0], *(b - a for a, b in zip(edges, edges[1:-1]))],
            "width": [b - a for a, b in zip(edges, edges[1:])],
            "count": [1 + int(500 * math.exp(-x * x)) for x in where[:-1]]}


def fill(folder):
    """Histograms as long as real ones, in place of those that were made up"""
    rng = random.Random(1)
    pool = itertools.cycle([buckets(rng) for _ in range(20)])
    for path in sorted((folder / "histograms").iterdir()):
        content = json.loads(gzip.decompress(path.read_bytes()))
        for name, of in content["histograms"].items():
            if of and of["count"]:
                content["histograms"][name] = {**of, "buckets": next(pool)}
        path.write_bytes(gzip.compress(json.dumps(content).encode(), 1))


def claim(folder):
    """A hundred claims, with two pictures each, and the primitives"""
    usual = crafted_claims.CLAIMS[1]
    crafted_claims.write_claims(folder, [
        {**usual, "claim": f"claim-{i}", "taught": f"1.{i}"} for i in range(100)])
    crafted_claims.write_primitives(folder)


def cpu_s():
    """Of all that was started and has ended"""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(name, folder, page, most_s):
    """Prints how long its page took; whether that is little enough"""
    lines = len((folder / "repetitions.jsonl").read_bytes().splitlines())
    begin, cpu = time.monotonic(), cpu_s()
    subprocess.run([TOP / "plots/report.py", folder, "--out", page],
                   stdout=subprocess.DEVNULL, check=True)
    took, size = time.monotonic() - begin, page.stat().st_size
    good = took < most_s and size < MOST_BYTES
    print(f"{name}: {lines:,} repetitions: {took:.1f} s (below {most_s}; "
          f"{cpu_s() - cpu:.1f} s of CPU, whatever else runs), "
          f"{size:,} bytes (below {MOST_BYTES:,}){'' if good else ': TOO MUCH'}")
    return good


def main():
    with tempfile.TemporaryDirectory() as home:
        home = pathlib.Path(home)
        if sys.argv[1:]:
            folder = pathlib.Path(sys.argv[1])
            return 0 if measure(folder.name, folder, home / "report.html", 20) else 1
        good = True
        for name, what, most_s in ("quick", QUICK, 5), ("full", crafted.FULL, 20):
            folder = crafted.make(home / name, **what)
            fill(folder)
            if name == "full":
                claim(folder)
            good &= measure(name, folder, home / f"{name}.html", most_s)
    return 0 if good else 1


sys.exit(main())
