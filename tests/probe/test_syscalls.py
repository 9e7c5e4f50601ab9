# SPDX-License-Identifier: MIT
"""Counts of system calls are exact, by name and in a window."""

import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import time

import probes
import pytest
import server

CALLS = 2000

#: The methods that count by name; strace gets fewer calls, as it is slow
BY_NAME = ["bpf", "strace"]
FEWER = {"bpf": 1, "strace": 10}

#: Known differences between the methods, for calls.c: strace -c counts calls when they
#: return, and exit (of 2 x 3 threads) and exit_group (of 3 processes) never do; perf
#: starts after the exec.
NEVER_RETURN = {"exit": 6, "exit_group": 3}
EXECVE = 1


def strace_counts(program, folder):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    table = folder / "table"
    ran = subprocess.run(
        ["strace", "-f", "-c", "-U", "name,calls", "-o", table, program,
         str(CALLS)], check=False)
    if ran.returncode != 0:
        pytest.skip("strace may not trace here")
    rows = [line.split() for line in table.read_text().splitlines()]
    counts = {row[0]: int(row[1]) for row in rows
              if len(row) == 2 and row[1].isdigit()}
    counts.pop("total", None)
    return counts


def test_bpf_and_strace_agree_by_name(bpf, programs, tmp_path):
    report, _ = probes.run(programs / "calls", str(CALLS),
                           options=["--syscalls", "bpf"])
    by_strace = strace_counts(programs / "calls", tmp_path)
    assert probes.named(report) == {**by_strace, **NEVER_RETURN}
    assert report["syscalls"]["total"] == \
        sum(by_strace.values()) + sum(NEVER_RETURN.values())
    assert probes.named(report)["getppid"] == 6 * CALLS
    assert report["syscalls"]["scope"] == "all"


def test_our_strace_and_bpf_agree(bpf, strace, programs):
    """Also for calls that never return"""
    one, other = (probes.run(programs / "calls", "300",
                             options=["--syscalls", method])[0]
                  for method in BY_NAME)
    assert probes.named(one) == probes.named(other)
    assert one["syscalls"]["total"] == other["syscalls"]["total"]
    assert other["syscalls"]["scope"] == "all"


def test_perf_and_bpf_agree(bpf, perf, programs):
    by_bpf, _ = probes.run(programs / "calls", str(CALLS),
                           options=["--syscalls", "bpf"])
    by_perf, _ = probes.run(programs / "calls", str(CALLS),
                            options=["--syscalls", "perf"],
                            wrapper=probes.TRACEFS)
    assert by_perf["syscalls"]["total"] == \
        by_bpf["syscalls"]["total"] - EXECVE
    assert by_perf["syscalls"]["by_name"] is None


def test_names_are_those_of_strace(bpf):
    """Not numbers, and not the names of another architecture"""
    report, _ = probes.run("true")
    assert probes.named(report)["execve"] == 1
    assert not [name for name in probes.named(report) if "#" in name]


def test_a_number_without_a_name(bpf, tmp_path):
    source = tmp_path / "odd.c"
    source.write_text("""
        #include <unistd.h>
        int main(void)
        {
                for (int i = 0; i < 7; i++)
                        syscall(1000);
                for (int i = 0; i < 5; i++)
                        syscall(123456);
                for (int i = 0; i < 3; i++)
                        syscall(-5);
                return 0;
        }""")
    subprocess.run(["cc", "-D_GNU_SOURCE", "-o", tmp_path / "odd", source],
                   check=True)
    names = probes.named(probes.run(tmp_path / "odd")[0])
    assert names["#1000"] == 7
    # -1 and below: some kernels let them pass the tracepoint, some do not
    assert names["#1023..."] in (5, 8)


