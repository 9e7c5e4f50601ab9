# SPDX-License-Identifier: MIT
"""What the blocks of a run can say: as harness/verdict/stats.h has it, which says why.

Titles and verdicts are not made here: they are in findings.csv. This is what a
picture of single repetitions needs beside them.
"""

import math

FEWEST_BLOCKS = 6  # that can show a difference at 95 %
_WANTED = 0.95


def median(values):
    ordered = sorted(values)
    n = len(ordered)
    if not n:
        return None
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2


def _heads(n, least):
    """That of n coins at least so many show heads"""
    return sum(math.comb(n, i) for i in range(least, n + 1)) / 2 ** n


def median_rank(n):
    """The 95 % interval of a median is from the rank-th smallest to the rank-th
    largest value; 0: there are too few values for one"""
    rank = 0
    while 2 * _heads(n, n - rank) <= 1 - _WANTED:
        rank += 1
    return rank


def interval(values):
    """(low, high), or (None, None) below 6 values"""
    ordered, rank = sorted(values), median_rank(len(values))
    if not rank:
        return None, None
    return ordered[rank - 1], ordered[-rank]


def _band_level(n, rank, blocks):
    """The probability that the median of `blocks` more ratios is within the
    rank-th of n A/A ratios"""
    half = (blocks + 1) // 2
    out = sum(2 * _heads(i, half) * math.comb(i + n - rank, i)
              * math.comb(blocks - i + rank - 1, blocks - i)
              for i in range(half, blocks + 1)) / math.comb(n + blocks, n)
    return max(0.0, 1 - out)


def band(pairs, blocks):
    """How far apart one model under two names is: the median ratio of `blocks`
    more A/A pairs lies between 1 / band and band with 95 % probability. None:
    there are too few pairs to say."""
    far = sorted(abs(math.log(a / b)) for a, b in pairs if a > 0 and b > 0)
    rank = len(far)
    if not far or not blocks or _band_level(len(far), rank, blocks) < _WANTED - 1e-9:
        return None
    while rank > 1 and _band_level(len(far), rank - 1, blocks) >= _WANTED - 1e-9:
        rank -= 1
    return math.exp(far[rank - 1])
