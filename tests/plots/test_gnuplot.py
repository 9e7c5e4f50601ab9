# SPDX-License-Identifier: MIT
"""plots/draw: the charts of a run with every kind of odd cell, and of broken runs.

golden/ has the numbers behind each chart (NAME.tsv) and gnuplot's input for one chart of
each form (NAME.points). After an intended change,

    GOLDEN=write tests/run plots -- -k golden

rewrites them; git diff shows what changed.
"""

import csv
import os
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

import tables
from tables import busy, cell

TOP = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = pathlib.Path(__file__).parent / "golden"


def draw(*args, script=TOP / "plots/draw", **environment):
    return subprocess.run([script, *args], capture_output=True, text=True,
                          check=False, env={**os.environ, **environment})


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The charts of an interrupted run; work/ has gnuplot's input"""
    base = tmp_path_factory.mktemp("a 'run' of mine")
    run = tables.make(base / "run", incomplete=True)
    done = draw(run, base / "charts", KEEP=str(base / "charts/work"))
    assert (done.returncode, done.stderr) == (0, "")
    return base / "charts"


def text_of(svg):
    """All text of a picture"""
    tree = xml.etree.ElementTree.parse(svg)
    texts = tree.iter("{http://www.w3.org/2000/svg}text")
    return " ".join(" ".join("".join(text.itertext()).split()) for text in texts)


def points_of(work):
    return "".join(f"== {path.name}\n{path.read_text()}"
                   for path in sorted(work.iterdir())
                   if path.name not in ("page.gp", "described"))


NAMES = ["throughput", "response", "load", "few", "server_cpu", "calls", "switches",
         "memory", "idle", "more/throughput-closed-shared",
         "more/response-closed-shared", "more/load-open-shared-64"]

each_chart = pytest.mark.parametrize("name", NAMES)


# ------------------------------------------------------------------------ charts

@each_chart
def test_golden(drawn, name):
    made = {"tsv": (drawn / f"{name}.tsv").read_text()}
    if name in ("load", "calls", "more/response-closed-shared"):
        made["points"] = points_of(drawn / "work" / name)
    for kind, text in made.items():
        golden = GOLDEN / f"{pathlib.Path(name).name}.{kind}"
        if os.environ.get("GOLDEN") == "write":
            GOLDEN.mkdir(exist_ok=True)
            golden.write_text(text)
        assert text == golden.read_text(), golden


@each_chart
def test_drawn_as_svg_and_png(drawn, name):
    png = (drawn / f"{name}.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n") and png.endswith(b"IEND\xaeB`\x82")
    assert int.from_bytes(png[16:20], "big") == 900
    text = text_of(drawn / f"{name}.svg")
    assert "is better" in text and "Linux 6.1.0-odd, Odd’ CPU" in text
    assert "INCOMPLETE" in text


