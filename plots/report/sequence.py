# SPDX-License-Identifier: MIT
"""A trace in words: what its picture says above and below, and all of it as text for a
terminal, in the same order."""

import collections

from . import trace as traces
from .trace import QUEUES, SLEEPS

PAUSE = "clock_nanosleep"  # of a client between its requests


def asks(who):
    if len(who) == 1:
        return f"{who} sends a request"
    return f"{' and '.join(who)} send a request at the same time"


def micro(ns):
    """'12.3', '187', '1,020'"""
    us = ns / 1000
    return f"{us:.1f}" if abs(us) < 99.95 else f"{us:,.0f}"


def subtitle(trace):
    """Machine and method: a list of lines"""
    about = trace.about
    cpus = f"{trace.cpus} CPU{'' if trace.cpus == 1 else 's'}"
    method = ("every system call and every switch between threads, traced in the kernel "
              "(BPF)" if trace.knows_sleep else
              "system calls of the server by strace, those of the clients by themselves")
    where = (f"Linux {about.get('kernel', '?')}, {about.get('processor', '?')}, {cpus}; server "
             f"on CPU {about.get('server', '?')}, clients on CPU {about.get('clients', '?')}")
    lines = [where, method]
    if trace.lost:
        lines.append(f"{trace.lost:,} events are missing: the buffer was too small for them "
                     "(--buffer)")
    return lines


def limits(trace):
    """What the reader has to know about times"""
    found = []
    if trace.knows_sleep:
        found.append("Each call takes longer than without tracing.")
    else:
        found.append("strace stops the server at each call: the order is exact, times are much "
                     "longer than without it, and whether a thread sleeps in a call is not "
                     "known.")
    return found + [f"Not seen: {text}" for text in trace.missing]


def lane_names(trace, shown):
    """{thread: name}, unique among those that are shown: 'go #2'"""
    by_name = collections.Counter(lane.name for lane in shown)
    found, numbers = {lane.thread: lane.name for lane in trace.lanes}, collections.Counter()
    for lane in shown:
        name = f"kernel: {lane.name.rsplit('-', 1)[0]}" if lane.role == "kernel" else lane.name
        numbers[name] += 1
        found[lane.thread] = f"{name} #{numbers[name]}" if by_name[lane.name] > 1 else name
    return found


def in_order(trace, moments):
    """(lanes to show, lanes that sleep all the time): A, the server's threads, the kernel's,
    B. A few sleeping threads are shown: they wait for something, too."""
    few = 2
    servers = [lane for lane in trace.lanes if lane.role == "server"]
    busy = {lane.thread for moment in moments for lane in moment.lanes if any(
        call.begin and call.begin > moment.begin or call.end and call.end < moment.end
        for call in lane.calls) or len(lane.states) > 1 or lane.marks}
    idle = [lane for lane in servers if lane.thread not in busy]
    if len(idle) > few:
        servers = [lane for lane in servers if lane.thread in busy]
    else:
        idle = []
    servers.sort(key=lambda lane: (lane.process != trace.server, lane.process or 0,
                                   lane.thread))
    clients = sorted((lane for lane in trace.lanes if lane.role == "client"),
                     key=lambda lane: lane.name)
    kernel = [lane for lane in trace.lanes if lane.role == "kernel"
              and lane.thread in busy | {k.thread for k in trace.lanes if k.role == "kernel"
                                         and k.name.startswith("iou-sqp")}]
    return [*clients[:1], *servers, *kernel, *clients[1:]], idle


def is_asleep(call, lane, moment):
    """How long the thread slept in this call, within the moment; None: it is not known"""
    if any(state == traces.UNKNOWN for state, _, _ in lane.states):
        return None
    return sum(b - a for a, b in lane.times_of(SLEEPS, call.begin or moment.begin,
                                               call.end or moment.end))


# ------------------------------------------------------------------ what to see

def _many(n, what):
    if not what:
        return str(n)
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    number = words[n] if n < len(words) else str(n)
    return f"{number} {what}{'' if n == 1 else 's'}"


def _rest(moment):
    """In which calls the server's threads sleep before the request: {call: threads}"""
    found = collections.Counter()
    for lane in moment.servers:
        if lane.state_at(moment.begin) != SLEEPS or lane.role == "kernel":
            continue
        first = lane.calls[0] if lane.calls else None
        name = first.name if first and first.begin is None or \
            first and first.begin <= moment.begin else lane.idle_in
        if name:
            found[name] += 1
    return found


def _own_calls(moment):
    """How many calls the server's threads ended in it"""
    return sum(call.times for lane in moment.servers for call in lane.calls if call.end and
               moment.begin < call.end < moment.end)


def _response(moment):
    """From the first request to the last reply"""
    return max(call.end for lane in moment.lanes if lane.role == "client"
               for call in lane.calls if call.end and call.name == "recvfrom") - moment.sent


def _polls(moment):
    return any(call.times > 1 for lane in moment.servers for call in lane.calls)


