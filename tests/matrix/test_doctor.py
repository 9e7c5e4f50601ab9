# SPDX-License-Identifier: MIT
"""bin/matrix doctor: findings, and commands that fix them.

The state of this machine is not known beforehand. So a test restricts the doctor
alone, and runs the command that it prints.
"""

import fcntl
import os
import pathlib
import pty
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios

import pytest
import server
from server import TOP

MATRIX = TOP / server.BIN / "matrix"
QUICK = ["doctor", "--plan", "quick"]

#: Findings that are always there
SUBJECTS = ["programs", "CPUs", "governor", "other load", "steal", "clock",
            "loopback", "descriptors", "ports", "backlog", "threads",
            "signals", "memory", "disk", "io_uring", "system calls", "cgroup"]

pytestmark = pytest.mark.skipif(not MATRIX.exists(), reason="matrix is not built")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


class Line:
    def __init__(self, health, found):
        self.health, self.found, self.remedy = health, found, ""


def read(text):
    """The findings by subject"""
    lines = {}
    for line in text.splitlines():
        begins = re.fullmatch(r"(ok|warn|FAIL) +(\S.{13}\S?) ?(.*)", line)
        if begins:
            lines[begins[2].strip()] = last = Line(begins[1], begins[3].strip())
        elif line.startswith(" " * 22):
            last.found += " " + line.strip()
        else:
            assert re.match(" {6}\\S", line), f"unknown format: {line!r}"
            last.remedy = line.strip()
    return lines


def run(command, **kwargs):
    return subprocess.run(command, capture_output=True, text=True,
                          check=False, **kwargs)


def doctor(*args, wrapper=(), matrix=MATRIX, **kwargs):
    ran = run([*wrapper, matrix, *(args or QUICK)], **kwargs)
    assert ran.stderr == "", ran.stderr
    lines = read(ran.stdout)
    fails = [what for what, line in lines.items() if line.health == "FAIL"]
    assert ran.returncode == bool(fails), ran.stdout
    return lines


#: Restricts something, runs the doctor, its remedy, and the doctor again
FIXED = r"""
{broken}
$DOCTOR
echo ==
remedy=$($DOCTOR | grep -A9 '^.... *{what} ' | grep -m1 '^      [^ ]')
eval "$remedy" >/dev/null || exit 99
$DOCTOR
true
"""


def break_and_fix(what, broken, wrapper=()):
    script = FIXED.format(broken=broken, what=what)
    ran = run([*wrapper, "bash", "-c", script],
              env={**os.environ, "DOCTOR": f"{MATRIX} {' '.join(QUICK)}"})
    assert ran.returncode == 0, ran.stdout + ran.stderr
    before, after = map(read, ran.stdout.split("==\n"))
    assert before[what].health != "ok" and before[what].remedy
    assert after[what].health == "ok", after[what].found
    return before[what]


# ------------------------------------------------------------------ output

def test_every_subject():
    lines = doctor()
    assert [what for what in lines if what in SUBJECTS] == SUBJECTS
    for what, line in lines.items():
        assert line.found, what
        if line.health == "ok":
            assert not line.remedy, what


def test_plain_text_for_programs():
    """At most 78 columns, except for commands: they are never wrapped."""
    ran = run([MATRIX, *QUICK])
    assert "\033" not in ran.stdout
    for line in ran.stdout.splitlines():
        assert len(line) <= 78 or re.match(" {6}\\S", line)


def on_terminal(columns, **environment):
    """The output on a terminal of this width"""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    with subprocess.Popen(
            [MATRIX, *QUICK], stdout=its, stdin=subprocess.DEVNULL,
            env={**os.environ, "TERM": "xterm", **environment}) as program:
        os.close(its)
        text = b""
        while True:
            try:
                got = os.read(ours, 65536)
            except OSError:  # end of file on a terminal
                break
            if not got:
                break
            text += got
        program.wait()
    os.close(ours)
    return text.decode().replace("\r\n", "\n")


def test_on_a_terminal():
    environment = {"NO_COLOR": ""}
    assert "\033[" in on_terminal(80, **environment)
    narrow = on_terminal(60, NO_COLOR="1")
    assert "\033" not in narrow
    assert list(read(narrow))[:2] == SUBJECTS[:2]
    widths = [len(line) for line in narrow.splitlines()
              if not re.match(" {6}\\S", line)]
    assert max(widths) <= 60