def test_every_chart_of_the_table_is_drawn(drawn):
    with open(TOP / "plots/charts.csv", encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        charts = {row["chart"] for row in rows}
    assert charts == {name for name in NAMES if "/" not in name} | {
        "verdicts", "size", "depth",  # no messages and depths to compare
        "kerrisk", "waits"}  # of bin/primitives
    everything = {path.relative_to(drawn).with_suffix("").as_posix()
                  for path in [*drawn.glob("*.svg"), *drawn.glob("more/*.svg")]}
    assert set(NAMES) <= everything


def test_title_is_the_finding(drawn):
    """The run's own choice if it is about this chart, else that of a setting in it"""
    tree = xml.etree.ElementTree.parse(drawn / "throughput.svg")
    titles = [one.text for one in
              tree.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == [tables.FINDINGS[3][1]]
    assert tables.FINDINGS[3][1] in text_of(drawn / "throughput.svg")
    assert "requests/s at 64 connections (one core)" in text_of(
        drawn / "more/throughput-closed-shared.svg")
    assert "1.5 times the CPU" in text_of(drawn / "more/server-cpu-closed-split.svg")
    assert "13.3 to 13.9 times the CPU" in text_of(drawn / "few.svg")
    assert tables.FINDINGS[-1][1] in text_of(drawn / "calls.svg")  # about no single setting
    assert "p50: from 478 µs (epoll) to 1.83 ms" in text_of(drawn / "response.svg")


@each_chart
def test_missing_values_have_their_reason(drawn, name):
    with open(drawn / f"{name}.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    text = text_of(drawn / f"{name}.svg")
    for row in rows:
        if row["median"] or row["measure"].startswith("call "):
            continue
        if row["status"] == "ok":
            assert "not counted" in text or "not measured" in text, row
        else:
            start = row["reason"].split(" ")[0].replace("'", "’")
            assert f"{row['status']}: {start}" in text, row


def test_reasons_are_escaped(drawn):
    shown = tables.NASTY.replace("'", "’")
    assert f"failed: {shown}" in text_of(drawn / "throughput.svg")
    shown = tables.NASTY.replace('"', "”")
    assert f"failed: {shown}" in text_of(drawn / "calls.svg")


def test_signs_are_explained(drawn):
    load = text_of(drawn / "load.svg")
    assert "epoll ?" in load and "? – some values are uncertain" in load
    assert "thread ?" not in load
    assert "below 6 blocks" in text_of(drawn / "throughput.svg")
    assert "One repetition each" in text_of(drawn / "memory.svg")
    assert "service time" in text_of(drawn / "more/load-open-shared-64.svg")


def points(svg):
    """[(x, y, colour)] of the markers in a picture"""
    return [(float(x), float(y), tuple(int(part) for part in color.split(",")))
            for x, y, color in re.findall(
                r"translate\(([\d.]+),([\d.]+)\) scale\([\d.]+\)' "
                r"color='rgb\(([\d, ]+)\)'", svg.read_text())]


PAPER = (255, 255, 255)  # inside a hollow point


def test_saturated_points_are_hollow_and_named(drawn):
    """From which load on each model is saturated; one that spins is not, while it answers"""
    assert "saturated" in text_of(drawn / "load.svg")
    assert "aio from 40,000; thread from 80,000" in text_of(drawn / "load.svg")
    hollow = [one for one in points(drawn / "load.svg") if one[2] == PAPER]
    assert len(hollow) == 2 * (2 + 1)  # panels; aio twice, thread once
    text = text_of(drawn / "few.svg")
    assert "uses its whole core" in text and "busypoll everywhere; poll from 5,000" in text


def test_hollow_points_are_told_exactly(tmp_path):
    rates = (5000, 20000, 40000)
    rows = [cell(model, f"open split 64 rate {rate}", marks="whole" if rate in hollow else "",
                 **tables.times(3e4, rate)) for model, hollow in (
                     ("thread", rates), ("select", rates[1:]), ("poll", (5000, 40000)),
                     ("epoll", ()), ("aio", rates[1:])) for rate in rates]
    run = tables.make(tmp_path / "run", rows=rows)
    assert draw(run).returncode == 0
    assert "run: thread everywhere; poll at 5,000, 40,000; select, aio from 20,000" in text_of(
        run / "charts/load.svg")


def test_throughput_at_the_limit_of_the_generator_is_at_least(drawn):
    assert "at least so many replies" in text_of(drawn / "throughput.svg")
    assert "≥ 90.0 k" in text_of(drawn / "more/throughput-closed-shared.svg")
    arrows = (drawn / "work/throughput/bounds1").read_text().splitlines()
    assert len(arrows) == 2 and all(float(line.split()[2]) > 0 for line in arrows)
    with open(drawn / "throughput.tsv", encoding="utf-8") as file:
        marks = {(row["model"], row["connections"]): row["marks"]
                 for row in csv.DictReader(file, delimiter="\t")}
    assert marks["epoll", "64"] == "at least" and marks["epoll", "1"] == ""


def test_cut_bar_has_its_number(drawn):
    text = text_of(drawn / "calls.svg")
    assert "9000 →" in text and "120 →" in text and "→ – this bar" in text
    assert "recvfrom" in text and "unheard_of" in text
    assert "baseline" not in text  # not counted


def test_bar_is_cut_if_six_times_as_long_as_the_next(tmp_path):
    run = tables.make(tmp_path / "run", rows=[
        cell("epoll", "closed split 64", **busy(1e5, 8000, calls=2)),
        cell("busypoll", "closed split 64", **busy(1e5, 8000, calls=9.9)),
        cell("aio", "closed split 64", n=1, **busy(2e4, 8000, calls=22.2)),
        cell("mine", "closed split 64", **busy(1e5, 8000, calls=900))])
    assert draw(run).returncode == 0
    text = text_of(run / "charts/calls.svg")
    assert "900 →" in text and text.count("→") == 2  # the second is its explanation
    assert "22.2" in text and "9.90" in text
    assert "No bar: one block" in text_of(run / "charts/throughput.svg")


def test_lines_are_explained_only_if_drawn(drawn):
    assert "Where a line" in text_of(drawn / "throughput.svg")
    assert "Where a line" not in text_of(drawn / "more/throughput-closed-shared.svg")


def test_reasons_that_differ_in_numbers_are_one(tmp_path):
    def drawn_with(*shares):
        models = ["select", "poll", "aio"]
        run = tables.make(tmp_path / str(len(set(shares))), rows=[
            cell("epoll", "closed split 1", **busy(1e5, 8000)),
            cell("epoll", "closed split 64", **busy(1e5, 8000)),
            *(cell(model, "closed split 64", status="failed",
                   reason=f"the host took {share} %")
              for model, share in zip(models, shares))])
        assert draw(run).returncode == 0
        return text_of(run / "charts/throughput.svg")
    names = "missing – select (64), poll (64), aio (64): "
    assert f"{names}failed: the host took 7 %" in drawn_with(7, 7, 7)
    text = drawn_with(7, 8, 9)
    assert f"{names}for example failed: the host took 7 %" in text
    assert text.count("missing –") == 1


def test_number_of_blocks_is_sorted_as_a_number(tmp_path):
    run = tables.make(tmp_path / "run", rows=[
        cell("epoll", "closed split 64", n=14, **busy(1e5, 8000)),
        cell("poll", "closed split 64", n=9, **busy(1e5, 8000)),
        cell("aio", "closed split 64", n=10, **busy(1e5, 8000))])
    assert draw(run).returncode == 0
    assert "Medians of 9 to 14 blocks" in text_of(run / "charts/throughput.svg")


def test_missing_metric_of_a_valid_cell(tmp_path):
    """Its `reason` is about its discarded repetitions"""
    odd = cell("poll", "closed split 64", reason=tables.DIED, requests=9e4)
    none = {**cell("thread", "closed split 64", requests=1e4), "calls_method": "none"}
    early = cell("aio", "closed split 64", n=0, reason="it was not timed yet")
    run = tables.make(tmp_path / "run", rows=[
        cell("epoll", "closed split 64", **busy(1e5, 8000, calls=2)), odd, none, early])
    assert draw(run).returncode == 0
    switches, calls = (text_of(run / f"charts/{name}.svg")
                       for name in ("switches", "calls"))
    assert "not measured (see repetitions.jsonl)" in switches
    assert "not measured: it was not timed yet" in switches
    assert "not counted: this user has no permission" in calls
    assert tables.DIED not in switches + calls


# -------------------------------------------------------------------------- verdicts

ROWS = tables.comparisons()
DRAWN = [row for row in ROWS if row["low"] != "" and
         not (row["state"] == "whole core" and row["metric"] == tables.CPU)]


def percent(ratio):
    return f"{100 * (ratio - 1):+.1f}".replace("-", "−")


def words_of(row):
    """The numbers of a comparison, as the chart has them"""
    ratio, low, high = row["ratio"], row["low"], row["high"]
    if 0.8 <= ratio <= 1.25 and low > 0.5 and high < 2:
        return f"{percent(ratio)} % ({percent(low)} … {percent(high)})"
    return "×{} ({} … {})".format(*(f"{x:.{2 if x < 9.995 else 1 if x < 99.95 else 0}f}"
                                    for x in (ratio, low, high)))


LEAD = [f"{load} split {rest}" for load, rest in (
    ("closed", "1"), ("closed", "64"), ("open", "16 rate 1000 idle 900"),
    ("open", "64 rate 20000"))]


def chart_of(drawn, row):
    """The picture with the setting of this comparison"""
    return drawn / ("verdicts.svg" if row["setting"] in LEAD else "more/verdicts.svg")


def test_numbers_are_those_of_the_comparisons(drawn):
    assert len(DRAWN) > 20
    for row in DRAWN:
        assert words_of(row) in text_of(chart_of(drawn, row)), row
    assert "−0.6 … +0.6 %" in text_of(drawn / "verdicts.svg")  # the twin


def title_of(svg):
    """Its lines are balanced, so a break may be anywhere"""
    return re.search("<title>(.*)</title>", svg.read_text())[1]


def test_title_is_a_finding_about_a_setting_of_the_chart(drawn, tmp_path):
    """... the most telling, without others; else how many comparisons are decided"""
    assert title_of(drawn / "verdicts.svg") == tables.FINDINGS[2][1].partition(";")[0]
    assert title_of(drawn / "more/verdicts.svg") == tables.FINDINGS[0][1]
    run = tables.make(tmp_path / "run")
    tables.write_csv(run / "findings.csv", ["chart", "title", "note"],
                     [dict(zip(("chart", "title"), tables.FINDINGS[i])) for i in (0, 1)])
    work = tmp_path / "work"
    assert draw(run, KEEP=str(work), PATH=without_drawing(tmp_path)).returncode == 0
    assert tables.FINDINGS[0][1] in (work / "verdicts/described").read_text()


def test_undecided_points_are_hollow(drawn):
    """All others are filled; what uses its whole core has no point"""
    of = points(drawn / "verdicts.svg")
    shown = [row for row in ROWS if row["ratio"] != "" and not (
        row["state"] == "whole core" and row["metric"] == tables.CPU) and
        row["setting"] in LEAD]
    undecided = [row for row in shown if row["verdict"] in ("undecided", "bound")]
    assert len(of) == len(shown) + len(undecided) and undecided
    assert sum(color == PAPER for *_, color in of) == len(undecided)


def test_points_are_in_order_and_on_their_side(drawn):
    """Of each panel: a larger ratio is further right"""
    for n, setting in enumerate(("closed split 1", "closed split 64"), 1):
        for k, metric in ((1, tables.CPU), (2, tables.RATE)):
            of = [row for row in DRAWN if row["setting"] == setting
                  and row["metric"] == metric]
            lines = (drawn / f"work/verdicts/rows{n}_{k}").read_text().splitlines()
            at = {line.split('"')[1]: [float(x) for x in line.split()[1:4]]
                  for line in lines if not line.startswith("1 ")}
            found = sorted((row["ratio"], *at[words_of(row)]) for row in of)
            assert [x for _, x, *_ in found] == sorted(x for _, x, *_ in found)
            assert all(low < x < high for _, x, low, high in found)


def page_of(drawn, name):
    return (drawn / f"work/{name}/page.gp").read_text()


def test_large_ratio_does_not_squeeze_those_near_1(drawn):
    """The margin is still wide beside a ratio of 13.6, and the axis says how"""
    near = [float(x) for x in re.findall(r"near\[\d+\] = ([\d.]+)",
                                         page_of(drawn, "verdicts"))]
    far = [float(x) for x in re.findall(r"far\[\d+\] = ([\d.]+)",
                                        page_of(drawn, "verdicts"))]
    assert len(near) == 8 and all(b - a > 15 for a, b in zip(near, far))
    assert "Shaded: ±5 %" in text_of(drawn / "verdicts.svg")  # that of the run
    titles = dict(re.findall(r"title\[(\d+)\] = '(.*)'", page_of(drawn, "verdicts")))
    assert [n for n, text in titles.items() if "stretched axis" in text] == ["2", "5", "6", "7"]
    assert "stretched axis – one ratio is so far" in text_of(drawn / "verdicts.svg")


def test_whole_core_is_a_state_and_no_number(drawn):
    text = text_of(drawn / "more/verdicts.svg")
    words = drawn / "work/more/verdicts/words2_1"  # 5,000 idle clients
    assert words.read_text().count("uses its whole core") == 2
    assert "uses its whole core" in text and "×67" not in text
    assert "×111" not in text_of(drawn / "verdicts.svg")
    assert "whole core – it spins or is saturated" in text


def test_missing_comparison_has_its_reason(drawn):
    text = text_of(drawn / "verdicts.svg")
    assert f"missing – uring (1 connection): unsupported: {tables.NO_URING}" in text
    assert "missing – busypoll (64 connections): not compared by CPU time" in text


def test_bound_has_an_open_end(drawn):
    text = text_of(drawn / "verdicts.svg")
    assert "at most ×0.65" in text and "at most ×0.80" in text and "×0.61" not in text
    lines = (drawn / "work/verdicts/rows2_2").read_text().splitlines()
    assert [float(line.split()[-2]) < 0 for line in lines] == [True, True, False]


def test_lead_chart_has_the_last_place_before_saturation(drawn):
    text = text_of(drawn / "verdicts.svg")
    for words in ("1 connection, ", "64 connections, closed", "20,000 requests/s",
                  "900 idle clients"):
        assert words in text
    more = text_of(drawn / "more/verdicts.svg")
    for words in ("5,000 idle", "100 idle", "80,000 requests/s", "5,000 requests/s"):
        assert words not in text and words in more


def test_absurdly_wide_interval_is_cut(tmp_path):
    run = tables.make(tmp_path / "run")
    tables.write_csv(run / "comparisons.csv", tables.VERSUS, [
        {**row, "low": 1e-9, "high": 3e15, "verdict": "undecided"}
        if row is ROWS[4] else row for row in ROWS])
    work = tmp_path / "work"
    assert draw(run, KEEP=str(work)).returncode == 0
    assert "×0.97 (<0.001 … >999)" in text_of(run / "charts/verdicts.svg")
    page = (work / "verdicts/page.gp").read_text()
    near, far = (float(re.search(rf"{end}\[1\] = ([\d.]+)", page)[1]) for end in ("near", "far"))
    assert far - near > 30


def test_run_without_twin(tmp_path):
    run = tables.make(tmp_path / "run")
    tables.write_csv(run / "comparisons.csv", tables.VERSUS,
                     [{**row, "aa_low": "", "aa_high": ""} for row in ROWS])
    assert draw(run).returncode == 0
    text = text_of(run / "charts/verdicts.svg")
    assert "A/A twin" in text and "not measured" in text and words_of(ROWS[0]) in text


@pytest.mark.parametrize("field, value, said", [
    ("ratio", "-1", "'-1' is not a ratio"), ("low", "x", "'x' is not a ratio"),
    ("setting", "closed split 5", "cells.csv has no setting 'closed split 5'")])
def test_broken_comparison_is_reported(tmp_path, field, value, said):
    run = tables.make(tmp_path / "run")
    tables.write_csv(run / "comparisons.csv", tables.VERSUS,
                     [{**ROWS[0], field: value}, *ROWS[1:]])
    done = draw(run, PATH=without_drawing(tmp_path))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"comparisons.csv: line 2: {said}: left out" in done.stderr
    assert (run / "charts/verdicts.svg").exists()


# ----------------------------------------------------------------------------- style

def test_dashes_of_the_style_are_drawn(drawn):
    text = (drawn / "throughput.svg").read_text()
    for dash in ("12.8,4.8", "2.4,3.2", "8.0,3.2"):  # thread, busypoll, select
        assert f"stroke-dasharray='{dash}'" in text
    assert "id='gpPt1' stroke-width='0.55'" in text  # visible crosses


def style():
    with open(TOP / "plots/style.csv", encoding="utf-8") as file:
        return list(csv.DictReader(
            line for line in file if not line.startswith("#")))


def contrast(one, other):
    def light(color):
        parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4
                 for p in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    a, b = sorted([light(one), light(other)])
    return (b + 0.05) / (a + 0.05)


def test_many_models_with_long_names(tmp_path):
    """Names are not cut, and each line has room for its own."""
    names = ["epoll", "delayloop:delay=0.1ms", "delayloop:delay=10ms",
             "uring_multishot:min-wait=100us", *(f"variant_{i}" for i in range(16))]
    run = tables.make(tmp_path / "run", rows=[
        cell(name, f"closed split {n}", **busy(1e5 + i * 1e3 * n, 1e4, calls=2))
        for n in (1, 64) for i, name in enumerate(names)])
    assert draw(run, tmp_path / "charts").returncode == 0
    for chart in ("throughput", "calls"):
        tree = xml.etree.ElementTree.parse(tmp_path / f"charts/{chart}.svg")
        width = float(tree.getroot().get("viewBox").split()[2])
        places = []
        for group in tree.iter("{http://www.w3.org/2000/svg}g"):
            for text in group.findall("{http://www.w3.org/2000/svg}text"):
                name = "".join(text.itertext()).strip()
                if name in names and group.get("transform"):
                    places.append([name, *map(float, re.findall(
                        r"[0-9.]+", group.get("transform"))[:2]), group])
        assert {place[0] for place in places} == set(names)
        for name, x, _, group in places:
            if "end" in group.get("text-anchor", "start"):
                assert x - 6 * len(name) > 0, (chart, name)
            else:
                assert x + 6 * len(name) < width, (chart, name)
        heights = sorted(y for _, _, y, _ in places)
        if chart == "throughput":
            assert min(b - a for a, b in zip(heights, heights[1:])) > 14


def test_models_differ_without_colour():
    looks = [(row["marker"], row["dash"]) for row in style()
             if row["kind"] in ("model", "variant", "runtime", "spare")]
    assert len(looks) == len(set(looks))
    named = {row["name"] for row in style() if row["kind"] == "model"}
    assert named >= {path.stem for path in (TOP / "models").glob("*.c")}
    variants = {row["name"]: row for row in style() if row["kind"] == "variant"}
    assert set(variants) >= {path.stem for path in (TOP / "models/variants").glob("*.c")}
    assert {row["name"] for row in style() if row["kind"] == "runtime"} == \
        {path.stem for path in (TOP / "models/runtimes").glob("*.*") if path.suffix != ".md"}


def test_contrast_of_text():
    page = {row["name"]: row for row in style() if row["kind"] == "page"}
    for theme in ("color", "dark"):
        for text in ("ink", "soft"):
            assert contrast(page[text][theme], page["paper"][theme]) >= 4.5
        assert contrast(page["ink"][theme], page["absent"][theme]) >= 4.5
    for row in style():
        if row["kind"] in ("call", "other"):  # its name is written on it
            assert contrast(page["ink"]["color"], row["color"]) >= 4.5, row


# ------------------------------------------------------------------ broken runs

@pytest.mark.parametrize("make, said", [
    (lambda path: None, "no such folder"),
    (lambda path: path.write_text("x"), "not a folder"),
    (lambda path: path.mkdir(), "not a run of bin/matrix"),
    (lambda path: (path.mkdir(), (path / "run.json").write_text("{}")),
     "no cells.csv: bin/matrix report"),
], ids=["nothing", "file", "no run", "not reduced"])
def test_folder_without_tables(tmp_path, make, said):
    make(tmp_path / "run")
    done = draw(tmp_path / "run")
    assert done.returncode == 1
    assert said in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "run/charts").exists()


def without_drawing(tmp_path):
    """PATH with a fake gnuplot, which is fast"""
    fake = tmp_path / "path/gnuplot"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho drawn >"$5"\n')
    fake.chmod(0o755)
    return f"{fake.parent}:{os.environ['PATH']}"


def test_broken_lines_are_reported_and_the_rest_drawn(tmp_path):
    run = tables.make(tmp_path / "run")
    table = run / "cells.csv"
    text = table.read_text()
    good = text.splitlines()[1]
    broken = {
        "x,y,z": "3 fields instead of",
        good.replace("78000.0", "lots"): "'lots' is not a number",
        good.replace("thread", "../../x", 1): "'../../x' is not the name of a model",
        good.replace("closed", "spiral", 1): "unknown loop 'spiral'",
        '"a': "cut off or broken"}
    table.write_text(text + "\n".join(broken))
    done = draw(run, PATH=without_drawing(tmp_path))
    assert done.returncode == 1 and done.stderr.count("\n") == len(broken)
    for number, said in enumerate(broken.values(), len(tables.cells()) + 2):
        line, = re.findall(f"cells.csv: line {number}\\b.*", done.stderr)
        assert said in line
    assert (run / "charts/throughput.tsv").read_text() == \
        (GOLDEN / "throughput.tsv").read_text()
    assert (run / "charts/throughput.svg").exists()


def test_quote_without_end_loses_only_its_line(tmp_path):
    run = tables.make(tmp_path / "run")
    lines = (run / "cells.csv").read_text().splitlines(keepends=True)
    lines.insert(1, lines[1].replace("failed", "").replace(",ok,", ',"ok,', 1))
    (run / "cells.csv").write_text("".join(lines))
    done = draw(run, PATH=without_drawing(tmp_path))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "line 2 is cut off or broken" in done.stderr
    assert (run / "charts/throughput.tsv").read_text() == \
        (GOLDEN / "throughput.tsv").read_text()


def test_line_that_was_cut_off(tmp_path):
    run = tables.make(tmp_path / "run")
    table = run / "cells.csv"
    table.write_bytes(table.read_bytes()[:-60])
    done = draw(run, PATH=without_drawing(tmp_path))
    assert done.returncode == 1
    assert f"line {len(tables.cells()) + 1} is" in done.stderr
    assert (run / "charts/memory.tsv").read_text() != ""


def test_table_without_its_columns(tmp_path):
    run = tables.make(tmp_path / "run")
    (run / "cells.csv").write_text("model,loop\nepoll,closed\n")
    done = draw(run, PATH=without_drawing(tmp_path))
    assert done.returncode == 1
    assert "cells.csv: no column 'connections'" in done.stderr


def test_newer_schema_is_reported_and_drawn(tmp_path):
    run = tables.make(tmp_path / "run", schema=3)
    done = draw(run, PATH=without_drawing(tmp_path))
    assert done.returncode == 1 and "newer program (schema 3)" in done.stderr
    assert (run / "charts/throughput.svg").exists()


def test_older_schema_is_refused(tmp_path):
    run = tables.make(tmp_path / "run", schema=1)
    done = draw(run)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "older program (schema 1): measure again" in done.stderr
    assert not (run / "charts").exists()


def test_without_findings_calls_and_machine(tmp_path):
    run = tables.make(tmp_path / "run")
    for name in ("findings.csv", "calls.csv", "machine.json", "run.json"):
        (run / name).unlink()
    done = draw(run, PATH=without_drawing(tmp_path))
    assert done.returncode == 0 and done.stderr == ""
    assert (run / "charts/throughput.tsv").read_text() == \
        (GOLDEN / "throughput.tsv").read_text()


def test_gnuplot_that_fails_is_reported(tmp_path):
    run = tables.make(tmp_path / "run")
    path = without_drawing(tmp_path)
    (tmp_path / "path/gnuplot").write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    done = draw(run, PATH=path)
    assert done.returncode == 1
    assert "broken" in done.stderr and "throughput.svg: not drawn" in done.stderr
    assert not (run / "charts/throughput.svg").exists()
    assert (run / "charts/throughput.tsv").exists()


def test_pipe_and_link_stay_what_they_are(tmp_path):
    run = tables.make(tmp_path / "run")
    charts = run / "charts"
    charts.mkdir()
    os.mkfifo(charts / "throughput.svg")
    (charts / "memory.png").symlink_to(tmp_path / "target.png")
    with open(os.open(charts / "throughput.svg", os.O_RDWR), "rb") as pipe:
        done = draw(run, PATH=without_drawing(tmp_path))
        assert (done.returncode, done.stderr) == (0, "")
        assert (charts / "throughput.svg").is_fifo()
        assert pipe.read1() == b"drawn\n"
    assert (charts / "memory.png").is_symlink()
    assert (tmp_path / "target.png").read_text() == "drawn\n"


def test_without_gnuplot(tmp_path):
    (tmp_path / "path").mkdir()
    for name in ("sh", "dirname", "sed", "head", "ls"):
        (tmp_path / "path" / name).symlink_to(shutil.which(name))
    done = draw(tables.make(tmp_path / "run"), PATH=str(tmp_path / "path"))
    assert done.returncode == 1
    assert "gnuplot is missing: harness/packages/install plots" in done.stderr


def test_the_newest_run_is_drawn(tmp_path):
    shutil.copytree(TOP / "plots", tmp_path / "plots")
    (tmp_path / "results").mkdir()
    path = without_drawing(tmp_path)
    script = tmp_path / "plots/draw"
    done = draw(script=script, PATH=path)
    assert done.returncode == 1 and "bin/matrix run makes one" in done.stderr
    for age, name in enumerate(["new", "old"]):
        run = tables.make(tmp_path / "results" / name)
        os.utime(run / "cells.csv", (1e9 - age, 1e9 - age))
    assert draw(script=script, PATH=path).returncode == 0
    assert (tmp_path / "results/new/charts/throughput.svg").exists()
    assert not (tmp_path / "results/old/charts").exists()
