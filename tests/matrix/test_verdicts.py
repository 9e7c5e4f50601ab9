# SPDX-License-Identifier: MIT
"""Each claim of claims/ can end in each verdict: results that reverse the facts reverse it,
and results too wide to tell leave it open."""

import csv
import subprocess

import claim_results
import matrix
import pytest
from server import TOP

NAMES = sorted(path.stem for path in (TOP / "claims").glob("*.claim")
               if "documented" not in claim_results.claim(path.stem))
each_claim = pytest.mark.parametrize("name", NAMES)


def verdict(folder, name):
    ran = subprocess.run([matrix.MATRIX, "claims", "--run", folder, "--only", name, "--quiet"],
                         capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    with open(folder / "claims.csv", encoding="utf-8", newline="") as file:
        row = list(csv.DictReader(file))[-1]
    assert row["claim"] == name
    return row["verdict"], row["reason"]


@each_claim
@pytest.mark.parametrize("truth, expected", [(True, "holds"), (False, "fails"),
                                             (claim_results.WIDE, "unknown")])
def test_verdict_follows_the_results(name, truth, expected, tmp_path):
    folder = claim_results.make(tmp_path / "run", name, {"holds": truth, "but-not": truth})
    found, reason = verdict(folder, name)
    assert found == expected, reason


@pytest.mark.parametrize("name", [name for name in NAMES
                                  if "but-not" in claim_results.claim(name)])
@pytest.mark.parametrize("holds, other, expected", [
    (True, False, "only-when"), (True, claim_results.WIDE, "unknown"),
    (claim_results.WIDE, False, "unknown")])
def test_verdict_needs_both_sides(name, holds, other, expected, tmp_path):
    folder = claim_results.make(tmp_path / "run", name, {"holds": holds, "but-not": other})
    found, reason = verdict(folder, name)
    assert found == expected, reason
