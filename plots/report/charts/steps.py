# SPDX-License-Identifier: MIT
"""The system calls of one request in each model, in order, and where the server waits.

Order and sleep are those of a trace (request.csv), which stops or slows the server at each
call; so the numbers are those of the measurement.
"""

import html
import itertools

from .. import style, words
from ..trace import Mark
from ..view import Chart, Table
from . import calls as counted

#: Which thread makes the call
SERVER, HELPER, KERNEL = "server", "helper", "kernel"

#: What a call does if it sleeps, and if it does not
_REQUEST = ("until the request arrives, and receives it", "receives the request")
_REPLY = ("until there is room for the reply", "sends the reply")
_TEXTS = {
    "epoll_wait": ("until a registered descriptor is ready", "finds a ready descriptor"),
    "pselect6": ("until a descriptor of the set is ready", "finds a ready descriptor"),
    "poll": ("until a descriptor of the list is ready", "finds a ready descriptor"),
    "rt_sigtimedwait": ("until a signal", "takes a signal"),
    "rt_sigqueueinfo": ("", "signals a completion"),
    "futex": ("until another thread wakes it", "wakes another thread, or finds nothing to "
                                               "wait for"),
    "io_uring_enter": ("until a completion, after submitting what is queued",
                       "submits what is queued"),
    "epoll_ctl": ("", "changes what is watched"),
}
_TEXTS |= {"epoll_pwait": _TEXTS["epoll_wait"], "ppoll": _TEXTS["poll"],
           "epoll_pwait2": _TEXTS["epoll_wait"], "select": _TEXTS["pselect6"]}
_OF_CLIENT = {"recvfrom": _REQUEST, "recvmsg": _REQUEST, "read": _REQUEST, "readv": _REQUEST,
              "sendto": _REPLY, "sendmsg": _REPLY, "write": _REPLY, "writev": _REPLY}
READ = ("Left to right: the steps of one request in a server with nothing else to do, as they "
        "were traced. Striped: the thread sleeps and uses no CPU. Dotted: a poll that finds "
        "nothing. Double edge: another thread. Dashed edge: work in the kernel without a "
        "system call. The number is measured without the trace: calls per request, of all "
        "steps with this call. With many clients one wait serves many requests, and its number "
        "falls.")


def setting_of(view):
    """Cells of the closed loop with the fewest connections, or None"""
    found = [rows for rows in counted.main_settings(view)
             if rows[0]["loop"] == "closed"]
    return min(found, key=lambda rows: rows[0]["connections"], default=None)


def _per_request(calls):
    return {call["call"]: call["per_request"] for call in calls
            if call["per_request"] is not None}


def _text(call, asleep):
    """(state, description) of a call"""
    if call.found_nothing:
        return "polls", f"and finds nothing{f' ({call.result_words})' if call.result else ''}"
    if call.result is not None and call.result < 0:
        return "works", f"fails: {call.result_words}"
    texts = _OF_CLIENT.get(call.name) if call.client else _TEXTS.get(call.name)
    if asleep is None:  # strace
        return "works", f"{texts[0]}, if it is not yet so" if texts and texts[0] else ""
    return ("sleeps" if asleep else "works"), texts[not asleep] if texts else ""


def _steps(trace):
    """(thread, name, state, text) of each step; a call that is repeated at once is one"""
    found = []
    steps = trace.steps()
    threads = {lane.thread for lane, _, _ in steps}
    for lane, step, asleep in steps:
        main = len(threads) == 1 or lane.thread == lane.process == trace.server
        if isinstance(step, Mark):
            of = [(KERNEL, step.name or "ring entry", "works",
                   f"ring entry: completed with {step.words.rpartition('= ')[2]}")]
        else:
            state, text = _text(step, asleep)
            of = [(SERVER if main else HELPER, name, state, text)
                  for name in step.name.split()]
        found += [one for one in of if one not in found[-1:]]
    return list(_together(found))


