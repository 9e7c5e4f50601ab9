# SPDX-License-Identifier: MIT
"""Which tests of the conversation apply to models only."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import server  # noqa: E402  (tests/conftest.py extends the path)


def pytest_collection_modifyitems(config, items):
    """With --server, skips what only models have. In an instrumented build, variants
    do not repeat what the models did; --long lets them. Without -m, deselects what is
    marked long."""
    program = config.getoption("--server")
    if program and not server.is_foreign(program):
        raise pytest.UsageError(f"--server {program}: not a path: use "
                                f"--server ./{program}")
    skip = pytest.mark.skip(reason="for models only: options, limits, counters")
    for item in items:
        if program and item.get_closest_marker("models_only"):
            item.add_marker(skip)
        if server.SLOW > 1 and item.get_closest_marker("repeats") \
                and item.callspec.params["model"] in server.variants():
            item.add_marker(pytest.mark.long)
    if not config.option.markexpr:
        long = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


@pytest.fixture
def start(start, model):
    """As in tests/conftest.py. Skips a model that this kernel cannot run; gives a
    foreign server --message always, as the harness does."""
    started = []
    runtime = pathlib.Path(model).name
    if server.is_foreign(model) and runtime in server.runtimes() and server.lacks(runtime):
        pytest.skip(server.lacks(runtime))

    def start_one(*args, **kwargs):
        if server.is_foreign(model) and "--message" not in args:
            args += ("--message", "64")
        try:
            started.append(start(*args, **kwargs))
        except server.Unsupported as reason:
            pytest.skip(str(reason))
        return started[-1]

    yield start_one
    for one in started:
        one.close_clients()
