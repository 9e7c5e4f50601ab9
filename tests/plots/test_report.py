# SPDX-License-Identifier: MIT
"""plots/report.py: the content of the page, also for folders with broken files.

The numbers behind each chart are in the tables below it, and in golden/report. After an
intended change,

    GOLDEN=write tests/run plots -- -k golden

rewrites them; git diff shows what changed. test_page.py tests look and behaviour in a
browser.
"""

import csv
import gzip
import html
import json
import math
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import types

import pytest

import crafted
import reports
from reports import TOP, make, program

sys.path.insert(0, str(TOP / "plots"))

from report import drawing, facts, run, style, times, view, words  # noqa: E402
from report.charts import calls, lines  # noqa: E402

GOLDEN = pathlib.Path(__file__).parent / "golden/report"

CHARTS = ["verdicts", "overview", "load", "few", "throughput", "response", "server_cpu",
          "size", "switches", "memory", "idle", "calls", "request"]


# ------------------------------------------------------------------- golden numbers

GOLDEN_TABLES = [
    "verdicts-1", "throughput-1", "response-2", "load-1", "server_cpu-1", "memory-1",
    "few-1", "calls-1", "request-1", "open-split-64-rate-10000-percentiles-1",
    "open-split-64-rate-40000-dots-2", "cells-1", "warnings"]


def hold(name, text):
    path = GOLDEN / f"{name}.tsv"
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def as_text(rows):
    return "".join("\t".join(cell.replace("\n", " ") for cell in row) + "\n"
                   for row in rows)


@pytest.mark.parametrize("name", GOLDEN_TABLES)
def test_golden(odd_run, name):
    hold(name, as_text(odd_run.page.table(name)))


def test_golden_overview(odd_run):
    rows = [[cell.text for cell in row.all() if cell.tag in ("td", "th")]
            for table in odd_run.page.all("table", class_="heat")
            for row in table.all("tr")]
    hold("overview", as_text(rows))


def test_golden_words(odd_run):
    """Titles, verdicts and limits"""
    page = odd_run.page
    titles = [[node.text] for node in page.all("h2")]
    said = [[item.text] for id in ("findings", "trust")
            for item in page.one(id=id).all("li")]
    hold("words", as_text(titles + said))


def test_the_same_folder_gives_the_same_page(small_run):
    folder = small_run()
    first = make(folder).text
    assert make(folder).text == first


def findings_of(folder):
    """{chart: title}"""
    with open(folder / "findings.csv", encoding="utf-8", newline="") as file:
        return {row["chart"]: row["title"] for row in csv.DictReader(file)}


def test_each_setting_has_its_findings(small_run):
    """Found by the name of the setting"""
    folder = small_run()
    found = {chart: title for chart, title in findings_of(folder).items()
             if re.search("/(closed|open)", chart)}
    page = make(folder).page
    assert found
    for chart, title in found.items():
        setting = chart.partition("/")[2].replace(" ", "-")
        assert words.typeset(title) in page.one(id=setting).text, chart


# ------------------------------------------------------------------------ verdicts

def comparisons_of(folder):
    """Rows of comparisons.csv, with numbers as floats"""
    with open(folder / "comparisons.csv", encoding="utf-8", newline="") as file:
        return [{key: float(text) if text and key in (
            "ratio", "low", "high", "aa_low", "aa_high") else text
                 for key, text in row.items()} for row in csv.DictReader(file)]


def test_verdicts_come_first(odd_run):
    """... those of the run, before any picture; what limits trust after all charts"""
    text, found = odd_run.text, findings_of(odd_run.path.parent)
    items = [item.text for item in odd_run.page.one(id="findings").all("li")]
    assert items == [words.typeset(title) for chart, title in found.items()
                     if chart.startswith("verdicts/")][:10]
    places = [text.index(f'<section {part}') if part else text.index("<svg") for part in (
        'id="findings"', "", 'class="chart" id="verdicts"', 'class="chart" id="overview"',
        'id="cells"', 'id="trust"', 'id="about"')]
    assert places == sorted(places)


def numbers(text):
    return [float(x) for x in re.findall(r"[\d.]+", text.replace(",", ""))]


def test_numbers_in_the_chart_are_those_of_the_comparisons(odd_run):
    """Each ratio with its interval is in the picture of its setting and metric"""
    section, seen = odd_run.page.one("section", id="verdicts"), 0
    pictures = {svg.one("title").text: svg for svg in section.all("svg")}
    for row in comparisons_of(odd_run.path.parent):
        if not row["low"] or not row["high"] or row["state"]:
            continue
        points = [title.above for svg in pictures.values() for title in svg.all("title")
                  if title.text == row["sentence"] and title.above is not svg]
        assert len(points) == 1, row
        svg = next(node for node in points[0].above_all if node.tag == "svg")
        texts = [numbers(text.text) for text in svg.all("text")]
        exact = [row["ratio"], row["low"], row["high"]]
        near = 0.8 <= row["ratio"] <= 1.25 and row["low"] > 0.5 and row["high"] < 2
        wanted = [abs(100 * (x - 1)) if near else x for x in exact]
        assert any(len(found) == 3 and all(
            abs(a - b) <= (0.051 if near else 0.0051 * max(b, 1) if b > 0.1 else 0.00051)
            for a, b in zip(found, wanted)) for found in texts), (row, texts)
        seen += 1
    assert seen > 100


