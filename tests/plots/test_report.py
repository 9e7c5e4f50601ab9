# SPDX-License-Identifier: MIT
"""plots/report.py: what stands in the page, and what it does with odd folders.

Pixels are nobody's promise. The numbers behind each chart are: they stand in the
tables below the charts, and in golden/report. After a change that is meant,

    GOLDEN=write tests/run plots -- -k golden

writes them anew; git diff shows what changed. How the page looks and works in a
browser is in test_page.py.
"""

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

import pytest

import crafted
import reports
from reports import TOP, make, program

sys.path.insert(0, str(TOP / "plots"))

from report import facts, reduce, run, stats, times, view, words  # noqa: E402

GOLDEN = pathlib.Path(__file__).parent / "golden/report"

CHARTS = ["overview", "request", "throughput", "response", "load", "server_cpu",
          "switches", "memory", "idle", "few", "size", "calls"]


# ------------------------------------------------------------------- golden numbers

GOLDEN_TABLES = [
    "throughput-1", "response-1", "response-2", "load-1", "load-2", "server_cpu-1",
    "server_cpu-2", "switches-1", "memory-1", "idle-1", "few-1", "size-1", "calls-1",
    "request-1", "closed-split-64-dots-2", "closed-split-64-percentiles-1",
    "closed-split-64-time-1", "closed-split-1000-dots-1",
    "open-split-64-rate-10000-percentiles-1", "open-split-64-rate-40000-dots-2",
    "cells-1", "warnings"]


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
    """Titles, what can be told and what cannot"""
    page = odd_run.page
    titles = [[node.text] for node in page.all("h2")]
    said = [[item.text] for item in page.one(id="trust").all("li")]
    hold("words", as_text(titles + said))


def test_the_same_folder_gives_the_same_page(small_run):
    folder = small_run()
    first = make(folder).text
    assert make(folder).text == first


# --------------------------------------------------------------- what bin/matrix says

def test_words_for_numbers_are_those_of_the_tables():
    said = [words.amount(metric, x) for metric, x in (
        ("response_p50_ns", 999.6), ("response_p50_ns", 12345),
        ("server_cpu_per_request_ns", 0.0), ("requests_per_second", 151999.0),
        ("resident_bytes", 5222.0), ("resident_per_connection_bytes", -12.0),
        ("server_cpu_share", 0.0015), ("calls_per_request", 0.0381),
        ("calls_per_request", None))]
    assert said == ["1.00 µs", "12.3 µs", "0 ns", "152 k/s", "5.10 KiB", "-12.0 B",
                    "0.15 %", "0.038", "–"]


def test_ranks_and_band_are_those_of_stats_h():
    assert [stats.median_rank(n) for n in (1, 5, 6, 8, 9, 12)] == [0, 0, 1, 1, 2, 3]
    pairs = [(1 + i / 100, 1.0) for i in range(1, 31)]
    found = [stats.band(pairs[:n], blocks) for n, blocks in (
        (3, 3), (6, 6), (9, 9), (12, 12), (30, 30), (12, 1), (18, 1), (19, 1), (30, 1))]
    assert found == pytest.approx(
        [None, 1.06, 1.07, 1.09, 1.13, None, None, 1.19, 1.30])


@pytest.fixture(scope="module")
def of_matrix(tmp_path_factory):
    """A run of the real program, as short as can be"""
    tmp_path = tmp_path_factory.mktemp("matrix")
    plan = tmp_path / "tiny.plan"
    plan.write_text("blocks 2\nwarmup 20ms\nwindow 100ms\nmodels poll,epoll\n"
                    "idle 5\nceiling no\ncells closed split connections 2\n"
                    "cells open shared connections 2 rate 500\n")
    folder = tmp_path / "run"
    done = subprocess.run([TOP / "bin/matrix", "run", "--plan", plan, "--out", folder,
                           "--quiet"], capture_output=True, text=True, timeout=110,
                          check=False)
    if not (folder / "cells.csv").exists():
        pytest.skip(f"bin/matrix did not run: {done.stderr}")
    return run.read(folder)


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a == pytest.approx(b, rel=1e-8)
    return a == b


