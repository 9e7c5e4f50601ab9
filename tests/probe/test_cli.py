# SPDX-License-Identifier: MIT
"""bin/probe: help, reports, bad usage, missing privilege"""

import json
import os
import pathlib
import pty
import re
import socket
import getpass
import subprocess

import probes
import pytest
import server


def probe(*args, **more):
    return subprocess.run([probes.PROBE, *args], capture_output=True,
                          text=True, timeout=30, check=False, **more)


# ------------------------------------------------------------------------ usage

def test_help_opens_with_examples():
    ran = probe("--help")
    assert ran.returncode == 0 and ran.stderr == ""
    assert ran.stdout.index("Examples:") < ran.stdout.index("--syscalls=")
    for line in ran.stdout.splitlines():
        assert len(line) <= 84, line
    assert probe("-h").stdout == ran.stdout


def test_version():
    assert re.fullmatch(r"probe \(io-models\) \d+\.\d+\.\d+\n",
                        probe("--version").stdout)


@pytest.mark.parametrize("args, says", [
    ([], "no PROGRAM"),
    (["--"], "no PROGRAM"),
    (["--syscalls", "ptrace", "true"], "'ptrace': it takes auto, bpf, perf, strace"),
    (["--syscalls"], "--syscalls needs a value"),
    (["--json"], "--json needs a value"),
    (["--nonsense", "true"], "--nonsense: unknown"),
    (["-x", "true"], "-x: unknown"),
    (["--quiet=1", "true"], "--quiet takes no value"),
    (["--machine", "true"], "--machine takes no program"),
])
def test_bad_usage(args, says):
    ran = probe(*args)
    assert ran.returncode == 2
    assert says in ran.stderr and "--help" in ran.stderr
    assert ran.stderr.count("\n") == 1 and ran.stdout == ""


@pytest.mark.parametrize("program, status, says", [
    ("no-such-program", 127, "No such file"),
    ("./no/such/program", 127, "No such file"),
    ("", 127, "No such file"),
    ("/etc/passwd", 126, "Permission denied"),
    ("/", 126, "Permission denied"),
])
def test_what_cannot_be_run(program, status, says):
    ran = probe("--", program)
    assert ran.returncode == status
    assert says in ran.stderr and ran.stderr.count("\n") == 1


def test_what_is_no_program(tmp_path):
    """Only the exec fails, after all preparation."""
    nothing = tmp_path / "nothing"
    nothing.write_text("\0\0\0")
    nothing.chmod(0o755)
    report, ran = probes.run(nothing)
    assert ran.returncode == 126 and "Exec format error" in ran.stderr
    assert report is None


def test_result_cannot_be_written():
    ran = probe("--json", "/no/such/folder/x", "true")
    assert ran.returncode == 1 and "No such file" in ran.stderr
    ran = probe("--json", "/dev/full", "sh", "-c", "exit 3")
    assert ran.returncode == 3 and "No space left" in ran.stderr


def test_options_after_the_program_are_its_own():
    ran = probe("--quiet", "echo", "--json", "--help")
    assert ran.stdout == "--json --help\n" and ran.stderr == ""


# ---------------------------------------------------------------------- reports

@pytest.mark.parametrize("script, status, key, value", [
    ("exit 0", 0, "exit_status", 0),
    ("exit 7", 7, "exit_status", 7),
    ("kill -TERM $$", 143, "signal", 15),
    ("kill -KILL $$", 137, "signal", 9),
])
def test_status_is_the_programs(script, status, key, value):
    report, ran = probes.run("sh", "-c", script)
    assert ran.returncode == status
    assert report[key] == value and report["event"] == "end"


def test_output_is_left_alone():
    ran = probe("sh", "-c", "cat; echo err >&2", input="in\n")
    assert ran.stdout == "in\n"
    assert ran.stderr.startswith("err\nprobe: sh ran for ")


def test_json_on_stdout_comes_after_the_program():
    ran = probe("--json", "-", "--quiet", "echo", "hello")
    first, second = ran.stdout.splitlines()
    assert first == "hello" and json.loads(second)["program"] == "echo"


def test_json_on_dev_stdout_of_a_file(tmp_path):
    path = tmp_path / "both"
    with path.open("w") as file:
        subprocess.run([probes.PROBE, "--json", "/dev/stdout", "--quiet", "echo",
                        "hello"], stdout=file, timeout=30, check=True)
    first, second = path.read_text().splitlines()
    assert first == "hello" and json.loads(second)["program"] == "echo"


def test_no_path_in_the_report(tmp_path):
    program = tmp_path / "mine"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    report, _ = probes.run(program)
    assert report["program"] == "mine"
    assert str(tmp_path) not in json.dumps(report)


def test_signals_are_as_they_were():
    """probe blocks signals; the program must not inherit that."""
    ran = probe("--quiet", "grep", "^Sig[BIC]", "/proc/self/status")
    plain = subprocess.run(["grep", "^Sig[BIC]", "/proc/self/status"],
                           capture_output=True, text=True, check=True)
    assert ran.stdout == plain.stdout


def test_descriptors_are_as_they_were():
    ran = probe("--quiet", "ls", "/proc/self/fd")
    plain = subprocess.run(["ls", "/proc/self/fd"], capture_output=True,
                           text=True, check=True)
    assert ran.stdout == plain.stdout


def test_its_output_ends_when_the_program_ends_it():
    """No other process keeps the pipe open."""
    with probes.Probed("sh", "-c", "exec >/dev/null; sleep 60") as one:
        assert one.process.stdout.read() == b""
        assert one.process.poll() is None


