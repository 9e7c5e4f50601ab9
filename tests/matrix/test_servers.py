# SPDX-License-Identifier: MIT
"""Faulty servers: each gets a status and a reason that names the cause, and the bout
goes on with the others."""

import os
import re
import signal
import socket
import subprocess
import sys

import matrix
import pytest
import server

#: Status of each faulty server of servers/odd.py, and a part of a reason
OUTCOMES = {
    "hangs": ("failed", "no ready line within 10 s"),
    "quits": ("failed", "before it was ready: exit status 1; .*quits: the dog ate my "
                        "socket"),
    "unable": ("unsupported", "unable: this kernel has no such thing"),
    "crashes": ("failed", "before it was ready: killed by signal 6"),
    "greets": ("failed", r"first line .*'ready model=.*': 'Hello,\?"),
    "floods": ("failed", r"first line .*'ready model=.*': 'garbage"),
    "impostor": ("failed", r"pid=\d+, but it was started as \d+"),
    "elsewhere": ("failed", r"port=\d+, but it does not listen there"),
    "nowhere": ("failed", "it does not listen there"),
    "dies": ("failed", "clients were connected: killed by signal 11"),
    "leaves": ("failed", "clients were connected: exit status 0"),
    "stubborn": ("failed", "5 s of SIGTERM and was killed"),
    "complains": ("failed", "SIGTERM: exit status 1; .*complains: nobody thanked me"),
    "deaf": ("failed", "no reply"),
    "drops": ("failed", "closed by the server"),
    "corrupts": ("failed", r"corruption, \d+ times"),
    "lies": ("failed", r"the server counted \d+ requests, the generator \d+"),
    "partiallies": ("failed", r"the server counted \d+ requests, the generator"),
    "forgets": ("failed", "the server counted 1 client, the generator 2"),
    "empty": ("failed", "empty cannot be started: Exec format error"),
}

#: Those that take seconds to fail, in which the CPUs are idle
SLOW = {"hangs", "stubborn", "deaf"}

#: Servers without a fault
CORRECT = ["epoll", "echo", "killed", "chatters", "adopts", "mumbles",
           "exits143", "partial", "texts"]


@pytest.fixture(scope="module")
def all_of_them(apart, odd, tmp_path_factory):
    """All of them in one bout. Where namespaces are allowed, the slow ones are measured
    at the same time, by another run."""
    folder = tmp_path_factory.mktemp("servers")
    (folder / "empty").write_text("")
    (folder / "empty").chmod(0o755)
    programs = {name: odd(name) for name in [*OUTCOMES, *CORRECT]}
    programs["empty"] = folder / "empty"

    def start(name, labels, **more):
        models = ",".join("epoll" if label == "epoll" else f"{label}={programs[label]}"
                          for label in labels)
        return matrix.Running("--models", models, plan=matrix.plan(folder),
                              out=folder / name, **more)

    others = [name for name in programs if name not in SLOW]
    with socket.create_server(("127.0.0.1", 0)) as other:
        env = {"OTHER_PORT": f"{other.getsockname()[1]}"}
        if not apart:
            with start("all", programs, env=env) as run:
                return [run.finish(110)]
        with start("slow", SLOW, wrapper=[sys.executable, matrix.HERE / "apart.py"]) as slow, \
                start("others", others, env=env) as run:
            return [run.finish(110), slow.finish(110)]


def find(runs, name):
    """(the run with this server, its line)"""
    run, = [run for run in runs if name in {line["model"] for line in run.lines}]
    return run, run.line(name)


def test_run_continues(all_of_them):
    """The run is complete, with a row for each cell."""
    rows = {}
    for run in all_of_them:
        assert run.check(1).complete
        rows |= {row["model"]: row for row in run.csv("cells.csv")}
    assert set(rows) == {*OUTCOMES, *CORRECT}
    for name, (status, _) in OUTCOMES.items():
        assert rows[name]["status"] == status
        assert rows[name]["reason"]
        assert rows[name]["n"] == "0"
        assert rows[name]["requests_per_second"] == ""


@pytest.mark.parametrize("name", OUTCOMES)
def test_reason(name, all_of_them):
    status, reason = OUTCOMES[name]
    run, line = find(all_of_them, name)
    assert line["status"] == status, line["reasons"]
    assert any(re.search(reason, one) for one in line["reasons"]), line["reasons"]
    if name in ("hangs", "greets"):
        assert re.search(r"\{port\}.*address", " ".join(line["reasons"]))
    assert re.search(rf"  {name}  closed split 2  block 1  {status}", run.err)
    assert re.search(reason, run.err)


