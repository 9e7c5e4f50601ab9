# SPDX-License-Identifier: MIT
"""Histograms of response times, merged by adding counts.

A percentile of several repetitions is that of all their requests; percentiles are never
averaged. A missing or broken file is reported and left out.
"""

import gc
import gzip
import json
import zlib

import numpy as np

CURVE = 110  # points of a curve


class Times:
    """`lowest`, `highest` and `count` of each bucket, by time"""

    def __init__(self, buckets):
        self.lowest, self.highest, self.count = buckets.T
        self.total = int(self.count.sum())

    def curve(self):
        """[(1 / (1 - p), the time at percentile p)], evenly spaced on a logarithmic axis,
        up to the last request"""
        if not self.total:
            return []
        at = np.unique(np.round(np.logspace(0, np.log10(self.total), CURVE), 9))
        needed = np.maximum(1, np.ceil(self.total - self.total / at))
        where = np.searchsorted(np.cumsum(self.count), needed)
        return [(float(x), float(self.highest[min(i, len(self.highest) - 1)]))
                for x, i in zip(at, where)]

    def percentile(self, share):
        if not self.total:
            return None
        needed = max(1, int(np.ceil(self.total * share - 1e-9)))
        where = int(np.searchsorted(np.cumsum(self.count), needed))
        return float(self.highest[where])


class File:
    """The times of a repetition: `response` and `service` are arrays of [lowest, highest,
    count], or None"""

    def __init__(self, content):
        histograms = content["histograms"]
        self.response = _table(histograms["response"]["buckets"])
        service = histograms.get("service")
        self.service = _table(service["buckets"]) if service else None


def _table(buckets):
    """[lowest, highest, count] of each bucket"""
    lowest = np.cumsum(np.array(buckets["step"], dtype=np.int64))
    width, count = (np.array(buckets[name], dtype=np.int64)
                    for name in ("width", "count"))
    return np.column_stack([lowest, lowest + width - 1, count])


def load(run, repetition):
    """The file of a repetition; None: it has none, or a problem was reported"""
    name = repetition["histograms"]
    if not name.startswith("histograms/") or ".." in name:
        return None
    collecting = gc.isenabled()
    gc.disable()  # a hundred thousand numbers in lists, without cycles
    try:
        with gzip.open(run.path / name) as file:
            return File(json.loads(file.read()))
    except FileNotFoundError:
        run.problem(f"{name} is missing: left out")
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError,
            OverflowError, RecursionError, zlib.error):
        run.problem(f"{name} cannot be read: left out")
    finally:
        if collecting:
            gc.enable()
    return None


def merged(tables):
    """Times of all these tables together, or None"""
    parts = [table for table in tables if table is not None and len(table)]
    if not parts:
        return None
    table = np.concatenate(parts)
    lowest, inverse = np.unique(table[:, 0], return_inverse=True)
    highest = np.zeros(len(lowest), dtype=np.int64)
    np.maximum.at(highest, inverse, table[:, 1])
    count = np.bincount(inverse, weights=table[:, 2], minlength=len(lowest))
    return Times(np.column_stack([lowest, highest, count.astype(np.int64)]))
