# SPDX-License-Identifier: MIT
"""Every time that was measured: histograms/, merged by adding counts.

Percentiles of several repetitions are those of all their requests together; they
are never averaged. A file that is missing or broken is said, and left out.
"""

import gzip
import json
import zlib

import numpy as np

CURVE = 110  # points of a curve


class Times:
    """Times of a kind: `lowest`, `highest` and `count` of each bucket, by time"""

    def __init__(self, buckets):
        table = np.asarray(buckets, dtype=np.int64).reshape(-1, 3)
        order = np.argsort(table[:, 0], kind="stable")
        self.lowest, self.highest, self.count = table[order].T
        self.total = int(self.count.sum())

    def curve(self):
        """[(1 / (1 - p), time)]: the p-th part of all requests took no longer.
        Up to the last request; evenly along the logarithm of 1 / (1 - p)."""
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


def load(run, repetition):
    """The file of a repetition; None: there is none, or a problem was said"""
    name = repetition.get("histograms")
    if not isinstance(name, str) or not name.startswith("histograms/") \
            or ".." in name:
        return None
    try:
        with gzip.open(run.path / name) as file:
            found = json.loads(file.read())
        if not isinstance(found["histograms"], dict):
            raise ValueError
        return found
    except FileNotFoundError:
        run.problem(f"{name} is not there: what it says is left out")
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error):
        run.problem(f"{name} cannot be read: left out")
    return None


def merged(files, kind):
    """Times of a kind ('response', 'service') of all these files; None: none"""
    parts = []
    for file in files:
        histogram = (file or {})["histograms"].get(kind) if file else None
        if isinstance(histogram, dict) and histogram.get("buckets"):
            parts.append(np.asarray(histogram["buckets"], dtype=np.int64))
    if not parts:
        return None
    table = np.concatenate(parts)
    lowest, inverse = np.unique(table[:, 0], return_inverse=True)
    highest = np.zeros(len(lowest), dtype=np.int64)
    np.maximum.at(highest, inverse, table[:, 1])
    count = np.bincount(inverse, weights=table[:, 2], minlength=len(lowest))
    return Times(np.column_stack([lowest, highest, count.astype(np.int64)]))


# ------------------------------------------------------------------------ over time

EIGHTHS = 8  # of a power of two: a row of a heat map
ROWS = EIGHTHS * 40  # beyond the longest time of a histogram


def rows_of(lowest):
    """In which eighth of a power of two a time is"""
    lowest = np.clip(lowest, 1, 2 ** 39)
    power = np.floor(np.log2(lowest)).astype(int)
    return EIGHTHS * power + ((lowest / 2.0 ** power - 1) * EIGHTHS).astype(int)


def time_of(row):
    """The lowest time of a row"""
    power, eighth = divmod(int(row), EIGHTHS)
    return 2.0 ** power * (1 + eighth / EIGHTHS)


def slices(file):
    """How many requests of each slice of the window took so long: rows are times, by
    rows_of(), columns are slices"""
    of = ((file or {}).get("series") or {}).get("slices") or []
    buckets = [one.get("buckets") or [] for one in of]
    image = np.zeros((ROWS, len(of)))
    table = np.asarray([bucket for one in buckets for bucket in one],
                       dtype=np.int64).reshape(-1, 3)
    columns = np.repeat(np.arange(len(of)), [len(one) for one in buckets])
    np.add.at(image, (rows_of(table[:, 0]), columns), table[:, 2])
    return image
