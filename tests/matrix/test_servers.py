# SPDX-License-Identifier: MIT
"""Servers that do not do their part: each is marked, with a reason that names the
cause, and the run goes on."""

import os
import re
import signal
import socket
import subprocess

import matrix
import pytest
import server

#: What came of each of servers/odd.py in a repetition that takes times, and a
#: part of its first reason
OUTCOMES = {
    "hangs": ("failed", "no ready line within 10 s"),
    "quits": ("failed", "ended before it was ready: exit status 1; .*quits: "
                        "the dog ate my socket"),
    "unable": ("unsupported", "unable: this kernel has no such thing"),
    "crashes": ("failed", r"ended before it was ready: killed by signal 6"),
    "greets": ("failed", r"its first line is not 'ready model=.*': 'Hello,\?"),
    "floods": ("failed", r"its first line is not 'ready model=.*': 'garbage"),
    "impostor": ("failed", r"its ready line says pid=\d+, but it was started "
                           r"as \d+"),
    "elsewhere": ("failed", r"its ready line says port=\d+, but it does not "
                            "listen there"),
    "nowhere": ("failed", "it does not listen there"),
    "dies": ("failed", "ended while clients were connected: killed by signal 11"),
    "leaves": ("failed", "ended while clients were connected: exit status 0"),
    "stubborn": ("failed", "did not end within 5 s of SIGTERM and was killed"),
    "complains": ("failed", "exit after SIGTERM: exit status 1; .*complains: "
                            "nobody thanked me"),
    "deaf": ("invalid", "no reply.*not an echo server"),
    "drops": ("invalid", "closed by the server"),
    "corrupts": ("invalid", r"corruption, \d+ times"),
    "lies": ("invalid", r"the server counted \d+ requests, the generator \d+"),
    "partiallies": ("invalid", r"the server counted \d+ requests, the generator"),
    "forgets": ("invalid", "the server counted 1 client, the generator 2"),
    "empty": ("failed", ": empty cannot be started: Exec format error"),
}

#: Whose clients came to no harm: where the machine is busy they are invalid, or ok
WELL = ["epoll", "echo", "killed", "chatters", "adopts", "mumbles",
        "exits143", "partial", "texts"]


@pytest.fixture(scope="module")
def all_of_them(odd, tmp_path_factory):
    """One run with all of them, and one of ours among them"""
    folder = tmp_path_factory.mktemp("servers")
    (folder / "empty").write_text("")
    (folder / "empty").chmod(0o755)
    programs = {name: odd(name) for name in [*OUTCOMES, *WELL]}
    programs["empty"] = folder / "empty"
    del programs["epoll"]
    models = ",".join(["epoll", *(f"{label}={path}"
                                  for label, path in programs.items())])
    with socket.create_server(("127.0.0.1", 0)) as other:
        return matrix.run("--models", models, plan=matrix.plan(folder),
                          out=folder / "run", patience=200,
                          env={"SOMEBODY_ELSE": f"{other.getsockname()[1]}"})


def test_the_run_goes_on(all_of_them):
    """To its end, with a file for each purpose and a row for each cell"""
    run = all_of_them.check(1)
    assert run.complete
    assert {line["model"] for line in run.lines} == {*OUTCOMES, *WELL}
    rows = {row["model"]: row for row in run.csv("cells.csv")}
    for name, (status, _) in OUTCOMES.items():
        assert rows[name]["status"] == status
        assert rows[name]["reason"]
        assert rows[name]["n"] == "0"
        assert rows[name]["requests_per_second"] == ""


@pytest.mark.parametrize("name", OUTCOMES)
def test_it_is_marked(name, all_of_them):
    status, reason = OUTCOMES[name]
    line = all_of_them.line(name)
    assert line["status"] == status, line["reasons"]
    assert any(re.search(reason, said) for said in line["reasons"])
    if "ready" in reason and name in ("hangs", "greets"):
        assert re.search(r"\{port\}.*address", " ".join(line["reasons"]))
    assert re.search(rf"model:{name}/.*  {status}", all_of_them.err)
    assert re.search(reason, all_of_them.err)


