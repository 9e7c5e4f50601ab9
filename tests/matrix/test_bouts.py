# SPDX-License-Identifier: MIT
"""All servers of a bout are alive, and take turns: one that fails or never sleeps harms
no other, and nothing is left behind or stopped, whoever is killed."""

import os
import pathlib
import re
import signal
import subprocess

import matrix
import pytest
import server

#: Some rounds: a server that fails in its third slice fails in the middle of them
KEYS = {"slice": "20ms", "bout": "600ms"}
#: Beside the odd server
OTHERS = ("epoll", "poll")
ROUNDS = 10


@pytest.fixture
def bout(tmp_path):
    """bout({"name": command}): a run of these servers, and of OTHERS"""
    def run(odd, *, others=OTHERS, status=0, **keys):
        models = ",".join([*(f"{name}={command}" for name, command in odd.items()),
                           *others])
        return matrix.run("--models", models, out=tmp_path / "run",
                          plan=matrix.plan(tmp_path, **{**KEYS, **keys})).check(status)
    return run


def slices(run, model, role="timing"):
    """The rows of slices.csv of a cell"""
    index = run.line(model, role)["index"]
    return [row for row in run.csv("slices.csv") if int(row["index"]) == index]


def total(rows, column):
    return sum(int(row[column]) for row in rows)


def check_unharmed(run, *models, rounds=ROUNDS):
    """They took part in every round, and nothing was lost."""
    for model in models:
        line, rows = run.line(model), slices(run, model)
        assert line["status"] == "ok", line["reasons"]
        assert line["rounds"]["counted"] == rounds
        assert len(rows) == 1 + rounds + line["rounds"]["dropped"]
        assert total(rows, "requests") == line["server"]["requests"]


# ---------------------------------------------------------------------- the truth

def test_adds_up(tmp_path):
    """To the request, over all slices: also those of dropped rounds. In a round, each
    server has another position, and slices that count are those of the result."""
    plan = matrix.plan(tmp_path, **KEYS, aa="yes", baseline="yes",
                       cells=["closed split connections 8",
                              "closed shared connections 3",
                              "open split connections 4 rate 2k idle 5",
                              "closed split connections 2 pattern connect"])
    run = matrix.run("--models", "thread,epoll,busypoll", out=tmp_path / "run",
                     plan=plan).check(0)
    rows = run.csv("slices.csv")
    for line in run.lines:
        assert line["status"] == "ok", line["reasons"]
        mine = [row for row in rows if int(row["index"]) == line["index"]]
        counted = [row for row in mine if row["counted"] == "1"]
        assert total(mine, "requests") == line["server"]["requests"] == \
            line["load"]["requests_total"]
        assert len(counted) == line["rounds"]["counted"] >= 2
        assert total(counted, "answered") == line["load"]["answered_in_window"]
        assert total(counted, "window_ns") / 1e9 == pytest.approx(line["window_s"])
        metrics = line["metrics"]
        assert metrics["server_cpu_per_request_ns"] == pytest.approx(
            total(counted, "cpu_ns") / total(counted, "requests"))
        assert metrics["requests_per_second"] == pytest.approx(
            total(counted, "answered") / line["window_s"])
    check_positions(run, rows)


def check_positions(run, rows):
    for lines in run.bouts:
        indexes = {line["index"] for line in lines}
        rounds = {}
        for row in rows:
            if int(row["index"]) in indexes:
                rounds.setdefault(int(row["round"]), []).append(row)
        assert sorted(rounds) == list(range(len(rounds)))
        for here in rounds.values():
            assert sorted(int(row["position"]) for row in here) == \
                list(range(len(lines)))
            assert len({row["counted"] for row in here}) == 1
        orders = {tuple(row["index"] for row in sorted(
            here, key=lambda row: int(row["position"]))) for here in rounds.values()}
        assert len(orders) > 1


def test_known_cost(bout, odd):
    """The CPU time of a server whose cost changes from slice to slice is what it says
    itself, and each slice has its own."""
    run = bout({"odd": odd("alternates")})
    check_unharmed(run, "odd", *OTHERS)
    rows = slices(run, "odd")
    used = run.line("odd")["server"]["used_ns"]
    assert 0.9 * used < total(rows, "cpu_ns") < used + 2e6
    costs = [int(row["cpu_ns"]) / int(row["requests"]) for row in rows]
    assert max(costs) > 2 * min(costs)
    assert min(costs) > 200_000


# ----------------------------------------------------------------- servers that fail

@pytest.mark.parametrize("name, why", [
    ("collapses", r"the server: it ended while clients were connected: "
                  r"killed by signal 11"),
    ("stalls", r"unanswered|never answered|did not answer|stalled"),
    ("faints", r"unanswered|never answered|did not answer|stalled"),
    ("relapses", r"unanswered|never answered|did not answer|stalled"),
    ("corrupts", r"corruption"),
    ("quits", r"the dog ate my socket"),
])
def test_one_fails(name, why, bout, odd):
    """Its own cell is lost, and no other."""
    run = bout({"odd": odd(name)}, status=1)
    line = run.line("odd")
    assert line["status"] == "failed"
    assert re.search(why, "; ".join(line["reasons"])), line["reasons"]
    assert line["rounds"]["counted"] < ROUNDS
    check_unharmed(run, *OTHERS)


def test_all_fail(bout, odd):
    run = bout({"odd": odd("collapses"), "other": odd("collapses")}, others=(),
               status=1)
    assert [line["status"] for line in run.lines] == ["failed", "failed"]


def test_unsupported(bout, odd):
    run = bout({"odd": odd("unable")})
    assert run.line("odd")["status"] == "unsupported"
    check_unharmed(run, *OTHERS)


