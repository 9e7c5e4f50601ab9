# SPDX-License-Identifier: MIT
"""Repetitions to rows like those of cells.csv and calls.csv.

bin/matrix makes these files (harness/verdict/reduce.c), and then they are what is
drawn. This is for a run that was killed before it could, or whose lines are broken
in part; tests hold that both make the same of the same lines.
"""

from . import stats

TAUGHT = ["thread", "busypoll", "select", "poll", "epoll", "aio", "uring"]
BASELINE = "baseline"

_PARTS = ["model", "loop", "connections", "rate", "idle", "message", "depth",
          "pattern", "work", "placement"]
_COUNTED = ["calls_per_request", "calls_per_second", "submissions_per_request",
            "completions_per_request"]
_BOTTLENECK = "the generator was the bottleneck"
_SPINNING = 0.9  # of a CPU, with nothing to do

#: Percentiles that bin/loadgen may call unsure
_UNSURE = [("response_ns", "p50"), ("response_ns", "p90"), ("response_ns", "p99"),
           ("response_ns", "p99_9"), ("service_ns", "p50"), ("service_ns", "p99"),
           ("send_lag_ns", "p99")]


def model_order(model):
    """As the models are taught, then others by name, the baseline last"""
    place = TAUGHT.index(model) if model in TAUGHT else len(TAUGHT)
    return (model == BASELINE, place, model)


def setting_order(cell):
    loops = ["closed", "open", "none"]
    kind, _, burst = cell["pattern"].partition(":")
    return (loops.index(cell["loop"]), cell["placement"] == "shared",
            cell["message"], cell["depth"],
            ["steady", "burst", "connect"].index(kind)
            if kind in ("steady", "burst", "connect") else 3, len(burst), burst,
            cell["work"], cell["rate"] or 0, cell["idle"], cell["connections"])


def sustained(repetition):
    return repetition["load"]["sustained"] is not False


def counts(repetition):
    return (repetition["status"] == "ok" and sustained(repetition)
            and not repetition["dropped"])


def _outgrown(repetition):
    """The server was too fast for the generator, and nothing else was amiss"""
    reasons = repetition["reasons"]
    return (repetition["role"] == "timing" and repetition["status"] == "invalid"
            and len(reasons) == 1 and reasons[0].startswith(_BOTTLENECK))


def drop_the_slow(repetitions):
    """Where the generator was the bottleneck as often as not, those that are left
    are no fair choice (harness/verdict/reduce.h): marks them as `dropped`"""
    for r in repetitions:
        r["dropped"] = False
    for of in by_cell(repetitions).values():
        gone = sum(map(_outgrown, of))
        if gone == 0 or gone < len(by_block(of, "timing")):
            continue
        for r in of:
            r["dropped"] = r["role"] in ("timing", "aa") and counts(r)


def outcome(repetition):
    if repetition["status"] == "ok" and not sustained(repetition):
        return "invalid"
    return repetition["status"]


def reason(repetition):
    if repetition["reasons"]:
        return repetition["reasons"][0]
    return "no reason was recorded" if sustained(repetition) else \
        "the offered load was not sustained"


def by_block(repetitions, *roles):
    """The repetition that counts of each block: the last valid attempt"""
    return {r["block"]: r for r in repetitions
            if r["role"] in roles and r["block"] >= 1 and counts(r)}


def _last(repetitions, role):
    valid = [r for r in repetitions if r["role"] == role and counts(r)]
    return valid[-1] if valid else None


def _main_role(repetitions):
    roles = {r["role"] for r in repetitions}
    return next((role for role in ("timing", "ceiling", "idle", "counting")
                 if role in roles), "aa")


def _joined(methods):
    known = set(methods)
    return known.pop() if len(known) == 1 else "mixed" if known else ""


def _summary(row, metric, values):
    values = [value for value in values if value is not None]
    low, high = stats.interval(values)
    row[metric] = stats.median(values)
    row[metric + "_low"], row[metric + "_high"] = low, high
    row[metric + "_lowest"] = min(values, default=None)
    row[metric + "_highest"] = max(values, default=None)


