# SPDX-License-Identifier: MIT
"""What is recorded of a server is true: its system calls and its CPU time."""

import pathlib
import re
import shutil
import tempfile

import matrix
import probes
import pytest

#: System calls per request with one client, after the line `Per request` of each
#: model's card: exact, or from ... to. The model makes no other call.
EXACT = 1, 1
CARDS = {
    "epoll": {"recvfrom": EXACT, "sendto": EXACT,
              "epoll_wait|epoll_pwait": EXACT},
    "poll": {"recvfrom": EXACT, "sendto": EXACT, "poll|ppoll": EXACT},
    "select": {"recvfrom": EXACT, "sendto": EXACT, "select|pselect6": EXACT},
    "thread": {"recvfrom": EXACT, "sendto": EXACT},
    "busypoll": {"recvfrom": (1, 1e6), "sendto": EXACT,
                 "accept4": (1, 1e6)},
    "uring": {"io_uring_enter": (1, 2)},
    "aio": {"pread64": EXACT, "read": EXACT, "pwrite64": EXACT,
            "write": EXACT, "rt_sigqueueinfo": (2, 2),
            "rt_sigtimedwait": (1.9, 2.5), "futex": (4, 30)},
}

#: Calls that glibc makes now and then for its aio threads
OTHERS = {"aio": {"getpid", "getuid", "clone3", "clone", "exit", "mmap",
                  "munmap", "mprotect", "madvise", "rseq", "set_robust_list",
                  "rt_sigprocmask", "brk", "timer_settime"}}

#: At rest, a thread of aio may be before or in the read for the next request.
AT_REST = {"aio": 1}

#: Tolerance of the CPU time of work. The request itself costs some microseconds more
#: after work, and interrupts may be charged to the server; work that is not counted,
#: or twice, is off by 1.
WITHIN = 0.15

WORK_NS = 1_000_000


@pytest.fixture(scope="module")
def bpf():
    why = probes.why_not("bpf")
    if why:
        pytest.skip(why)


@pytest.fixture
def measured(tmp_path):
    """measured(models, **plan): the lines of a run of them"""
    def run(models, *args, **keys):
        folder = pathlib.Path(tempfile.mkdtemp(dir=tmp_path))
        run.ran = matrix.run("--models", models, *args, out=folder / "run",
                             plan=matrix.plan(folder, **keys)).check(0)
        return run.ran.lines
    return run


# ------------------------------------------------------------------ system calls

def off_the_card(line):
    """The calls that differ from the model's card"""
    made, requests = dict(line["calls"]["by_name"]), line["calls"]["requests"]
    off = []
    for names, (least, most) in CARDS[line["model"]].items():
        count = sum(made.pop(name, 0) for name in names.split("|"))
        slack = AT_REST.get(line["model"], 0)
        if not least * requests - slack <= count <= most * requests + slack:
            off.append(f"{names}: {count} for {requests} requests")
    return off + [f"{name}: {count}" for name, count in made.items()
                  if name not in OTHERS.get(line["model"], ())]


def off_when_idle(line):
    """Which calls a server should not make for idle clients; busypoll makes many."""
    made = line["calls"]["by_name"]
    if line["model"] != "busypoll":
        return made if sum(made.values()) >= 10 else {}
    # A round is three clients and the listening socket; a window begins and ends
    # anywhere in it.
    rounds = made.get("recvfrom", 0) / made.get("accept4", 1)
    return made if set(made) != {"recvfrom", "accept4"} or abs(rounds - 3) > 0.03 else {}


def is_off(counting, idle):
    if counting["status"] == "unsupported":
        return False
    return bool(off_the_card(counting) or off_when_idle(idle))


@pytest.fixture(scope="module")
def cards(bpf, tmp_path_factory):
    """{(model, role): line} with one client each. On a busy machine a server may accept
    its client only after counting began: then that model is measured again."""
    lines, missing = {}, list(CARDS)
    for _ in range(6):
        folder = tmp_path_factory.mktemp("cards")
        plan = matrix.plan(folder, counting="yes", idle="3",
                           cells="closed split connections 1")
        ran = matrix.run("--models", ",".join(missing), plan=plan,
                         out=folder / "run").check(0)
        for name in missing:
            lines |= {(name, role): ran.line(name, role) for role in ("counting", "idle")}
        missing = [name for name in missing
                   if is_off(lines[name, "counting"], lines[name, "idle"])]
        if not missing:
            break
    return lines


def line_of(cards, name, role):
    line = cards[name, role]
    if line["status"] == "unsupported":
        pytest.skip(line["reasons"][0])
    return line


@pytest.mark.parametrize("name", CARDS)
def test_calls_of_the_card(name, cards):
    """Counted from rest to rest: calls and requests match exactly."""
    line = line_of(cards, name, "counting")
    assert off_the_card(line) == []
    calls = line["calls"]
    assert calls["method"] == "bpf"
    assert calls["requests"] == line["load"]["requests_total"] == \
        line["server"]["requests"] > 0
    assert line["metrics"]["calls_per_request"] == pytest.approx(
        sum(calls["by_name"].values()) / calls["requests"])


@pytest.mark.parametrize("name", CARDS)
def test_calls_of_idle_clients(name, cards):
    """A server that sleeps makes none; busypoll makes many."""
    line = line_of(cards, name, "idle")
    assert off_when_idle(line) == {}
    assert line["calls"]["requests"] is None
    if name == "busypoll":
        assert line["metrics"]["calls_per_second"] > 1000
    else:
        assert line["metrics"]["server_cpu_share"] < 0.05


