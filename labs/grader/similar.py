# SPDX-License-Identifier: MIT
"""Pairs of submissions that share more code than the skeleton explains: winnowing over
tokens, so that other names, spaces and comments change nothing (Schleimer et al. 2003)."""

import itertools
import re

from . import folder, taken
from .results import Fault

TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|"
                   r"[A-Za-z_]\w*|\d\w*|\S", re.DOTALL)

#: Words of the language; every other name is a name.
KEPT = set("if else for while do switch case break continue return goto sizeof struct "
           "static const void int char".split())

LENGTH = 12  # tokens of a fingerprint
WINDOW = 6   # one fingerprint of so many in a row is kept
LIKELY = 0.6
MOST = 20


def tokens(text):
    for token in TOKEN.findall(text):
        if token.startswith(("//", "/*")):
            continue
        if token[0].isalpha() or token[0] == "_":
            yield token if token in KEPT else "n"
        else:
            yield '"' if token[0] in "\"'" else "0" if token[0].isdigit() else token


def fingerprints(text):
    of = list(tokens(text))
    hashes = [hash(tuple(of[i:i + LENGTH])) for i in range(len(of) - LENGTH + 1)]
    return {min(hashes[i:i + WINDOW]) for i in range(max(1, len(hashes) - WINDOW + 1))} \
        if hashes else set()


def pairs(lab, paths):
    """[(share, name, name)], the most similar first"""
    if not lab.is_code:
        return []
    common = fingerprints(folder.skeleton(lab))
    marks = {}
    for name, path in paths.items():
        try:
            text = taken.source(lab, path).decode(errors="replace")
        except Fault:
            continue
        own = fingerprints(text) - common
        if len(own) >= 5:
            marks[name] = own
    found = []
    for a, b in itertools.combinations(sorted(marks), 2):
        share = len(marks[a] & marks[b]) / min(len(marks[a]), len(marks[b]))
        if share >= LIKELY:
            found.append((share, a, b))
    return sorted(found, reverse=True)[:MOST]
