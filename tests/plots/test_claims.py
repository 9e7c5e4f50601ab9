# SPDX-License-Identifier: MIT
"""The page of the claims, and that of the primitives."""

import json
import os
import re
import subprocess

import pytest

import browser
import crafted
import crafted_claims
import reports
from checks import CONTRAST, NARROW, OVERLAP, VISIBLE

from report import claims

MATRIX = reports.TOP / os.environ.get("BIN", "bin") / "matrix"


def folder_of(path, *writers):
    path.mkdir()
    (path / "machine.json").write_text(json.dumps(crafted.MACHINE))
    for write in writers:
        write(path)
    return path


@pytest.fixture(scope="module")
def claimed(tmp_path_factory):
    made = reports.make(folder_of(tmp_path_factory.mktemp("claims") / "claimed",
                                  crafted_claims.write_claims))
    assert (made.status, made.said) == (0, "")
    return made


def row(made, name):
    """Texts of a claim's cells"""
    return [node.text for node in made.page.one(id=f"claim-{name}").inside]


# ------------------------------------------------------------------------- claims

def test_each_claim_has_one_row_with_its_newest_verdict(claimed):
    rows = [node.get("id") for node in claimed.page.one("tbody").all("tr")]
    assert rows == [f"claim-{name}" for name in (
        "no-uring", "idle-cost", "epoll-flat", "faster-uring", "tail", "evport", "two-calls",
        "nasty")]
    said, verdict, figure, right = row(claimed, "idle-cost")
    assert "epoll은 항상 poll보다 싸다" in said and "m4 1.15" in said
    assert "holds only when" in verdict and "most clients are idle" in verdict
    assert "×3.10 (2.95 … 3.26)" in figure and "≥ 1.1" in figure
    assert "--idle 900" in right
    assert "2026-10-01" in verdict and "5.10.0-older" in verdict and "x2.10" in verdict


def test_a_claim_without_experiment_says_why(claimed):
    _, verdict, figure, _ = row(claimed, "evport")
    assert "another system" in verdict and "다른 운영" in verdict
    assert "models/elsewhere.md" in figure


def test_texts_of_a_claim_are_no_html(claimed):
    assert "</script><script>alert('no')</script>" in row(claimed, "nasty")[0]
    assert len(list(claimed.page.all("script"))) == 1


def test_a_tally_counts_the_verdicts(claimed):
    tally = {node.get("class"): node.one("b").text
             for node in claimed.page.one(class_="tally").all("li")}
    assert tally == {"v-holds": "2", "v-only-when": "1", "v-fails": "2", "v-unknown": "2",
                     "v-documented": "1"}


@pytest.mark.parametrize("text, first, last", [
    ("a|3|2.9|3.1|ratio|1.1|", 1.1, None), ("a|3|3|3|1||2", None, 2),
    ("a|0|-0.1|0.1|ns|-5|5", -5, 5), ("a|||7e6|ns||5e6", None, 5e6),
    ("a|0|0|0|1|0|0", 0, 0), ("a|1e9|||bytes|4096|", 4096, None),
    ("a|-3|-4|-2|ns|0|", 0, None)])
def test_interval_and_threshold_are_within_the_picture(text, first, last):
    of = claims.Comparison(text)
    assert (of.first, of.last) == (first, last)
    low, high, _ = claims._limits(of)
    assert all(low <= x <= high for x in (of.value, of.low, of.high, first, last)
               if x is not None)
    assert "NaN" not in claims.picture(of) and "nan" not in claims.picture(of)


@pytest.mark.parametrize("chart", ["nonsense", "a|1|2|3|ratio|4", "a|x|1|1|ratio|1|",
                                   "a|1|1|1|furlong|1|", "a|inf|1|1|ratio|1|"])
def test_a_broken_picture_is_left_out(tmp_path, chart):
    def write(path):
        crafted_claims.write_claims(path, [{**crafted_claims.CLAIMS[1], "chart": chart}])
    made = reports.make(folder_of(tmp_path / "run", write))
    assert made.status == 1 and "idle-cost" in made.said
    assert "holds only when" in row(made, "idle-cost")[1]


def test_claims_without_a_column_are_left_out(small_run):
    folder = small_run()
    (folder / "claims.csv").write_text("claim,verdict\nx,holds\n")
    made = reports.make(folder)
    assert made.status == 1 and "claims.csv" in made.said
    assert not list(made.page.all(id="claims")) and list(made.page.all(id="throughput"))


# --------------------------------------------------------------------- primitives

@pytest.fixture(scope="module")
def primitives(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("primitives") / "alone",
                     crafted_claims.write_primitives)