@pytest.mark.parametrize("name", CORRECT)
def test_correct_server(name, all_of_them):
    _, line = find(all_of_them, name)
    assert (line["status"], line["reasons"]) == ("ok", [])
    # Two, and those in the time of servers that failed before the rounds
    assert line["rounds"]["counted"] >= 2
    load = line["load"]
    assert load["requests_total"] > 0
    assert load["errors"] == load["mismatches"] == load["unanswered"] == 0


def test_partial_closing_line(all_of_them):
    """A missing counter is unknown, not 0, and a warning names it."""
    assert find(all_of_them, "exits143")[1]["server"]["requests"] > 0
    for name, about in {"partial": "accepted", "texts": "requests"}.items():
        _, line = find(all_of_them, name)
        assert any(about in one for one in line["warnings"])
        assert not any("counted" in one for one in line["reasons"])


def test_output_of_a_server_is_escaped(all_of_them):
    """Control characters of a quoted line do not reach the terminal."""
    for run in all_of_them:
        assert "\033" not in run.text
        assert "\t" not in run.err
        assert max(map(len, run.err.splitlines())) < 500


def test_counters_are_optional(odd, tmp_path):
    """A server without a closing line, or with one that is not JSON, is measured."""
    models = f"echo={odd('echo')},mumbles={odd('mumbles')},counts={odd('counts')}"
    run = matrix.run("--models", models, out=tmp_path / "run",
                     plan=matrix.plan(tmp_path, counting="yes")).check(0)
    for name in "echo", "mumbles", "counts":
        line = run.line(name, "counting")
        assert not any("the server counted" in reason for reason in line["reasons"])
        warned = any("no counters" in warning for warning in line["warnings"])
        assert warned == (line["server"] is None) == (name != "counts")


def test_server_accepts_late(odd, tmp_path):
    """It is not stopped before it has accepted all clients: no miscount."""
    run = matrix.run("--models", f"late={odd('late')}", "--benchmark_filter=loop:none",
                     out=tmp_path / "run", plan=matrix.plan(tmp_path, idle="2"))
    assert run.check(0).line("late", "idle")["server"]["accepted"] == 2


def test_not_built(tmp_path):
    """A missing model is reported, not left out."""
    bin_ = matrix.copy_of_bin(tmp_path)
    (bin_ / "uring").unlink(missing_ok=True)
    run = matrix.run(plan=matrix.plan(tmp_path, models="epoll,uring"),
                     out=tmp_path / "run", program=bin_ / "matrix").check(0)
    line = run.line("uring")
    assert line["status"] == "unsupported" and "not built" in line["reasons"][0]
    assert re.search("uring +unsupported.*not built", run.out)


@pytest.fixture
def plain(odd):
    """A running server without a ready line: its process and port"""
    port = server.free_port()
    with subprocess.Popen([odd("plain"), str(port)]) as process:
        try:
            assert server.eventually(lambda: server.listens(port))
            yield process.pid, port
        finally:
            process.kill()


def test_without_a_ready_line(odd, plain, tmp_path):
    """By {port} in its command, or by the address of a running server, which is left
    alone; what is unknown of it is absent."""
    pid, port = plain
    models = {"told": f"'{odd('plain')}' {{port}} 'a,b'",
              "up": f"127.0.0.1:{port}", "known": f"localhost:{port} pid={pid}"}
    run = matrix.run("--models", ",".join(map("=".join, models.items())),
                     out=tmp_path / "run",
                     plan=matrix.plan(tmp_path, counting="yes", idle="2",
                                      slice="200ms"))
    run.check(0)
    lines = {name: run.line(name) for name in models}
    for line in lines.values():
        assert line["load"]["requests_total"] > 0
        assert line["metrics"]["response_p50_ns"] > 0
    for name, is_known in {"told": True, "known": True, "up": False}.items():
        numbers = lines[name]["metrics"]
        for metric in ("server_cpu_share", "resident_bytes", "threads",
                       "switches_per_second", "server_queue_share"):
            assert (numbers[metric] is not None) == is_known, metric
        was_up = "up already" in " ".join(lines[name]["warnings"])
        assert was_up == (name != "told")
        assert (lines[name]["server_cpus"] is None) == was_up
    for role in "counting", "idle":
        line = run.line("up", role)
        assert line["status"] == "unsupported" and "pid" in line["reasons"][0]
    os.kill(pid, 0)
    assert server.listens(port)


