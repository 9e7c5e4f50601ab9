# SPDX-License-Identifier: MIT
"""Folders of runs that tests of charts and report share; nobody may change them."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import crafted  # noqa: E402
import reports  # noqa: E402


@pytest.fixture(scope="session")
def odd_run(tmp_path_factory):
    """A run with every kind of odd cell, and its report"""
    folder = crafted.make(tmp_path_factory.mktemp("odd") / "crafted")
    made = reports.program(folder)
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
