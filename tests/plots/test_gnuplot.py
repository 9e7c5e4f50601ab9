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

TOP = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = pathlib.Path(__file__).parent / "golden"

REFUSED = "the server refused 3 clients: it is at a limit of its own (fd_setsize)"
NO_URING = "io_uring_queue_init: Operation not permitted"
NASTY = "it printed `touch /tmp/x` $(id) 'a' \"b\" @grid {/:Bold c} %s \\n <d> & e, f"
LATE = "the generator waited for its CPU 38 % of the time, because others used it"
NOT_SUSTAINED = ("not sustained: 40,000 requests/s were offered and 21,320/s "
                 "answered; lower --rate")
GREW = ("the median response time grew during the run, from 1 ms to 9 ms: there is "
        "no one value for it; lower --rate")

PARTS = ["model", "loop", "connections", "rate", "idle", "message", "depth",
         "pattern", "work", "placement"]
FACTS = ["cell", "n", "invalid", "status", "reason", "spins", "oversubscribed",
         "cpu_method", "calls_method"]
METRICS = ["requests_per_second", "response_p50_ns", "response_p99_ns",
           "service_p50_ns", "service_p99_ns", "server_cpu_per_request_ns",
           "server_cpu_share", "voluntary_switches_per_request",
           "involuntary_switches_per_request", "calls_per_request",
           "calls_per_second", "resident_per_connection_bytes"]
ENDS = ["", "_low", "_high", "_lowest", "_highest"]
COLUMNS = [*PARTS, *FACTS, *[m + end for m in METRICS for end in ENDS],
           "coarse", "unsure"]


def cell(model, where, n=7, status="ok", reason="", marks="", **metrics):
    """A row of cells.csv. `where`: "closed split 64", "open split 64 5000", "none
    split 1000". Metrics by the beginnings of their names; with an interval from 6 blocks
    on."""
    loop, placement, first, *rate = where.split()
    row = {"model": model, "loop": loop, "placement": placement, "message": 64,
           "connections": "" if loop == "none" else first,
           "idle": first if loop == "none" else 0, "rate": rate[0] if rate else "",
           "depth": 1, "pattern": "steady", "work": "none",
           "cell": f"{model} {where}", "n": n if status == "ok" else 0,
           "invalid": 0 if status == "ok" else 1, "status": status,
           "reason": reason, "spins": int("spins" in marks),
           "oversubscribed": int("oversubscribed" in marks),
           "coarse": int("coarse" in marks), "cpu_method": "process",
           "calls_method": "bpf" if "calls" in metrics else "",
           "unsure": "response_p99_ns" if "unsure" in marks else ""}
    for start, value in metrics.items():
        metric = next(m for m in METRICS if m.startswith(start))
        row[metric] = value
        once = n == 1 or start == "calls"
        row[metric + "_lowest"] = value if once else value * 0.9
        row[metric + "_highest"] = value if once else value * 1.2
        if n >= 6 and not once:
            row[metric + "_low"] = value * 0.98
            row[metric + "_high"] = value * 1.04
    return row


def busy(requests, cpu, voluntary=0.3, calls=None, **more):
    """The metrics of a cell in a closed loop"""
    metrics = dict(requests=requests, response_p50=6.4e10 / requests,
                   response_p99=1.28e11 / requests, server_cpu_per=cpu,
                   voluntary=voluntary, involuntary=0.01, **more)
    return {**metrics, "calls": calls} if calls else metrics


def times(p50, **more):
    """The metrics of a cell in an open loop"""
    return dict(response_p50=p50, response_p99=3 * p50, service_p50=p50 * 0.8,
                service_p99=2 * p50, server_cpu_per=9000, voluntary=0.9,
                involuntary=0.01, **more)