def test_folder_with_only_primitives_has_a_report(primitives):
    done = subprocess.run([MATRIX, "report", primitives], capture_output=True, text=True,
                          timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    page = reports.Made(0, "", primitives / "report.html").page
    assert not [id for id in ("findings", "overview", "cells", "claims")
                if list(page.all(id=id))]
    assert page.rows("primitives-1", descriptors="10,000") == [{
        "descriptors": "10,000", "select": "600 µs", "select 2006": "10.9 ms",
        "poll": "550 µs", "poll 2006": "17.5 ms", "epoll": "330 ns", "epoll 2006": "9.70 µs",
        "poll / epoll": "×1667", "2006": "×1804"}]
    vdso, = page.rows("primitives-2", primitive="syscall")
    assert (vdso["median"], vdso["system calls"], vdso["why not"]) == ("25.0 ns", "0", "")
    ring = page.rows("primitives-2", method="uring_multishot")
    assert {(one["median"], one["95 % interval"]) for one in ring} == {("–", "")}
    assert "Operation not permitted" in page.one(id="primitives").one(class_="missing").text


def test_primitives_are_in_the_report_of_a_run(small_run):
    folder = small_run()
    crafted_claims.write_primitives(folder)
    crafted_claims.write_claims(folder)
    made = reports.make(folder)
    assert made.status == 0
    assert [id for id in ("throughput", "primitives", "claims")
            if list(made.page.all(id=id))] == ["throughput", "primitives", "claims"]


# --------------------------------------------------------------------- in a browser

needs_browser = pytest.mark.skipif(bool(browser.MISSING), reason=browser.MISSING)


@pytest.fixture(scope="module")
def page():
    with browser.Browser() as found:
        yield found


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A page with a run, primitives and claims"""
    folder = crafted.make(tmp_path_factory.mktemp("both") / "both", blocks=2, requests=100,
                          models=("poll", "epoll"), settings=crafted.SETTINGS[:1])
    crafted_claims.write_claims(folder)
    crafted_claims.write_primitives(folder)
    made = reports.make(folder)
    assert made.status == 0
    return made.path


def shown(page):
    """Names of the claims that are visible"""
    return page.run(VISIBLE + """return [...document.querySelectorAll(
        '#claims-table tbody tr')].filter(shown).map(e => e.id.slice(6))""")


def choose(page, **values):
    page.run("""const form = document.getElementById('claims-controls');
        for (const [name, value] of Object.entries(arguments[0])) {
            form.elements[name].value = value;
            form.dispatchEvent(new Event('input', { bubbles: true }));
        }""", values)


@needs_browser
def test_filters_and_the_address_that_restores_them(page, both):
    page.open(both, "#claims")
    assert len(shown(page)) == 8
    for values, wanted in (
            ({"verdict": "unknown"}, ["no-uring", "faster-uring"]),
            ({"q": "always uring"}, ["faster-uring"]),
            ({"verdict": "", "q": "", "text": "0" * 3}, ["epoll-flat", "evport", "two-calls"]),
            ({"text": "m", "topic": "measuring"}, ["tail"]),
            ({"text": "", "topic": "", "q": "유휴"}, ["idle-cost"])):
        choose(page, **values)
        assert shown(page) == wanted
    choose(page, lang="ko", verdict="only-when")
    address = page.address_of()
    page.open(both, address[address.index("#"):])
    assert shown(page) == ["idle-cost"]
    assert page.run("return document.querySelector('#claims-title').innerText") == \
        claims.TITLE[1]
    page.run("document.querySelector('#claims-controls [type=reset]').click()")
    assert len(shown(page)) == 8 and "lang=ko" in page.address_of()
    assert page.errors() == []


@needs_browser
@pytest.mark.parametrize("hash", ["#at=claims&verdict=nothing&text=%&topic=\"];x&lang=xx",
                                  "#at=claim-tail&q=(", "#at=claims&theme=dark"])
def test_odd_addresses_do_no_harm(page, both, hash):
    page.open(both, hash)
    assert page.errors() == []
    assert page.run("return document.documentElement.dataset.page") == "claims"


@needs_browser
def test_the_run_and_the_claims_are_shown_in_turn(page, both):
    page.open(both)
    ask = VISIBLE + """return ['primitives', 'claims'].map(
        id => shown(document.getElementById(id)))"""
    found = [page.run(ask)]
    for id in ("claims", "findings"):
        page.run("document.querySelector(`#views [href='#${arguments[0]}']`).click()", id)
        found.append(page.run(ask))
    assert found == [[True, False], [False, True], [True, False]]
    page.open(both, scripts=False)
    assert page.run(ask) == [True, True]


@needs_browser
def test_language_without_scripts(page, both):
    page.open(both, scripts=False)
    ask = "return document.querySelector('#claim-idle-cost th b:not(.ko)').checkVisibility()"
    assert page.run(ask)
    page.run("document.getElementById('lang-ko').focus()")
    page.press("Space")
    assert not page.run(ask)
    assert page.run("return document.querySelector('#claim-tail th b').checkVisibility()")


@needs_browser
@pytest.mark.parametrize("dark, lang", [(False, "en"), (True, "ko")])
def test_claims_can_be_read(page, both, dark, lang):
    for width in (320, 1200):
        page.open(both, f"#at=claims&lang={lang}", dark=dark, width=width)
        page.run("for (const part of document.querySelectorAll('details')) part.open = true")
        assert page.run(NARROW) == [True, []]
        assert page.run(OVERLAP) == []
        seen = page.run(VISIBLE + """return ['en', 'ko'].map(lang => [...document
            .querySelectorAll(`#claims .${lang}`)].some(shown))""")
        assert seen == [lang == "en", lang == "ko"]
    assert [one for one in page.run(CONTRAST) if one[0] < 4.5] == []
    assert page.run("""return [...document.querySelectorAll('button, input, select, summary, a')]
        .filter(e => !(e.textContent.trim() || e.labels?.[0]?.textContent.trim()))
        .map(e => e.outerHTML)""") == []


@needs_browser
def test_handout_of_a_hundred_claims(page, tmp_path):
    """Only the claims, a few pages"""
    folder = crafted.make(tmp_path / "run", blocks=2, requests=50, models=("poll", "epoll"),
                          settings=crafted.SETTINGS[:1])
    usual = crafted_claims.CLAIMS[1]
    crafted_claims.write_claims(folder, [
        {**usual, "claim": f"claim-{i}", "taught": f"1.{i}"} for i in range(100)])
    page.open(reports.make(folder).path, "#claims", media="print")
    page.pdf(tmp_path / "handout.pdf")
    pages = len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "handout.pdf").read_bytes()))
    assert 3 <= pages <= 8