def rejected(folder, which, reason):
    """How many lines which() chooses: it is written that they are invalid"""
    path = folder / "repetitions.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    chosen = [line for line in lines if which(line)]
    for line in chosen:
        line.update(status="invalid", reasons=[reason])
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return len(chosen)


@pytest.fixture(scope="module")
def of_matrix_outgrown(of_matrix, tmp_path_factory):
    """The same, but that the generator was the bottleneck in one of two blocks. That
    is nobody's failure, whatever else happened by chance."""
    folder = tmp_path_factory.mktemp("outgrown") / "run"
    shutil.copytree(of_matrix.path, folder)
    for role, why in ("timing", crafted.BOTTLENECK), ("aa", "it was by chance"):
        rejected(folder, lambda r: r["model"] == "poll" and r["block"] == 1
                 and r["loop"] == "closed" and r["role"] == role, why)
    (folder / "INCOMPLETE").touch()
    done = subprocess.run([TOP / "bin/matrix", "resume", folder, "--quiet", "--force"],
                          capture_output=True, timeout=110, check=False)
    found = run.read(folder)
    if all(row["status"] == "ok" for row in found.cells
           if (row["model"], row["loop"]) != ("poll", "closed")):
        assert done.returncode == 0
    return found


@pytest.mark.parametrize("which", ["of_matrix", "of_matrix_outgrown"])
def test_rows_made_here_are_those_of_matrix(which, request):
    """Of a run that was killed, cells are made here: as bin/matrix makes them"""
    found = request.getfixturevalue(which)
    made = reduce.cells(found.repetitions)
    assert (found.problems, found.made_here) == ([], False)
    assert [row["cell"] for row in made] == [row["cell"] for row in found.cells]
    wrong = [(row["cell"], key, row[key], mine.get(key))
             for row, mine in zip(found.cells, made)
             for key in row if key != "reason" and not same(row[key], mine.get(key))]
    assert wrong == []
    calls = reduce.calls(found.repetitions, made)
    assert [{**call, "x": None} for call in calls] == [
        {**call, "x": None} for call in found.calls] or all(
            same(call[key], mine[key]) for call, mine in zip(found.calls, calls)
            for key in call)


def test_settings_have_the_names_of_findings_csv(of_matrix):
    settings = {words.setting_key(row) for row in of_matrix.cells}
    named = {chart.partition("/")[2] for chart in of_matrix.findings if "/" in chart}
    assert named and named <= settings


# --------------------------------------------------------------------- odd cells

def figures(odd_run, chart):
    return list(odd_run.page.one(id=chart).all("figure"))


def tips(node):
    """What is shown where it is pointed at: {text: node}; titles of pictures left
    out"""
    return {title.text: title.above for title in node.all("title")
            if title.above.tag != "svg"}


def test_what_is_refused_is_hatched_with_its_reason(odd_run):
    figure = figures(odd_run, "throughput")[0]
    hatched = next(node for text, node in tips(figure).items()
                   if text.startswith("select: refused: the server refused 3"))
    assert "url(#" in next(hatched.all("path")).get("style")
    assert hatched.get("data-c") == "1000"
    reasons = odd_run.page.one(id="throughput").one("ol").text
    assert crafted.SELECT_FULL in reasons and crafted.BOTTLENECK in reasons


def test_what_is_not_there_is_no_number(odd_run):
    """Neither a point, nor 0 in a table"""
    figure = figures(odd_run, "throughput")[0]
    assert not any("select, 1,000" in text for text in tips(figure))
    rows = odd_run.page.rows("throughput-1", model="select", connections="1,000")
    assert [row["replies a second"] for row in rows] == ["–"]
    assert rows[0]["remarks"] == f"refused: {crafted.SELECT_FULL}"
    cells = odd_run.page.rows("cells-1", model="uring", status="unsupported")
    assert len(cells) == 2
    assert {row["p99"] for row in cells} == {"–"}


