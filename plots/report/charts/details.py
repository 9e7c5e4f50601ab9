# SPDX-License-Identifier: MIT
"""Each setting in detail: every repetition, all percentiles, over time, the calls.

It takes most of the time of a report, so settings are drawn by several processes.
"""

import concurrent.futures
import multiprocessing
import os

from .. import drawing, times, words
from ..reduce import counts
from ..view import Chart, Reasons
from . import calls as counted
from . import dots, overtime, percentiles

WORKERS = len(os.sched_getaffinity(0))

_view = None  # of the processes that draw: inherited, never sent


def _files(repetitions):
    """{(index, attempt): times.File} of those that count"""
    found = {(r["index"], r["attempt"]): times.load(_view.run, r)
             for r in repetitions if r["role"] in ("timing", "ceiling") and counts(r)}
    return {key: file for key, file in found.items() if file}


def _dots(rows, key):
    reasons = Reasons()
    figures = dots.figures(_view, rows, reasons)
    found = _view.finding("throughput", rows[0]) or _view.finding("load", rows[0]) \
        or _view.finding("server_cpu", rows[0])
    title, note = found or ("Every repetition", "")
    read = dots.READ.replace("{reference}", dots.reference(rows))
    return Chart(f"{key}-dots", "Every repetition", title,
                 f"{note}{'; ' if note else ''}{dots.band_words(_view, rows)}", read,
                 figures, dots.tables(_view, rows), reasons.list)


def _percentiles(rows, key, all_times):
    title, note = _view.finding("response_p99", rows[0]) or \
        _view.finding("load", rows[0]) or ("All response times", "")
    figure = percentiles.figure(_view, rows, title, all_times)
    if not figure:
        return []
    read = percentiles.READ + (percentiles.GAP if percentiles.has_service(
        rows, all_times) else "")
    return [Chart(f"{key}-percentiles", "Percentiles", title, note, read, [figure],
                  [percentiles.table(_view, rows, all_times)])]


def _overtime(rows, key, of_cells):
    reasons = Reasons()
    figure = overtime.figure(_view, rows, of_cells, reasons)
    if not figure:
        return []
    title = overtime.title(_view, [(row, of_cells.get(row["cell"], []))
                                   for row in rows])
    return [Chart(f"{key}-time", "Over time", title, "described, not tested",
                  overtime.READ, [figure],
                  [overtime.table(_view, rows, of_cells)], reasons.list)]


def _calls(rows, key):
    calls, reasons = counted.of_cells(_view), Reasons()
    if not any(row["calls_method"] for row in rows):
        return []
    title, note = _view.finding("calls", rows[0]) or ("System calls", "")
    figure = counted.figure(_view, rows, calls, reasons, title)
    figure.caption = ""
    return [Chart(f"{key}-calls", "System calls", title, note, counted.READ, [figure],
                  [counted.table(_view, [rows], calls)], reasons.list,
                  html=counted.legend(_view, [rows], calls))]


def _setting(rows):
    all_times, of_cells = {}, {}
    for row in rows:
        repetitions = _view.of_cell.get(row["cell"], [])
        files = _files(repetitions)
        all_times[row["cell"]] = (times.merged(f.response for f in files.values()),
                                  times.merged(f.service for f in files.values()))
        of_cells[row["cell"]] = overtime.columns(repetitions, files)
    key = words.setting_key(rows[0]).replace(" ", "-")
    return [_dots(rows, key), *_percentiles(rows, key, all_times),
            *_overtime(rows, key, of_cells), *_calls(rows, key)]


def _draw(number):
    """The charts of a setting, and what was wrong with its files"""
    rows = _settings(_view)[number]
    drawing.begin(f"s{number}-")
    before, charts = len(_view.run.problems), []
    try:
        charts = _setting(rows)
    except Exception as error:  # whatever it was, it is said
        _view.run.problem(f"{words.setting_key(rows[0])} could not be drawn: "
                          f"{type(error).__name__}: {error}")
    return charts, _view.run.problems[before:]


def _settings(view):
    return [rows for rows in view.settings() if rows[0]["loop"] != "none"]


def _all(count):
    """In several processes, where there are several CPUs"""
    workers = min(count, WORKERS)
    if workers < 2:
        return [_draw(number) for number in range(count)]
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(workers, context) as pool:
        return list(pool.map(_draw, range(count)))


def build(view):
    """[(cells of the setting, its charts)]"""
    global _view
    _view = view
    settings = _settings(view)
    found = []
    for rows, (charts, problems) in zip(settings, _all(len(settings))):
        for text in problems:
            if text not in view.run.problems:
                view.run.problem(text)
        found.append((rows, charts))
    return found
