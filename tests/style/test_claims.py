# SPDX-License-Identifier: MIT
"""The files of claims/ are complete: every row of the texts, in both languages."""

import re

import pytest
import server
from server import TOP

#: Rows of the texts 000 to 004, and misconceptions (m16: the smaller ones)
ROWS = [f"{text}.{row}" for text, last in enumerate((18, 15, 6, 17, 9))
        for row in range(1, last + 1)] + [f"m{n}" for n in range(1, 17)]

#: Sentences that a Korean reader sees
TEXTS = ["claim", "only-when", "correction", "why"]


def read(path):
    """key -> values, with their lines joined"""
    text = re.sub(r"\n[ \t]+", " ", path.read_text(encoding="utf-8"))
    claim = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition(" ")
            claim.setdefault(key, []).append(value.strip())
    return claim


CLAIMS = {path.stem: read(path) for path in sorted((TOP / "claims").glob("*.claim"))}
each_claim = pytest.mark.parametrize("name", CLAIMS)


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_judged(row):
    assert any(row in claim["taught"][0].split() for claim in CLAIMS.values())


def test_no_other_row():
    assert {row for claim in CLAIMS.values() for row in claim["taught"][0].split()} == set(ROWS)


@each_claim
def test_korean(name):
    claim = CLAIMS[name]
    for key in TEXTS:
        assert len(claim.get(key, [])) == len(claim.get(f"{key}.ko", [])), key
        for text in claim.get(f"{key}.ko", []):
            assert re.search("[가-힣]", text), key
    assert not re.search("[가-힣]", " ".join(claim["claim"] + claim.get("correction", [])))


@each_claim
def test_what_would_refute_it(name):
    claim = CLAIMS[name]
    if "documented" in claim:
        page = claim["documented"][0].split(",")[0]
        assert "/" not in page or (TOP / page).exists(), page
    else:
        assert {"refuted", "elsewhere", "by-hand", "control"} <= claim.keys()


@each_claim
def test_by_hand_runs_what_exists(name):
    tools = {"matrix", "probe", "loadgen", "primitives"}
    runtimes = {path.stem for path in (TOP / "models/runtimes").glob("*.*")}
    programs = re.findall(r"\bbin/(\w+)", " ".join(CLAIMS[name].get("by-hand", [])))
    assert set(programs) <= {*tools, *runtimes, *server.models(), *server.variants()}


def test_shared_settings():
    """One name, one setting: so many claims are measured at once."""
    found = {}
    for claim in CLAIMS.values():
        for line in claim.get("setting", []):
            setting, cells = line.split(None, 1)
            assert found.setdefault(setting, cells) == cells
    table = (TOP / "claims/README.md").read_text(encoding="utf-8")
    for setting in found:
        assert f"`{setting}`" in table, setting


@pytest.mark.parametrize("page", ["models/README.md", "claims/README.md"])
def test_links(page):
    path = TOP / page
    links = re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
    for link in links:
        assert link.startswith("https:") or (path.parent / link).exists(), link
    assert links
