# SPDX-License-Identifier: MIT
"""The CPU time of a program is that of its own clocks, wherever it was used."""

import os

import probes
import pytest
import server

MS = 400

#: The guarantee
WITHIN = 0.02

EVERYWHERE = ["self", "threads", "forked", "workers", "sqpoll"]

pytestmark = pytest.mark.skipif(
    server.SLOW > 1, reason="says nothing of an instrumented build")


def burn(path, where, **more):
    report, ran = probes.run(path, where, str(MS), **more)
    if ran.returncode == 77:
        pytest.skip(ran.stderr.splitlines()[0])
    assert ran.returncode == 0, ran.stderr
    used, own = (int(word) for word in ran.stdout.split())
    assert used >= MS * 1e6
    if where not in ("self",):
        assert own < used / 10, "not where it was to be used"
    return report["cpu"], used


@pytest.mark.parametrize("where", EVERYWHERE)
def test_of_process_and_cgroup(where, programs):
    """Ended threads and the kernel's io_uring threads are part of the process, child
    processes are not."""
    cpu, used = burn(programs / "burn", where)
    if where == "forked":
        assert cpu["process_ns"] < used / 10
    else:
        assert cpu["process_ns"] == pytest.approx(used, rel=WITHIN)
    if cpu["all_ns"] is None:
        pytest.skip("no cgroup can be made here")
    assert cpu["all_ns"] == pytest.approx(used, rel=WITHIN)
    assert (cpu["used_ns"], cpu["method"]) == (cpu["all_ns"], "cgroup")


@pytest.mark.parametrize("where", EVERYWHERE)
def test_of_those_waited_for(where, root, public):
    """An ordinary user gets no more than this."""
    cpu, used = burn(public / "burn", where, wrapper=probes.NOBODY,
                     program=public / "probe")
    assert cpu["all_ns"] is None
    assert cpu["waited_for_ns"] == pytest.approx(used, rel=WITHIN)
    assert (cpu["used_ns"], cpu["method"]) == (cpu["process_ns"], "process")


def test_of_an_orphan(root, public):
    """The program does not wait for it; the keeper does."""
    ended = public / "ended"  # the end of what is read from there says so
    os.mkfifo(ended)
    ended.chmod(0o666)
    script = (f"setsid -f {public}/burn self {MS} >{ended} & cat {ended}; "
              "sleep 0.3")
    report, ran = probes.run("sh", "-c", script, wrapper=probes.NOBODY,
                             program=public / "probe")
    assert report["left_behind"] == 0
    assert report["cpu"]["waited_for_ns"] == pytest.approx(
        int(ran.stdout.split()[0]), rel=3 * WITHIN)


def test_a_window(programs, tmp_path):
    """Half of the time is used by a child process that ends in the window."""
    with probes.Probed(programs / "steps", tmp_path / "made") as one:
        assert one.hear() == "done"
        begin = one.so_far()["cpu"]
        one.say(f"burn {MS}\n")
        assert one.hear() == "done"
        end = one.so_far()["cpu"]
    assert end["process_ns"] - begin["process_ns"] == pytest.approx(
        MS / 2 * 1e6, rel=WITHIN)
    if end["all_ns"] is None:
        pytest.skip("no cgroup can be made here")
    assert end["all_ns"] - begin["all_ns"] == pytest.approx(
        MS * 1e6, rel=WITHIN)


def test_waiting_for_a_cpu(programs):
    """Two programs on one CPU: each waits while the other runs."""
    with probes.Probed(programs / "burn", "self", "5000",
                       wrapper=["taskset", "-c", "0"]):
        cpu, used = burn(programs / "burn", "self",
                         wrapper=["taskset", "-c", "0"])
    assert used / 3 < cpu["queue_ns"]
    assert cpu["involuntary_switches"] > 0


def test_switches_of_who_waits(programs, tmp_path):
    """Threads switch when they sleep; those that end take their counts with them."""
    with probes.Probed(programs / "steps", tmp_path / "made") as one:
        assert one.hear() == "done"
        begin = one.settled()
        for _ in range(50):
            one.say("calls 3\n")
            assert one.hear() == "done"
            end = one.settled()
        one.say("threads 20\n")
        assert one.hear() == "done"
        after = one.so_far()
        last = one.end()
    key = "voluntary_switches"
    assert begin["cpu"]["threads_lost"] == end["cpu"]["threads_lost"] == 0
    # three threads sleep again each time, and sometimes one more in between
    assert 50 * 3 <= end["cpu"][key] - begin["cpu"][key] <= 50 * 5 + 10
    assert end["memory"]["threads"] == after["memory"]["threads"] == 3
    # the counts of the 20 ended threads are only in the sum at the end
    assert last["cpu"][key] >= after["cpu"][key] + 20


# --------------------------------------------------------------------- servers

#: So much work per request that its other costs are less than WITHIN; on a busy machine
#: they are up to a ms
REQUESTS, WORK_MS, CLIENTS = 12, 40, 4

SERVERS = ["forking", "thread", "select", "epoll", "aio", "uring"]


@pytest.mark.parametrize("name", SERVERS)
def test_of_a_server(name, programs, tmp_path):
    """It uses a known CPU time per request. One client stays; the others come and go,
    and with them processes and threads that the server starts for them."""
    program = programs / name if name == "forking" else name
    with probes.ProbedServer(program, "--message", "64", "--work",
                             f"cpu:{WORK_MS}ms", folder=tmp_path) as one:
        stays = one.connect()
        probes.ping_pong(stays, 1)
        begin = one.so_far()["cpu"]
        for _ in range(CLIENTS - 1):
            with one.connect() as comes:
                probes.ping_pong(comes, REQUESTS // CLIENTS)
        probes.ping_pong(stays, REQUESTS // CLIENTS)
        end = one.so_far()["cpu"]
        one.stop()
    used = end["used_ns"] - begin["used_ns"]
    if name == "forking" and end["all_ns"] is None:
        pytest.skip("no cgroup can be made here")
    work = REQUESTS * WORK_MS * 1e6
    assert work * (1 - WITHIN) <= used <= work * (1 + 2 * WITHIN)
