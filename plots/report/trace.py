# SPDX-License-Identifier: MIT
"""What was traced of a few requests (bin/timeline, request.csv of a run): lanes of threads
with their system calls, and whether they run, sleep or wait for a CPU.

    traces = read(file)             {model: Trace}
    moment = traces["epoll"].moments()[0]
    moment.lanes[0].calls

results/README.md lists the columns and events of the file. Times are in ns.
"""

import csv
import dataclasses
import errno
import os

RUNS, SLEEPS, QUEUES, UNKNOWN = "runs", "sleeps", "queues", "unknown"
ABSENT = "absent"  # before the thread begins, and after its end

#: A row that is no event: its key
_ABOUT = {"summary", "method", "missing", "kernel", "processor", "server", "clients",
          "lost"}
COLUMNS = ("model", "time_ns", "event", "thread", "process", "cpu", "what", "value", "other")


class NotATrace(Exception):
    """The file does not have the columns of a trace, or a row is broken."""


@dataclasses.dataclass
class Call:
    """A system call. `begin` or `end` is None if it is not in the trace. `times`: so many
    calls in a row that found nothing."""
    name: str
    begin: int = None
    end: int = None
    client: str = ""  # whose connection its descriptor is
    result: int = None
    times: int = 1

    @property
    def found_nothing(self):
        return self.result is not None and self.result in (-errno.EAGAIN, 0) and (
            self.result != 0 or self.name in ("poll", "epoll_wait", "select", "pselect6"))

    @property
    def result_words(self):
        """What tells something: no address, no id of a process"""
        if self.result is None or self.result >= 0 and self.name in _NO_RESULT:
            return ""
        if -4096 < self.result < 0:
            return errno.errorcode.get(-self.result, str(self.result))
        return str(self.result) if self.result < 1 << 32 else ""

    @property
    def words(self):
        """'recvfrom(A) = 64'"""
        whose = f"({self.client})" if self.client else ""
        result = f" = {self.result_words}" if self.result_words else ""
        return f"{self.name}{whose}{result}"


@dataclasses.dataclass
class Mark:
    """An io_uring operation that is submitted, or completes"""
    time: int
    done: bool
    name: str
    result: int = None

    @property
    def words(self):
        name = self.name or "operation"
        if not self.done:
            return f"{name} submitted"
        result = errno.errorcode.get(-self.result, self.result) if self.result < 0 \
            else self.result
        return f"{name} completed = {result}"


@dataclasses.dataclass
class Lane:
    """A thread. `role`: client, server, or kernel (of io_uring). `states` are (state, begin,
    end), without holes; `on` is when it last slept in which call."""
    thread: int
    process: int
    name: str
    role: str
    calls: list
    states: list
    marks: list
    idle_in: str = ""  # without any event: the call in which it sleeps

    def state_at(self, time):
        return next((state for state, begin, end in self.states if begin <= time < end),
                    UNKNOWN)

    def times_of(self, state, begin, end):
        """(begin, end) of this state in a period"""
        return [(max(a, begin), min(b, end)) for of, a, b in self.states
                if of == state and a < end and b > begin]

    @property
    def exists(self):
        return any(state != ABSENT for state, _, _ in self.states)


@dataclasses.dataclass
class Wake:
    """`by` made `thread` runnable"""
    time: int
    by: int
    thread: int


@dataclasses.dataclass
class Moment:
    """`who` sends at the same time: 'A', 'B', 'AB'; all lanes from `begin` to `end`"""
    who: str
    begin: int
    end: int
    lanes: list
    wakes: list
    sent: int = None  # the first request

    def lane(self, thread):
        return next((lane for lane in self.lanes if lane.thread == thread), None)

    @property
    def servers(self):
        return [lane for lane in self.lanes if lane.role != "client"]


# ---------------------------------------------------------------------- reading

def _integer(text):
    return int(text) if text else None