def test_a_number_that_one_cell_lacks_is_hatched_with_its_own_reason(small_run):
    """... which is not why other repetitions of the cell do not count"""
    def without_switches(lines):
        found = [json.loads(line) for line in lines]
        for r in found:
            if r["model"] in ("poll", "uring") and r["role"] == "timing":
                r["metrics"]["voluntary_switches_per_request"] = None
                gone = r["block"] + (3 if r["model"] == "poll" else 10)
                r["warnings"] = [f"{gone} of the server's threads ended in the window: "
                                 "what they waited and switched is not known"]
                if r["block"] == 2:
                    r.update(status="invalid", reasons=["the machine slept"])
        return [json.dumps(r) + "\n" for r in found]
    folder = small_run(models=("poll", "epoll", "uring"))
    spoil(folder, without_switches)
    section = make(folder).page.one("section", id="switches")
    assert "not measured: 4 to 13 of the server's threads ended" in section.text
    assert "not measured: the machine slept" not in section.text
    assert "no reason" not in section.text


def test_bytes_stand_at_powers_of_two(small_run):
    """... and one place is drawn as rows, each with its number"""
    made = make(small_run(settings=crafted.SETTINGS[-1:], models=("epoll", "uring")))
    picture = made.page.one("section", id="memory").one("svg")
    texts = [text.text for text in picture.all("text")]
    assert {"256 B", "1 KiB", "4 KiB"} <= set(texts)
    assert {"210 B", "4.12 KiB", "epoll", "uring"} <= set(texts)
    assert "silent clients" not in texts  # no axis of one place


def test_colours_of_calls_are_explained(odd_run):
    for id in ("calls", "closed-split-64-calls"):
        legend = odd_run.page.one("section", id=id).one("ul", class_="legend")
        assert [item.text for item in legend.all("li")][:3] == \
            ["waits", "receives", "sends"]


def test_how_many_blocks_count_is_said_where_not_all_do(odd_run):
    """busypoll on one core: two of seven blocks do not count"""
    small = [s.text for s in odd_run.page.one("section", id="overview").all("small")]
    assert "n 5, not ranked" in small and not any("n 7" in text for text in small)


def test_no_line_ends_between_a_number_and_its_unit(odd_run):
    assert "411\u00a0µs (uring) to 5.10\u00a0ms" in odd_run.page.one(
        "section", id="response").one("h2").text
    assert words.typeset("3 blocks, 12 s, 5 select, 9 B/s") == \
        "3 blocks, 12\u00a0s, 5 select, 9 B/s"


def test_findings_are_sentences(odd_run):
    """A chart about which findings.csv says nothing is none of them"""
    listed = odd_run.page.one("ul", class_="findings").text
    assert "uring answers 1.12" in listed and "Few talk" not in listed


@pytest.mark.parametrize("status", ["refused", "invalid", "failed", "unsupported"])
def test_every_status_is_hatched_in_the_overview(odd_run, status):
    fields = [cell for cell in odd_run.page.one(id="overview").all("td")
              if "absent" in (cell.get("class") or "")]
    assert any(status in field.text for field in fields)


def test_every_cell_has_a_row(odd_run):
    found = run.read(odd_run.path.parent)
    _, *rows = odd_run.page.table("cells-1")
    assert len(rows) == len(found.cells) == len({r["cell"] for r in found.repetitions})


def test_unsustained_is_hollow_at_the_upper_edge(odd_run):
    for figure in figures(odd_run, "load"):
        hollow = [node for text, node in tips(figure).items()
                  if text.startswith(("aio: not sustained", "mine: not sustained"))]
        assert len(hollow) == 2
        for node in hollow:
            assert "fill-opacity:0" in next(
                part.get("style") for part in node.all("g") if part.get("style"))
            assert {use.get("y") for use in node.all("use")} == {"30"}


