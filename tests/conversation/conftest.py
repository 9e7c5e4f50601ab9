# SPDX-License-Identifier: MIT
"""What the conversation asks of a model, and what of any other program."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import server  # noqa: E402  (tests/conftest.py put its folder into the path)


def pytest_collection_modifyitems(config, items):
    """A stranger (--server) is spared what only our own servers promise; what
    is marked long is left out unless -m says what is wanted."""
    program = config.getoption("--server")
    if program and not server.is_stranger(program):
        raise pytest.UsageError(f"--server {program}: a path has a slash in "
                                f"it: --server ./{program}")
    stranger = pytest.mark.skip(reason="only for models: uses options, limits "
                                "or counters that another program need not "
                                "have")
    for item in items:
        if program and item.get_closest_marker("models_only"):
            item.add_marker(stranger)
    if not config.option.markexpr:
        long = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


@pytest.fixture
def start(start, model):
    """The common one, for machines and programs that cannot do everything.

    A model that this kernel cannot run is skipped. A stranger is always told
    --message, as it is by the harness: it may take it for granted.
    """
    started = []

    def start_one(*args, **kwargs):
        if server.is_stranger(model) and "--message" not in args:
            args += ("--message", "64")
        try:
            started.append(start(*args, **kwargs))
        except server.Unsupported as reason:
            pytest.skip(str(reason))
        return started[-1]

    yield start_one
    for one in started:
        one.close_clients()


@pytest.fixture
def start_small(start, model):
    """For tests that start many servers and have few clients in each.

    A model may prepare for as many clients as it may have, one by one (aio
    does); told that there will be few, it starts at once.
    """
    few = () if server.is_stranger(model) else ("--max-clients", "256")
    return lambda *args, **kwargs: start(*few, *args, **kwargs)
