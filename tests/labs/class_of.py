#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Grades a class of 100, or as many as RUNS says, of lab 05: right and wrong solutions in
turn. Prints how long it took, and what did not come out as it has to. `make labs-class`."""

import pathlib
import subprocess
import sys
import tempfile
import time

import labs


def main():
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    lab = labs.course.find("05")
    wrong = [of for of in labs.wrong() if of.lab is lab]
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top) / "class"
        for i in range(number):
            at = folder / f"s{i:03}"
            at.mkdir(parents=True)
            of = wrong[i // 2 % len(wrong)] if i % 2 else None
            source = of.source() if of else lab.model.read_text(encoding="utf-8")
            (at / lab.handed_in).write_text(source, encoding="utf-8")
        begin = time.monotonic()
        subprocess.run([sys.executable, labs.TOP / "labs/grade-class", folder, "--lab", "05"],
                       check=True, stdout=subprocess.DEVNULL)
        took = time.monotonic() - begin
        odd = 0
        for i in range(number):
            path = pathlib.Path(top) / f"class-graded/s{i:03}.json"
            result = labs.json.loads(path.read_text(encoding="utf-8"))
            failed = [of["name"] for of in result["checks"]
                      if of["status"] in ("fail", "timeout") and of["part"] != "prediction"]
            expected = [wrong[i // 2 % len(wrong)].fails] if i % 2 else []
            if failed[:1] != expected:
                odd += 1
                print(f"  s{i:03}: {failed[:1]} failed, {expected} was expected")
    print(f"{number} submissions in {took / 60:.1f} min, {took / number:.1f} s each; "
          f"{odd} came out otherwise")
    return odd > 0


if __name__ == "__main__":
    sys.exit(main())
