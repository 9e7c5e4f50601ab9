# SPDX-License-Identifier: MIT
"""Folders of runs that tests of charts and report share; nobody may change them."""

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
    """A run with every kind of odd cell, and its report; one for all processes that
    run tests, as it takes seconds to make"""
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
    """A function that makes a small one of its own, to be spoilt"""
    def make(**options):
        options = {"blocks": 3, "models": ("poll", "epoll"), "requests": 200,
                   "settings": crafted.SETTINGS[:2], **options}
        return crafted.make(tmp_path / "small", **options)
    return make
