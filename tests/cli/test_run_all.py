# SPDX-License-Identifier: MIT
"""run_all.sh: paths and options, with stub programs that log how they are called"""

import os
import shutil
import subprocess

import pytest
import server

MATRIX = """#!/bin/sh
printf '%s\\n' "$PWD $*" >>"$CALLS"
[ "$1" = report ] && echo "Report: $(cd "$2" && pwd)/report.html"
[ "$1" = run ] || exit 0
while [ $# -gt 0 ]; do
    case $1 in
    --out) out=$2 ;;
    --dry-run) exit 0 ;;
    esac
    shift
done
mkdir -p "$out"
exit "${MATRIX_STATUS:-0}"
"""


@pytest.fixture
def run_all(tmp_path):
    """run_all(*args) in a folder beside a project with stub programs"""
    project = tmp_path / "project"
    caller = tmp_path / "caller"
    caller.mkdir()
    for name, text in {"harness/packages/install": "#!/bin/sh\n",
                       "bin/matrix": MATRIX}.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    (project / "Makefile").write_text("all smoke:\n")
    shutil.copy(server.TOP / "run_all.sh", project)

    def run(*args, status="0"):
        ran = subprocess.run(
            ["../project/run_all.sh", *args], cwd=caller, text=True,
            capture_output=True, check=False,
            env={**os.environ, "CALLS": str(tmp_path / "calls"),
                 "MATRIX_STATUS": status})
        calls = tmp_path / "calls"
        ran.calls = calls.read_text() if calls.exists() else ""
        return ran

    run.caller, run.project = caller, project
    return run


@pytest.mark.parametrize("absolute", [True, False])
def test_out_is_relative_to_the_caller(run_all, absolute):
    out = f"{run_all.caller}/a/b" if absolute else "a/b"
    ran = run_all("--out", out)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith(f"Report: {run_all.caller}/a/b/report.html\n")


def test_default_folder_is_in_the_project(run_all):
    ran = run_all("--plan=my/slow.plan")
    assert ran.returncode == 0, ran.stderr
    [made] = (run_all.project / "results").iterdir()
    assert made.name.endswith("-slow")
    assert ran.stdout.endswith(f"Report: {made}/report.html\n")


def test_plan_and_models_are_relative_to_the_caller(run_all):
    ran = run_all("--plan", "my.plan", "--models", "x=./a.out")
    assert f"{run_all.caller} run --plan my.plan" in ran.calls
    assert "--models x=./a.out" in ran.calls


@pytest.mark.parametrize("args", [["--out"], ["--out="], ["--models", "poll", "--plan"]])
def test_an_option_without_its_value(run_all, args):
    ran = run_all(*args)
    assert ran.returncode == 2
    assert "needs a value" in ran.stderr
    assert not ran.calls


def test_a_folder_that_exists_is_left_alone(run_all):
    (run_all.caller / "old").mkdir()
    ran = run_all("--out", "old")
    assert ran.returncode == 2
    assert "matrix resume" in ran.stderr
    assert not ran.calls


@pytest.mark.parametrize("status", ["1", "130"])
def test_status_of_the_run(run_all, status):
    assert run_all("--out", "x", status=status).returncode == int(status)