def test_undecided_is_hollow(odd_run):
    section, kinds = odd_run.page.one("section", id="verdicts"), {}
    for row in comparisons_of(odd_run.path.parent):
        of = next((title.above for title in section.all("title")
                   if title.text == row["sentence"] and title.above.tag == "g"), None)
        if of and row["model"] != "baseline":
            kinds.setdefault(row["verdict"], set()).add(is_hollow(of))
    assert kinds == {"different": {False}, "equal": {False}, "undecided": {True}}


def test_whole_core_is_a_state_and_no_point(odd_run):
    """... of CPU time: neither a point in the chart nor ranked in the overview"""
    section = odd_run.page.one("section", id="verdicts")
    tooltips = {title.text for title in section.all("title")}
    rows = [row for row in comparisons_of(odd_run.path.parent)
            if row["state"] == "whole core" and "cpu" in row["metric"]]
    assert len(rows) > 10
    assert not [row for row in rows if row["sentence"] in tooltips]
    assert section.text.count("uses its whole core") >= len(rows)
    small = [cell.text for cell in odd_run.page.one(id="overview").all("small")]
    assert sum("whole core" in text for text in small) >= len(rows)


def test_missing_comparison_is_said(odd_run):
    section = odd_run.page.one("section", id="verdicts")
    for text in ("select (1,000 connections", crafted.SELECT_FULL, crafted.NO_URING,
                 "busypoll is oversubscribed"):
        assert text in section.one("div", class_="missing").text
    missing = [row for row in comparisons_of(odd_run.path.parent)
               if row["verdict"] == "missing"]
    assert sum(text.text == "missing" for text in section.all("text")) == len(missing)


def test_settings_that_are_not_telling_are_folded(odd_run):
    """Six settings; of the curve over the offered load the last before saturation"""
    section = odd_run.page.one("section", id="verdicts")
    folded = section.one("details", class_="numbers")
    captions = [node.text for node in section.all("figcaption")]
    more = [node.text for node in folded.all("figcaption")]
    assert len(captions) - len(more) == 2 * 6
    assert "16 connections, open loop of 1,000/s, 900 idle clients" not in more
    assert "64 connections, open loop of 80,000/s" in more


def test_run_without_comparisons(small_run):
    folder = small_run()
    (folder / "comparisons.csv").unlink()
    made = make(folder)
    assert (made.status, made.said) == (0, "")
    assert not list(made.page.all(id="verdicts"))


def test_run_without_twin(small_run):
    folder = small_run()
    rows = [{**row, "aa_low": "", "aa_high": ""} for row in comparisons_of(folder)]
    crafted.write_csv(folder / "comparisons.csv", list(rows[0]), rows)
    made = make(folder)
    assert (made.status, made.said) == (0, "")
    assert "not measured" in made.page.one(id="verdicts").text


def test_broken_comparison_is_left_out(small_run):
    folder = small_run()
    rows = (folder / "comparisons.csv").read_text().splitlines(keepends=True)
    fields = rows[1].split(",")
    fields[4] = "-1"
    (folder / "comparisons.csv").write_text("".join([rows[0], ",".join(fields), *rows[2:]]))
    made = make(folder)
    assert made.status == 1 and "comparisons.csv has 1 broken rows" in made.said
    assert made.page.one(id="verdicts")


# --------------------------------------------------------------------- odd cells

def is_hollow(node):
    """A point, filled like the page"""
    styles = " ".join(part.get("style") or "" for part in node.all())
    return f"fill:{style.variable('page', 'paper')}" in styles


def figures(odd_run, chart):
    return list(odd_run.page.one(id=chart).all("figure"))


def tips(node):
    """Tooltips: {text: node}"""
    return {title.text: title.above for title in node.all("title")
            if title.above.tag != "svg"}


def test_refused_cell_has_its_reason_in_words(odd_run):
    missing = odd_run.page.one("section", id="throughput").one("div", class_="missing").text
    assert f"select (1,000 connections): refused: {crafted.SELECT_FULL}" in missing
    assert f"poll (1,000 connections): failed: {crafted.DISAGREE}" in missing


def test_missing_value_is_neither_a_point_nor_zero(odd_run):
    figure = figures(odd_run, "throughput")[0]
    assert not any("select, 1,000" in text for text in tips(figure))
    rows = odd_run.page.rows("throughput-1", model="select", connections="1,000")
    assert [row["replies per second"] for row in rows] == ["–"]
    assert rows[0]["remarks"] == f"refused: {crafted.SELECT_FULL}"
    cells = odd_run.page.rows("cells-1", model="uring", status="unsupported")
    assert len(cells) == 2
    assert {row["p99"] for row in cells} == {"–"}