@pytest.mark.parametrize("name", WELL)
def test_it_comes_to_no_harm(name, all_of_them):
    line = all_of_them.line(name)
    assert line["status"] in ("ok", "invalid")
    load = line["load"]
    assert load["requests_total"] > 0
    assert load["errors"] == load["mismatches"] == load["unanswered"] == 0


def test_what_a_closing_line_has_is_used(all_of_them):
    """The rest is unknown, and a warning names it; it is never taken for 0."""
    assert all_of_them.line("exits143")["server"]["requests"] > 0
    for name, about in {"partial": "accepted", "texts": "requests"}.items():
        line = all_of_them.line(name)
        assert any(about in said for said in line["warnings"])
        assert not any("counted" in said for said in line["reasons"])


def test_no_terminal_is_made_to_do_anything(all_of_them):
    """By what a server prints: it is quoted, without what is not printable."""
    assert "\033" not in all_of_them.text
    assert "\t" not in all_of_them.err
    assert max(map(len, all_of_them.err.splitlines())) < 500


def test_counters_are_optional(odd, tmp_path):
    """Of a stranger; a line that is no JSON is none."""
    models = f"echo={odd('echo')},mumbles={odd('mumbles')},counts={odd('counts')}"
    run = matrix.run("--models", models, out=tmp_path / "run",
                     plan=matrix.plan(tmp_path, counting="yes")).check(0)
    for name in "echo", "mumbles", "counts":
        line = run.line(name, "counting")
        assert not [reason for reason in line["reasons"] if "the server" in reason]
        said = "the server printed no counters when it ended"
        assert (said in line["warnings"]) == (name != "counts")
        assert (line["server"] is None) == (name != "counts")


def test_not_built(tmp_path):
    """One of the seven that is not there is said to be missing, not left out."""
    bin_ = matrix.copy_of_bin(tmp_path)
    (bin_ / "uring").unlink(missing_ok=True)
    run = matrix.run(plan=matrix.plan(tmp_path, models="epoll,uring"),
                     out=tmp_path / "run", program=bin_ / "matrix")
    line = run.check(0).line("uring")
    assert line["status"] == "unsupported"
    assert line["reasons"] == [
        "the server: not built: run make, which prints what is missing"]
    assert "uring     unsupported: the server: not built" in run.out


@pytest.fixture
def plain(odd):
    """A server without a ready line that is up: its process and its port"""
    port = server.free_port()
    with subprocess.Popen([odd("plain"), str(port)]) as process:
        try:
            assert server.eventually(lambda: server.listens(port))
            yield process.pid, port
        finally:
            process.kill()


def test_without_a_ready_line(odd, plain, tmp_path):
    """By a port in its command, and by the address of one that is up: that is
    not touched, and what is not known of it is absent."""
    pid, port = plain
    models = {"told": f"'{odd('plain')}' {{port}} 'a,b'",
              "up": f"127.0.0.1:{port}", "known": f"localhost:{port} pid={pid}"}
    run = matrix.run("--models", ",".join(map("=".join, models.items())),
                     out=tmp_path / "run",
                     plan=matrix.plan(tmp_path, counting="yes", idle="2"))
    run.check(0)
    lines = {name: run.line(name) for name in models}
    for line in lines.values():
        assert line["load"]["requests"] > 0
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


def test_a_command_is_resumed(odd, tmp_path):
    """plan.txt has all of it, though it has blanks and a comma"""
    matrix.interrupted("--models", f"x={odd('plain')} {{port}} 'a, b'",
                       plan=matrix.plan(tmp_path, blocks=8), lines=1,
                       out=tmp_path / "run")
    run = matrix.resume(tmp_path / "run", patience=60).check(0)
    assert all(line["load"]["requests"] > 0 for line in run.lines)