@pytest.mark.parametrize("method", BY_NAME)
def test_a_window_while_it_runs(method, request, programs, tmp_path):
    """A process, a thread and a child process: exact by name"""
    request.getfixturevalue(method)
    with probes.Probed(programs / "steps", tmp_path / "made",
                       options=["--syscalls", method]) as one:
        assert one.hear() == "done"
        empty = probes.window(one.settled(), one.settled())
        assert empty == {}
        for calls in (3, 30000 // FEWER[method], 90001 // FEWER[method]):
            begin = one.settled()
            one.say(f"calls {calls}\n")
            assert one.hear() == "done"
            made = probes.window(begin, one.settled())
            # a line from the test, and messages to two workers: 1 + 2 + 2 each way
            assert made == {"getppid": calls, "read": 5, "write": 5}


def test_a_window_of_perf(perf, programs, tmp_path):
    with probes.Probed(programs / "steps", tmp_path / "made",
                       options=["--syscalls", "perf"],
                       wrapper=probes.TRACEFS) as one:
        assert one.hear() == "done"
        begin = one.settled()
        one.say("calls 30000\n")
        assert one.hear() == "done"
        end = one.settled()
    assert end["syscalls"]["total"] - begin["syscalls"]["total"] == 30010


def test_readings_while_calls_go_on(bpf, programs, tmp_path):
    """A reading is between the program's own counts before and after it."""
    made = tmp_path / "made"

    def counted():
        return struct.unpack("l", made.read_bytes())[0]

    with probes.Probed(programs / "steps", made) as one:
        assert one.hear() == "done"
        base = one.so_far()
        one.say("run 1\n")
        assert one.hear() == "done"
        for _ in range(5):
            before = counted()
            report = one.so_far()
            after = counted()
            # None yet, if its threads have not run.
            seen = probes.window(base, report).get("getppid", 0)
            # Two threads that share a counter without a lock lose counts, but
            # never add one; the kernel loses none.
            assert seen >= before
            assert seen <= 2 * after + 2
            assert report["memory"]["processes"] == 2
        assert server.eventually(
            lambda: probes.window(base, one.so_far()).get("getppid", 0) > 0)


def test_only_who_is_in_it(bpf):
    """The calls of others, and of probe itself, are not counted."""
    with probes.Probed("sleep", "60") as one:
        assert server.eventually(
            lambda: "clock_nanosleep" in probes.named(one.so_far()))
        begin = one.so_far()
        subprocess.run(["ls", "/usr/bin"], stdout=subprocess.DEVNULL,
                       check=True)
        assert probes.window(begin, one.so_far()) == {}


def test_one_process_where_there_is_no_cgroup(bpf, root, programs):
    """Child processes are not counted, and the report says so. Also in a PID namespace,
    where the kernel has another process id."""
    hidden = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh",
              "-c", "umount -a -t cgroup2; exec \"$@\"", "sh"]
    if subprocess.run([*hidden, "true"], check=False).returncode != 0:
        pytest.skip("no namespaces may be made here")
    script = ("import os, threading; t = threading.Thread(target=lambda: "
              "[os.getppid() for _ in range(777)]); t.start(); t.join()")
    report, _ = probes.run("python3", "-c", script, wrapper=hidden)
    assert 777 <= probes.named(report)["getppid"] < 900
    report, _ = probes.run(programs / "calls", str(CALLS), wrapper=hidden)
    assert report["syscalls"]["scope"] == "process"
    names = probes.named(report)
    assert names["clone"] == 2 and names["wait4"] == 2
    assert "getppid" not in names
    assert "no cgroup v2 hierarchy" in report["missing"][0]["why"]


#: Only this process's part of the hierarchy is visible, under its old name or, in a
#: cgroup namespace, as the root.
CONTAINER = """
    all=$(awk '/ - cgroup2 /{print $5; exit}' /proc/self/mountinfo)
    mine=$all/test-$$; mkdir $mine && echo $$ >$mine/cgroup.procs || exit 99
    unshare --mount %s sh -c '
        mount --bind "$0" /mnt && umount "$1" && shift && exec "$@"' \
        $mine $all "$@"
    status=$?
    echo $$ >$all/cgroup.procs; rmdir $mine
    exit $status
"""


@pytest.mark.parametrize("namespace", ["", "--cgroup"])
def test_in_a_container(namespace, bpf, root):
    wrapper = ["sh", "-c", CONTAINER % namespace, "sh"]
    report, ran = probes.run("sh", "-c", "sh -c 'exit 0' & wait",
                             wrapper=wrapper)
    if report is None:
        pytest.skip(f"no such namespace can be made here: {ran.stderr}")
    assert report["missing"] == []
    assert probes.named(report)["execve"] == 2
    assert probes.named(report)["exit_group"] == 2


# ------------------------------------------------------------------- a server

ROUNDS = 500


#: System calls per request with one client, as the card of the model says
CARDS = {"epoll": {"recvfrom": 1, "sendto": 1, "epoll_wait|epoll_pwait": 1},
         "poll": {"recvfrom": 1, "sendto": 1, "poll|ppoll": 1},
         "select": {"recvfrom": 1, "sendto": 1, "select|pselect6": 1},
         "thread": {"recvfrom": 1, "sendto": 1}}