def test_missing_metric_of_a_valid_cell_has_its_own_reason(small_run):
    """... not the reason why other repetitions of the cell were discarded"""
    def without_switches(lines):
        found = [json.loads(line) for line in lines]
        for r in found:
            if r["model"] in ("poll", "uring") and r["role"] == "timing":
                r["metrics"]["voluntary_switches_per_request"] = None
                gone = r["block"] + (3 if r["model"] == "poll" else 10)
                r["warnings"] = [f"{gone} of the server's threads ended in the window: "
                                 "what they waited and switched is not known"]
                if r["block"] == 2:
                    r.update(status="failed", reasons=["it died"])
        return [json.dumps(r) + "\n" for r in found]
    folder = small_run(models=("poll", "epoll", "uring"))
    spoil(folder, without_switches)
    crafted.write_tables(folder)
    section = make(folder).page.one("section", id="switches")
    assert "not measured: 4 to 13 of the server's threads ended" in section.text
    assert "not measured: it died" not in section.text
    assert "no reason" not in section.text


def test_bytes_have_powers_of_two_and_a_single_place_has_rows(small_run):
    made = make(small_run(settings=crafted.SETTINGS[-1:], models=("epoll", "uring")))
    picture = made.page.one("section", id="memory").one("svg")
    texts = [text.text for text in picture.all("text")]
    assert {"256 B", "1 KiB", "4 KiB"} <= set(texts)
    assert {"210 B", "4.12 KiB", "epoll", "uring"} <= set(texts)
    assert "idle clients" not in texts  # a single place has no axis


def test_colours_of_calls_have_a_legend(odd_run):
    for id in ("calls", "closed-split-64-calls"):
        legend = odd_run.page.one("section", id=id).one("ul", class_="legend")
        assert [item.text for item in legend.all("li")][:3] == \
            ["waits", "receives", "sends"]


def test_overview_shows_the_number_of_valid_blocks_if_some_are_invalid(odd_run):
    """poll with 64 clients: one of seven blocks failed"""
    small = [s.text for s in odd_run.page.one("section", id="overview").all("small")]
    assert any(text.startswith("n 6, ") for text in small) and not any("n 7" in text for text in small)


def test_no_line_break_between_a_number_and_its_unit(odd_run):
    assert re.search("[0-9]\u00a0ms \\(uring", odd_run.page.one(
        "section", id="response").one("h2").text)
    assert words.typeset("3 blocks, 12 s, 5 select, 9 B/s") == \
        "3 blocks, 12\u00a0s, 5 select, 9 B/s"


def test_overview_has_the_ratios_of_the_comparisons(odd_run):
    """... and colours what they call worse"""
    found = view.View(run.read(odd_run.path.parent))
    settings = [rows[0]["setting"] for rows in found.settings()
                if rows[0]["loop"] in ("closed", "open")]
    table = next(table for table in odd_run.page.one(id="overview").all("table")
                 if "Server CPU time" in table.text)
    fields = {(row.one("th").text, setting): cell for row in table.one("tbody").all("tr")
              for setting, cell in zip(settings, row.all("td"))}
    seen = 0
    for row in comparisons_of(odd_run.path.parent):
        if "cpu" in row["metric"] and row["ratio"] and not row["state"]:
            cell = fields[row["model"], row["setting"]]
            small, kind = cell.one("small").text, cell.get("class")
            assert words.change(row["ratio"]) in small, row
            assert (row["verdict"] in small) == (row["verdict"] != "different")
            assert row["verdict"] == "different" or kind == "h0"
            assert kind == "h0" if row["ratio"] < 1 else kind != "h0" or row["ratio"] < 1.4
            seen += 1
    assert seen > 60


@pytest.mark.parametrize("status", ["refused", "failed", "unsupported"])
def test_every_status_is_said_in_the_overview(odd_run, status):
    overview = odd_run.page.one(id="overview")
    assert status in {cell.text for cell in overview.all("td", class_="absent")}
    assert f"{status}: " in overview.one("div", class_="missing").text


def test_every_cell_has_a_row(odd_run):
    _, *rows = odd_run.page.table("cells-1")
    assert len(rows) == len({r["cell"] for r in run.read(odd_run.path.parent).repetitions})


def test_saturated_points_are_hollow_and_named(odd_run):
    """One that spins is not, while it answers; its CPU time per request is"""
    rates = ("5,000", "10,000", "40,000", "80,000")
    for chart, models in (("load", {"aio": "0011", "thread": "0001", "busypoll": "0000"}),
                          ("server_cpu", {"aio": "0011", "busypoll": "1111"})):
        figure = next(figure for figure in figures(odd_run, chart)
                      if figure.one("svg").all() and "80,000" in figure.text)
        for model, hollow in models.items():
            found = "".join(str(int(is_hollow(node))) for rate in rates for text, node
                            in tips(figure).items() if text.startswith(f"{model}, {rate} "))
            assert found == hollow, (chart, model)
        assert "from 40,000; thread from 80,000" in figure.one("p", class_="note").text
    assert "busypoll everywhere" in odd_run.page.one(id="few").text


def test_hollow_points_are_told_exactly(small_run):
    of = view.View(run.read(small_run()))
    row = {**of.cells[0], "loop": "open", "status": "ok", "spins": 0, "requests_per_second": 1}
    rows = [{**row, "model": model, "rate": rate, "state": state and "whole core"}
            for model, states in (("poll", (1, 0, 1)), ("epoll", (0, 1, 1)))
            for rate, state in zip((5e3, 2e4, 4e4), states)]
    told = lines.hollow_words(of, rows, "requests_per_second", "rate")
    assert told == "poll at 5,000, 40,000; epoll from 20,000"


