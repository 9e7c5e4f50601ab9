# SPDX-License-Identifier: MIT
"""Crafted results of a run, from the predicates of a claim: such that they are true, false,
or cannot be told.

    claim_results.make(folder, "idle-cost", {"holds": True, "but-not": False})
"""

import csv
import json
import math
import re
import sys

from server import TOP

sys.path.insert(0, str(TOP / "tests/plots"))

import crafted  # noqa: E402

BLOCKS, ROUNDS = 6, 4

#: None of True, False: too wide to tell
WIDE = None

#: Metrics of a claim: the metric of a repetition, and what it usually is
METRICS = {
    "cpu": ("server_cpu_per_request_ns", 1e4), "cpu_share": ("server_cpu_share", .5),
    "rate": ("requests_per_second", 1e4), "p50": ("response_p50_ns", 1e5),
    "p90": ("response_p90_ns", 2e5), "p99": ("response_p99_ns", 4e5),
    "voluntary": ("voluntary_switches_per_request", 1.),
    "completions": ("completions_per_request", 2.),
    "memory_per_client": ("resident_per_connection_bytes", 1024.),
    "threads": ("threads", 1.), "calls": ("calls_per_request", 4.)}

UNITS = {"%": .01, "ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9, "B": 1, "KiB": 1024,
         "k": 1e3, "/s": 1, "k/s": 1e3}

TOKEN = re.compile(r"\s*(\w+\([^()]*\)|[()]|[<>]=?|=|/|[\w.%/]+)")


def claim(name):
    """key -> values of a claim file"""
    text = (TOP / f"claims/{name}.claim").read_text(encoding="utf-8")
    found = {}
    for line in re.sub(r"\n[ \t]+", " ", text).splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value.strip())
    return found


def number(word):
    digits, unit = re.fullmatch(r"([0-9.]+)(\D*)", word).groups()
    return float(digits) * (UNITS[unit] if unit else 1)


# -------------------------------------------------------------------- predicates

class Parser:
    """A predicate as a tree: ("and", a, b), ("not", a), ("state", name, args), or
    ("compare", left, right, low, high)"""

    def __init__(self, text):
        self.words = TOKEN.findall(text)

    def take(self, *allowed):
        return self.words.pop(0) if self.words and self.words[0] in allowed else None

    def either(self):
        tree = self.both()
        while self.take("or"):
            tree = ("or", tree, self.both())
        return tree

    def both(self):
        tree = self.one()
        while self.take("and"):
            tree = ("and", tree, self.one())
        return tree

    def one(self):
        if self.take("not"):
            return ("not", self.one())
        if self.take("("):
            tree = self.either()
            assert self.take(")")
            return tree
        left = self.words.pop(0)
        if left == "slope":
            assert self.take("(")
            left = ("slope", *quantity(self.words.pop(0)))
            assert self.take(")")
        else:
            left = quantity(left)
        if left[0] == "refused":
            return ("state", left[1:])
        right = quantity(self.words.pop(0)) if self.take("/") else None
        return ("compare", left, right, *self.bounds())

    def bounds(self):
        operator, value = self.words.pop(0), number(self.words.pop(0))
        if operator == "in":
            assert self.take("to")
            return value, number(self.words.pop(0))
        if operator == "=" and self.take("within"):
            within = self.words.pop(0)
            margin = number(within)
            if within.endswith("%"):
                return value / (1 + margin), value * (1 + margin)
            return value - margin, value + margin
        return {"=": (value, value), ">": (value, math.inf), ">=": (value, math.inf),
                "<": (-math.inf, value), "<=": (-math.inf, value)}[operator]


def quantity(word):
    name, args = re.fullmatch(r"(\w+)\(([^()]*)\)", word).groups()
    return (name, *(arg.strip() for arg in args.split(",")))


def parse(text):
    parser = Parser(text)
    tree = parser.either()
    assert not parser.words, parser.words
    return tree


# ---------------------------------------------------------------------- solution

