# SPDX-License-Identifier: MIT
"""Fixtures of the load generator's tests"""

import load
import oddserver
import pytest


def pytest_collection_modifyitems(items):
    """Without jansson, make builds no loadgen: its tests are skipped."""
    if load.PROGRAM.exists():
        return
    for item in items:
        if load.__name__ in vars(item.module):
            item.add_marker(pytest.mark.skip(
                reason=f"{load.PROGRAM} is not built: make"))


@pytest.fixture(params=["uring", "epoll"])
def engine(request):
    """Each engine; one that does not work here is skipped."""
    reason = load.why_not(request.param)
    if reason:
        pytest.skip(reason)
    return request.param


@pytest.fixture
def odd():
    """odd(*options) starts an odd server; it ends with the test."""
    started = []

    def start(*options):
        started.append(oddserver.OddServer(*options))
        return started[-1]

    yield start
    for one in started:
        one.kill()