def test_absurdly_wide_interval_is_cut():
    assert words.ratio_with(1.1, 1e-9, 3e15) == "×1.10 (<0.001 … >999)"
    plot = drawing.Drawing(400, 100, "", "").plot(50, 50, 10, 10)
    plot.scale_ratios([0.05, 1, 20], 0.03, "epoll")
    assert plot.x(1e12) == plot.x(20) and plot.x(1e-9) == plot.x(0.05)
    assert plot.x(1.03) - plot.x(1 / 1.03) > 15


def test_value_at_the_limit_of_the_generator_is_at_least(odd_run):
    """In words, and with an arrow in the chart"""
    rows = odd_run.page.rows("throughput-1", model="uring", connections="64")
    assert rows[0]["replies per second"].startswith("≥ ")
    assert "a bound: the generator was at its limit" in rows[0]["remarks"]
    assert "at least so many replies" in odd_run.page.one(id="throughput").text
    rows = odd_run.page.rows("response-1", model="uring", connections="64")
    assert rows[0]["median response time (p50)"].startswith("≤ ")
    row, = (row for row in comparisons_of(odd_run.path.parent)
            if (row["setting"], row["model"], row["metric"]) == (
                "closed split 64", "uring", "requests_per_second"))
    assert row["high"] == "" and f"at least ×{row['low']:.2f}" in \
        odd_run.page.one(id="verdicts").text


def test_higher_numbers_have_higher_points(odd_run):
    point = re.compile(r"(\w+), 64 connections: (?:[≥≤] )?([\d.]+) (\S+)")
    scale = {"k/s": 1e3, "µs": 1e3, "ms": 1e6}
    for chart in ("throughput", "response", "server_cpu"):
        figure = figures(odd_run, chart)[0]
        found = sorted(
            (float(number[2]) * scale[number[3].rstrip(",")],
             -float(node.one("use").get("y")))
            for text, node in tips(figure).items() if (number := point.match(text)))
        heights = [height for _, height in found]
        assert len(found) >= 8 and heights == sorted(heights)


def test_each_repetition_is_a_dot(odd_run):
    """... of each block, and of the A/A twin"""
    chart = odd_run.page.one(id="closed-split-64-dots")
    figure = next(chart.all("figure"))
    of = [r for r in run.read(odd_run.path.parent).repetitions
          if r["role"] in ("timing", "aa", "baseline") and setting_of(r) == CLOSED_64
          and r["metrics"]["requests_per_second"] is not None]
    assert len(list(figure.all("use"))) == len(of)


CLOSED_64 = "loop:closed/connections:64/message:64/placement:split"


def setting_of(repetition):
    return repetition["cell"].partition("/")[2]


def test_curves_merge_histograms_by_adding_counts(odd_run):
    found = run.read(odd_run.path.parent)
    of = [r for r in found.repetitions if r["role"] == "timing" and r["status"] == "ok"
          and r["cell"] == f"model:poll/{CLOSED_64}"]
    buckets = {}
    for r in of:
        with gzip.open(found.path / r["histograms"]) as file:
            kept = json.load(file)["histograms"]["response"]["buckets"]
        low = 0
        for step, width, n in zip(*(kept[name] for name in ("step", "width", "count"))):
            low += step
            bucket = low, low + width - 1
            buckets[bucket] = buckets.get(bucket, 0) + n
    total, beyond = sum(buckets.values()), 0
    for (_, high), n in sorted(buckets.items(), reverse=True):
        beyond += n
        if beyond > total / 100:
            break
    row = odd_run.page.rows("closed-split-64-percentiles-1", model="poll")[0]
    assert len(of) == 6 and row["requests"] == words.count(total)
    merged = times.merged(times.load(found, r).response for r in of)
    assert merged.percentile(0.99) == high
    assert dict(merged.curve())[1.0] == min(buckets)[1]


def test_service_is_dotted_beside_response(odd_run):
    page = odd_run.page
    kinds = [row["time"] for row in page.rows(
        "open-split-64-rate-10000-percentiles-1", model="epoll")]
    assert kinds == ["response", "service"]
    assert "Dotted: service time" in page.one(
        id="open-split-64-rate-10000-percentiles").text
    assert "Dotted: service" not in page.one(id="closed-split-64-percentiles").text


# ------------------------------------------------------------------- each chart

@pytest.mark.parametrize("name", CHARTS)
def test_chart_explains_itself(odd_run, name):
    """A finding as title, how to read it, the better direction, the numbers"""
    chart = odd_run.page.one("section", id=name)
    assert len(chart.one("h2").text) > 20
    assert chart.one("p", class_="read").text.startswith("How to read. ")
    if name != "request":
        assert re.search("(more|less) is better", chart.text)
    if name != "overview":
        tables = list(chart.all("table"))
        assert tables and all(len(list(table.all("tr"))) > 1 for table in tables)