def test_points_stand_where_their_numbers_say(odd_run):
    """The higher the number, the higher the point; by the logarithm where it says"""
    point = re.compile(r"(\w+), 64 connections: ([\d.]+) (\S+)")
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
    """Those that count, those that do not, and the second of each A/A pair"""
    chart = odd_run.page.one(id="closed-split-64-dots")
    figure = next(chart.all("figure"))
    found = run.read(odd_run.path.parent)
    of = [r for r in found.repetitions if r["role"] in ("timing", "aa", "ceiling")
          and words.setting_key(r) == "closed split 64"
          and r["metrics"]["requests_per_second"] is not None]
    assert len(list(figure.all("use"))) == len(of)


def test_aa_band_is_that_of_the_pairs(odd_run):
    found = run.read(odd_run.path.parent)
    of = [r for r in found.repetitions if words.setting_key(r) == "closed split 64"]
    timed = {(r["model"], r["block"]): r["metrics"]["requests_per_second"] for r in of
             if r["role"] == "timing" and r["status"] == "ok"}
    pairs = [(timed[r["model"], r["block"]], r["metrics"]["requests_per_second"])
             for r in of if r["role"] == "aa" and (r["model"], r["block"]) in timed]
    wide = words.ratio(stats.band(pairs, 7))
    chart = odd_run.page.one(id="closed-split-64-dots")
    assert f"A/A band: epoll ÷ or × {wide}" in tips(next(chart.all("figure")))
    assert f"replies a second: ÷ or × {wide} ({len(pairs)} pairs)" in chart.text


def test_curves_are_of_all_requests_together(odd_run):
    """Histograms are merged by adding counts: held against a sum made by hand"""
    found = run.read(odd_run.path.parent)
    of = [r for r in found.repetitions if r["role"] == "timing" and r["model"] == "poll"
          and reduce.counts(r) and words.setting_key(r) == "closed split 64"]
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
    assert len(of) == 7 and row["requests"] == words.count(total)
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
def test_chart_says_what_it_is(odd_run, name):
    """A finding as title, how to read it, which way is better, the numbers"""
    chart = odd_run.page.one("section", id=name)
    assert len(chart.one("h2").text) > 20
    assert chart.one("p", class_="read").text.startswith("How to read it. ")
    if name not in ("request",):
        assert re.search("(more|less) is better", chart.text)
    if name != "overview":
        tables = list(chart.all("table"))
        assert tables and all(len(list(table.all("tr"))) > 1 for table in tables)


def test_titles_are_those_of_findings_csv(odd_run):
    for chart, title, note in crafted.FINDINGS[:2] + crafted.FINDINGS[3:9]:
        of = {"response_p50": "response"}.get(chart, chart)
        section = odd_run.page.one("section", id=of)
        assert words.typeset(title) in section.one("h2").text
        assert note in section.one("p", class_="note").text


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


def test_one_file_that_asks_nobody(odd_run):
    text = odd_run.text
    assert "default-src 'none'" in text
    assert not re.findall(r"https?://[^\s\"'<]+", text.replace(
        "http://www.w3.org/1999/xlink", ""))
    links = {node.get(name) for node in odd_run.page.all()
             for name in ("href", "src", "xlink:href") if node.get(name)}
    assert {link[:5] for link in links if not link.startswith("#")} <= {"data:"}
    assert not list(odd_run.page.all("link"))


def test_what_a_run_says_is_no_html(odd_run):
    assert len(list(odd_run.page.all("script"))) == 1
    assert "</script><script>alert('no')</script>" in odd_run.page.one(id="trust").text
    assert "Crafted <CPU> & Sons" in odd_run.page.one("header").text


def test_colours_are_those_of_style_csv(odd_run):
    """No other colour is in any picture, and both themes know all of them"""
    used = set(re.findall(r"#[0-9A-Fa-f]{6}\b", "".join(
        re.findall("<svg.*?</svg>", odd_run.text, re.S))))
    assert used == set()
    named = set(re.findall(r"var\(--(k\d+)\)", odd_run.text))
    light, dark = re.findall(r"color-scheme: (?:light|dark);([^}]*)", odd_run.text)[:2]
    for values in (light, dark):
        assert named <= set(re.findall(r"--(k\d+):#", values))


# ------------------------------------------------------------- can and cannot tell

def said(folder):
    found = view.View(run.read(folder))
    return " ".join(facts.can(found)), " ".join(facts.cannot(found))


