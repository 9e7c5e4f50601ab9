# SPDX-License-Identifier: MIT
"""--fail-on-regression: a run as the gate of a CI"""

import re

import matrix
import pytest

#: Of a few microseconds that a request takes without it
MORE_CPU = "cpu:100us"


@pytest.fixture
def gate(tmp_path):
    """gate("old", "new", ...) runs two builds; the one in `slower` burns CPU time."""
    def run(*args, slower=None, **keys):
        models = []
        for name in "old", "new":
            work = f"--work {MORE_CPU} " if name == slower else ""
            program = matrix.script(tmp_path / name,
                                    f'exec {matrix.BIN}/epoll {work}"$@"')
            models.append(f"{name}={program}")
        plan = matrix.plan(tmp_path, **{"blocks": 5, "bout": "160ms", **keys})
        return matrix.run("--models", ",".join(models), "--reference", "old",
                          *args, plan=plan, out=tmp_path / "run")
    return run


def cpu(run):
    row, = [row for row in run.csv("comparisons.csv")
            if row["metric"] == "server_cpu_per_request_ns" and row["model"] == "new"]
    return row


def test_a_slower_build_fails(gate):
    run = gate("--fail-on-regression", "50%", slower="new").check(1)
    assert run.complete
    assert re.search(r"Worse than old by more than 50 %:\n(  .*\n)*  new uses ", run.out)
    row = cpu(run)
    assert row["reference"] == "old" and row["verdict"] == "different"
    assert float(row["low"]) > 1.5


def test_without_the_option_it_is_only_said(gate):
    run = gate(slower="new").check(0)
    assert cpu(run)["verdict"] == "different"
    assert "Worse than" not in run.out


@pytest.mark.parametrize("slower", [None, "old"])
def test_an_equal_or_faster_build_passes(gate, slower):
    run = gate("--fail-on-regression=50%", slower=slower).check(0)
    assert "No model is worse than old by more than 50 %" in run.out


def test_the_margin_is_the_default(gate):
    run = gate("--fail-on-regression", slower="new", margin="40%").check(1)
    assert "Worse than old by more than 40 %:\n" in run.out


def test_resume_has_the_option(gate):
    run = gate(slower="new").check(0)
    (run.folder / "INCOMPLETE").write_text("")
    again = matrix.resume(run.folder, "--fail-on-regression", "50%").check(1)
    assert "Worse than old" in again.out
