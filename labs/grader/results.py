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


def points(results):
    """{part: (points, of)}: each check of a part is worth the same. What this machine
    cannot decide is not counted; a part of which nothing can be decided is full."""
    score = {}
    for part, worth in PARTS.items():
        of_part = [r for r in results if r.part == part]
        if not of_part:
            continue
        counted = [r for r in of_part if r.status not in (UNAVAILABLE, UNSTABLE, ERROR)]
        passed = sum(r.status == PASS for r in counted)
        share = passed / len(counted) if counted else 1
        score[part] = (round(worth * share, 1), worth)
    return score


def formula(results):
    """The terms of the score, as a line"""
    score = points(results)
    terms = []
    for part, (_, worth) in score.items():
        of_part = [r for r in results if r.part == part and
                   r.status not in (UNAVAILABLE, UNSTABLE, ERROR)]
        passed = sum(r.status == PASS for r in of_part)
        terms.append(f"{part} {worth} * {passed}/{len(of_part)}" if of_part
                     else f"{part} {worth} (nothing could be decided)")
    got, of = total(results)
    return f"{' + '.join(terms)} = {got:g} of {of:g}"


def total(results):
    score = points(results).values()
    return sum(got for got, _ in score), sum(of for _, of in score)
