# SPDX-License-Identifier: MIT
"""Numbers and settings in words: those of bin/matrix's tables
(harness/verdict/describe.c), so that page and terminal can be compared."""

import html
import math
import re

#: The end of a metric's name, and its units
_SCALES = [
    ("_ns", [(1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")]),
    ("_bytes", [(1, "B"), (1024, "KiB"), (1024 ** 2, "MiB"),
                (1024 ** 3, "GiB")]),
    ("per_second", [(1, "/s"), (1e3, "k/s"), (1e6, "M/s")]),
    ("_share", [(0.01, "%")]),
    ("", [(1, "")]),
]

#: The parts of a setting except its connections, in the order of its key
_REST = ("rate", "idle", "message", "depth", "pattern", "work", "service")
_USUAL = {"rate": None, "idle": 0, "message": 64, "depth": 1,
          "pattern": "steady", "work": "none", "service": "echo"}


def escape(text):
    """HTML of a text, with unprintable characters replaced"""
    shown = "".join(c if c.isprintable() or c in "\n\u00a0" else "\ufffd"
                    for c in str(text))
    return html.escape(shown)


def scales(metric):
    return next(steps for end, steps in _SCALES if metric.endswith(end))


def digits(x):
    """Three significant digits; a power of ten above 99,999"""
    size = abs(x)
    if size < 1e-6:
        return "0"
    if size < 0.001:
        return "<0.001" if x > 0 else "0"
    if size < 0.0995:
        return f"{x:.2g}"
    if size > 99999:
        return f"{x:.0e}"
    return f"{x:.{2 if size < 9.995 else 1 if size < 99.95 else 0}f}"


def amount(metric, x):
    """'12.3 µs', '152 k/s', '5.10 KiB', '2.02'; a share in percent"""
    if x is None or not math.isfinite(x):
        return "–"
    steps = scales(metric)
    size, unit = [step for step in steps
                  if step is steps[0] or abs(x) >= 0.9995 * step[0]][-1]
    return f"{digits(x / size)} {unit}".replace(" /s", "/s").strip()


def ratio(x):
    return f"{x:.3f}" if 0.0995 < x < 0.9995 else digits(x)


def percent(x, after=1):
    """A ratio: '+2.8'"""
    return f"{100 * (x - 1):+.{after}f}".replace("-", "−")


def change(x):
    """A ratio: '−2.8 %' near 1, '×1.51' further away"""
    return f"{percent(x)} %" if 0.8 <= x <= 1.25 else f"×{digits(x)}"


def factor(x):
    """A ratio; an interval of few blocks can be absurdly wide"""
    return "<0.001" if x < 0.001 else ">999" if x > 999 else digits(x)


def range_of(low, high):
    """Of ratios: '−3.3 … −2.0 %', or, if it is wide, '×0.57 … 1.32'"""
    if low > 0.5 and high < 2:
        return f"{percent(low)} … {percent(high)} %"
    return f"×{factor(low)} … {factor(high)}"


def ratio_with(ratio, low, high):
    """'−2.8 % (−3.3 … −2.0)', or '×1.51 (1.49 … 1.54)'"""
    inside = range_of(low, high)
    if 0.8 <= ratio <= 1.25 and inside.endswith("%"):
        return f"{percent(ratio)} % ({inside[:-2]})"
    return f"×{factor(ratio)} ({factor(low)} … {factor(high)})"


def count(n):
    return f"{n:,.0f}" if n >= 999.95 or n == int(n) else digits(n)


_UNIT = re.compile(r"(?<=\d) (ns|us|ms|s|B|KiB|MiB|GiB|%)(?![\w/])")


def typeset(text):
    """'12 us' of the terminal, as the axes have it, without a line break"""
    return _UNIT.sub(lambda found: "\u00a0" + found[1].replace("us", "µs"), text)


def plural(n):
    return "" if n == 1 else "s"


def many(n, what):
    """'1 block', '3 blocks'"""
    return f"{count(n)} {what}{plural(n)}"


def size(n):
    return f"{count(n // 1024)} KiB" if n % 1024 == 0 else f"{count(n)} B"


def load_key(cell):
    """A setting without its connections: 'closed split idle 900'"""
    words = [cell["loop"], cell["placement"]]
    for part in _REST:
        value = cell.get(part, _USUAL[part])
        if value != _USUAL[part] or (part, cell["loop"]) == ("idle", "none"):
            words += [part, f"{value:g}" if part == "rate" else str(value)]
    return " ".join(words)


def setting_key(cell):
    """As findings.csv names a setting: 'closed split 16 idle 900'"""
    loop, placement, *rest = load_key(cell).split(" ")
    connections = [str(cell["connections"])] if cell["connections"] else []
    return " ".join([loop, placement] + connections + rest)


def _unusual(cell):
    """The parts that differ from most settings, in words"""
    found = []
    if cell["idle"] or cell["loop"] == "none":
        found.append(many(cell["idle"], "idle client"))
    if cell["message"] != 64:
        found.append(size(cell["message"]))
    if cell["depth"] > 1:
        found.append(f"{cell['depth']} in flight on each")
    pattern, _, number = cell["pattern"].partition(":")
    if pattern != "steady":
        found.append({"connect": "a new connection for each request",
                      "storm": "all connect at once",
                      "slow-read": f"beside {many(int(number or 0), 'slow reader')}",
                      "burst": f"in bursts of {number}"}[pattern])
    if cell["work"] != "none":
        found.append(f"work {cell['work']}")
    if cell.get("service") == "http":
        found.append("HTTP")
    return found


def load_words(cell):
    """load_key() in words: 'closed loop, server and clients on separate cores, 900 idle
    clients'"""
    loop = {"closed": "closed loop", "none": "no requests"}.get(cell["loop"])
    where = "separate cores" if cell["placement"] == "split" else "one core"
    return ", ".join([loop or f"open loop, {count(cell['rate'])} requests/s offered",
                      f"server and clients on {where}", *_unusual(cell)])


def load_short(cell):
    """'open loop of 5,000/s, one core': only the parts that differ from most settings"""
    found = [] if cell["loop"] == "none" else ["closed loop"]
    if cell["loop"] == "open":
        found = [f"open loop of {count(cell['rate'])}/s"]
    if cell["placement"] == "shared":
        found.append("one core")
    return ", ".join(found + _unusual(cell))


def setting_words(cell):
    """'64 connections, closed loop, ...'"""
    if not cell["connections"]:
        return load_words(cell)
    return f"{many(cell['connections'], 'connection')}, {load_words(cell)}"


def setting_short(cell):
    """'64 connections, one core'"""
    load = load_short(cell).removeprefix("closed loop").removeprefix(", ")
    if not cell["connections"]:
        return load
    return ", ".join(filter(None, [many(cell["connections"], "connection"), load]))


_NUMBER = re.compile(r"\d[\d,.]*\d|\d")


def without_numbers(text):
    """The same for sentences that differ only in numbers"""
    return _NUMBER.sub("#", text)


def ranged(texts):
    """These sentences as one, with the range of each number: '12 to 73 %'"""
    numbers = list(zip(*(_NUMBER.findall(text) for text in texts)))
    found = iter(numbers)

    def put(_):
        of = sorted(set(next(found)), key=_value)
        return of[0] if len(of) == 1 else f"{of[0]} to {of[-1]}"
    return _NUMBER.sub(put, texts[0])


def _value(text):
    plain = text.replace(",", "")
    return float(plain) if plain.count(".") < 2 else 0.0
