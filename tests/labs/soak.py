#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Grades the solution of each code lab 100 times while all CPUs are busy: none may fail a
check, and what is unstable is counted. `make labs-soak`; RUNS=10 for fewer."""

import collections
import os
import pathlib
import subprocess
import sys
import tempfile

import labs


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
            for _ in os.sched_getaffinity(0)]
    failed = 0
    try:
        for lab in labs.code_labs():
            found, points, most = collections.Counter(), collections.Counter(), 0
            for _ in range(runs):
                with tempfile.TemporaryDirectory() as folder:
                    graded = labs.grade(lab, lab.model.read_bytes(), pathlib.Path(folder))
                for of in graded.result["checks"]:
                    if of["status"] != "pass" and of["part"] != "prediction":
                        found[of["name"], of["status"]] += 1
                        print(f"  {of['name']}: {of['status']}: {of['what']}", flush=True)
                points[graded.result["score"]] += 1
                most = max(most, sum(of["took_s"] for of in graded.result["checks"]))
            bad = sum(n for (_, status), n in found.items() if status in ("fail", "timeout",
                                                                         "error", "skipped"))
            failed += bad
            print(f"lab {lab}: {runs} gradings, {bad} failed checks, "
                  f"{sum(found.values()) - bad} undecided, the longest {most:.0f} s", flush=True)
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