@pytest.mark.parametrize("method", BY_NAME)
@pytest.mark.parametrize("name", sorted(CARDS))
def test_a_server_makes_the_calls_of_its_card(name, method, request, tmp_path):
    request.getfixturevalue(method)
    with probes.ProbedServer(name, "--message", "64", folder=tmp_path,
                             options=["--syscalls", method]) as one:
        sock = one.connect()
        probes.ping_pong(sock, ROUNDS)  # it is accepted, and waits for a request
        begin = one.so_far()
        probes.ping_pong(sock, ROUNDS)
        made = probes.window(begin, one.so_far())
        one.stop()
    for names, per_request in CARDS[name].items():
        found = sum(made.pop(name, 0) for name in names.split("|"))
        assert found == per_request * ROUNDS, names
    assert made == {}


# --------------------------------------------------------------------- strace

def test_an_ordinary_user_has_strace(strace, root, public):
    report, ran = probes.run("sh", "-c", "sh -c 'exit 3'; exit $?",
                             options=["--syscalls", "strace"],
                             wrapper=probes.NOBODY, program=public / "probe")
    assert ran.returncode == 3
    assert "strace, which slows it" in ran.stderr
    assert probes.named(report)["execve"] == 2
    assert probes.named(report)["exit_group"] == 2


def test_calls_without_a_name_for_strace(strace, tmp_path):
    source = tmp_path / "odd.c"
    source.write_text("""
        #include <unistd.h>
        int main(void) { return syscall(1000) + syscall(123456) + 2; }""")
    subprocess.run(["cc", "-D_GNU_SOURCE", "-o", tmp_path / "odd", source],
                   check=True)
    names = probes.named(probes.run(tmp_path / "odd",
                                    options=["--syscalls", "strace"])[0])
    assert names["#1000"] == 1 and names["#1023..."] == 1


def refusal_of_strace(wrapper=(), env=None):
    """The error message; the program is not started."""
    ran = subprocess.run([*wrapper, probes.PROBE, "--syscalls", "strace",
                          "/bin/echo", "started"], env=env,
                         capture_output=True, text=True, check=False)
    assert ran.returncode == 77 and ran.stdout == ""
    assert ran.stderr.count("\n") == 1
    return ran.stderr


def test_strace_is_absent():
    assert "apt-get install strace" in \
        refusal_of_strace(env={"PATH": "/no/such/folder"})


def test_strace_is_forbidden(strace, programs):
    """In a container, for example"""
    said = refusal_of_strace(wrapper=[programs / "forbid", "ptrace"])
    assert re.search("strace: .*ptrace.*Operation not permitted", said)
    assert "yama" in said and "--cap-add" in said


def test_what_yama_wants(strace, tmp_path):
    """Yama is not in every kernel, so this only checks that the program allows probe and
    its children to trace it, before its exec."""
    trace = tmp_path / "trace"
    subprocess.run(["strace", "-f", "-qq", "-e", "trace=prctl,execve", "-o",
                    trace, probes.PROBE, "--quiet", "--syscalls", "none",
                    "true"], check=True)
    probe, *_, program = re.findall(r"^(\d+) +execve", trace.read_text(), re.M)
    assert re.search(rf"^{program} +prctl\(PR_SET_PTRACER, {probe}\b",
                     trace.read_text(), re.M)


def test_strace_goes_with_probe(strace):
    """After SIGKILL neither strace nor the program is left, nor the stopped processes of
    strace's start."""
    moments, started = random.Random(1), set()
    for number in [1, 2, 3, 4] * 4:  # two keepers, the program, strace
        with probes.Probed("sleep", "60", options=["--syscalls", "strace"],
                           start_new_session=True) as one:
            assert server.eventually(
                lambda: len(probes.descendants(one.pid)) >= number, every=0)
            time.sleep(moments.uniform(0, 0.01))
            started |= set(probes.descendants(one.pid))
            one.process.kill()
            one.process.wait()
    assert server.eventually(
        lambda: all(probes.gone(pid) for pid in started))


def test_the_keyboard_does_not_end_strace(strace, tmp_path):
    """It counts what the program does after Ctrl-C."""
    script = "trap 'exit 9' INT; echo here; while :; do sleep 0.1; done"
    with probes.Probed("sh", "-c", script, options=["--syscalls", "strace"],
                       start_new_session=True) as one:
        assert one.hear() == "here"
        begin = one.so_far()
        os.killpg(one.pid, signal.SIGINT)
        assert one.process.wait(probes.PATIENCE_S) == 9
        assert probes.window(begin, one.next_report())["exit_group"] >= 1


def test_it_stops_as_without_probe(tmp_path):
    """SIGTERM is passed on to the server, and its counters are printed."""
    with server.Server("epoll", wrapper=[probes.PROBE, "--quiet"]) as one:
        assert one.pid != one._process.pid
        one._process.send_signal(signal.SIGTERM)
        assert one.finish()["model"] == "epoll"
    assert pathlib.Path(f"/proc/{one.pid}").exists() is False