def test_command_with_blanks_is_resumed(odd, tmp_path):
    """plan.txt keeps blanks and commas of a command."""
    matrix.interrupted("--models", f"x={odd('plain')} {{port}} 'a, b'",
                       plan=matrix.plan(tmp_path, blocks=3), lines=1,
                       out=tmp_path / "run")
    run = matrix.resume(tmp_path / "run").check(0)
    assert all(line["load"]["requests"] > 0 for line in run.lines)


def test_work_needs_an_option(odd, tmp_path):
    run = matrix.run("--models", f"x={odd('plain')} {{port}}",
                     out=tmp_path / "run", plan=matrix.plan(
                         tmp_path, cells="closed split work cpu:20us"))
    assert run.check(0).line("x")["status"] == "unsupported"


@pytest.mark.parametrize("server_, because", {
    "/nonexistent": "No such file",
    "no-such-program --fast": "No such file",
    "/tmp": "directory",
    "/etc/passwd": "not executable",
    "'./a.out": "quote",
    "127.0.0.1:1": "refused",
    "127.0.0.1:99999": "port",
    "192.0.2.1:80": "loopback",
    "localhost:80 fast": "pid=",
    "127.0.0.1:PORT pid=1": "does not listen",
}.items())
def test_unusable_server_is_refused(server_, because, plain, tmp_path):
    """Before anything is measured"""
    server_ = server_.replace("PORT", str(plain[1]))
    run = matrix.run("--models", f"poll,x={server_}", out=tmp_path / "run",
                     plan=matrix.plan(tmp_path)).check(2)
    assert because in run.err and not run.folder.exists()


def test_refused(tmp_path):
    """A server at its limit of clients; a script has to exec its server."""
    few = matrix.script(tmp_path / "few",
                        f'exec {matrix.BIN}/epoll --max-clients 3 "$@"')
    run = matrix.run("--models", f"few={few},epoll", out=tmp_path / "run",
                     plan=matrix.plan(
                         tmp_path, cells="closed split connections 3,4"))
    run.check(0)
    status = {(line["model"], line["connections"]): line for line in run.last}
    refused = status["few", 4]
    assert refused["status"] == "refused"
    assert "1 of 4 clients" in refused["reasons"][0]
    assert refused["reasons"][1].endswith(": limit")
    assert refused["server"]["refused"] == 1
    for others in ("few", 3), ("epoll", 3), ("epoll", 4):
        assert status[others]["status"] == "ok"


def test_select_at_its_limit(tmp_path):
    plan = matrix.plan(tmp_path, cells="closed split connections 1100")
    run = matrix.run("--models", "select", plan=plan, out=tmp_path / "run")
    line = run.check(0).line("select")
    assert line["status"] == "refused"
    assert any("fd_setsize" in reason for reason in line["reasons"])


@pytest.mark.parametrize("victim, because", [
    ("loadgen", "the generator: killed by signal 9"),
    ("poll", "the server: .*: killed by signal 9"),
    ("matrix", "keeper process was killed")])
def test_program_is_killed(victim, because, tmp_path):
    """By another process, such as the OOM killer: it loses the bout's cells of those that
    are killed, and the rest goes on."""
    plan = matrix.plan(tmp_path, bout="1s", blocks=2)
    with matrix.Running("--models", "poll,epoll", plan=plan,
                        out=tmp_path / "run") as running:
        running.wait_for_program("poll")
        assert server.eventually(lambda: running.programs().count("loadgen") == 2)
        for pid in running.processes():
            if pid != running.process.pid and matrix.name_of(pid) == victim:
                os.kill(pid, signal.SIGKILL)
        run = running.finish().check(1)
    first, second = run.bouts
    for line in first:
        if line["model"] == "poll" or victim != "poll":
            assert line["status"] == "failed"
            assert re.search(because, " ".join(line["reasons"]))
        else:
            assert line["status"] == "ok"
    assert [line["status"] for line in second] == ["ok", "ok"]


def test_options_of_a_server(tmp_path):
    """Every command gets the same options; --work only if the cell has some."""
    options = tmp_path / "options"
    server_ = matrix.script(
        tmp_path / "server",
        f'echo "$@" >>{options}; exec {matrix.BIN}/epoll "$@"')
    cells = ["closed split connections 1", "closed split message 1000 "
             "connections 1 work cpu:20us"]
    matrix.run("--models", f"mine={server_}", out=tmp_path / "run",
               plan=matrix.plan(tmp_path, cells=cells)).check(0)
    assert set(options.read_text().splitlines()) == {
        "--port 0 --message 64",
        "--port 0 --message 1000 --work cpu:20us"}
