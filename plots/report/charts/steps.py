# SPDX-License-Identifier: MIT
"""One request in each model: which system calls, in which order, and where the
server waits.

The order cannot be measured without stopping the server at each call: it is
described here, as in the card at the top of each model (models/*.c), and a test
holds it against what strace sees. The numbers are this run's.
"""

import html

from .. import style, words
from ..view import Chart, Table
from . import calls as counted

#: Who does it
SERVER, HELPER, KERNEL = "server", "helper", "kernel"

#: Of each model: (who, call or its other names, what it does there, in words)
STEPS = {
    "thread": [
        (SERVER, "recvfrom", "sleeps", "until the request is there; takes it"),
        (SERVER, "sendto", "works", "sends the reply")],
    "busypoll": [
        (SERVER, "accept4", "asks", "anybody new? no (EAGAIN)"),
        (SERVER, "recvfrom", "asks", "anything here? no (EAGAIN); again and again, "
                                     "of everybody"),
        (SERVER, "recvfrom", "works", "takes the request"),
        (SERVER, "sendto", "works", "sends the reply")],
    "select": [
        (SERVER, "pselect6 select", "sleeps", "until any of these numbers is ready"),
        (SERVER, "recvfrom", "works", "takes the request"),
        (SERVER, "sendto", "works", "sends the reply")],
    "poll": [
        (SERVER, "poll ppoll", "sleeps", "until any of this list is ready"),
        (SERVER, "recvfrom", "works", "takes the request"),
        (SERVER, "sendto", "works", "sends the reply")],
    "epoll": [
        (SERVER, "epoll_wait epoll_pwait", "sleeps", "until any of those it was told "
                                                     "of before is ready"),
        (SERVER, "recvfrom", "works", "takes the request"),
        (SERVER, "sendto", "works", "sends the reply")],
    "aio": [
        (HELPER, "pread64", "works", "fails: a socket has no offset"),
        (HELPER, "read", "sleeps", "until the request is there; takes it"),
        (HELPER, "rt_sigqueueinfo", "works", "a signal: it is read"),
        (SERVER, "rt_sigtimedwait", "sleeps", "until a signal; then asks for a "
                                              "write"),
        (SERVER, "futex", "works", "hands the work over"),
        (HELPER, "pwrite64", "works", "fails: a socket has no offset"),
        (HELPER, "write", "works", "sends the reply"),
        (HELPER, "rt_sigqueueinfo", "works", "a signal: it is written"),
        (SERVER, "rt_sigtimedwait", "sleeps", "until a signal; then asks for the "
                                              "next read"),
        (SERVER, "futex", "works", "hands the work over")],
    "uring": [
        (SERVER, "io_uring_enter", "sleeps", "submits a receive; until any result is "
                                             "there"),
        (KERNEL, "recv", "works", "an entry in the ring: takes the request"),
        (SERVER, "io_uring_enter", "sleeps", "submits a send; until any result is "
                                             "there"),
        (KERNEL, "send", "works", "an entry in the ring: sends the reply")],
}
WHO = {SERVER: "", HELPER: "a thread of glibc", KERNEL: "the kernel; no call"}
READ = ("From left to right, what happens for one request, when the server has "
        "nothing else to do. Striped: it sleeps there, and costs nothing until it is "
        "woken. Dotted: it asks in vain. A double edge is another thread, a broken "
        "one no system call at all. The order is described from the cards in "
        "models/*.c, not measured; the number at each call is: how often it was "
        "made for a request, all its places together. With many clients one wait "
        "serves many requests, and its number falls.")


def setting_of(view):
    """Of the closed loop, the one with the fewest connections: (cells), or None"""
    found = [rows for rows in counted.main_settings(view)
             if rows[0]["loop"] == "closed"]
    return min(found, key=lambda rows: rows[0]["connections"], default=None)


def _per_request(calls):
    return {call["call"]: call["per_request"] for call in calls
            if call["per_request"] is not None}


def _step(step, numbers):
    who, names, state, text = step
    known = [name for name in names.split() if name in numbers]
    name = known[0] if known else names.split()[0]
    often = f"{words.digits(numbers[name])} a request" if known else \
        WHO[who] if who == KERNEL else "not counted"
    other = f"<i>{WHO[who]}</i> " if who == HELPER else ""
    word = {"sleeps": "sleeps ", "asks": "asks ", "works": ""}[state]
    return (f'<li class="{state} {who}" style="--call:{style.call_kind(name)}">'
            f"<b>{html.escape(name)}</b>"
            f"<span>{other}{word and f'<em>{word}</em>'}{html.escape(text)}</span>"
            f"<small>{often}</small></li>")


def _beside(numbers, described):
    """What was counted, and is not among the steps"""
    rest = [f"{html.escape(name)} {words.digits(n)}" for name, n in numbers.items()
            if name not in described and n >= counted.LEAST]
    return f'<p class="aside">Beside them: {", ".join(rest)} a request.</p>' \
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
        rest = ('<p class="aside">In which order is not known: it is none of the '
                "models described here.</p>")
    if row["status"] == "unsupported" and not numbers:
        rest = f'<p class="aside">{html.escape(row["reason"])}</p>'
    return (f'<div class="request" data-m="{view.model(row)}"><h4>{label}</h4>'
            f'<ol class="strip">{inside}</ol>{rest}</div>')


def table(view, calls):
    """Each call a request, across the connections of the closed loop"""
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
        "What one request takes in each model", "")
    strips = "".join(strip(view, row, calls.get(row["cell"], [])) for row in rows
                     if row["model"] != "baseline")
    where = words.setting_words(rows[0])
    return [Chart("request", "One request", title, f"{note}; {where}".strip("; "),
                  READ, html=strips, tables=[table(view, calls)])]