def _together(steps):
    """Several futexes in a row, whose order says nothing, are one step"""
    for name, of in itertools.groupby(steps, key=lambda step: step[1]):
        of = list(of)
        if name == "futex" and len(of) > 1:
            yield of[0][0], name, "works", f"locks and wake-ups between threads, {len(of)} times"
        else:
            yield from of


def _step(step, numbers):
    thread, name, state, text = step
    often = f"{words.digits(numbers[name])} per request" if name in numbers else \
        "no system call" if thread == KERNEL else "not counted"
    other = "<i>another thread</i> " if thread == HELPER else ""
    word = "" if state == "works" else f"{state} "
    return (f'<li class="{state} {thread}" style="--call:{style.call_kind(name)}">'
            f"<b>{html.escape(name)}</b>"
            f"<span>{other}{word and f'<em>{word}</em>'}{html.escape(text)}</span>"
            f"<small>{often}</small></li>")


def _beside(numbers, described):
    """Calls that were counted and are none of the steps"""
    rest = [f"{html.escape(name)} {words.digits(n)}" for name, n in numbers.items()
            if name not in described and n >= counted.LEAST]
    return f'<p class="aside">Also counted: {", ".join(rest)} per request.</p>' \
        if rest else ""


def _aside(trace):
    """What the reader has to know about the order"""
    said = [] if trace.knows_sleep else ["Traced by strace: whether a call sleeps is not known."]
    if trace.lost:
        said.append(f"{words.count(trace.lost)} events of the trace are missing.")
    return "".join(f'<p class="aside">{text}</p>' for text in said)


def strip(view, row, calls):
    """The line of one model"""
    numbers = _per_request(calls)
    trace = view.run.traces.get(row["model"])
    steps = _steps(trace) if trace else []
    label = html.escape(view.label(row))
    if steps:
        inside = "".join(_step(step, numbers) for step in steps)
        rest = _beside(numbers, {name for _, name, _, _ in steps}) + _aside(trace)
    else:
        inside = "".join(_step((SERVER, name, "works", ""), numbers)
                         for name, n in numbers.items() if n >= counted.LEAST)
        rest = '<p class="aside">The order of the calls was not traced.</p>'
    if row["status"] == "unsupported" and not numbers:
        rest = f'<p class="aside">{html.escape(row["reason"])}</p>'
    return (f'<div class="request" data-m="{view.model(row)}"><h4>{label}</h4>'
            f'<ol class="strip">{inside}</ol>{rest}</div>')


def table(view, calls):
    """Calls per request at each number of connections of the closed loop"""
    settings = [rows for rows in counted.main_settings(view)
                if rows[0]["loop"] == "closed"]
    columns = [("model", True), ("system call", False),
               *[(words.many(rows[0]["connections"], "connection"), True)
                 for rows in settings]]
    found = []
    for model in view.models:
        of = [_per_request(calls.get(row["cell"], [])) for rows in settings
              for row in rows if row["model"] == model]
        names = [name for name in dict.fromkeys(n for one in of for n in one)
                 if any(one.get(name, 0) >= counted.LEAST for one in of)]
        index, label = view.models.index(model), view.looks[model].label
        for name in names if len(of) == len(settings) else []:
            found.append(({"m": index}, [(label, index), (name, None), *[
                (words.digits(one[name]) if name in one else "0", one.get(name, 0))
                if one else ("–", None) for one in of]]))
    return Table(columns, found)


def build(view):
    rows = setting_of(view)
    if not rows:
        return []
    calls = counted.of_cells(view)
    title, note = view.finding("calls", rows[0]) or (
        "The system calls of one request", "")
    strips = "".join(strip(view, row, calls.get(row["cell"], [])) for row in rows
                     if row["model"] != "baseline")
    where = words.setting_words(rows[0])
    return [Chart("request", "One request", title, f"{note}; {where}".strip("; "),
                  READ, html=strips, tables=[table(view, calls)])]