def test_titles_are_those_of_findings_csv(odd_run):
    for chart, title in findings_of(odd_run.path.parent).items():
        if "/" not in chart and chart != "response_p99":
            of = {"response_p50": "response"}.get(chart, chart)
            assert words.typeset(title) in odd_run.page.one(
                "section", id=of).one("h2").text


def test_every_picture_has_title_and_description(odd_run):
    pictures = list(odd_run.page.all("svg"))
    assert len(pictures) > 80
    for picture in pictures:
        title, desc = (picture.one(id=id) for id in
                       picture.get("aria-labelledby").split())
        assert (title.tag, desc.tag, picture.get("role")) == ("title", "desc", "img")
        assert title.text and desc.text


def test_no_identifier_twice(odd_run):
    ids = [node.get("id") for node in odd_run.page.all() if node.get("id")]
    assert len(ids) == len(set(ids))
    missing = [id for id in re.findall(r'(?:url\(|href=")#([^")]+)', odd_run.text)
               if id not in set(ids)]
    assert missing == []


def test_page_makes_no_request(odd_run):
    text = odd_run.text
    assert "default-src 'none'" in text
    assert not re.findall(r"https?://[^\s\"'<]+", text.replace(
        "http://www.w3.org/1999/xlink", ""))
    links = {node.get(name) for node in odd_run.page.all()
             for name in ("href", "src", "xlink:href") if node.get(name)}
    assert {link[:5] for link in links if not link.startswith("#")} <= {"data:"}
    assert not list(odd_run.page.all("link"))


def test_texts_of_a_run_are_escaped(odd_run):
    assert len(list(odd_run.page.all("script"))) == 1
    assert "</script><script>alert('no')</script>" in odd_run.page.one(id="trust").text
    assert "Crafted <CPU> & Sons" in odd_run.page.one("header").text


def test_colours_are_those_of_style_csv(odd_run):
    """Pictures have no other colour, and both themes define all of them"""
    used = set(re.findall(r"#[0-9A-Fa-f]{6}\b", "".join(
        re.findall("<svg.*?</svg>", odd_run.text, re.S))))
    assert used == set()
    named = set(re.findall(r"var\(--(k\d+)\)", odd_run.text))
    light, dark = re.findall(r"color-scheme: (?:light|dark);([^}]*)", odd_run.text)[:2]
    for values in (light, dark):
        assert named <= set(re.findall(r"--(k\d+):#", values))


# ------------------------------------------------------------------------- limits

def limits_of(folder):
    return " ".join(facts.limits(view.View(run.read(folder))))


@pytest.mark.parametrize("part, value, sentence", [
    (("virtualization",), "none", ""),
    (("virtualization",), "guest", "This is a virtual machine"),
    (("governors",), {"performance": 2}, ""),
    (("governors",), {"powersave": 2}, "(governor powersave)"),
    (("build", "dirty"), False, ""),
    (("build", "dirty"), True, "uncommitted"),
])
def test_facts_follow_the_machine(small_run, part, value, sentence):
    folder = small_run()
    machine = {"virtualization": "none", "governors": None, "build": {"dirty": False}}
    where = machine
    for key in part[:-1]:
        where = where[key]
    where[part[-1]] = value
    (folder / "machine.json").write_text(json.dumps(machine))
    limits = limits_of(folder)
    assert sentence in limits
    if not sentence:
        assert not any(word in limits for word in ("virtual machine", "governor",
                                                   "uncommitted"))


def test_models_that_are_missing_are_named_with_the_reason(small_run):
    folder = small_run()
    facts_of_run = {**crafted.RUN, "programs": {"uring": None, "poll": "fnv:1"}}
    (folder / "run.json").write_text(json.dumps(facts_of_run))
    limits = limits_of(folder)
    assert "Not built, so not measured: uring." in limits
    assert "Not selected, so not measured: thread, busypoll, select and aio." in limits


def test_limits_are_a_dozen_with_a_link_to_the_rest(small_run):
    """The warnings of the run come first"""
    folder = small_run()
    crafted.write_csv(folder / "warnings.csv", list(crafted.WARNINGS[0]), [
        {**crafted.WARNINGS[0], "warning": f"something {i}"} for i in range(30)])
    trust = make(folder).page.one(id="trust")
    items = [item.text for item in trust.all("li")]
    assert len(items) == 12 and items[0].startswith("something 0 (1 repetition: poll")
    assert items[-2].startswith("Server and clients run on one machine")
    assert trust.one("a").get("href") == "#about"


def test_warnings_are_those_of_the_run(small_run):
    folder = small_run()
    made = make(folder)
    assert "7 to 12,073 times" in made.text and "12 repetitions" in made.text
    (folder / "warnings.csv").unlink()
    assert "warnings.csv is missing" in make(folder).text


# ------------------------------------------------------------------- odd folders

def test_no_folder(tmp_path):
    made = make(tmp_path / "nothing")
    assert made.status == 1 and "no such folder" in made.said


def test_folder_that_is_no_run(tmp_path):
    (tmp_path / "cells.csv").write_text("a,b\n1,2\n")
    made = make(tmp_path)
    assert made.status == 1 and not made.path.exists()
    assert made.said.count("\n") == 1
    assert "not a run of bin/matrix: repetitions.jsonl: No such file" in made.said