def test_leaks(bout, odd):
    """That is its own affair, and can be seen."""
    run = bout({"odd": odd("leaks")})
    check_unharmed(run, "odd", *OTHERS)
    assert run.line("odd")["metrics"]["descriptors"] > \
        run.line("epoll")["metrics"]["descriptors"] + 5


# ---------------------------------------------------------------- servers that spin

def check_still(run, name):
    """It used CPU time in its own slices only."""
    check_unharmed(run, name, *OTHERS, rounds=ROUNDS)
    counters = run.line(name)["server"]
    assert counters["rest_ns"] > 0
    assert counters["resting_ns"] < 0.3 * counters["rest_ns"], counters


def test_spinning_server_is_frozen(bout, odd):
    check_still(bout({"odd": odd("spins")}), "odd")


def test_spinning_kernel_thread_is_frozen(bout, tmp_path):
    polling = matrix.build("servers/polling.c", tmp_path, "-luring")
    run = bout({"polling": polling})
    if run.line("polling")["status"] == "unsupported":
        pytest.skip(run.line("polling")["reasons"][0])
    check_still(run, "polling")


def test_spinning_child_is_frozen(bout, odd):
    """... and nothing is left of it."""
    check_unharmed(bout({"odd": odd("breeds")}), "odd", *OTHERS)


def test_running_server_is_left_alone(tmp_path, odd):
    """It spins, but is not ours to be stopped. Its twin is the same process: CPU time of
    one slice is in no other."""
    with subprocess.Popen([odd("spins"), "--message", "64"], text=True,
                          stdout=subprocess.PIPE) as process:
        port = re.search(r"port=(\d+)", process.stdout.readline()).group(1)
        with matrix.Running("--models", f"there=127.0.0.1:{port} pid={process.pid}",
                            plan=matrix.plan(tmp_path, **KEYS, aa="yes"),
                            out=tmp_path / "run") as running:
            while running.process.poll() is None:
                assert state_of(process.pid) != "T"
            run = running.finish().check(0)
        process.terminate()
    for line in run.lines:
        assert line["status"] == "ok", line["reasons"]
    first, second = ([row for row in run.csv("slices.csv") if row["position"] == n]
                     for n in "01")
    assert total(first, "cpu_ns") < 1.5 * total(second, "cpu_ns")


# ---------------------------------------------------------------- whoever is killed

def state_of(pid):
    """R, S, T ...; '' once it is gone"""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[0]


def in_mid_bout(tmp_path, odd):
    """A run that is in its rounds: a server is frozen."""
    return matrix.Running(
        "--models", f"spins={odd('spins')},epoll,poll", out=tmp_path / "run",
        plan=matrix.plan(tmp_path, blocks=2, slice="20ms", bout="1s"),
        start_new_session=True)


def pids_of(running, name):
    """Its processes that run the program of this name, or a script of this name"""
    return [pid for pid in running.processes()
            if name in [word.rpartition("/")[2] for word in words_of(pid)[:2]]]


def words_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text("utf-8").split("\0")
    except OSError:
        return []


def keeper_of(pid):
    """The keeper of a server: its parent"""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8")
    keeper = int(stat.rpartition(")")[2].split()[1])
    name = pathlib.Path(f"/proc/{keeper}/comm").read_text("utf-8").strip()
    assert name == "probe-keeper"
    return keeper


def wait_until_frozen(running):
    """Returns the pid of the server that spins."""
    assert server.eventually(lambda: any(
        state_of(pid) == "T" for pid in pids_of(running, "spins")), every=0.001)
    return pids_of(running, "spins")[0]


@pytest.mark.parametrize("signo", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal(signo, tmp_path, odd):
    """Ends the run; finish() checks that no process is left, frozen or not."""
    with in_mid_bout(tmp_path, odd) as running:
        wait_until_frozen(running)
        os.killpg(running.process.pid, signo)
        run = running.finish().check(130)
    assert run.lines == []


def test_killed(tmp_path, odd):
    """The keepers kill what is frozen; resume measures the bout again."""
    with in_mid_bout(tmp_path, odd) as running:
        wait_until_frozen(running)
        running.process.kill()
        run = running.finish()
    assert run.lines == []
    run = matrix.resume(tmp_path / "run").check(0)
    assert [line["status"] for line in run.lines] == ["ok"] * 6


def test_stopped_and_continued(tmp_path, odd):
    """Ctrl-Z and fg thaw all. What spins is frozen again, and the round is dropped."""
    with in_mid_bout(tmp_path, odd) as running:
        wait_until_frozen(running)
        os.killpg(running.process.pid, signal.SIGSTOP)
        os.killpg(running.process.pid, signal.SIGCONT)
        wait_until_frozen(running)
        run = running.finish().check(0)
    line = run.line("epoll") if len(run.lines) == 3 else run.lines[0]
    assert line["rounds"]["why"].get("suspended", 0) > 0
    assert [line["status"] for line in run.lines] == ["ok"] * 6


@pytest.mark.parametrize("what", ["server", "keeper", "generator"])
def test_one_is_killed(what, tmp_path, odd):
    """Only its cell is lost, and only in this block."""
    with in_mid_bout(tmp_path, odd) as running:
        pid = wait_until_frozen(running)
        if what == "keeper":
            pid = keeper_of(pid)
        elif what == "generator":
            pid = pids_of(running, "loadgen")[0]
        os.kill(pid, signal.SIGKILL)
        run = running.finish().check(1)
    assert sorted(line["status"] for line in run.lines) == ["failed"] + ["ok"] * 5
    failed, = (line for line in run.lines if line["status"] == "failed")
    assert failed["block"] == 1
    assert re.search("kill", failed["reasons"][0]), failed["reasons"]