def test_work_that_it_cannot_be_told(odd, tmp_path):
    run = matrix.run("--models", f"x={odd('plain')} {{port}}",
                     out=tmp_path / "run", plan=matrix.plan(
                         tmp_path, cells="closed split work cpu:20us"))
    assert run.check(0).line("x")["status"] == "unsupported"


@pytest.mark.parametrize("server_, because", {
    "/nonexistent": "No such file",
    "no-such-program --fast": "No such file",
    "/tmp": "folder",
    "/etc/passwd": "not executable",
    "'./a.out": "quote",
    "127.0.0.1:1": "refused",
    "127.0.0.1:99999": "port",
    "192.0.2.1:80": "loopback",
    "localhost:80 fast": "pid=",
    "127.0.0.1:PORT pid=1": "does not listen",
}.items())
def test_who_is_not_there_is_refused(server_, because, plain, tmp_path):
    """Before anything is measured"""
    server_ = server_.replace("PORT", str(plain[1]))
    run = matrix.run("--models", f"poll,x={server_}", out=tmp_path / "run",
                     plan=matrix.plan(tmp_path)).check(2)
    assert because in run.err and not run.folder.exists()


def test_refused(tmp_path):
    """Who is over a limit is turned away; a script has to exec its server."""
    few = matrix.script(tmp_path / "few",
                        f'exec {matrix.BIN}/epoll --max-clients 3 "$@"')
    run = matrix.run("--models", f"few={few},epoll", out=tmp_path / "run",
                     plan=matrix.plan(
                         tmp_path, cells="closed split connections 3,4"))
    run.check(0)
    status = {(line["model"], line["connections"]): line for line in run.last}
    refused = status["few", 4]
    assert refused["status"] == "refused"
    assert refused["reasons"] == ["the server refused 1 of 4 clients",
                                  "limit reached: limit"]
    assert refused["server"]["refused"] == 1
    for others in ("few", 3), ("epoll", 3), ("epoll", 4):
        assert status[others]["status"] in ("ok", "invalid")


def test_select_at_its_limit(tmp_path):
    plan = matrix.plan(tmp_path, cells="closed split connections 1100")
    run = matrix.run("--models", "select", plan=plan, out=tmp_path / "run")
    line = run.check(0).line("select")
    assert line["status"] == "refused"
    assert "limit reached: fd_setsize" in line["reasons"]


@pytest.mark.parametrize("whom, because", [
    ("loadgen", "the generator: killed by signal 9"),
    ("poll", "the server: it ended while clients were connected: killed by signal 9"),
    ("matrix", "keeper process was killed")])
def test_somebody_kills_it(whom, because, tmp_path):
    """From outside, as when there is no memory left: the next one is measured."""
    plan = matrix.plan(tmp_path, window="300ms")
    with matrix.Running("--models", "poll,epoll", "--seed", "1", plan=plan,
                        out=tmp_path / "run") as running:
        running.wait_for_program("poll")
        running.wait_for_program("loadgen")
        for pid in running.processes():
            if pid != running.process.pid and matrix.name_of(pid) == whom:
                os.kill(pid, signal.SIGKILL)
        run = running.finish().check(1)
    assert run.line("poll")["status"] == "failed"
    assert because in " ".join(run.line("poll")["reasons"])
    assert run.line("epoll")["load"]["requests_total"] > 0


def test_what_a_cell_asks_of_its_server(tmp_path):
    """The same words for every program; --work only where there is some."""
    told = tmp_path / "told"
    server = matrix.script(
        tmp_path / "server",
        f'echo "$@" >>{told}; exec {matrix.BIN}/epoll "$@"')
    cells = ["closed split connections 1", "closed split message 1000 "
             "connections 1 work cpu:20us"]
    matrix.run("--models", f"mine={server}", out=tmp_path / "run",
               plan=matrix.plan(tmp_path, cells=cells)).check(0)
    assert set(told.read_text().splitlines()) == {
        "--port 0 --message 64",
        "--port 0 --message 1000 --work cpu:20us"}
