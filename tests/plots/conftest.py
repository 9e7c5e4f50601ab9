# SPDX-License-Identifier: MIT
"""Folders of runs for the tests of charts and report."""

import fcntl
import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import crafted  # noqa: E402
import reports  # noqa: E402


@pytest.fixture(scope="session")
def odd_run(tmp_path_factory):
    """The report of a run with every kind of odd cell; all test processes share it,
    because it takes seconds to make, and none may change it"""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = base / "odd"
    with open(base / "odd.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = reports.Made(0, "", folder / "report.html")
        if not made.path.exists():
            shutil.rmtree(folder, ignore_errors=True)
            made = reports.program(crafted.make(folder))
    assert (made.status, made.said) == (0, "")
    return made


@pytest.fixture
def small_run(tmp_path):
    """A function that makes a small run, which the test may change"""
    def make(**options):
        options = {"blocks": 3, "models": ("poll", "epoll"), "requests": 200,
                   "settings": crafted.SETTINGS[:2], **options}
        return crafted.make(tmp_path / "small", **options)
    return make
