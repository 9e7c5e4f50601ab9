# SPDX-License-Identifier: MIT
"""A user without root, on machines that lack something: what can be checked is, the rest
is unavailable with the reason, and costs nothing."""

import os
import pathlib
import subprocess
import sys
import uuid

import labs
import pytest
from labs import TOP, course
from test_cheating import INCLUDES, processes_named, with_code

USER = 65533
LAB = course.find("05")


def readable(path):
    """By anyone: each folder above it may be entered"""
    return all(of.stat().st_mode & 0o001 for of in path.parents)


pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="it becomes another user: needs root"),
    pytest.mark.skipif(not readable(TOP / "labs"), reason="another user cannot read this "
                       "folder")]


@pytest.fixture
def user(tmp_path):
    """(command that becomes the user, a folder of it, its environment). `without` are
    programs that are there but fail, as where they are not permitted."""
    folder = tmp_path / "user"
    folder.mkdir()
    for of in [folder, *folder.parents]:
        if of.stat().st_uid == 0 and str(of).startswith(str(pathlib.Path(
                os.environ.get("TMPDIR", "/tmp")) / "pytest-of-")):
            of.chmod(of.stat().st_mode | 0o011)
    os.chown(folder, USER, USER)
    becoming = ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups"]

    def grade(lab, source, *options, without=(), before=()):
        stubs = tmp_path / "stubs"
        stubs.mkdir(exist_ok=True)
        stubs.chmod(0o755)
        for name in without:
            (stubs / name).write_text("#!/bin/sh\necho not permitted >&2\nexit 1\n")
            (stubs / name).chmod(0o755)
        at = folder / "at"
        at.mkdir(exist_ok=True)
        os.chown(at, USER, USER)
        environment = {"PATH": f"{stubs}:/usr/bin:/bin:{pathlib.Path(sys.executable).parent}",
                       "HOME": str(folder), "TMPDIR": str(folder)}
        return labs.grade(lab, source, at, *options, environment=environment,
                          command=[*before, *becoming])

    return grade


def test_everything_but_root(user):
    graded = user(LAB, LAB.model.read_bytes())
    assert [name for name in graded.failed() if name not in ("predicted", "explained")] == []
    assert graded.result["environment"]["system_calls"] == "strace"
    assert graded.points()["conversation"] == (60, 60)


def test_without_bubblewrap(user):
    graded = user(LAB, LAB.model.read_bytes(), "echo", without=["bwrap"])
    assert graded.failed() == [] and graded.result["environment"]["sandbox"] == "limits"


def test_survivor_without_bubblewrap(user):
    """It leaves its group and its session, and is ended with the check."""
    word = f"survivor-{uuid.uuid4().hex}"
    graded = user(LAB, with_code(f"""
        if (fork() == 0) {{
            setsid();
            if (fork() == 0)
                execl("/bin/sh", "sh", "-c", "sleep 600; : {word}", NULL);
            _exit(0);
        }}
        wait(NULL);""", INCLUDES), "echo", without=["bwrap"])
    assert graded.check("ready")["status"] == "pass" and not processes_named(word)


def test_without_strace(user):
    graded = user(LAB, LAB.model.read_bytes(), "one-thread", without=["strace"])
    assert graded.failed() == []
    status, why = graded.undecided()["one-thread"]
    assert status == "unavailable" and "strace" in why


def test_without_a_namespace_of_the_network(user):
    graded = user(LAB, LAB.model.read_bytes(), "echo", without=["unshare"])
    assert graded.failed() == []


def test_without_io_uring(user, tmp_path):
    """As in a container: io_uring_setup is not permitted."""
    forbid = tmp_path / "forbid"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-o", forbid, TOP / "tests/probe/forbid.c",
                    "-lseccomp"], check=True)
    lab = course.find("08")
    graded = user(lab, lab.model.read_bytes(), before=[str(forbid), "io_uring_setup"])
    assert [name for name in graded.failed() if name not in ("predicted", "explained")] == []
    assert graded.check("build")["status"] == "pass"
    status, why = graded.undecided()["echo"]
    assert status == "unavailable" and "io_uring" in why
    assert graded.points()["conversation"] == (60, 60)
