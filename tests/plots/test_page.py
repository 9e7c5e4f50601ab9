# SPDX-License-Identifier: MIT
"""report.html in a browser: from disk without network, by keyboard alone, light and dark,
printed, on narrow and wide screens.

    SHOTS=FOLDER tests/run plots -- -k look     takes screenshots to look at
"""

import os
import pathlib
import re

import pytest

import browser
import crafted
import reports
from checks import CONTRAST, NARROW, OVERLAP, VISIBLE

pytestmark = [pytest.mark.skipif(bool(browser.MISSING), reason=browser.MISSING),
              pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def page():
    with browser.Browser() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A page with few settings, which opens faster"""
    settings = crafted.SETTINGS[:4] + crafted.SETTINGS[7:8] + crafted.SETTINGS[-1:]
    folder = crafted.make(tmp_path_factory.mktemp("page") / "crafted", blocks=3,
                          settings=settings, requests=100)
    made = reports.make(folder)
    assert made.status == 0
    return made.path


def all_open(page):
    page.run("for (const part of document.querySelectorAll('details')) "
             "part.open = true")


# ------------------------------------------------------------ requests and errors

def test_no_request_and_no_error(page, report):
    page.open(report)
    all_open(page)
    assert page.errors() == []
    assert page.requests() == [report.as_uri()]


def test_page_of_an_incomplete_run(page, tmp_path):
    folder = crafted.make(tmp_path / "run", blocks=2, models=("poll", "epoll"),
                          settings=crafted.SETTINGS[:1], incomplete=True,
                          requests=100)
    page.open(reports.make(folder).path)
    assert "This run is not complete" in page.run(
        "return document.querySelector('.banner').innerText")
    assert page.errors() == []


def test_without_scripts_everything_is_visible(page, report):
    page.open(report, scripts=False)
    found = page.run(VISIBLE + """
        const all = [...document.querySelectorAll(
            'main svg, main table, main section, main p, main pre')].filter(
                e => !e.closest('#controls'));
        return [all.length, all.filter(e => !shown(e)).map(e => e.outerHTML.slice(
            0, 80)), shown(document.getElementById('controls'))]""")
    assert found[0] > 100 and found[1:] == [[], False]


def test_with_scripts_tables_are_folded(page, report):
    page.open(report)
    found = page.run(VISIBLE + """
        return ['throughput-1', 'cells-1', 'closed-split-1-dots-1', 'controls'].map(
            id => shown(document.getElementById(id)))""")
    assert found == [False, True, False, True]


# ------------------------------------------------------------------- by keyboard

def tab(page, times):
    """The elements that had the focus, in order: [tag, name, value, text, outline]"""
    page.run("""
        window.visited = [];
        window.note ??= ({ target: e }) => visited.push([e.tagName,
            e.name || e.id || '', e.value ?? '', e.innerText ?? '',
            getComputedStyle(e).outlineStyle]);
        addEventListener('focusin', note);""")
    page.press(*["Tab"] * times)
    return page.run("return window.visited")


def tab_to(page, wanted, limit=200):
    """Presses Tab until a wanted element has the focus: many at a time, then back"""
    for _ in range(0, limit, 20):
        passed = [wanted(one) for one in tab(page, 20)]
        if True in passed:
            page.press(*["Shift+Tab"] * (len(passed) - 1 - passed.index(True)))
            return
    raise AssertionError("Tab never reached it")


def shown_models(page, chart):
    return page.run(VISIBLE + """
        const picture = document.querySelector(`#${arguments[0]} svg`);
        const shownOnes = [...picture.querySelectorAll('[data-m]')].filter(shown);
        return [...new Set(shownOnes.map(e => e.dataset.m))].sort()""", chart)


def test_models_are_hidden_by_keyboard(page, report):
    page.open(report)
    assert "2" in shown_models(page, "throughput")
    tab_to(page, lambda e: e[0] == "SUMMARY" and e[3].startswith("Show"))
    page.press("Enter")
    tab_to(page, lambda e: e[1:3] == ["models", "select"])
    page.press("Space")
    assert "2" not in shown_models(page, "throughput")
    assert page.run("return document.getElementById('shown').textContent") == \
        "8 of 9 models"
    rows = page.run(VISIBLE + "return [...document.querySelectorAll("
                    "'#cells-1 tbody tr')].filter(shown).map(r => r.innerText)")
    assert rows and not any(row.startswith("select") for row in rows)
    assert "models=thread,busypoll,poll,epoll,aio,uring,mine,baseline" in page.address_of()


@pytest.mark.parametrize("group, value, gone, left", [
    ("connections", "1000", '[data-c="1000"]', '[data-c="64"]'),
    ("loads", "open split rate 10000", "#open-split-64-rate-10000", "#closed-split-1"),
])
def test_settings_are_hidden_by_keyboard(page, report, group, value, gone, left):
    page.open(report)
    page.run("document.getElementById('controls').open = true")
    tab_to(page, lambda e: e[1:3] == [group, value])
    page.press("Space")
    all_open(page)
    found = page.run(VISIBLE + """
        return arguments.length && [arguments[0], arguments[1]].map(what =>
            [...document.querySelectorAll(what)].some(shown))""", gone, left)
    assert found == [False, True]


def test_line_is_hidden_with_either_end(page, report):
    """A line from 64 to 1,000 connections is hidden with 1,000"""
    count = VISIBLE + """return [...document.querySelectorAll(
        '#throughput svg [data-c~="64"]')].filter(shown).map(e => e.dataset.c)"""
    page.open(report, "#connections=1,64,16")
    found = set(page.run(count))
    assert found == {"64", "1 64"}


def test_table_is_sorted_by_keyboard(page, report):
    page.open(report)
    column = page.run("""
        const heads = [...document.querySelectorAll('#cells-1 th')];
        const found = heads.findIndex(h => h.innerText.startsWith('p99'));
        heads[found].querySelector('button').focus();
        return found""")

    def values():
        return page.run("""return [...document.querySelectorAll('#cells-1 tbody tr')]
            .map(row => row.cells[arguments[0]].dataset.v ?? null)""", column)
    before = values()
    for direction, sign in (("ascending", 1), ("descending", -1)):
        page.press("Enter")
        found = values()
        numbers = [float(x) for x in found if x is not None]
        assert numbers == sorted(numbers, reverse=sign < 0)
        assert None in found and found.index(None) == len(numbers)  # missing values last
        assert page.run("return document.querySelectorAll('#cells-1 th')"
                        "[arguments[0]].ariaSort", column) == direction
        assert f"sort=cells-1:{column}:{direction}" in page.address_of()
    page.press("Space")
    assert values() == before and "sort" not in page.address_of()


def test_address_restores_the_view(page, report):
    page.open(report, "#at=cells&models=poll,epoll&connections=64&theme=dark"
                      "&sort=cells-1:5:descending")
    found = page.run(VISIBLE + """
        const rows = [...document.querySelectorAll('#cells-1 tbody tr')].filter(shown);
        return [[...new Set(rows.map(row => row.cells[0].innerText))].sort(),
                [...new Set(rows.map(row => row.cells[1].innerText))].sort(),
                document.documentElement.dataset.theme,
                document.querySelector('#cells-1 th[aria-sort]').ariaSort,
                document.getElementById('cells').getBoundingClientRect().top < 300]""")
    assert found == [["epoll", "poll"], ["0", "64"], "dark", "descending", True]
    assert page.errors() == []


ODD_ADDRESSES = [
    "#models=nobody", "#sort=nothing:99:up,cells-1:x:ascending,::", "#%", "#at=nowhere",
    "#theme=pink", "#models=&connections=&loads=", '#theme="];x', "#throughput"]


def test_odd_addresses_do_no_harm(page, report):
    """The first is opened, the others are set in the open page"""
    page.open(report, ODD_ADDRESSES[0])
    for hash in ODD_ADDRESSES:
        page.run("""window.heard = false;
            addEventListener('hashchange', () => window.heard = true, { once: true });
            location.hash = '#models=poll'; location.hash = arguments[0]""", hash)
        page.until("return window.heard")
        assert page.errors() == [], hash
        assert page.run("return document.querySelectorAll('main h2').length") > 10, hash


def test_show_everything_resets_the_view(page, report):
    page.open(report, "#models=poll&connections=64&theme=dark")
    page.run("document.getElementById('controls').open = true")
    tab_to(page, lambda e: e[0] == "BUTTON" and e[3] == "Show everything")
    page.press("Enter")
    page.until("return !location.hash")
    assert page.run("return document.getElementById('shown').textContent") == \
        "everything"


def test_links_scroll_and_move_the_focus(page, report):
    page.open(report)
    tab_to(page, lambda e: e[0] == "A" and e[3] == "Memory")
    page.press("Enter")
    assert page.run("return [document.activeElement.id, Math.abs(document."
                    "getElementById('memory').getBoundingClientRect().top) < 200]") \
        == ["memory", True]
    assert "at=memory" in page.address_of()


def test_focus_is_visible(page, report):
    page.open(report)
    seen = [outline for *_, outline in tab(page, 30)]
    assert len(seen) == 30 and set(seen) == {"solid"}


def test_every_control_has_a_name(page, report):
    page.open(report)
    assert page.run("""
        return [...document.querySelectorAll('button, input, summary, a')]
            .filter(e => !(e.textContent.trim() || e.labels?.[0]?.textContent.trim()))
            .map(e => e.outerHTML)""") == []


# ---------------------------------------------------------------- readability

@pytest.mark.parametrize("dark, hash", [(False, ""), (True, ""), (False, "#theme=dark"),
                                        (True, "#theme=light")])
def test_contrast_of_text(page, report, dark, hash):
    page.open(report, hash, dark=dark)
    all_open(page)
    found = page.run(CONTRAST)
    assert len(found) > 25
    assert [one for one in found if one[0] < 4.5] == []
    paper = page.run("return getComputedStyle(document.body).backgroundColor")
    is_dark = sum(map(int, re.findall(r"\d+", paper))) < 200
    assert is_dark == (hash == "#theme=dark" or dark and not hash)


@pytest.mark.parametrize("width", [320, 768, 1600])
def test_nothing_overlaps(page, report, width):
    page.open(report, width=width)
    all_open(page)
    assert page.run(NARROW) == [True, []]
    assert page.run(OVERLAP) == []


def test_wide_page_is_used(page, report):
    """All columns of the warnings are visible; text is beside its chart"""
    page.open(report, width=1600)
    assert page.run("""
        const box = what => document.querySelector(what).getBoundingClientRect();
        const warned = document.querySelector('#warnings').parentElement;
        return [warned.scrollWidth <= warned.clientWidth,
            box('#throughput .figures').left > box('#throughput .read').right,
            box('#throughput .figures').top < box('#throughput .read').bottom
        ]""") == [True] * 3


def test_no_text_of_a_full_page_overlaps(page, odd_run):
    page.open(odd_run.path, width=1200)
    all_open(page)
    assert page.run(OVERLAP) == []


# ------------------------------------------------------------------------- print

def test_print(page, report, tmp_path):
    """Always light, without controls"""
    page.open(report, "#theme=dark", media="print")
    assert page.run(VISIBLE + """return ['nav', '#controls', '#throughput-1'].map(
        what => shown(document.querySelector(what)))""") == [False] * 3
    assert page.run("return getComputedStyle(document.body).backgroundColor") == \
        "rgb(255, 255, 255)"
    found = page.run(CONTRAST)
    assert [one for one in found if one[0] < 4.5] == []
    page.pdf(tmp_path / "report.pdf")
    pages = len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "report.pdf").read_bytes()))
    assert 8 < pages < 60


def test_only_unfolded_parts_are_printed(page, report):
    page.open(report, "#at=closed-split-64", media="print")
    assert page.run(VISIBLE + """return ['closed-split-64', 'closed-split-1'].map(
        id => shown(document.querySelector(`#${id} svg`)))""") == [True, False]


# -------------------------------------------------------------------- screenshots

SHOTS = os.environ.get("SHOTS")


@pytest.mark.skipif(not SHOTS, reason="SHOTS=FOLDER takes screenshots")
def test_look(page, odd_run):
    folder = pathlib.Path(SHOTS)
    folder.mkdir(parents=True, exist_ok=True)
    for name, options in (("light", {}), ("dark", {"dark": True}),
                          ("narrow", {"width": 320}), ("wide", {"width": 1600}),
                          ("paper", {"media": "print", "width": 1040})):
        page.open(odd_run.path, **options)
        page.screenshot(folder / f"{name}.png", whole=True)
    page.open(odd_run.path, media="")
    page.pdf(folder / "paper.pdf")