def spoil(folder, change):
    path = folder / "repetitions.jsonl"
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


NEWER = json.dumps({"schema": 3, "index": 0}) + "\n"

BROKEN_LINES = [
    ("cut off", lambda lines: lines[:-1] + [lines[-1][:100]],
     "line LAST is cut off: left out"),
    ("not JSON", lambda lines: ["<html>\n"] + lines, "line 1 is broken: left out"),
    ("something else", lambda lines: lines + ['{"name": "x"}\n'],
     "line NEXT is not a repetition; left out"),
    ("newer", lambda lines: lines + [NEWER],
     "line NEXT was written by a newer program: it has schema 3"),
    ("no key", lambda lines: lines + [lines[0].replace('"block"', '"black"')],
     "line NEXT is not a repetition: block is missing or has another type"),
    ("no number", lambda lines: lines + [lines[0].replace(
        '"server_queue_share":', '"server_queue_share":"a lot","x":')],
     "line NEXT is not a repetition: a metric is not a number"),
]


@pytest.mark.parametrize("change, sentence", [case[1:] for case in BROKEN_LINES],
                         ids=[case[0] for case in BROKEN_LINES])
def test_broken_line_is_reported_and_the_rest_drawn(small_run, change, sentence):
    folder = small_run()
    count = len((folder / "repetitions.jsonl").read_text().splitlines())
    sentence = sentence.replace("LAST", str(count)).replace("NEXT", str(count + 1))
    spoil(folder, change)
    made = make(folder)
    assert made.status == 1
    assert f"report.py: {folder}: repetitions.jsonl, {sentence}" in made.said
    assert sentence in html.unescape(made.text)
    assert len(made.page.table("cells-1")) == 7 and made.page.one(id="throughput")


def test_older_run_is_refused(small_run):
    folder = small_run()
    spoil(folder, lambda lines: [line.replace('"schema":2', '"schema":1') for line in lines])
    made = make(folder)
    assert made.status == 1 and not made.path.exists() and made.said.count("\n") == 1
    assert "written by an older program (schema 1, this program reads 2): measure" in made.said


def test_run_without_tables(small_run):
    """Killed before bin/matrix made them: the error names the remedy"""
    folder = small_run(tables=False, incomplete=True)
    made = make(folder)
    assert made.status == 1 and not made.path.exists()
    assert f"no cells.csv: bin/matrix report {folder} makes it" in made.said
    (folder / "cells.csv").write_text("model,cell\npoll")
    assert make(folder).status == 1 and not made.path.exists()


def test_setting_of_a_title_is_drawn(small_run):
    """A family with a single place is drawn only if a title is about it"""
    folder = small_run(settings=[*crafted.CLOSED,
                                 dict(connections=64, placement="shared"),
                                 dict(connections=2, message=16384)])
    crafted.write_csv(folder / "findings.csv", ["chart", "title", "note"], [
        {"chart": chart, "title": "so much on one core", "note": ""}
        for chart in ("server_cpu", "server_cpu/closed shared 64")])
    made = make(folder)
    assert (made.status, made.said) == (0, "")
    text = made.page.one(id="server_cpu").text
    assert "64 connections, closed loop, server and clients on one core" in text
    assert "2 connections, closed loop" not in text.split("The numbers")[0]
    assert "64 connections" not in made.page.one(id="throughput").text.split(
        "The numbers")[0]


def test_cost_of_idle_clients_is_a_line_from_none_on(odd_run):
    """Its title is about the most idle clients"""
    few = odd_run.page.one(id="few")
    assert "16 connections, open loop, 1,000 requests/s offered" in few.text
    rows = odd_run.page.rows("few-1", model="epoll")
    assert [row["idle clients"] for row in rows] == ["0", "100", "900", "5,000"]
    assert "5,000 idle" in few.one("h2").text
    ticks = [(float(text.get("x")), text.text)
             for text in few.one("svg").all("text", class_="c soft")][:-1]
    assert [text for _, text in sorted(ticks)] == ["0", "100", "900", "5,000"]


def test_failed_cell_has_neither_points_nor_curves(small_run):
    """... even if some of its repetitions are valid: bin/matrix decides"""
    folder = small_run()
    rows = list(csv.DictReader((folder / "cells.csv").read_text().splitlines()))
    for row in rows:
        if row["model"] == "poll" and row["connections"] == "1":
            row.update(status="failed", n=0, reason="too few")
    crafted.write_csv(folder / "cells.csv", list(rows[0]), rows)
    page = make(folder).page
    row, = page.rows("throughput-1", model="poll", connections="1")
    assert row["remarks"] == "failed: too few"
    row, = page.rows("closed-split-1-percentiles-1", model="poll")
    assert (row["50 %"], row["99 %"]) == ("–", "–")


def test_lines_are_explained_only_if_drawn(small_run):
    for settings, lines in (crafted.SETTINGS[:2], True), (crafted.SETTINGS[1:2], False):
        folder = small_run(settings=settings)
        made = make(folder)
        for chart in "throughput", "response":
            read = made.page.one(id=chart).one("p", class_="read").text
            assert bool(re.search(r"\bline\b", read)) == lines
        shutil.rmtree(folder)


