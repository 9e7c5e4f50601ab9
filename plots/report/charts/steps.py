# SPDX-License-Identifier: MIT
"""The system calls of one request in each model, in order, and where the server waits.

Measuring the order would stop the server at each call. So STEPS describes it, as the card
at the top of each models/*.c does; a test compares it with strace. The numbers are those
of the run.
"""

import html

from .. import style, words
from ..view import Chart, Table
from . import calls as counted

#: Which thread makes the call
SERVER, HELPER, KERNEL = "server", "helper", "kernel"

#: Of each model: (thread, names of the call, state of the thread, description)
STEPS = {
    "thread": [
        (SERVER, "recvfrom", "sleeps", "until the request arrives, and receives it"),
        (SERVER, "sendto", "works", "sends the reply")],
    "busypoll": [
        (SERVER, "accept4", "polls", "and finds no new client (EAGAIN)"),
        (SERVER, "recvfrom", "polls", "each client and finds no request (EAGAIN)"),
        (SERVER, "recvfrom", "works", "receives the request"),
        (SERVER, "sendto", "works", "sends the reply")],
    "select": [
        (SERVER, "pselect6 select", "sleeps", "until a descriptor of the set is ready"),
        (SERVER, "recvfrom", "works", "receives the request"),
        (SERVER, "sendto", "works", "sends the reply")],
    "poll": [
        (SERVER, "poll ppoll", "sleeps", "until a descriptor of the list is ready"),
        (SERVER, "recvfrom", "works", "receives the request"),
        (SERVER, "sendto", "works", "sends the reply")],
    "epoll": [
        (SERVER, "epoll_wait epoll_pwait", "sleeps", "until a registered descriptor is "
                                                     "ready"),
        (SERVER, "recvfrom", "works", "receives the request"),
        (SERVER, "sendto", "works", "sends the reply")],
    "aio": [
        (HELPER, "pread64", "works", "fails: a socket has no offset"),
        (HELPER, "read", "sleeps", "until the request arrives, and receives it"),
        (HELPER, "rt_sigqueueinfo", "works", "signals that the read is complete"),
        (SERVER, "rt_sigtimedwait", "sleeps", "until a signal, then requests a write"),
        (SERVER, "futex", "works", "wakes the helper thread"),
        (HELPER, "pwrite64", "works", "fails: a socket has no offset"),
        (HELPER, "write", "works", "sends the reply"),
        (HELPER, "rt_sigqueueinfo", "works", "signals that the write is complete"),
        (SERVER, "rt_sigtimedwait", "sleeps", "until a signal, then requests the next "
                                              "read"),
        (SERVER, "futex", "works", "wakes the helper thread")],
    "uring": [
        (SERVER, "io_uring_enter", "sleeps", "until a completion, after submitting a "
                                             "receive"),
        (KERNEL, "recv", "works", "ring entry: receives the request"),
        (SERVER, "io_uring_enter", "sleeps", "until a completion, after submitting a send"),
        (KERNEL, "send", "works", "ring entry: sends the reply")],
}
WHERE = {SERVER: "", HELPER: "a thread of glibc", KERNEL: "in the kernel, no system call"}
READ = ("Left to right: the steps of one request in a server with nothing else to do. "
        "Striped: the thread sleeps and uses no CPU. Dotted: a poll that finds nothing. "
        "Double edge: another thread. Dashed edge: work in the kernel without a system "
        "call. The order comes from the cards in models/*.c; the number is measured: calls "
        "per request, of all steps with this call. With many clients one wait serves many "
        "requests, and its number falls.")


def setting_of(view):
    """Cells of the closed loop with the fewest connections, or None"""
    found = [rows for rows in counted.main_settings(view)
             if rows[0]["loop"] == "closed"]
    return min(found, key=lambda rows: rows[0]["connections"], default=None)


def _per_request(calls):
    return {call["call"]: call["per_request"] for call in calls
            if call["per_request"] is not None}


def _step(step, numbers):
    thread, names, state, text = step
    known = [name for name in names.split() if name in numbers]
    name = known[0] if known else names.split()[0]
    often = f"{words.digits(numbers[name])} per request" if known else \
        WHERE[thread] if thread == KERNEL else "not counted"
    other = f"<i>{WHERE[thread]}</i> " if thread == HELPER else ""
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


def strip(view, row, calls):
    """The line of one model"""
    numbers = _per_request(calls)
    steps = STEPS.get(row["model"])
    label = html.escape(view.label(row))
    if steps:
        described = {name for step in steps for name in step[1].split()}
        inside = "".join(_step(step, numbers) for step in steps)
        rest = _beside(numbers, described)
    else:
        inside = "".join(_step((SERVER, name, "works", ""), numbers)
                         for name, n in numbers.items() if n >= counted.LEAST)
        rest = '<p class="aside">The order of the calls is not known.</p>'
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
