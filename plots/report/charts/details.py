# SPDX-License-Identifier: MIT
"""Each setting in detail: blocks, percentiles, system calls.

This takes most of the time of a report, so several processes draw the settings.
"""

import concurrent.futures
import multiprocessing
import os

from .. import drawing, times, words
from ..view import Chart, Missing
from . import calls as system_calls
from . import dots, percentiles

WORKERS = len(os.sched_getaffinity(0))

_view = None  # inherited by the processes that draw


def _dots(rows, key):
    found = _view.finding("server_cpu", rows[0])
    title, note = found or ("All blocks", "")
    return Chart(f"{key}-dots", "Blocks", title, note, dots.READ, dots.figures(_view, rows),
                 dots.tables(_view, rows))


def _percentiles(rows, key, all_times):
    title, note = _view.finding("response_p99", rows[0]) or \
        _view.finding("load", rows[0]) or ("Response time by percentile", "")
    figures = percentiles.figures(_view, rows, title, all_times)
    if not figures:
        return []
    read = percentiles.READ + (percentiles.GAP if percentiles.has_service(
        rows, all_times) else "")
    return [Chart(f"{key}-percentiles", "Percentiles", title, note, read, figures,
                  [percentiles.table(_view, rows, all_times)])]


def _calls(rows, key):
    calls, missing = system_calls.of_cells(_view), Missing()
    if not any(row["calls_method"] for row in rows):
        return []
    title, note = _view.finding("calls", rows[0]) or ("System calls", "")
    figure = system_calls.figure(_view, rows, calls, missing, title)
    figure.caption = ""
    return [Chart(f"{key}-calls", "System calls", title, note, system_calls.READ, [figure],
                  [system_calls.table(_view, [rows], calls)], missing.list,
                  html=system_calls.legend(_view, [rows], calls))]


def _setting(rows):
    all_times = {}
    for row in rows:
        counted = _view.counted(row, "timing", "baseline")
        files = [file for _, r in sorted(counted.items())
                 if (file := times.load(_view.run, r))]
        all_times[row["cell"]] = (times.merged(file.response for file in files),
                                  times.merged(file.service for file in files))
    key = words.setting_key(rows[0]).replace(" ", "-")
    return [_dots(rows, key), *_percentiles(rows, key, all_times), *_calls(rows, key)]


def _draw(number):
    """The charts of a setting, and the problems of its files"""
    rows = _settings(_view)[number]
    drawing.begin(f"s{number}-")
    before, charts = len(_view.run.problems), []
    try:
        charts = _setting(rows)
    except Exception as error:  # one setting that fails does not lose the page
        _view.run.problem(f"{words.setting_key(rows[0])} could not be drawn: "
                          f"{type(error).__name__}: {error}")
    return charts, _view.run.problems[before:]


def _settings(view):
    return [rows for rows in view.settings() if rows[0]["loop"] != "none"]


def _all(count):
    """In several processes, if there are several CPUs"""
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