class Results:
    """Values that give a tree a truth: quantity -> (value, whether it is wide)"""

    def __init__(self):
        self.value, self.refused = {}, {}

    def solve(self, tree, truth):
        kind, *parts = tree
        if kind == "not":
            self.solve(parts[0], truth if truth is WIDE else not truth)
        elif kind == "and":
            self.solve(parts[0], truth)
            self.solve(parts[1], True)
        elif kind == "or":
            self.solve(parts[0], truth)
            self.solve(parts[1], False)
        elif kind == "state":
            self.refused[tuple(parts[0])] = truth
        elif parts[0][0] == "slope":
            self.slope(parts[0][1:], truth, *parts[2:])
        else:
            self.compare(*parts[:2], truth, *parts[2:])

    def compare(self, left, right, truth, low, high):
        wanted = target(truth, low, high)
        if right is None:
            self.put(left, wanted, truth is WIDE)
            return
        if left in self.value and right not in self.value:
            self.put(right, self.value[left][0] / wanted, False)
            return
        self.value.setdefault(right, (usual(right), False))
        self.put(left, self.value[right][0] * wanted, truth is WIDE)

    def slope(self, row, truth, low, high):
        """From the first point of the sweep on"""
        part = next(arg for arg in row if arg.count(" ") > 1)
        name, *points = part.split()
        first = float(points[0])
        at = [tuple(f"{name} {x}" if arg == part else arg for arg in row) for x in points]
        start = self.value.setdefault(at[0], (1e3, False))[0]
        steep = 0 if truth else 20 * high
        for x, one in zip(points[1:], at[1:]):
            self.put(one, start + steep * (float(x) - first), False)
        if truth is WIDE:
            self.value[at[-1]] = (start, 1e3 * high * float(points[-1]))

    def put(self, quantity, value, wide):
        assert self.value.setdefault(quantity, (value, wide)) == (value, wide), \
            f"{quantity}: two values"


def usual(quantity):
    return METRICS[quantity[0]][1] if quantity[0] in METRICS else 1e3


def target(truth, low, high):
    """Well within low to high, well outside, or at the edge"""
    edge = high if math.isinf(low) else low
    if truth is WIDE:
        return edge * 1.03
    if low == high:
        return edge if truth else 3 * edge + 1
    if math.isinf(high):
        return 4 * edge if truth else edge / 4
    if math.isinf(low):
        return edge / 4 if truth else 4 * edge
    middle = 1 if math.isclose(low * high, 1) else (low + high) / 2
    return middle if truth else 4 * high


# ------------------------------------------------------------------------ folder

#: Of a counting repetition. Calls that prove a model are made 100 times in it, unless a
#: claim asks for more.
REQUESTS = 100000


def mechanism(model):
    """The first call of each word of its line in claims/mechanisms, without those forbidden"""
    for line in (TOP / "claims/mechanisms").read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].split()
        if words and words[0] == model.partition(":")[0]:
            return [word.partition("|")[0] for word in words[1:] if word[0] != "!"]
    return []


def cell(model, setting):
    words = setting.split()
    parts = {"loop": words[0], "placement": words[1]}
    for key, value in zip(words[2::2], words[3::2]):
        parts[key] = value if key in ("work", "pattern") else int(number(value))
    return crafted.cell_of(model, parts)


def factor(wide, block):
    """Blocks differ a little, or by so much that nothing can be told"""
    return math.exp((2 if wide else .002) * (-1) ** block)


