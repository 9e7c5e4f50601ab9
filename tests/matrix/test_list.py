# SPDX-License-Identifier: MIT
"""bin/matrix list: models, plans and cells."""

import os
import re
import shutil
import subprocess

import pytest
import server
from server import TOP

BIN = TOP / server.BIN
MATRIX = BIN / "matrix"
SYLLABUS = ["thread", "busypoll", "select", "poll", "epoll", "aio", "uring"]

pytestmark = pytest.mark.skipif(not MATRIX.exists(), reason="matrix is not built")


def run(*args, matrix=MATRIX, **environment):
    return subprocess.run([matrix, *args], capture_output=True, text=True,
                          check=False, env={**os.environ, **environment},
                          timeout=server.PATIENCE_S)


def listed(*args, **kwargs):
    ran = run("list", *args, **kwargs)
    assert ran.returncode == 0 and ran.stderr == "", ran.stderr
    return ran.stdout.splitlines()


def refused(*args, **kwargs):
    ran = run("list", *args, **kwargs)
    assert ran.returncode == 2 and ran.stdout == "", ran.stdout
    return ran.stderr


@pytest.fixture
def tree(tmp_path):
    """A source tree with bin/matrix and one server"""
    for folder in "bin", "models", "harness/plans":
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(MATRIX, tmp_path / "bin")
    shutil.copy(BIN / "epoll", tmp_path / "bin")
    return tmp_path


def add_model(tree, name, script):
    (tree / "models" / f"{name}.c").write_text("")
    program = tree / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


# ------------------------------------------------------------------------ models

def test_models():
    """In reading order, with the summary that each prints"""
    lines = listed("models")
    names = [line.split()[0] for line in lines]
    assert names[:7] == SYLLABUS
    last = len(names) - len(server.runtimes())
    assert sorted(names[last:]) == server.runtimes()
    first = last - len(server.variants())
    assert sorted(names[:first]) == sorted({*SYLLABUS, *server.models()})
    assert names[first:last] == server.variants()
    for name, line in zip(names, lines):
        if name in server.runtimes() and server.lacks(name):
            assert line[16:] == "unsupported: " + server.lacks(name).split(": ", 1)[1]
        elif (BIN / name).exists():
            said = subprocess.run([BIN / name, "--help"], text=True,
                                  capture_output=True, check=True).stdout
            assert f"\n{name} - {line[16:]}\n" in said


def test_models_that_are_not_built(tree):
    lines = dict(line.split(None, 1)
                 for line in listed("models", matrix=tree / "bin/matrix"))
    assert list(lines) == SYLLABUS
    for name, about in lines.items():
        assert about.startswith("not built") == (name != "epoll")


def test_another_model(tree):
    """A model has a file in models/ and a program in bin/."""
    add_model(tree, "mine", "echo 'mine - a server of my own'")
    add_model(tree, "mute", "exec sleep 600")
    add_model(tree, "other", "echo 'epoll - a copy'")
    (tree / "models/unbuilt.c").write_text("")
    (tree / "models/mute.c").rename(tree / "models/mute.c.off")
    shutil.copy(tree / "bin/epoll", tree / "bin/helper")
    lines = listed("models", matrix=tree / "bin/matrix")
    assert [line.split()[0] for line in lines] == [*SYLLABUS, "mine", "other"]
    assert lines[-2] == "mine            a server of my own"
    assert "--help" in lines[-1]
    names = listed("cells", "--plan", TOP / "harness/plans/quick.plan",
                   matrix=tree / "bin/matrix")
    assert {re.match("model:([^/]*)/", name)[1] for name in names} == \
        {*SYLLABUS, "mine", "other", "baseline"}


def test_model_without_help(tree):
    """A program that hangs does not block the list."""
    add_model(tree, "mute", "exec sleep 600")
    lines = listed("models", matrix=tree / "bin/matrix")
    assert re.match("mute  .*--help", lines[-1])


# ------------------------------------------------------------------------- plans

def test_plans():
    """Shortest first, with the estimates of --dry-run"""
    lines = listed("plans")
    assert [line.split()[0] for line in lines[::2]] == \
        ["quick", "standard", "full", "runtimes", "ways", "workloads"]
    for name, size in zip(lines[::2], lines[1::2]):
        name = name.split()[0]
        plan = run("run", "--plan", name, "--dry-run").stdout
        settings, about = re.search(
            "(\\d+ settings, \\d+ cells, \\d+ blocks): about (.*)$", size).groups()
        assert settings in plan
        assert f"about {re.sub(' 0', ' ', about)}," in plan
        if name in ("ways", "workloads"):
            assert re.fullmatch(r"\d min \d\d s", about)


def test_other_plans(tmp_path):
    """Plans in $MATRIX_PLANS; an invalid one is reported."""
    (tmp_path / "mine.plan").write_text(
        "# mine - what I want to know\nmodels epoll\ncells closed\n")
    (tmp_path / "bad.plan").write_text("# bad\033[31m\ncells closd\n")
    mine = {"MATRIX_PLANS": str(tmp_path)}
    lines = listed("plans", **mine)
    assert lines[0] == "bad        bad?[31m"
    assert "\033" not in "".join(lines)
    assert "bad.plan:2: 'closd'" in lines[1] and "'closed'" in lines[1]
    assert lines[2] == "mine       what I want to know"
    assert listed("cells", "--plan", "mine", **mine)[0] == \
        "model:epoll/loop:closed/connections:64/message:64/placement:split"
    assert "(allowed: bad, mine)" in \
        refused("cells", "--plan", "mime", **mine)


def test_no_plans(tmp_path):
    lines = listed("plans", MATRIX_PLANS=str(tmp_path / "none"))
    assert len(lines) == 1 and "MATRIX_PLANS" in lines[0]


def test_unknown_plan(tmp_path):
    said = refused("cells", "--plan", "quik")
    assert said.startswith("matrix: --plan 'quik': not a plan")
    assert "did you mean 'quick'? (allowed: quick, standard, full, " in said
    assert "No such file" in refused("cells", "--plan", "./quick")
    assert "No such file" in refused("cells", "--plan", "my.plan")


# ------------------------------------------------------------------------- cells

def test_cells():
    """The names are those of run."""
    names = listed("cells", "--plan", "quick")
    assert len(set(names)) == len(names)
    run_as = run("run", "--plan", "quick", "--benchmark_list_tests")
    cells = {re.sub("/role:.*", "", line)
             for line in run_as.stdout.splitlines()}
    assert cells == set(names)


def test_some_cells():
    names = listed("cells", "--plan", "quick", "--models", "epoll,poll",
                   "--connections", "16", "--idle", "none", "--baseline", "no")
    assert names == [
        f"model:{model}/loop:{load}" for load in (
            "closed/connections:16/message:64/placement:split",
            "closed/connections:16/message:64/placement:shared",
            "open/connections:16/rate:2000/idle:900/message:64/placement:split")
        for model in ("epoll", "poll")]
    assert listed("cells", "--plan", "quick", "--models", "epoll",
                  "--benchmark_filter", "loop:none") == \
        ["model:epoll/loop:none/idle:1000/message:64/placement:split"]