def cells():
    closed = [
        cell("thread", "closed split 1", **busy(78e3, 13e3, 1.2, 2)),
        cell("busypoll", "closed split 1", marks="spins",
             **busy(131e3, 7600, 0, 9000.5)),
        cell("select", "closed split 1", **busy(119e3, 8400, calls=2.9)),
        cell("epoll", "closed split 1", **busy(133e3, 7500, calls=3)),
        cell("uring", "closed split 1", status="unsupported", reason=NO_URING),
        cell("mine", "closed split 1", n=3, **busy(100e3, 9900)),
        cell("baseline", "closed split 1", n=1, **busy(167e3, 6000)),
        cell("thread", "closed split 64", status="failed", reason=NASTY),
        cell("busypoll", "closed split 64", marks="spins",
             **busy(104e3, 9600, 0, 120)),
        cell("select", "closed split 64", **busy(82e3, 12e3, calls=2.3)),
        cell("epoll", "closed split 64", **busy(134e3, 7400, 0.01, 2.2)),
        cell("uring", "closed split 64", status="unsupported", reason=NO_URING),
        cell("mine", "closed split 64", n=3, **busy(35e3, 0)),
        cell("baseline", "closed split 64", n=1, **busy(166e3, 6000)),
        cell("thread", "closed split 1000", **busy(71e3, 14e3, 1.1, 2)),
        cell("busypoll", "closed split 1000", status="invalid", reason=LATE),
        cell("select", "closed split 1000", status="refused", reason=REFUSED),
        cell("epoll", "closed split 1000", **busy(124e3, 8000, 0.001, 2.1)),
        cell("uring", "closed split 1000", status="invalid", reason=LATE),
        cell("mine", "closed split 1000", n=3, **busy(3e3, 310e3)),
        cell("baseline", "closed split 1000", n=1, **busy(165e3, 6100)),
        cell("busypoll", "closed shared 64", marks="spins oversubscribed",
             **busy(40e3, 12e3)),
        cell("epoll", "closed shared 64", **busy(90e3, 5000)),
        cell("uring", "closed shared 64", status="unsupported", reason=NO_URING)]
    opened = [
        cell("thread", "open split 64 5000", **times(50e3)),
        cell("epoll", "open split 64 5000", marks="unsure", **times(30e3)),
        cell("aio", "open split 64 5000", **times(300e3)),
        cell("thread", "open split 64 40000", reason=NOT_SUSTAINED, n=4,
             **times(900e3)),
        cell("epoll", "open split 64 40000", **times(31e3)),
        cell("aio", "open split 64 40000", status="invalid", reason=GREW),
        cell("epoll", "open shared 64 5000", marks="coarse", **times(60e3)),
        cell("aio", "open shared 64 5000", status="invalid", reason=NOT_SUSTAINED)]
    idle = [
        cell("epoll", f"none split {n}", n=1, resident=210, server_cpu_share=0,
             calls_per_second=0) for n in (100, 1000)
    ] + [
        cell("poll", f"none split {n}", n=1, resident=-12, server_cpu_share=0,
             calls_per_second=0) for n in (100, 1000)
    ] + [
        cell("busypoll", "none split 1000", n=1, resident=130,
             server_cpu_share=0.995, calls_per_second=9e5)]
    return closed + opened + idle


CALLS = [("epoll closed split 1", "epoll_wait", 1), ("epoll closed split 1",
         "recvfrom", 1), ("epoll closed split 1", "sendto", 1),
         ("epoll closed split 64", "recvfrom", 1),
         ("epoll closed split 64", "sendto", 1),
         ("epoll closed split 64", "epoll_wait", 0.19),
         ("epoll closed split 64", "epoll_ctl", 0.01),
         ("thread closed split 1", "recvfrom", 1),
         ("thread closed split 1", "sendto", 1),
         ("select closed split 1", "recvfrom", 1),
         ("select closed split 1", "sendto", 1),
         ("select closed split 1", "unheard_of", 0.9),
         ("busypoll closed split 1", "recvfrom", 8999.5),
         ("busypoll closed split 1", "sendto", 1)]

FINDINGS = [
    ("throughput", "select answers 0.51 to 0.68 times the requests of epoll at 64 "
     "connections", "7 blocks"),
    ("throughput/closed split 1", "no significant difference from epoll in "
     "requests/s at 1 connection", "7 blocks"),
    ("throughput/closed split 64", "select answers 0.51 to 0.68 times the requests "
     "of epoll at 64 connections", "7 blocks"),
    ("throughput/closed split 1000", "thread answers 0.55 to 0.59 times the requests "
     "of epoll at 1,000 connections", "7 blocks"),
    ("server_cpu/closed split 64", "select takes 1.5 times the CPU of epoll", "7"),
    ("server_cpu/closed split 1000", "no significant difference from epoll",
     "7 blocks"),
    ("throughput/closed shared 64", "no significant difference from epoll in "
     "requests/s at 64 connections (one core)", "7 blocks"),
    ("response_p50/closed split 64", "p50: from 478 us (epoll) to 1.83 ms (mine)",
     "described"),
    ("calls", "system calls a request: from 2 (thread) to 3 (epoll)", "once")]