def what_to_see(trace, moments):
    """Sentences"""
    if not moments:
        return ["No round of requests was recorded undisturbed: record it again when the machine "
                "is idle."]
    first, last = moments[0], moments[-1]
    found = []
    if trace.knows_sleep:
        rest = _rest(first).most_common(3)
        if sum(n for _, n in rest) == 1:
            found.append(f"Without a request the server sleeps in {rest[0][0]} and uses no CPU.")
        elif rest:
            found.append("Without a request, threads of the server sleep: " + ", ".join(
                f"{_many(n, '').strip()} in {name}" for name, n in rest) +
                "; they use no CPU.")
        else:
            found.append("The server does not sleep: it uses a whole CPU also without a request.")
    woken = [wake for wake in first.wakes if first.lane(wake.by) and first.lane(wake.thread)
             and first.lane(wake.by).role == "client"
             and first.lane(wake.thread).role != "client"]
    if woken:
        found.append("A's send wakes it (arrow); its reply wakes A, which sleeps in recvfrom.")
    found.append(f"From request to reply: {micro(_response(first))} µs, and "
                 f"{_many(_own_calls(first), 'system call')} of the server"
                 + (", most of which find nothing." if _polls(first) else "."))
    if len(moments) > 1:
        found.append(f"Both at once: {_many(_own_calls(last), 'system call')} for two requests"
                     + ("." if _polls(first) else
                        f", {micro(_response(last))} µs until both have their replies."))
    return found


# -------------------------------------------------------------------------- text

def _wakes(lane, moment, names):
    """Who ends the sleep of this thread: {time of the wake: name}"""
    return {wake.time: names.get(wake.by) for wake in moment.wakes
            if wake.thread == lane.thread}


def _notes(call, lane, moment, names):
    notes = []
    begin, end = call.begin or moment.begin, call.end or moment.end
    if call.times > 1:
        notes.append(f"{call.times} calls in a row find nothing")
    asleep = is_asleep(call, lane, moment)
    if asleep:
        notes.append(f"sleeps {micro(asleep)}")
        notes += [f"{name} wakes it at {micro(time - moment.sent)}"
                  for time, name in _wakes(lane, moment, names).items()
                  if begin <= time <= end and name]
    queued = sum(b - a for a, b in lane.times_of(QUEUES, begin, end))
    if queued > 1000:
        notes.append(f"waits {micro(queued)} for a CPU")
    return "; ".join(notes)


def _lines(moment, names, shown):
    """(time, begin, end, thread, what, notes)"""
    for lane in shown:
        lane = moment.lane(lane.thread)
        if not lane.exists:
            continue
        name = names[lane.thread]
        for call in lane.calls:
            if lane.role == "client" and call.name == PAUSE:
                continue
            begin = micro(call.begin - moment.sent) if call.begin and \
                call.begin >= moment.begin else "before"
            end = micro(call.end - moment.sent) if call.end and call.end <= moment.end \
                else "after"
            words = call.words if call.times == 1 else call.name
            yield (call.begin or moment.begin, begin, end, name,
                   words if end != "after" else call.words.partition(" = ")[0],
                   _notes(call, lane, moment, names))
        for mark in lane.marks:
            at = micro(mark.time - moment.sent)
            yield mark.time, at, "", name, mark.words, "io_uring, no system call"
        if not lane.calls and not lane.marks:
            state = lane.state_at(moment.begin)
            what = "runs, without a system call" if state == traces.RUNS else "sleeps" \
                if state == SLEEPS else "makes no call"
            if lane.idle_in and state != traces.RUNS:
                what = f"{'sleeps in' if state == SLEEPS else 'in'} {lane.idle_in}"
            yield moment.begin, "before", "after", name, what, ""


def _moment_text(moment, names, shown):
    rows = sorted(_lines(moment, names, shown), key=lambda row: row[0])
    width = max(len(row[3]) for row in rows)
    calls = max(len(row[4]) for row in rows)
    lines = [f"{asks(moment.who)}", f"  {'from':>8} {'to':>8}  (us)"]
    for _, begin, end, name, what, notes in rows:
        lines.append(f"  {begin:>8} {end:>8}  {name:<{width}}  {what:<{calls}}  {notes}"
                     .rstrip())
    return lines


def asleep_words(idle):
    """'3 threads sleep all the time: node (futex)'"""
    if not idle:
        return ""
    found = collections.Counter(
        f"{lane.name}{f' in {lane.idle_in}' if lane.idle_in else ''}" for lane in idle)
    names = ", ".join(f"{name}{f' ×{n}' if n > 1 else ''}" for name, n in found.most_common(4))
    more = "" if len(found) <= 4 else ", and others"
    return f"{_many(len(idle), 'more thread').capitalize()} of the server did nothing: " \
           f"{names}{more}."


def title(trace):
    return f"{trace.model}: who waits where"


def text(trace):
    moments = trace.moments()
    shown, idle = in_order(trace, moments)
    names = lane_names(trace, shown)
    lines = [title(trace), *(f"  {line}" for line in subtitle(trace))]
    for moment in moments:
        lines += ["", *_moment_text(moment, names, shown)]
    lines += ["", *(line for line in (*what_to_see(trace, moments), asleep_words(idle),
                                      *limits(trace)) if line)]
    return "\n".join(lines).replace("µs", "us").replace("×", "x")