def _rows(file):
    """(model, rows of it)"""
    reader = csv.DictReader(file, strict=True)
    try:
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise NotATrace("it does not have the columns of a trace")
        models = {}
        for number, row in enumerate(reader, 2):
            if None in row or None in row.values():
                raise NotATrace(f"line {number} is broken")
            try:
                for key in ("time_ns", "thread", "process", "cpu", "value", "other"):
                    row[key] = _integer(row[key])
            except ValueError:
                raise NotATrace(f"line {number}: {key} is not a number") from None
            models.setdefault(row["model"], []).append(row)
    except csv.Error as error:
        raise NotATrace(str(error)) from None
    return models


def read(file):
    return {model: Trace(model, rows) for model, rows in _rows(file).items()}


class Trace:
    def __init__(self, model, rows):
        self.model = model
        self.about, self.processes = {}, {}
        self.missing, self.threads, self.sockets, self.asleep = [], {}, {}, {}
        self.moment_rows, self.events = [], []
        for row in rows:
            self._take(row)
        self.events.sort(key=lambda row: row["time_ns"])
        self.lanes = self._lanes()
        self.wakes = [Wake(row["time_ns"], row["thread"], row["other"])
                      for row in self.events if row["event"] == "wake"]

    def _take(self, row):
        event, what, process = row["event"], row["what"], row["process"]
        if event == "missing":
            self.missing.append(what)
        elif event in _ABOUT:
            self.about[event] = what
            if event == "server":
                self.server = process
            elif event == "lost":
                self.lost = row["value"] or 0
            elif event == "processor":
                self.cpus = row["value"]
        elif event == "thread":
            self.threads[row["thread"]] = (process, what, row["value"])
        elif event == "sleeps":
            self.asleep[row["thread"]] = what
        elif event == "socket":
            self.sockets[process, row["value"]] = what
        elif event == "moment":
            self.moment_rows.append(row)
        elif row["time_ns"] is not None and row["thread"] is not None:
            self.events.append(row)

    lost, cpus, server = 0, None, None

    @property
    def method(self):
        return self.about.get("method", "")

    @property
    def knows_sleep(self):
        return self.method == "bpf"

    # -------------------------------------------------------------------- lanes

    def _ours(self):
        """Threads of the server and the clients; others only wake them"""
        known = {thread: None for thread in self.threads}
        for row in self.events:
            if row["event"] in ("enter", "exit", "off", "submit", "complete"):
                known[row["thread"]] = None
            elif row["event"] == "on":
                known[row["other"]] = None
        return list(known)

    def _lanes(self):
        by_thread = {}
        for row in self.events:
            if row["event"] in ("on", "wake"):
                by_thread.setdefault(row["other"], []).append(row)
            if row["event"] != "on":
                by_thread.setdefault(row["thread"], []).append(row)
        return [self._lane(thread, by_thread.get(thread, [])) for thread in self._ours()]

    def _lane(self, thread, rows):
        process, name, runs = self.threads.get(thread, (None, "", 0))
        if process is None:
            process = next((row["process"] for row in rows
                            if row["thread"] == thread and row["process"]), self.server)
            name = self.threads.get(process, (None, "ended", 0))[1]
        role = "client" if name.startswith("client ") else \
            "kernel" if name.startswith(("iou-sqp", "iou-wrk")) else "server"
        own = [row for row in rows if row["thread"] == thread]
        lane = Lane(thread, process, name, role, self._calls(process, own),
                    self._states(thread, rows, runs),
                    [Mark(row["time_ns"], row["event"] == "complete", row["what"],
                          row["value"]) for row in own
                     if row["event"] in ("submit", "complete")])
        self._limit(lane)
        if not lane.calls:
            lane.idle_in = "" if role == "kernel" else self.asleep.get(thread, "")
        return lane

    @staticmethod
    def _limit(lane):
        """A thread that returns from a clone which it did not call has just begun; one that
        calls exit ends."""
        calls = lane.calls
        begins = calls[0].end if calls and calls[0].begin is None and \
            calls[0].name in _BEGINS else -1 << 62
        ends = calls[-1].begin if calls and calls[-1].name in ("exit", "exit_group") and \
            calls[-1].end is None and calls[-1].begin else 1 << 62
        if begins > -1 << 62:
            calls.pop(0)
        lane.states = [(state, max(a, begins), min(b, ends)) for state, a, b in lane.states
                       if a < ends and b > begins]
        if begins > -1 << 62:
            lane.states.insert(0, (ABSENT, -1 << 62, begins))
        if ends < 1 << 62:
            calls.pop()
            lane.states.append((ABSENT, ends, 1 << 62))

    def _calls(self, process, rows):
        calls, inside = [], None
        for row in rows:
            if row["event"] == "enter":
                inside = Call(row["what"], row["time_ns"],
                              client=self.sockets.get((process, row["value"]), "")
                              if row["what"] in _OF_CONNECTION else "")
                calls.append(inside)
            elif row["event"] == "exit":
                if inside is None or inside.name != row["what"]:
                    inside = Call(row["what"])
                    calls.append(inside)
                inside.end, inside.result = row["time_ns"], row["value"]
                inside = None
        return calls

    def _states(self, thread, rows, runs):
        """What the thread does at each time. Before its first event it slept, if that is its
        wake-up; it ran, if it is anything that it did itself."""
        if not self.knows_sleep:
            return [(UNKNOWN, -1 << 62, 1 << 62)]
        changes = []
        for row in rows:
            event, mine = row["event"], row["thread"] == thread
            now = changes[-1][1] if changes else None
            if event == "on" and row["other"] == thread:
                changes.append((row["time_ns"], RUNS, QUEUES))
            elif event == "wake" and row["other"] == thread:
                if now in (None, SLEEPS):
                    changes.append((row["time_ns"], QUEUES, SLEEPS))
            elif event == "off":
                changes.append((row["time_ns"],
                                SLEEPS if row["what"] == "sleeps" else QUEUES, RUNS))
            elif mine and now != RUNS:
                changes.append((row["time_ns"], RUNS, RUNS))
        if not changes:
            return [(RUNS if runs else SLEEPS, -1 << 62, 1 << 62)]
        states = [(changes[0][2], -1 << 62, changes[0][0])]
        ends = [time for time, _, _ in changes[1:]] + [1 << 62]
        for (time, state, _), end in zip(changes, ends):
            if state == states[-1][0]:
                states[-1] = (state, states[-1][1], end)
            else:
                states.append((state, time, end))
        return states

    # -------------------------------------------------------------- one request

    def steps(self):
        """(thread, call or mark, how long it slept) of the second request of client A, in
        order, from its send to the next one; a thread's number is None if there is only one.
        [] if there is no such request"""
        sends = [call.begin for lane in self.lanes if lane.role == "client"
                 for call in lane.calls if call.name in _SENDS and call.begin]
        if len(sends) < 3:
            return []
        begin, end = sends[1], sends[2]
        found = []
        for lane in self.lanes:
            if lane.role == "client":
                continue
            for call in polling([call for call in lane.calls if call.end and
                                 begin < call.end < end], 1):
                asleep = lane.times_of(SLEEPS, call.begin or begin, call.end)
                at = asleep[-1][1] if asleep else call.begin or begin
                found.append((at, lane, call, sum(b - a for a, b in asleep)
                              if self.knows_sleep else None))
            found += [(mark.time, lane, mark, 0) for mark in lane.marks
                      if mark.done and begin < mark.time < end]
        found.sort(key=lambda one: one[0])
        while found and isinstance(found[-1][2], Call) and found[-1][2].times > 1:
            found.pop()  # polls for the next request
        return [one[1:] for one in found]

    # ------------------------------------------------------------------ moments

    def moments(self):
        """Those of the quickest round; [] if no client sent anything"""
        rounds = {}
        rows = sorted(self.moment_rows, key=lambda row: row["time_ns"])
        for row, after in zip(rows, rows[1:] + [None]):
            until = after["time_ns"] if after else 2 * row["time_ns"] - rows[
                rows.index(row) - 1]["time_ns"] if len(rows) > 1 else 1 << 62
            rounds.setdefault(row["value"], []).append(
                self._moment(row["what"], row["time_ns"], until))
        whole = [of for of in rounds.values() if all(of)]
        return min(whole, key=lambda of: sum(one.end - one.sent for one in of),
                   default=[])

    def _requests(self, begin, until):
        """{client: (sent, answered)} in a period; None: one sent twice, or had no reply. A
        client that was held up sends late, and so more than once in a period."""
        found = {}
        for lane in self.lanes:
            if lane.role != "client":
                continue
            sent = [call.begin for call in lane.calls if call.begin and
                    begin <= call.begin < until and call.name in _SENDS]
            got = [call.end for call in lane.calls if call.end and begin <= call.end < until and
                   call.name in _RECEIVES and sent and call.end > sent[0]]
            if len(sent) > 1 or len(sent) != len(got):
                return None
            if sent:
                found[lane.name[-1]] = (sent[0], got[0])
        return found

    def _moment(self, who, begin, until):
        """None: others than these clients sent, or one had no reply before the next moment"""
        requests = self._requests(begin, until)
        if not requests or set(requests) != set(who):
            return None
        sent = min(one for one, _ in requests.values())
        end = self._settled(max(got for _, got in requests.values()), until, sent)
        lead = min((end - sent) // 20, 10_000, sent - begin + 2000)
        return self._cut(who, sent, sent - lead, end)

    def _settled(self, answered, until, sent):
        """When all threads have come to rest after the last reply: as long as something
        happens soon after what was before. What polls does not count."""
        limit = min(until, answered + 2 * (answered - sent))
        near = max(20_000, (answered - sent) // 3)
        times = sorted(time for lane in self.lanes for time in _changes(lane)
                       if answered <= time < limit)
        end = answered
        for time in times:
            if time - end > near:
                break
            end = time
        return end + max(2000, (end - sent) // 40)

    def _cut(self, who, sent, begin, end):
        lanes = []
        for lane in self.lanes:
            calls = [call for call in lane.calls if (call.end or end) > begin and
                     (call.begin or begin) < end]
            # One that it entered before the trace
            idle = lane.idle_in or (lane.calls[0].name if lane.calls and not calls and
                                    lane.calls[0].begin is None else "")
            states = [(state, max(a, begin), min(b, end)) for state, a, b in lane.states
                      if a < end and b > begin]
            lanes.append(dataclasses.replace(
                lane, calls=polling(calls), states=states, idle_in=idle,
                marks=[mark for mark in lane.marks if begin <= mark.time < end]))
        return Moment(who, begin, end, lanes, [
            wake for wake in self.wakes if begin <= wake.time < end], sent)


_BEGINS = {"clone", "clone3", "fork", "vfork"}
_NO_RESULT = _BEGINS | {"getpid", "gettid", "getuid", "rseq", "set_robust_list", "madvise",
                        "rt_sigprocmask", "rt_sigreturn", "mmap", "munmap", "brk"}
_SENDS = {"sendto", "sendmsg", "write", "writev"}
_RECEIVES = {"recvfrom", "recvmsg", "read", "readv"}
#: Calls whose first argument may be a connection
_OF_CONNECTION = _SENDS | _RECEIVES | {"pread64", "pwrite64", "close", "shutdown", "fcntl",
                                       "ioctl", "setsockopt", "getsockopt", "accept4"}


def _changes(lane):
    """When something begins or ends, without polls"""
    yield from (time for call in polling(lane.calls) if call.times == 1
                for time in (call.begin, call.end) if time)
    yield from (begin for _, begin, _ in lane.states)
    yield from (mark.time for mark in lane.marks)


LEAST_POLLS = 3


def polling(calls, least=LEAST_POLLS):
    """More than so many calls in a row that find nothing are one"""
    found, row = [], []

    def finish():
        if len(row) <= least:
            found.extend(row)
        else:
            names = " ".join(dict.fromkeys(call.name for call in row))
            found.append(Call(names, row[0].begin, row[-1].end, times=len(row),
                              result=row[-1].result))
        row.clear()

    for call in calls:
        if call.found_nothing and call.begin is not None:
            row.append(call)
        else:
            finish()
            found.append(call)
    finish()
    return found