def write_csv(path, columns, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def make_run(path, incomplete=False, schema=1, rows=None):
    path.mkdir()
    write_csv(path / "cells.csv", COLUMNS, rows or cells())
    write_csv(path / "calls.csv", ["cell", "call", "per_request"],
              [dict(zip(["cell", "call", "per_request"], call)) for call in CALLS])
    write_csv(path / "findings.csv", ["chart", "title", "note"],
              [dict(zip(["chart", "title", "note"], one)) for one in FINDINGS])
    (path / "run.json").write_text(f'{{\n  "schema": {schema},\n  "blocks": 7\n}}\n')
    (path / "machine.json").write_text(
        '{\n  "kernel_release": "6.1.0-odd",\n  "cpu_model": "Odd\' CPU"\n}\n')
    if incomplete:
        (path / "INCOMPLETE").write_text("This run is not complete.\n")
    return path


def draw(*args, script=TOP / "plots/draw", **environment):
    return subprocess.run([script, *args], capture_output=True, text=True,
                          check=False, env={**os.environ, **environment})


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The charts of an interrupted run; work/ has gnuplot's input"""
    base = tmp_path_factory.mktemp("a 'run' of mine")
    run = make_run(base / "run", incomplete=True)
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


NAMES = ["throughput", "response", "load", "server_cpu", "calls", "switches",
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
    assert charts == {name for name in NAMES if "/" not in name}
    everything = {path.relative_to(drawn).with_suffix("").as_posix()
                  for path in [*drawn.glob("*.svg"), *drawn.glob("more/*.svg")]}
    assert set(NAMES) <= everything


def test_title_is_the_finding(drawn):
    """The run's own choice if it is about this chart, else a significant one"""
    tree = xml.etree.ElementTree.parse(drawn / "throughput.svg")
    titles = [one.text for one in
              tree.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == [FINDINGS[0][1]]
    assert FINDINGS[0][1] in text_of(drawn / "throughput.svg")
    assert "requests/s at 64 connections (one core)" in text_of(
        drawn / "more/throughput-closed-shared.svg")
    assert "1.5 times the CPU" in text_of(drawn / "server_cpu.svg")
    assert FINDINGS[-1][1] in text_of(drawn / "calls.svg")  # about no single setting
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
        elif name == "load":
            assert "hollow" in text
        else:
            start = row["reason"].split(" ")[0].replace("'", "’")
            assert f"{row['status']}: {start}" in text, row


def test_reasons_are_escaped(drawn):
    shown = NASTY.replace("'", "’")
    assert f"failed: {shown}" in text_of(drawn / "throughput.svg")
    shown = NASTY.replace('"', "”")
    assert f"failed: {shown}" in text_of(drawn / "calls.svg")


def test_signs_are_explained(drawn):
    shared = text_of(drawn / "more/throughput-closed-shared.svg")
    assert "busypoll *" in shared and "* – oversubscribed" in shared
    assert "epoll *" not in shared
    load = text_of(drawn / "load.svg")
    assert "epoll ?" in load and "? – some values are uncertain" in load
    assert "thread ?" not in load
    assert "below 6 blocks" in text_of(drawn / "throughput.svg")
    assert "One repetition each" in text_of(drawn / "memory.svg")
    assert "service time" in text_of(drawn / "more/load-open-shared-64.svg")


def test_cut_bar_has_its_number(drawn):
    text = text_of(drawn / "calls.svg")
    assert "9000 →" in text and "120 →" in text and "→ – this bar" in text
    assert "recvfrom" in text and "unheard_of" in text
    assert "baseline" not in text  # not counted


def test_bar_is_cut_if_six_times_as_long_as_the_next(tmp_path):
    run = make_run(tmp_path / "run", rows=[
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


def test_reasons_that_differ_in_numbers_share_a_letter(tmp_path):
    def drawn_with(*shares):
        models = ["select", "poll", "aio"]
        run = make_run(tmp_path / str(len(set(shares))), rows=[
            cell("epoll", "closed split 1", **busy(1e5, 8000)),
            cell("epoll", "closed split 64", **busy(1e5, 8000)),
            *(cell(model, "closed split 64", status="invalid",
                   reason=f"the host took {share} %")
              for model, share in zip(models, shares))])
        assert draw(run).returncode == 0
        return text_of(run / "charts/throughput.svg")
    assert "a – invalid: the host took 7 %" in drawn_with(7, 7, 7)
    text = drawn_with(7, 8, 9)
    assert "a – for example: invalid: the host took 7 %" in text and "b –" not in text


def test_number_of_blocks_is_sorted_as_a_number(tmp_path):
    run = make_run(tmp_path / "run", rows=[
        cell("epoll", "closed split 64", n=14, **busy(1e5, 8000)),
        cell("poll", "closed split 64", n=9, **busy(1e5, 8000)),
        cell("aio", "closed split 64", n=10, **busy(1e5, 8000))])
    assert draw(run).returncode == 0
    assert "Medians of 9 to 14 blocks" in text_of(run / "charts/throughput.svg")


def test_missing_metric_of_a_valid_cell(tmp_path):
    """Its `reason` is about its discarded repetitions"""
    odd = cell("poll", "closed split 64", reason=LATE, requests=9e4)
    none = {**cell("thread", "closed split 64", requests=1e4), "calls_method": "none"}
    early = cell("aio", "closed split 64", n=0, reason="it was not timed yet")
    run = make_run(tmp_path / "run", rows=[
        cell("epoll", "closed split 64", **busy(1e5, 8000, calls=2)), odd, none, early])
    assert draw(run).returncode == 0
    switches, calls = (text_of(run / f"charts/{name}.svg")
                       for name in ("switches", "calls"))
    assert "not measured (see repetitions.jsonl)" in switches
    assert "not measured: it was not timed yet" in switches
    assert "not counted: this user has no permission" in calls
    assert LATE not in switches + calls


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


def test_models_differ_without_colour():
    looks = [(row["marker"], row["dash"]) for row in style()
             if row["kind"] in ("model", "spare")]
    assert len(looks) == len(set(looks))
    named = {row["name"] for row in style() if row["kind"] == "model"}
    assert named >= {path.stem for path in (TOP / "models").glob("*.c")}


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
    run = make_run(tmp_path / "run")
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
    for number, said in enumerate(broken.values(), len(cells()) + 2):
        line, = re.findall(f"cells.csv: line {number}\\b.*", done.stderr)
        assert said in line
    assert (run / "charts/throughput.tsv").read_text() == \
        (GOLDEN / "throughput.tsv").read_text()
    assert (run / "charts/throughput.svg").exists()


def test_quote_without_end_loses_only_its_line(tmp_path):
    run = make_run(tmp_path / "run")
    lines = (run / "cells.csv").read_text().splitlines(keepends=True)
    lines.insert(1, lines[1].replace("failed", "").replace(",ok,", ',"ok,', 1))
    (run / "cells.csv").write_text("".join(lines))
    done = draw(run, PATH=without_drawing(tmp_path))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "line 2 is cut off or broken" in done.stderr
    assert (run / "charts/throughput.tsv").read_text() == \
        (GOLDEN / "throughput.tsv").read_text()


def test_line_that_was_cut_off(tmp_path):
    run = make_run(tmp_path / "run")
    table = run / "cells.csv"
    table.write_bytes(table.read_bytes()[:-60])
    done = draw(run, PATH=without_drawing(tmp_path))
    assert done.returncode == 1
    assert f"line {len(cells()) + 1} is" in done.stderr
    assert (run / "charts/memory.tsv").read_text() != ""


def test_table_without_its_columns(tmp_path):
    run = make_run(tmp_path / "run")
    (run / "cells.csv").write_text("model,loop\nepoll,closed\n")
    done = draw(run, PATH=without_drawing(tmp_path))
    assert done.returncode == 1
    assert "cells.csv: no column 'connections'" in done.stderr


def test_newer_schema_is_reported_and_drawn(tmp_path):
    run = make_run(tmp_path / "run", schema=2)
    done = draw(run, PATH=without_drawing(tmp_path))
    assert done.returncode == 1 and "newer program (schema 2)" in done.stderr
    assert (run / "charts/throughput.svg").exists()


def test_without_findings_calls_and_machine(tmp_path):
    run = make_run(tmp_path / "run")
    for name in ("findings.csv", "calls.csv", "machine.json", "run.json"):
        (run / name).unlink()
    done = draw(run, PATH=without_drawing(tmp_path))
    assert done.returncode == 0 and done.stderr == ""
    assert (run / "charts/throughput.tsv").read_text() == \
        (GOLDEN / "throughput.tsv").read_text()


def test_gnuplot_that_fails_is_reported(tmp_path):
    run = make_run(tmp_path / "run")
    path = without_drawing(tmp_path)
    (tmp_path / "path/gnuplot").write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    done = draw(run, PATH=path)
    assert done.returncode == 1
    assert "broken" in done.stderr and "throughput.svg: not drawn" in done.stderr
    assert not (run / "charts/throughput.svg").exists()
    assert (run / "charts/throughput.tsv").exists()


def test_pipe_and_link_stay_what_they_are(tmp_path):
    run = make_run(tmp_path / "run")
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
    done = draw(make_run(tmp_path / "run"), PATH=str(tmp_path / "path"))
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
        run = make_run(tmp_path / "results" / name)
        os.utime(run / "cells.csv", (1e9 - age, 1e9 - age))
    assert draw(script=script, PATH=path).returncode == 0
    assert (tmp_path / "results/new/charts/throughput.svg").exists()
    assert not (tmp_path / "results/old/charts").exists()