def test_few_blocks_allow_no_claim(small_run):
    can, cannot = said(small_run(blocks=5))
    assert "5 blocks allow no claim" in cannot and "call two models" not in can


def test_six_blocks_can_call_a_difference(small_run):
    can, cannot = said(small_run(blocks=6))
    assert "can call two models different" in can and "no claim" not in cannot


@pytest.mark.parametrize("part, value, sentence", [
    (("virtualization",), "none", ""),
    (("virtualization",), "guest", "This is a virtual machine"),
    (("governors",), {"performance": 2}, ""),
    (("governors",), {"powersave": 2}, "(governor powersave)"),
    (("build", "dirty"), False, ""),
    (("build", "dirty"), True, "changes that are in no commit"),
])
def test_facts_follow_the_machine(small_run, part, value, sentence):
    folder = small_run()
    machine = {"virtualization": "none", "governors": None, "build": {"dirty": False}}
    where = machine
    for key in part[:-1]:
        where = where[key]
    where[part[-1]] = value
    (folder / "machine.json").write_text(json.dumps(machine))
    _, cannot = said(folder)
    assert sentence in cannot
    if not sentence:
        assert not any(word in cannot for word in ("virtual machine", "governor",
                                                   "in no commit"))


def test_models_that_are_missing_are_named_with_the_reason(small_run):
    folder = small_run()
    facts_of_run = {**crafted.RUN, "programs": {"uring": None, "poll": "fnv:1"}}
    (folder / "run.json").write_text(json.dumps(facts_of_run))
    _, cannot = said(folder)
    assert "Not built, so not measured: uring." in cannot
    assert "Not asked for, so not in it: thread, busypoll, select and aio." in cannot


def test_generator_bound_cells_are_named(odd_run):
    _, cannot = said(odd_run.path.parent)
    assert "The generator, not the server, was the limit: poll (1,000 connec" in cannot


def test_warnings_are_those_of_the_run(small_run):
    """Without their file, or with one of other repetitions, nobody knows of any."""
    folder = small_run()
    made = reports.program(folder)
    assert "7 to 12,073 times" in made.text and "12 repetitions" in made.text
    (folder / "warnings.csv").unlink()
    assert "warnings.csv is not there" in reports.program(folder).text


# ------------------------------------------------------------------- odd folders

def test_no_folder(tmp_path):
    made = make(tmp_path / "nothing")
    assert made.status == 1 and "no folder of that name" in made.said


def test_folder_that_is_no_run(tmp_path):
    (tmp_path / "cells.csv").write_text("a,b\n1,2\n")
    made = make(tmp_path)
    assert made.status == 1 and not made.path.exists()
    assert made.said.count("\n") == 1
    assert "no run of bin/matrix: repetitions.jsonl: No such file" in made.said


