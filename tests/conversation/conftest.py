# SPDX-License-Identifier: MIT
"""What the conversation asks of a model, and what of any other program."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import server  # noqa: E402  (tests/conftest.py put its folder into the path)


def pytest_collection_modifyitems(config, items):
    """A stranger (--server) is spared what only our own servers promise."""
    program = config.getoption("--server")
    if program and not server.is_stranger(program):
        raise pytest.UsageError(f"--server {program}: a path has a slash in "
                                f"it: --server ./{program}")
    stranger = pytest.mark.skip(reason="only for models: uses options, limits "
                                "or counters that another program need not "
                                "have")
    longer = pytest.mark.skip(reason="takes long: run with -m long")
    for item in items:
        if program and item.get_closest_marker("models_only"):
            item.add_marker(stranger)
        if item.get_closest_marker("long") and not config.option.markexpr:
            item.add_marker(longer)


@pytest.fixture
def start(start, model):
    """The common one, for machines and programs that cannot do everything.

    A model that this kernel cannot run is skipped. A stranger is always told
    --message, as it is by the harness: it may take it for granted.
    """
    def start_one(*args, **kwargs):
        if server.is_stranger(model) and "--message" not in args:
            args += ("--message", "64")
        try:
            return start(*args, **kwargs)
        except server.Unsupported as reason:
            pytest.skip(str(reason))

    return start_one


@pytest.fixture
def start_small(start, model):
    """For tests that start many servers and have few clients in each.

    A model may prepare for as many clients as it may have, one by one (aio
    does); told that there will be few, it starts at once.
    """
    few = () if server.is_stranger(model) else ("--max-clients", "64")
    return lambda *args, **kwargs: start(*few, *args, **kwargs)
