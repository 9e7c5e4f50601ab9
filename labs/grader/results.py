# SPDX-License-Identifier: MIT
"""What a check can end in, and what it is worth."""

import dataclasses

PASS = "pass"
FAIL = "fail"
SKIPPED = "skipped"          # what it builds on failed
UNSTABLE = "unstable"        # repeats disagree
UNAVAILABLE = "unavailable"  # this machine lacks something
TIMEOUT = "timeout"
ERROR = "error"              # the grader's own fault

#: Only these cost points.
COSTS = {FAIL, TIMEOUT, SKIPPED}

#: Parts of the score, and how much each is worth
PARTS = {"conversation": 60, "mechanism": 20, "cost": 10, "answers": 90, "prediction": 10}


class Fault(Exception):
    """A check failed, and what a student needs to know of it."""

    def __init__(self, what, expected=None, got=None, look=None, by_hand=None):
        super().__init__(what)
        self.what, self.expected, self.got = what, expected, got
        self.look, self.by_hand = look, by_hand


class Timeout(Fault):
    """It took too long."""


class Unavailable(Exception):
    """This machine lacks what the check needs."""


@dataclasses.dataclass
class Result:
    """Of one check"""
    name: str
    part: str
    title: str
    status: str = SKIPPED
    steps: list = dataclasses.field(default_factory=list)
    what: str = None
    expected: str = None
    got: str = None
    look: str = None
    by_hand: str = None
    took_s: float = 0
    figures: dict = dataclasses.field(default_factory=dict)

    def blame(self, fault):
        """Takes over what the fault says."""
        self.status = TIMEOUT if isinstance(fault, Timeout) else FAIL
        self.what, self.expected, self.got = fault.what, fault.expected, fault.got
        self.look = fault.look or self.look
        self.by_hand = fault.by_hand or self.by_hand


def counted(results, part):
    """The checks of a part that count: those that this machine could decide"""
    return [r for r in results if r.part == part and
            r.status not in (UNAVAILABLE, UNSTABLE, ERROR)]


def passed(results):
    return sum(r.status == PASS for r in results)


def points(results):
    """{part: (points, of)}: each check of a part is worth the same. A part of which
    nothing can be decided is full."""
    score = {}
    for part, worth in PARTS.items():
        if any(r.part == part for r in results):
            of = counted(results, part)
            share = passed(of) / len(of) if of else 1
            score[part] = (round(worth * share, 1), worth)
    return score


def formula(results):
    """The terms of the score, as a line"""
    terms = []
    for part, (_, worth) in points(results).items():
        of = counted(results, part)
        terms.append(f"{part} {worth} * {passed(of)}/{len(of)}" if of
                     else f"{part} {worth} (nothing could be decided)")
    got, of = total(results)
    return f"{' + '.join(terms)} = {got:g} of {of:g}"


def total(results):
    score = points(results).values()
    return sum(got for got, _ in score), sum(of for _, of in score)