def test_bpf_and_strace_agree(bpf, measured, tmp_path):
    """To the call, in what requests take. Only strace sees accepting, the client's end
    and the stop (after which a call may be made again). BPF also counts the calls of
    strace itself, which is the process that was started."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    # pattern of calls: how many more strace may see: the waits for the client, its
    # first request, its end and the stop, unless two of these come at once
    ledgers = {"epoll": {"recvfrom": (0, 2), "sendto": (0, 0),
                         "epoll_p?wait": (1, 4)},
               "thread": {"recvfrom": (0, 2), "sendto": (0, 0)},
               "uring": {"io_uring_enter": (2, 5)}}
    trace, starts = tmp_path / "trace", tmp_path / "starts"
    for model, ledger in ledgers.items():
        starts.unlink(missing_ok=True)
        # it is started for request.csv, then to be counted
        straced = matrix.script(
            tmp_path / model, f'echo >>{starts}\n'
            f'[ $(wc -l <{starts}) -eq 2 ] || exec {matrix.BIN}/{model} "$@"\n'
            f'exec strace -D -f -qq -o {trace} {matrix.BIN}/{model} "$@"')
        lines = measured(f"mine={straced}", counting="yes",
                         cells="closed split connections 1")
        if lines[0]["status"] == "unsupported":
            continue
        line, = [line for line in lines if line["role"] == "counting"]
        assert line["calls"]["method"] == "bpf"
        made = line["calls"]["by_name"]
        seen = trace.read_text()
        if "ready model=" not in seen:
            pytest.skip("strace may not trace here")
        for pattern, (least, most) in ledger.items():
            by_strace = len(re.findall(rf"^\d+ +{pattern}\(", seen, re.M))
            by_bpf = sum(count for name, count in made.items()
                         if re.fullmatch(pattern, name))
            assert by_bpf > 0
            assert least <= by_strace - by_bpf <= most, (model, pattern)


# ---------------------------------------------------------------------- CPU time

@pytest.fixture(scope="module")
def forking(tmp_path_factory):
    """A server that forks a process for each client"""
    return matrix.build("../probe/forking.c",
                        tmp_path_factory.mktemp("forking"))


@pytest.mark.parametrize("name", ["epoll", "thread", "forking"])
def test_cpu_of_known_work(name, measured, forking):
    """The CPU time is that of a request without work plus the work, also if a child
    process does it."""
    program = f"forking={forking}" if name == "forking" else name
    off = []
    while len(off) < 5 and not any(abs(one) <= WITHIN for one in off):
        lines = measured(program, bout="300ms", slice="100ms",
                         cells="closed split connections 1 work none,cpu:1ms")
        none, work = sorted(lines, key=lambda line: line["work"] != "none")
        if name == "forking" and work["cpu_method"] != "cgroup":
            assert "CPU time of forked children" in " ".join(work["warnings"])
            pytest.skip("no cgroup can be made here")
        times = [line["metrics"]["server_cpu_per_request_ns"] for line in (none, work)]
        off.append((times[1] - times[0]) / WORK_NS - 1)
    assert min(map(abs, off)) <= WITHIN, off


@pytest.mark.usefixtures("bpf")
def test_http_makes_the_calls_of_echo(measured):
    """A reply of 1 KiB is one send. (The server may accept after counting began.)"""
    off = True
    for _ in range(6):
        if off:
            lines = measured("epoll,uring", counting="yes", cells=(
                "closed split connections 1 service http message 1024"))
            assert {line["service"] for line in lines} == {"http"}
            assert {line["status"] for line in lines} <= {"ok", "invalid", "unsupported"}
            counted = [line for line in lines if line["role"] == "counting" and
                       line["status"] != "unsupported"]
            off = [one for line in counted for one in off_the_card(line)]
    assert not off and "epoll" in {line["model"] for line in counted}
    assert {row["service"] for row in measured.ran.csv("cells.csv")} == {"http"}


def test_cpu_of_both_sides(measured):
    """Of server, client and both: share of the time, and per request"""
    for line in measured("epoll", cells="closed split connections 1,8"):
        made = line["metrics"]
        requests, elapsed = (sum(
            float(row[name]) for row in measured.ran.csv("slices.csv")
            if int(row["index"]) == line["index"] and row["counted"] == "1")
            for name in ("requests", "elapsed_ns"))
        for side in "server", "client":
            share = made[f"{side}_cpu_share"]
            assert 0 < share <= 1.1
            assert made[f"{side}_cpu_per_request_ns"] == \
                pytest.approx(share * elapsed / requests)
        assert made["cpu_per_request_ns"] == pytest.approx(
            made["server_cpu_per_request_ns"] +
            made["client_cpu_per_request_ns"])


def test_cpu_of_a_kernel_thread(measured, tmp_path):
    """The CPU time of iou-sqp, which spins for a server that sleeps, is the server's."""
    polling = matrix.build("servers/polling.c", tmp_path, "-luring")
    line, = measured(f"polling={polling}", "--benchmark_filter=loop:none", idle="2")
    if line["status"] == "unsupported":
        pytest.skip(line["reasons"][0])
    assert line["cpu_method"] in ("process", "cgroup")
    share = line["metrics"]["server_cpu_share"]
    own = line["server"]["own_cpu_ns"] / 1e9 / line["window_s"]
    assert share > 0.05 and share > 10 * own
    busy = line["metrics"]["sq_busy_share"]
    if busy is not None and line["status"] == "ok":  # None: an older kernel
        assert share == pytest.approx(busy, rel=0.1)