def test_no_arguments():
    done = subprocess.run([reports.REPORT], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2 and "usage: report.py" in done.stderr


def spoil(folder, change):
    path = folder / "repetitions.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(change(lines)))
    for name in ("cells.csv", "calls.csv", "findings.csv"):
        (folder / name).unlink()


NEWER = json.dumps({"schema": 2, "index": 0}) + "\n"

BROKEN_LINES = [
    ("cut off", lambda lines: lines[:-1] + [lines[-1][:100]],
     "line LAST is cut off: left out"),
    ("not JSON", lambda lines: ["<html>\n"] + lines, "line 1 is broken: left out"),
    ("something else", lambda lines: lines + ['{"name": "x"}\n'],
     "line NEXT is no repetition; left out"),
    ("newer", lambda lines: lines + [NEWER],
     "line NEXT was written by a newer program: schema 2, and this one reads 1"),
    ("no part", lambda lines: lines + [lines[0].replace('"depth"', '"deep"')],
     "line NEXT is no repetition: depth is not there, or is something else"),
    ("no number", lambda lines: lines + [lines[0].replace(
        '"server_queue_share":', '"server_queue_share":"a lot","x":')],
     "line NEXT is no repetition: a metric is no number"),
    ("odd word", lambda lines: lines + [lines[0].replace('"closed"', '"shut"')],
     "line NEXT is no repetition: loop 'shut' is unknown"),
]


@pytest.mark.parametrize("change, sentence", [case[1:] for case in BROKEN_LINES],
                         ids=[case[0] for case in BROKEN_LINES])
def test_broken_line_is_said_and_the_rest_drawn(small_run, change, sentence):
    folder = small_run()
    count = len((folder / "repetitions.jsonl").read_text().splitlines())
    sentence = sentence.replace("LAST", str(count)).replace("NEXT", str(count + 1))
    spoil(folder, change)
    made = make(folder)
    assert made.status == 1
    assert f"report.py: {folder}: repetitions.jsonl, {sentence}" in made.said
    assert sentence in html.unescape(made.text)
    assert len(made.page.table("cells-1")) == 7 and made.page.one(id="throughput")


def test_only_newer_lines_draw_nothing(small_run):
    folder = small_run()
    spoil(folder, lambda lines: [NEWER])
    made = make(folder)
    assert made.status == 1 and not made.path.exists()
    assert "no repetition that can be read" in made.said
    assert "newer program" in made.said


def test_run_that_was_killed(small_run):
    """Neither cells.csv nor findings: the same numbers, made of the lines"""
    folder = small_run(incomplete=True)
    before = make(folder).page.table("throughput-1")
    for name in ("cells.csv", "calls.csv", "findings.csv"):
        (folder / name).unlink()
    made = make(folder)
    assert made.status == 1 and "cells.csv is not there" in made.said
    assert made.page.table("throughput-1") == before
    assert "This run is not complete." in made.page.one("header").text


def test_what_a_title_is_about_is_drawn(small_run):
    """Lines first; but a setting with one place, if it is the one that is named"""
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


def test_few_that_talk_in_an_open_loop(small_run):
    folder = small_run(settings=[
        *crafted.CLOSED, dict(loop="open", connections=16, rate=1e4, idle=900)])
    made = make(folder)
    assert (made.status, made.said) == (0, "")
    few = made.page.one(id="few")
    assert "16 connections, open loop, 10,000 requests/s offered" in few.text
    rows = made.page.rows("few-1", model="epoll")
    assert [row["silent clients"] for row in rows] == ["900"]
    assert "replies a second" not in few.text


def test_what_is_left_by_a_weak_generator_is_not_shown(small_run):
    """It kept up in two blocks of five, because there the server was slow."""
    folder = small_run(blocks=5)
    assert rejected(folder, lambda r: r["model"] == "poll" and r["connections"] == 1
                    and r["role"] == "timing" and r["block"] in (1, 3, 4),
                    crafted.BOTTLENECK) == 3
    crafted.write_reduced(folder)
    made = make(folder)
    assert (made.status, made.said) == (0, "")
    row, = made.page.rows("throughput-1", model="poll", connections="1")
    assert row["n"] == "0" and row["remarks"].startswith(
        "invalid: the generator was the bottleneck in 3 repetitions;"), row
    assert "These servers can do more than was asked" in made.page.one(id="trust").text
    row, = made.page.rows("closed-split-1-percentiles-1", model="poll")
    assert (row["50 %"], row["99 %"]) == ("–", "–")


def test_cells_csv_of_before_a_resume(small_run):
    folder = small_run()
    path = folder / "repetitions.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-3]))
    made = make(folder)
    assert made.status == 1 and "cells.csv is not of these repetitions" in made.said
    assert crafted.FINDINGS[0][1] not in made.text


def test_only_a_line_is_explained_as_one(small_run):
    for settings, lines in (crafted.SETTINGS[:2], True), (crafted.SETTINGS[1:2], False):
        folder = small_run(settings=settings)
        made = make(folder)
        for chart in "throughput", "response":
            read = made.page.one(id=chart).one("p", class_="read").text
            assert bool(re.search(r"\bline\b", read)) == lines
        shutil.rmtree(folder)


def test_a_name_stands_where_its_line_ends(odd_run):
    """select is refused beyond 64 connections: its name is not beside 1,000."""
    drawing = next(odd_run.page.one(id="throughput").all("svg"))
    def places(what):
        return [float(text.get("x")) for text in drawing.all("text")
                if text.text == what]
    # Its name stands below, too, beside what is hatched.
    assert any(abs(x - places("64")[0]) < 60 for x in places("select"))
    assert places("thread")[0] > places("1,000")[0] + 20


def test_incomplete_run_is_marked_and_fine(small_run):
    made = make(small_run(incomplete=True))
    assert (made.status, made.said) == (0, "")
    assert "This run is not complete." in made.page.one("header").text
    assert "It is not complete" in made.page.one(id="trust").text


@pytest.mark.parametrize("name, text", [
    ("machine.json", None), ("machine.json", "{"), ("machine.json", "[1]"),
    ("run.json", None), ("plan.txt", None), ("calls.csv", "x\n1,2\n"),
    ("cells.csv", "model,cell\npoll"), ("findings.csv", 'chart,title,note\n"a')])
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
    """It is not known then, and the page is made all the same."""
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


def test_run_without_any_timing(small_run):
    """Interrupted while it was counting"""
    folder = small_run(incomplete=True)
    spoil(folder, lambda lines: [line for line in lines if '"counting"' in line])
    made = make(folder)
    assert made.status == 1
    assert "not timed yet" in made.page.one(id="cells").text
    assert made.page.one(id="calls")


def test_silent_clients_alone(small_run):
    made = make(small_run(settings=crafted.SETTINGS[-2:]))
    assert (made.status, made.said) == (0, "")
    assert made.page.one(id="memory") and not list(made.page.all(id="throughput"))


def mutated(value, rng):
    """The same, but for something in it"""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        return {**value, key: mutated(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        i = rng.randrange(len(value))
        return value[:i] + [mutated(value[i], rng)] + value[i + 1:]
    return rng.choice([None, [], {}, "", "x", -1, 0, 1e300, True, [None], {"a": 1},
                       "1e9", 10 ** 30, ["x", 2]])


def test_no_line_of_json_leads_to_a_traceback(small_run):
    folder = small_run()
    path = folder / "repetitions.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    rng = random.Random(5)
    for _ in range(400):
        changed = list(lines)
        for _ in range(3):
            i = rng.randrange(len(lines))
            changed[i] = mutated(changed[i], rng)
        path.write_text("".join(json.dumps(line) + "\n" for line in changed))
        for name in ("machine.json", "run.json"):
            content = crafted.MACHINE if name == "machine.json" else crafted.RUN
            (folder / name).write_text(json.dumps(mutated(content, rng)))
        found = view.View(run.read(folder))
        facts.can(found), facts.cannot(found)


@pytest.mark.parametrize("seed", range(6))
def test_no_folder_leads_to_a_traceback(small_run, seed):
    """The whole page, of lines that were changed at random"""
    folder, rng = small_run(), random.Random(seed)
    path = folder / "repetitions.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for i in rng.sample(range(len(lines)), 6):
        lines[i] = mutated(lines[i], rng)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    made = make(folder)
    assert "Traceback" not in made.said and "failed" not in made.said
    assert "could not be drawn" not in made.said and made.path.exists()


# ------------------------------------------------------------------ an interpreter

def test_finds_a_python_that_has_what_it_needs(small_run, tmp_path):
    """The first python3 on PATH has neither numpy nor matplotlib"""
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
    """No python3 has them"""
    (tmp_path / "numpy.py").write_text("raise ImportError('not here')\n")
    made = program(small_run(), env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert made.status == 1 and not made.path.exists()
    assert "sudo apt-get install python3-numpy python3-matplotlib" in made.said
    assert "Traceback" not in made.said


def test_failed_drawing_leaves_the_old_page(small_run):
    folder = small_run()
    before = make(folder).text
    spoil(folder, lambda lines: [NEWER])
    assert make(folder).status == 1
    assert (folder / "report.html").read_text() == before
    assert not (folder / "report.html.new").exists()


def test_page_into_another_file(small_run, tmp_path):
    folder = small_run()
    done = subprocess.run([reports.REPORT, folder, "--out", tmp_path / "x.html"],
                          capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path / 'x.html'}\n"
    assert (tmp_path / "x.html").exists() and not (folder / "report.html").exists()


def test_page_into_what_is_no_regular_file(small_run, tmp_path):
    """A pipe (or a device) stays what it is, and so does a link; nothing but the page
    gets into it"""
    folder = small_run()
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["timeout", "60", "cat", tmp_path / "pipe"], text=True,
                          stdout=subprocess.PIPE) as reader:
        subprocess.run([reports.REPORT, folder, "-o", tmp_path / "pipe"], check=True)
        assert (tmp_path / "pipe").is_fifo()
        page = reader.communicate()[0]
    assert page.endswith("</html>\n")
    (tmp_path / "link").symlink_to("target.html")
    for _ in range(2):
        subprocess.run([reports.REPORT, folder, "-o", tmp_path / "link"], check=True)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "target.html").read_text() == page
    piped = subprocess.run([reports.REPORT, folder, "-o", "/dev/stdout"], check=True,
                           text=True, capture_output=True)
    assert piped.stdout == page


def test_page_that_cannot_be_written_whole(small_run):
    """As on a full disk: the file is named, and nothing of it is left"""
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

CLIENT = """
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for _ in range(8):
    time.sleep(0.03)
    s.sendall(b"x" * 64)
    n = 0
    while n < 64:
        n += len(s.recv(64))
time.sleep(0.03)
"""

def traced(model, tmp_path):
    """System calls of a server with one client, as strace sees them: [(thread, name)]"""
    log = tmp_path / "strace"
    server = subprocess.Popen(
        ["strace", "-f", "-o", log, TOP / "bin" / model, "--message", "64"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        ready = server.stdout.readline()
        if not ready.startswith("ready"):
            pytest.skip(f"strace or {model} cannot run: {server.stderr.read()}")
        ready = dict(word.split("=") for word in ready.split()[1:])
        subprocess.run([sys.executable, "-c", CLIENT, ready["port"]], check=True)
        os.kill(int(ready["pid"]), 15)
        server.wait(60)
    finally:
        server.kill()
        server.communicate()
    begun = re.compile(r"(\d+) +(\w+)\(")
    return [found.groups() for line in log.read_text().splitlines()
            if (found := begun.match(line))]


def in_turn(described, seen):
    """Whether what is described comes over and over in what was seen: each call of
    the one is the next of the other, as many as five turns"""
    turn = 0
    names = iter(seen)
    for _ in range(5):
        for wanted in described:
            turn += 1
            if next((name for name in names if name in wanted), None) is None:
                return False
    return True


def steps_of(model):
    from report.charts import steps
    return [(who, set(names.split())) for who, names, _, _ in steps.STEPS[model]
            if who != steps.KERNEL]


@pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace")
@pytest.mark.parametrize("name", ["thread", "busypoll", "select", "poll", "epoll",
                                  "aio", "uring"])
def test_order_of_calls_is_what_strace_sees(name, tmp_path):
    if not (TOP / "bin" / name).exists():
        pytest.skip(f"bin/{name} is not built")
    calls = traced(name, tmp_path)
    server = calls[0][0]
    for who in {who for who, _ in steps_of(name)}:
        described = [names for of, names in steps_of(name) if of == who]
        known = set().union(*described)
        if name == "thread":  # a client's thread is the one that is meant
            seen = [call for pid, call in calls if pid != server]
        else:
            seen = [call for pid, call in calls if (pid == server) == (who == "server")]
        if who == "server" and name != "thread":  # it has said that it is ready
            seen = seen[seen.index("write") + 1:]
        if "sendto" in known:  # from the first reply on
            seen = seen[seen.index("sendto") + 1:]
        if "close" in seen:  # the client is gone
            seen = seen[:seen.index("close")]
        assert in_turn(described, seen)
        strange = set(seen[len(seen) // 3:2 * len(seen) // 3]) - known
        assert name == "aio" or not strange  # aio: threads that come and go
