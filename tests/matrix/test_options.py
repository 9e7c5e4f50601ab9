# SPDX-License-Identifier: MIT
"""Options of a model in its label: epoll:max-clients=2."""

import re

import matrix
import pytest

#: Two clients: the second option turns one away, which shows that it was passed.
MODELS = "epoll,epoll:max-clients=2,epoll:max-clients=1"


def test_label_is_the_text(tmp_path):
    run = matrix.run("--models", MODELS, plan=matrix.plan(tmp_path),
                     out=tmp_path / "run").check(0)
    assert [(line["model"], line["status"]) for line in run.last] == [
        ("epoll", "ok"), ("epoll:max-clients=2", "ok"),
        ("epoll:max-clients=1", "refused")]
    assert run.last[1]["cell"].startswith("model:epoll:max-clients=2/loop:closed/")
    assert f"models {MODELS}" in run.read("plan.txt")
    programs = run.json("run.json")["programs"]
    assert programs["epoll"] == programs["epoll:max-clients=2"] is not None
    assert {row["model"] for row in run.csv("cells.csv")} == set(MODELS.split(","))


def test_resumed(tmp_path):
    """Also as the reference; a bout is measured again as a whole."""
    plan = matrix.plan(tmp_path, blocks=4, models="epoll:max-clients=9,poll",
                       reference="epoll:max-clients=9", aa="yes")
    run = matrix.interrupted(plan=plan, out=tmp_path / "run", lines=3)
    resumed = matrix.resume(run.folder).check(0)
    assert resumed.complete and len(resumed.bouts) == 4
    for bout in resumed.bouts:
        assert [line["model"] for line in bout] == [
            "epoll:max-clients=9", "poll", "epoll:max-clients=9"]


@pytest.mark.parametrize("label, said", [
    ("epoll:max-clients=0", "--max-clients '0': not a number from 1 to 2147483647"),
    ("delayloop:delay=5s", "--delay '5s': not a time from 100us to 100ms"),
    ("epoll:clients=5", "--clients=5: unknown or ambiguous option"),
    ("epoll:work=none", "--work=none is not an option of a model: a cells line sets"),
    ("epoll:por=1", "--por=1 is not an option of a model"),
    ("epol:max-clients=5", "'epol:max-clients=5': not a model; did you mean 'epoll'"),
    ("epoll:max-clients", r"label 'epoll:max-clients': .* delayloop:delay=10ms"),
    ("epoll:host=a/b", "label 'epoll:host=a/b'"),
])
def test_wrong_option_is_refused(label, said, tmp_path):
    """Before the run, which then leaves nothing."""
    run = matrix.run("--models", f"poll,{label}", plan=matrix.plan(tmp_path),
                     out=tmp_path / "run").check(2)
    assert re.search(said, run.err) and run.err.count("see --help") == 1, run.err
    assert not run.folder.exists()