def test_missing_programs(tmp_path):
    matrix = shutil.copy(MATRIX, tmp_path)
    shutil.copy(MATRIX.parent / "epoll", tmp_path)
    line = doctor("doctor", "--plan", TOP / "harness/plans/quick.plan",
                  "--models", "epoll,x=/no/such", matrix=matrix)["programs"]
    assert line.health == "FAIL" and line.remedy == "make"
    assert line.found.endswith(": /no/such, baseline, loadgen")


# ----------------------------------------------------------------- problems

def limited(kind, soft, hard=None):
    return {"preexec_fn": lambda: resource.setrlimit(
        kind, (soft, soft if hard is None else hard))}


def test_descriptors():
    """The hard limit counts: programs raise their soft limit to it."""
    kind = resource.RLIMIT_NOFILE
    _, hard = resource.getrlimit(kind)
    assert doctor(**limited(kind, 600, hard))["descriptors"].health == "ok"
    few = limited(kind, 600)
    line = doctor(**few)["descriptors"]
    assert line.health == "FAIL"
    assert "600" in line.found and "1,000 clients" in line.found
    assert doctor(*QUICK, "--connections", "100", "--benchmark_filter=loop:closed",
                  **few)["descriptors"].health == "ok"


def test_signals():
    few = limited(resource.RLIMIT_SIGPENDING, 100)
    assert doctor(**few)["signals"].health == "FAIL"
    assert "signals" not in doctor(*QUICK, "--models", "epoll", **few)


def test_one_cpu(tmp_path):
    allowed = os.sched_getaffinity(0)
    one = {"preexec_fn": lambda: os.sched_setaffinity(0, [max(allowed)])}
    line = doctor(**one)["CPUs"]
    assert line.health == "FAIL"
    assert f"only CPU {max(allowed)}" in line.found
    plan = tmp_path / "shared.plan"
    plan.write_text("models epoll\ncells closed shared\n")
    assert doctor("doctor", "--plan", plan, **one)["CPUs"].health == "ok"
    if len(allowed) > 1:
        break_and_fix("CPUs", f"taskset -pc {max(allowed)} $$ >/dev/null")


@needs_root
@pytest.mark.parametrize("what, broken", [
    ("loopback", ":"),
    ("ports", "sysctl -q net.ipv4.ip_local_port_range='32768 33000'"),
    ("backlog", "sysctl -q net.core.somaxconn=128"),
])
def test_network(what, broken):
    """In a new network namespace, whose loopback is down"""
    up = ":" if what == "loopback" else "ip link set lo up"
    break_and_fix(what, f"{up}; {broken}", ["unshare", "--net"])


@needs_root
def test_no_io_uring(tmp_path):
    forbid = tmp_path / "forbid"
    built = run([os.environ.get("CC", "cc"), "-o", forbid, "-D_GNU_SOURCE",
                 TOP / "tests/probe/forbid.c", "-lseccomp"])
    if built.returncode:
        pytest.skip(f"the filter cannot be built: {built.stderr}")
    wrapper = [forbid, "io_uring_setup"]
    line = doctor(wrapper=wrapper)["io_uring"]
    assert line.health == "FAIL" and "seccomp" in line.found
    assert doctor(*QUICK, "--models", "epoll",
                  wrapper=wrapper)["io_uring"].health == "warn"


@pytest.fixture
def public():
    """A world-readable copy of bin"""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="io-models-doctor-"))
    folder.chmod(0o755)
    (folder / "bin").mkdir()
    for program in "matrix", "epoll":
        shutil.copy(MATRIX.parent / program, folder / "bin")
    shutil.copy(TOP / "harness/plans/quick.plan", folder)
    yield folder
    shutil.rmtree(folder)


@needs_root
def test_unprivileged_user(public):
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534",
              "--clear-groups"]
    lines = doctor("doctor", "--plan", public / "quick.plan",
                   wrapper=nobody, matrix=public / "bin/matrix", cwd="/")
    for what in "system calls", "cgroup":
        assert lines[what].health != "ok"
        assert lines[what].remedy == "sudo bin/matrix run"
    assert lines["disk"].health == "warn" and "--out" in lines["disk"].found
    for what, line in lines.items():
        assert line.found, what


def test_other_load():
    """Escape sequences in the name of a process are not printed."""
    work = ("import ctypes, time\n"
            "ctypes.CDLL(None).prctl(15, b'a\\033[31mb')\n"
            "print(flush=True)\n"
            "while True: pass")
    with subprocess.Popen([sys.executable, "-c", work],
                          stdout=subprocess.PIPE) as worker:
        try:
            worker.stdout.readline()
            ran = run([MATRIX, *QUICK])
        finally:
            worker.send_signal(signal.SIGKILL)
    line = read(ran.stdout)["other load"]
    assert line.health == "warn"
    assert "\033" not in ran.stdout