def test_name_is_at_the_end_of_its_line(odd_run):
    """select is refused beyond 64 connections: its name is not beside 1,000."""
    drawing = next(odd_run.page.one(id="throughput").all("svg"))
    def places(what):
        return [float(text.get("x")) for text in drawing.all("text")
                if text.text == what]
    assert all(abs(x - places("64")[0]) < 60 for x in places("select"))
    assert places("thread")[0] > places("1,000")[0] + 20


def test_incomplete_run_is_marked(small_run):
    made = make(small_run(incomplete=True))
    assert (made.status, made.said) == (0, "")
    assert "This run is not complete." in made.page.one("header").text
    assert "not complete" in made.page.one(id="trust").one("li").text


@pytest.mark.parametrize("name, text", [
    ("machine.json", None), ("machine.json", "{"), ("machine.json", "[1]"),
    ("run.json", None), ("plan.txt", None), ("calls.csv", "x\n1,2\n"),
    ("findings.csv", 'chart,title,note\n"a')])
def test_file_that_is_missing_or_broken(small_run, name, text):
    folder = small_run()
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    made = make(folder)
    assert made.status == 1 and name in made.said
    assert len(made.page.table("cells-1")) == 7


@pytest.mark.parametrize("name, key, value", [
    ("machine.json", "build", 5), ("machine.json", "governors", [[1]]),
    ("run.json", "places", 5), ("run.json", "places", {"split": 5}),
    ("run.json", "blocks", {}), ("run.json", "sittings", [{"started": []}]),
    ("run.json", "seed", math.inf), ("run.json", "plan", "\ud800")])
def test_value_of_another_type(small_run, name, key, value):
    folder = small_run()
    there = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps({**there, key: value}))
    made = make(folder)
    assert "Traceback" not in made.said and "Error" not in made.said
    assert len(made.page.table("cells-1")) == 7


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b"{}", mtime=0),
                                     gzip.compress(b"[]", mtime=0), None],
                         ids=["empty", "no gzip", "no histograms", "list", "none"])
def test_broken_histograms_are_left_out(small_run, content):
    folder = small_run()
    found = run.read(folder).repetitions
    path = folder / next(r["histograms"] for r in found if r["role"] == "timing")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    made = make(folder)
    assert made.status == 1 and path.name in made.said
    assert made.page.one(id="closed-split-64-percentiles")


def test_run_interrupted_while_counting(small_run):
    folder = small_run(incomplete=True, tables=False)
    spoil(folder, lambda lines: [line for line in lines if '"counting"' in line])
    crafted.write_tables(folder)
    made = make(folder)
    assert made.status == 0
    assert "not timed yet" in made.page.one(id="cells").text
    assert made.page.one(id="calls")


def test_idle_clients_alone(small_run):
    made = make(small_run(settings=crafted.SETTINGS[-2:]))
    assert (made.status, made.said) == (0, "")
    assert made.page.one(id="memory") and not list(made.page.all(id="throughput"))