class Folder:
    def __init__(self, path, settings, results):
        self.path, self.settings, self.results = path, settings, results
        self.lines, self.slices, self.bouts = [], [], 0

    def cells(self):
        """setting -> models, as the values need them"""
        found = {}
        for quantity in [*self.results.value,
                         *(("refused", *cell) for cell in self.results.refused)]:
            if not quantity[0].startswith("primitive"):
                models = found.setdefault(quantity[2], [])
                if quantity[1] not in models:
                    models.append(quantity[1])
        return found

    def write(self):
        self.path.mkdir()
        for block in range(BLOCKS + 1):
            for setting, models in self.cells().items():
                if block:
                    self.bout(block, "timing", setting, models)
                    continue
                for model in models:
                    self.bout(0, "counting", setting, [model])
        with open(self.path / "repetitions.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in self.lines)
        (self.path / "slices.csv").write_text("".join(
            f"{row}\n" for row in [crafted.SLICES,
                                   *(",".join(map(str, row)) for row in self.slices)]))
        (self.path / "machine.json").write_text(json.dumps(crafted.MACHINE))
        (self.path / "run.json").write_text(json.dumps({**crafted.RUN, "blocks": BLOCKS}))
        (self.path / "plan.txt").write_text(f"blocks {BLOCKS}\n")
        self.write_primitives()

    def bout(self, block, role, setting, models):
        for position, model in enumerate(models):
            line = crafted._line(len(self.lines), block, self.bouts, len(models), role,
                                 cell(model, self.settings[setting]))
            values = {quantity: value for quantity, value in self.results.value.items()
                      if quantity[1:3] == (model, setting)}
            line["metrics"].update(self.metrics(values, block))
            line["rounds"]["counted"] = ROUNDS if role == "timing" else 0
            if role == "counting":
                self.count(line, model, values)
            if self.results.refused.get((model, setting)):
                crafted._spoil(line, "refused", [crafted.SELECT_FULL])
            elif role == "timing":
                self.slices += self.rounds(line, position)
            self.lines.append(line)
        self.bouts += 1

    def metrics(self, values, block):
        found = {name: value for name, value in METRICS.values() if "calls" not in name}
        for quantity, (value, wide) in values.items():
            if quantity[0] != "calls":
                same = quantity[0] == "completions" or quantity[0] == "threads" and not wide
                found[METRICS[quantity[0]][0]] = value * (1 if same else factor(wide, block))
        return {**{name: found["response_" + name[8:]] for name in
                   ("service_p50_ns", "service_p99_ns")}, **found}

    def count(self, line, model, values):
        """Calls by name, which add up to all calls"""
        each = {quantity[3]: value for quantity, (value, _) in values.items()
                if quantity[0] == "calls" and len(quantity) > 3}
        by_name = {name: 100 for name in mechanism(model)}
        by_name |= {name.partition("|")[0]: round(value * REQUESTS)
                    for name, value in each.items()}
        total = [value for quantity, (value, _) in values.items()
                 if quantity[0] == "calls" and len(quantity) == 3]
        if total:
            by_name["getppid"] = round(total[0] * REQUESTS) - sum(by_name.values())
        by_name = {name: n for name, n in by_name.items() if n > 0} or {"getppid": 100}
        line["calls"] = {"method": "bpf", "requests": REQUESTS, "by_name": by_name}
        line["metrics"]["calls_per_request"] = sum(by_name.values()) / REQUESTS

    def rounds(self, line, position):
        metrics, rows = line["metrics"], []
        for number in range(1, ROUNDS + 1):
            answered = metrics["requests_per_second"]  # of a window of a second
            times = [round(metrics[name]) for name in (
                "response_p50_ns", "response_p99_ns", "service_p50_ns", "service_p99_ns")]
            rows.append([line["bout"], line["index"], number, position, 1, round(answered),
                         round(answered), 10**9, 10**9,
                         round(metrics["server_cpu_per_request_ns"] * answered), 10**8, *times])
        return rows

    def write_primitives(self):
        columns = ["primitive", "method", "watched", "ready", "count", "unit", "value", "low",
                   "high", "repetitions", "calls", "why"]
        with open(self.path / "primitives.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            for quantity, (value, wide) in self.results.value.items():
                if quantity[0] != "primitive":
                    continue
                counted = quantity[1] in ("signal", "aio")
                spread = wide if wide > 1 else value * (.9 if wide else .001 * (not counted))
                calls = self.results.value.get(("primitive_calls", *quantity[1:]), ("",))[0]
                writer.writerow({"primitive": quantity[1], "method": quantity[2],
                                 **dict(arg.split() for arg in quantity[3:]),
                                 "unit": "count" if counted else "ns", "value": value,
                                 "low": value - spread, "high": value + spread,
                                 "repetitions": 10, "calls": calls})


def make(path, name, truths):
    """The folder; `truths`: of each predicate of the claim that is not to be true"""
    found, results = claim(name), Results()
    for key in ("proof", "holds", "but-not"):
        for text in found.get(key, []):
            results.solve(parse(text), truths.get(key, True))
    settings = dict(line.split(None, 1) for line in found.get("setting", []))
    Folder(path, settings, results).write()
    return path