def test_memory_so_far():
    script = "import time; x = bytearray(100 << 20); time.sleep(60)"
    with probes.Probed("python3", "-c", script) as one:
        assert server.eventually(lambda: (
            one.so_far()["memory"]["resident_bytes"] or 0) > 100 << 20)
        memory = one.so_far()["memory"]
    assert 100 << 20 < memory["resident_bytes"] < 150 << 20
    assert memory["processes"] == memory["threads"] == 1
    assert memory["descriptors"] == 3


def test_peak_memory():
    report, _ = probes.run("python3", "-c", "x = bytearray(100 << 20)")
    assert 100 << 20 < report["memory"]["peak_bytes"] < 150 << 20
    assert report["memory"]["peak_is_upper_bound"] is False


def test_control_c(tmp_path):
    """The terminal's signal reaches all processes in the foreground; probe still reports
    what the program used."""
    path = tmp_path / "used.json"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(probes.PROBE, [str(probes.PROBE), "--json", str(path),
                                "sleep", "60"])
    try:
        assert server.eventually(lambda: [
            child for keeper in probes.children(pid)
            for child in probes.children(keeper)
            if b"sleep" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes()
            and not b"probe" in
            pathlib.Path(f"/proc/{child}/cmdline").read_bytes()])
        os.write(terminal, b"\x03")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    finally:
        os.close(terminal)
    assert json.loads(path.read_text())["signal"] == 2


def test_the_terminal_is_the_programs():
    """It is in the foreground, so it can read the terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(probes.PROBE, [str(probes.PROBE), "--quiet", "sh", "-c",
                                "read line; echo got $line"])
    try:
        os.write(terminal, b"words\n")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert b"got words" in os.read(terminal, 1000)
    finally:
        os.close(terminal)


def test_machine():
    ran = probe("--machine")
    facts = json.loads(ran.stdout)
    assert facts["kernel_release"] == os.uname().release
    assert facts["cpus"] == os.cpu_count()
    assert facts["somaxconn"] >= 128
    assert len(facts["ip_local_port_range"]) == 2
    assert facts["limits"]["nofile"]["soft"] > 0
    for key in ("mitigations", "cpu_model", "smt_siblings", "governors",
                "io_uring_disabled", "perf_event_paranoid", "virtualization",
                "unprivileged_bpf_disabled", "guest_halt_poll_ns"):
        assert key in facts, key


def test_machine_has_no_names():
    """Results are published: no host, no user, no path."""
    text = probe("--machine", cwd="/tmp").stdout
    for secret in (socket.gethostname(), os.environ.get("USER", ""),
                   getpass.getuser(), str(server.TOP), os.path.expanduser("~")):
        if len(secret) > 3:
            assert secret not in text
    for value in re.findall(r'": "(.*)"', text):
        assert not value.startswith("/"), value


# ------------------------------------------------------------- little privilege

def as_nobody(public, *command, options=(), **more):
    return probes.run(*command, options=options, wrapper=probes.NOBODY,
                      program=public / "probe", **more)


def test_an_ordinary_user(root, public):
    """The report has what is available, and says what is missing and why."""
    report, ran = as_nobody(public, "sh", "-c", "sleep 0.1; exit 5")
    assert ran.returncode == 5
    assert report["cpu"]["process_ns"] > 0
    assert report["cpu"]["voluntary_switches"] > 0
    assert report["memory"]["peak_bytes"] > 0
    assert report["syscalls"] == {"method": "none"}
    missing = {one["what"]: one["why"] for one in report["missing"]}
    assert set(missing) == {"CPU time of all child processes",
                            "system calls by name", "total of system calls"}
    assert "root" in missing["CPU time of all child processes"]
    assert "CAP_BPF" in missing["system calls by name"]
    assert re.search("mount|root", missing["total of system calls"])
    for why in missing.values():
        assert why in ran.stderr


@pytest.mark.parametrize("method", ["bpf", "perf"])
def test_a_method_that_cannot_be_had(method, root, public, tmp_path):
    """A method that was requested by name is required: the program is not started."""
    trace = tmp_path / "started"
    report, ran = as_nobody(public, "touch", trace,
                            options=["--syscalls", method])
    assert ran.returncode == 77 and report is None
    assert ran.stderr.count("\n") == 1
    assert f"probe: --syscalls {method}: " in ran.stderr
    assert not trace.exists()


def test_tracefs_is_not_mounted(root):
    if probes.why_not_mount():
        pytest.skip(probes.why_not_mount())
    hidden = ["unshare", "--mount", "sh", "-c",
              "umount -a -t tracefs; exec \"$@\"", "sh"]
    _, ran = probes.run("true", options=["--syscalls", "perf"], wrapper=hidden)
    assert ran.returncode == 77
    assert "mount -t tracefs tracefs /sys/kernel/tracing" in ran.stderr


def test_perf_event_paranoid(perf, root, public):
    """The id can be read, but counting in the kernel needs privilege."""
    grant = ["unshare", "--mount", "sh", "-c", "mount -t tracefs -o mode=755 "
             "tracefs /sys/kernel/tracing && chmod -R a+rX "
             "/sys/kernel/tracing/events/raw_syscalls && exec \"$@\"", "sh"]
    _, ran = probes.run("true", options=["--syscalls", "perf"],
                        wrapper=[*grant, *probes.NOBODY],
                        program=public / "probe")
    assert ran.returncode == 77
    assert "perf_event_paranoid" in ran.stderr or "tracefs" in ran.stderr


@pytest.mark.parametrize("limit", range(4, 16))
def test_few_descriptors(limit):
    """It reports that, or counts less; it does not hang or crash."""
    ran = subprocess.run(
        ["prlimit", f"--nofile={limit}", probes.PROBE, "true"],
        capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode in (0, 1, 127), ran.stderr
    if ran.returncode == 0:
        assert "true ran for" in ran.stderr
    else:
        assert "probe: " in ran.stderr or "error while loading" in ran.stderr