def mutated(value, rng):
    """The same value with a random change"""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        return {**value, key: mutated(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        i = rng.randrange(len(value))
        return value[:i] + [mutated(value[i], rng)] + value[i + 1:]
    return rng.choice([None, [], {}, "", "x", -1, 0, 1e300, True, [None], {"a": 1},
                       "1e9", 10 ** 30, ["x", 2]])


@pytest.mark.parametrize("seed", range(3))
def test_random_changes_never_cause_a_traceback(small_run, seed):
    folder, rng = small_run(), random.Random(seed)
    path = folder / "repetitions.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for i in rng.sample(range(len(lines)), 12):
        lines[i] = mutated(lines[i], rng)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name, content in (("machine.json", crafted.MACHINE), ("run.json", crafted.RUN)):
        (folder / name).write_text(json.dumps(mutated(content, rng)))
    rows = (folder / "cells.csv").read_text().splitlines()
    fields = rows[2].split(",")
    fields[rng.randrange(len(fields))] = rng.choice(["", "x", "-1", "1e300", "nan"])
    rows[2] = ",".join(fields)
    (folder / "cells.csv").write_text("\n".join(rows) + "\n")
    made = make(folder)
    assert "Traceback" not in made.said and "failed" not in made.said
    assert "could not be drawn" not in made.said and made.path.exists()


# ------------------------------------------------------------------ an interpreter

def test_finds_a_python_with_numpy_and_matplotlib(small_run, tmp_path):
    fake = tmp_path / "bin/python3"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nexec /usr/bin/python3 -S "$@"\n')
    fake.chmod(0o755)
    env = {**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"}
    assert subprocess.run([fake, "-c", "import numpy"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 1
    made = program(small_run(), env=env)
    assert (made.status, made.said) == (0, "")


def test_says_what_to_install(small_run, tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError('not here')\n")
    made = program(small_run(), env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert made.status == 1 and not made.path.exists()
    assert "sudo apt-get install python3-numpy python3-matplotlib" in made.said
    assert "Traceback" not in made.said


def test_error_leaves_the_old_page(small_run):
    folder = small_run()
    before = make(folder).text
    (folder / "cells.csv").unlink()
    assert make(folder).status == 1
    assert (folder / "report.html").read_text() == before
    assert not (folder / "report.html.new").exists()


def test_page_into_another_file(small_run, tmp_path):
    """A link stays a link, a pipe gets the page and nothing else."""
    folder = small_run()
    (tmp_path / "link").symlink_to("target.html")
    assert make(folder, "--out", tmp_path / "link").said == ""
    assert (tmp_path / "link").is_symlink() and not (folder / "report.html").exists()
    piped = subprocess.run([reports.REPORT, folder, "-o", "/dev/stdout"], check=True,
                           text=True, capture_output=True)
    assert piped.stdout == (tmp_path / "target.html").read_text()


def test_full_disk_leaves_no_part_of_a_page(small_run):
    folder = small_run()
    done = subprocess.run(["prlimit", "--fsize=10000", reports.REPORT, folder],
                          text=True, capture_output=True, check=False)
    assert done.returncode == 1
    assert f"{folder}/report.html: File too large" in done.stderr
    assert not list(folder.glob("report.html*"))


@pytest.mark.long
def test_full_run_is_below_5_MB(tmp_path):
    """2,000 repetitions, each with its times"""
    folder = crafted.make(tmp_path / "full", **crafted.FULL)
    lines = len((folder / "repetitions.jsonl").read_text().splitlines())
    made = make(folder)
    assert made.status == 0 and lines > 2000
    assert made.path.stat().st_size < 5_000_000


# --------------------------------------------------------- the order of system calls

def traced(model):
    """request.csv: three requests of one client; the second one takes the fewest steps"""
    lines, time = ["model,time_ns,event,thread,process,cpu,what,value,other"], 1_000_000

    def add(event, thread, what="", value="", other="", at=""):
        lines.append(f"{model},{at},{event},{thread},{thread},,{what},{value},{other}")

    add("method", "", "bpf")
    add("server", 10, "0")
    add("thread", 10, model, 0)
    add("thread", 20, "client A", 0)
    add("socket", 10, "A", 5)
    for begins in (time, time + 100_000, time + 200_000):
        for n, event in enumerate([
                ("enter", 20, "sendto", 3), ("wake", 20, "", "", 10), ("on", 0, "", "", 10),
                ("exit", 10, "epoll_wait", 1), ("enter", 10, "recvfrom", 5),
                ("exit", 10, "recvfrom", 64), ("enter", 10, "recvfrom", 5),
                ("exit", 10, "recvfrom", -11), ("enter", 10, "sendto", 5),
                ("exit", 10, "sendto", 64), ("enter", 10, "epoll_wait", 4),
                ("off", 10, "sleeps")]):
            add(*event, at=begins + 1000 * n)
    return "\n".join(lines) + "\n"


def request_of(page, model):
    return next(one for one in page.all("div", class_="request")
                if one.one("h4").text.strip() == model)


def test_steps_of_a_request_are_those_of_the_trace(tmp_path):
    folder = crafted.make(tmp_path / "run")
    (folder / "request.csv").write_text(traced("epoll"), encoding="utf-8")
    page = make(folder).page
    steps = list(request_of(page, "epoll").all("li"))
    assert [step.one("b").text for step in steps] == [
        "epoll_wait", "recvfrom", "recvfrom", "sendto"]
    assert [step.get("class").split()[0] for step in steps] == [
        "sleeps", "works", "polls", "works"]
    assert "not traced" in request_of(page, "poll").text


def test_broken_trace_is_reported_and_left_out(tmp_path):
    folder = crafted.make(tmp_path / "run")
    (folder / "request.csv").write_text(traced("epoll")[:-5] + "\n", encoding="utf-8")
    made = make(folder)
    assert made.status == 1 and "request.csv" in made.said
    assert "not traced" in request_of(made.page, "epoll").text


# ------------------------------------------------------------------------ runtimes

def test_what_a_runtime_stands_on():
    """Its calls of a request, and the most frequent wait, which many requests share"""
    def row(model, n):
        return {"model": model, "loop": "closed", "connections": n, "cell": f"{model} {n}",
                "calls_per_request": 2.1}

    def call(cell, name, n):
        return {"cell": cell, "call": name, "per_request": n}

    counted = [call("node 64", "write", 1.0), call("node 64", "read", 1.0),
               call("node 64", "epoll_pwait", 0.06), call("node 64", "mprotect", 0.04),
               call("node 1", "futex", 9.0), call("epoll 64", "recvfrom", 1.0)]
    found = {}
    for one in counted:
        found.setdefault(one["cell"], []).append(one)
    page = types.SimpleNamespace(model=lambda row: 0, label=lambda row: row["model"])
    few, many = [row("node", 1), row("epoll", 1)], [row("node", 64), row("epoll", 64)]
    assert "<b>node</b>: epoll_pwait + read + write<" in calls.stands_on(page, [many], found)
    assert "<b>node</b>: futex<" in calls.stands_on(page, [many, few], found)
    assert calls.stands_on(page, [[row("epoll", 64)]], found) == ""
