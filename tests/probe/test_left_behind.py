# SPDX-License-Identifier: MIT
"""However probe ends, it leaves no process and no cgroup behind."""

import os
import random
import signal
import subprocess
import time

import probes
import pytest
import server

#: A program with a child, a grandchild whose parent has ended, and one in a
#: session of its own whose parents have all ended; all have $1 in their command
FAMILY = ("sh -c 'sleep 1000; :' $1 & (sh -c 'sleep 1000; :' $1 &) ; "
          "setsid -f sh -c 'sleep 1000; :' $1; sleep 1000; :")
#: Four of these, and both processes of probe
MEMBERS = 4 + 2


@pytest.fixture
def marker():
    word = f"marker-{os.getpid()}-{random.getrandbits(48)}"
    yield word
    for pid in probes.with_argument(word):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture(params=["root", "nobody"])
def user(request, public):
    """How to run probe: as root with a cgroup, or as a user without one"""
    if request.param == "nobody":
        if probes.why_not_root():
            pytest.skip("only root may become another user")
        return {"wrapper": probes.NOBODY, "program": public / "probe"}
    return {}


def family(marker):
    return ("sh", "-c", FAMILY, "sh", marker)


def nothing_left(marker, *pids):
    probes.wait_for(0, marker)
    for pid in pids:
        assert server.eventually(lambda: not probes.cgroups(pid))


def test_killed(user, marker):
    """By SIGKILL"""
    with probes.Probed(*family(marker), **user) as one:
        probes.wait_for(MEMBERS, marker)
        keeper = one.keeper()
        one.process.kill()
        one.process.wait()
        nothing_left(marker, one.pid)
        assert server.eventually(lambda: probes.gone(keeper))


def test_killed_at_any_moment(user, marker):
    moments, pids = random.Random(1), []
    for _ in range(12):
        with probes.Probed(*family(marker), **user) as one:
            time.sleep(moments.uniform(0, 0.04))
            one.process.kill()
            one.process.wait()
            pids.append(one.pid)
    # if it was killed before there was a keeper, an empty cgroup may be left
    probes.run("true", **user)
    nothing_left(marker, *pids)


def test_the_whole_process_group_is_killed(user, marker):
    """As the end of a terminal or a CI may do; the keeper is in another group."""
    with probes.Probed(*family(marker), start_new_session=True, **user) as one:
        probes.wait_for(MEMBERS, marker)
        os.killpg(one.pid, signal.SIGKILL)
        one.process.wait()
        nothing_left(marker, one.pid)


def test_killed_while_the_program_is_stopped(user, marker):
    with probes.Probed(*family(marker), **user) as one:
        probes.wait_for(MEMBERS, marker)
        os.kill(one.program(), signal.SIGSTOP)
        one.process.kill()
        one.process.wait()
        nothing_left(marker, one.pid)


def test_the_program_ends_first(user, marker):
    """Processes that it leaves behind are killed, counted and reported."""
    script = FAMILY.replace("sleep 1000; :'", "trap : TERM; sleep 1000; :'")
    script = script.rpartition("; sleep 1000")[0] + "; sleep 0.2; exit 4"
    report, ran = probes.run("sh", "-c", script, "sh", marker, **user)
    assert ran.returncode == 4
    assert report["left_behind"] == 6  # three shells, their sleeps
    assert "left 6 processes behind" in ran.stderr
    nothing_left(marker)


def test_the_keeper_is_killed(marker):
    """The program dies with it, and probe kills the rest."""
    if probes.why_not_root():
        pytest.skip("without a cgroup, forked children live on: documented")
    with probes.Probed(*family(marker)) as one:
        probes.wait_for(MEMBERS, marker)
        os.kill(one.keeper(), signal.SIGKILL)
        assert one.process.wait(probes.PATIENCE_S) == 1
        report = one.next_report()
        assert report["exit_status"] is None and report["signal"] is None
        nothing_left(marker, one.pid)


def test_both_are_killed(marker):
    """The next probe kills what remains."""
    if probes.why_not_root():
        pytest.skip("no cgroup can be made")
    with probes.Probed(*family(marker)) as one:
        probes.wait_for(MEMBERS, marker)
        keeper, program = one.keeper(), one.program()
        os.kill(one.pid, signal.SIGSTOP)
        os.kill(keeper, signal.SIGKILL)
        one.process.kill()
        one.process.wait()
        assert server.eventually(lambda: probes.gone(program) and
                                 probes.gone(keeper))
        assert probes.with_argument(marker)
        assert len(probes.cgroups(one.pid)) == 1
        subprocess.run([probes.PROBE, "--quiet", "true"], check=True)
        nothing_left(marker, one.pid)


def test_one_does_not_sweep_the_other(marker):
    with probes.Probed(*family(marker)) as one:
        probes.wait_for(MEMBERS, marker)
        subprocess.run([probes.PROBE, "--quiet", "true"], check=True)
        assert probes.cgroups(one.pid) and one.process.poll() is None
        assert not probes.gone(one.program())


def test_a_cgroup_inside_the_cgroup(bpf, root):
    """A program may make cgroups inside its own: counted, killed, removed."""
    script = ("mount=$(awk '/ - cgroup2 /{print $5; exit}' "
              "/proc/self/mountinfo); own=$mount$(sed -n 's/^0:://p' "
              "/proc/self/cgroup); mkdir $own/inner || exit 9; "
              "echo 0 >$own/inner/cgroup.procs || exit 8; sleep 1000 & exit 0")
    report, ran = probes.run("sh", "-c", script)
    assert ran.returncode == 0, ran.stderr
    assert report["left_behind"] == 1
    assert probes.named(report)["exit_group"] >= 1


def test_where_cgroups_are_mounted_over(tmp_path):
    """A directory made there is no cgroup: it is removed, and the program runs without
    one."""
    if probes.why_not_mount():
        pytest.skip(probes.why_not_mount())
    over = next(words[4] for words in
                (line.split() for line in open("/proc/self/mountinfo"))
                if words[words.index("-") + 1] == "cgroup2")
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c",
         f'mount -t tmpfs none {over} && "$@"; status=$?; ls {over}; '
         'exit $status', "sh",
         probes.PROBE, "--quiet", "--json", tmp_path / "used", "true"],
        capture_output=True, text=True, timeout=20, check=True)
    assert ran.stdout == ""
    assert "is no cgroup" in (tmp_path / "used").read_text("utf-8")