def _notes(row, measured):
    loads = [r["load"] for r in measured]
    row["cpu_method"] = _joined(r["cpu_method"] for r in measured)
    row["coarse"] = float(any(load["coarse"] is True for load in loads))
    names = [f"{times[:-3]}_{percentile}_ns" for times, percentile in _UNSURE
             if any(percentile in load["unsure"].get(times, []) for load in loads)]
    row["unsure"] = " ".join(names)


def _metrics(row, measured, counted, idle):
    for metric in row_metrics(measured + [r for r in (counted, idle) if r]):
        one = idle if idle or metric not in _COUNTED else counted
        if idle or metric in _COUNTED:
            values = [one["metrics"].get(metric)] if one else []
        else:
            values = [r["metrics"].get(metric) for r in measured]
        _summary(row, metric, values)


def row_metrics(repetitions):
    return list(dict.fromkeys(m for r in repetitions for m in r["metrics"]))


def _status(row, repetitions):
    role = _main_role(repetitions)
    of_role = [r for r in repetitions if r["role"] == role]
    bad = [r for r in of_role if not counts(r)]
    row["invalid"] = float(len(bad))
    row["reason"] = reason(bad[-1]) if bad else ""
    row["status"] = "ok" if row["n"] or len(bad) < len(of_role) else \
        outcome(bad[-1])
    dropped = sum(r["dropped"] for r in of_role)
    if dropped:
        row["status"] = "invalid"
        lost = sum(map(_outgrown, of_role))
        row["reason"] = (f"{_BOTTLENECK} in {lost} repetition{'' if lost == 1 else 's'}; "
                         f"the other {dropped} are valid only because the server was "
                         f"slow (more CPUs: --client-cpus)")
    if row["n"] == 0 and row["status"] == "ok":
        row["reason"] = "not timed yet"


def _row(repetitions):
    idle, counted = _last(repetitions, "idle"), _last(repetitions, "counting")
    measured = list(by_block(repetitions, "timing", "ceiling").values())
    row = {part: repetitions[0][part] for part in _PARTS}
    row["cell"] = repetitions[0]["cell"]
    row["n"] = 1.0 if idle else float(len(measured))
    _notes(row, measured + ([idle] if idle else []))
    counted = idle or counted
    row["calls_method"] = counted["calls"]["method"] if counted else ""
    _metrics(row, measured, counted, idle)
    _status(row, repetitions)
    return row


def _find_spinners(rows):
    spinners = {row["model"] for row in rows if row["loop"] == "none"
                and (row.get("server_cpu_share") or 0) > _SPINNING}
    for row in rows:
        row["spins"] = float(row["model"] in spinners)
        row["oversubscribed"] = float(row["model"] in spinners
                                      and row["loop"] != "none"
                                      and row["placement"] == "shared")


def by_cell(repetitions):
    """Repetitions of each cell, in the order in which they were measured"""
    cells = {}
    for r in repetitions:
        cells.setdefault(r["cell"], []).append(r)
    return cells


def cells(repetitions):
    """Rows as of cells.csv: by setting, then by model"""
    rows = [_row(of) for of in by_cell(repetitions).values()]
    _find_spinners(rows)
    return sorted(rows, key=lambda row: (setting_order(row),
                                         model_order(row["model"])))


def _calls_of(row, repetition):
    if not repetition:
        return
    calls = repetition["calls"]
    names, requests = calls["by_name"], calls["requests"]
    total, per_second = sum(names.values()), row.get("calls_per_second")
    for name, count in sorted(names.items(), key=lambda item: -item[1]):
        yield {**{part: row[part] for part in _PARTS}, "cell": row["cell"],
               "call": name, "count": float(count),
               "per_request": count / requests if requests else None,
               "per_second": per_second * count / total if per_second else None,
               "method": calls["method"]}


def calls(repetitions, rows):
    """Rows as of calls.csv"""
    of = by_cell(repetitions)
    return [call for row in rows for call in _calls_of(
        row, _last(of[row["cell"]], "idle") or _last(of[row["cell"]], "counting"))]
