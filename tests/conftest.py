# SPDX-License-Identifier: MIT
"""The servers under test, and the fixtures of all tests."""

import pathlib
import resource
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import server  # noqa: E402  (found through the line above)


def pytest_addoption(parser):
    parser.addoption("--server", metavar="PROGRAM",
                     help="test this program instead of the models and variants")
    parser.addoption("--models", metavar="LIST",
                     help="test these models only: poll,epoll")
    parser.addoption("--runtimes", action="store_true",
                     help="test models/runtimes/ as well, as foreign servers: what is "
                          "marked smoke")


def chosen(config):
    program = config.getoption("--server")
    if program:
        return [program]
    names = config.getoption("--models")
    return names.split(",") if names else server.models() + server.variants()


def is_started(runtime):
    """By an interpreter, or from a build of its own: not instrumented"""
    return (server.TOP / server.BIN / runtime).is_symlink()


def pytest_generate_tests(metafunc):
    if "model" in metafunc.fixturenames:
        names = chosen(metafunc.config)
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        if metafunc.config.getoption("--runtimes") and "smoke" in marks \
                and "models_only" not in marks:
            names = names + [str(server.BIN / name) for name in server.runtimes()
                             if server.SLOW == 1 or not is_started(name)]
        metafunc.parametrize("model", names)


def pytest_configure(config):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # A shell without job control starts background jobs with SIGINT ignored, and
    # exec keeps that: the programs under test would not notice a Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # So does nohup with SIGHUP. Here it stays without effect.
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Adds to a failure whether the server still runs."""
    report = (yield).get_result()
    if report.failed:
        for one in getattr(item, "servers", []):
            report.sections.append(
                ("server", f"{one.path.name} (pid {one.pid}) {one.state()}"))


@pytest.fixture
def start(model, request):
    """start(*args, **kwargs) starts a server of this model, until the test ends."""
    started = request.node.servers = []

    def start_one(*args, **kwargs):
        started.append(server.Server(model, *args, **kwargs))
        return started[-1]

    yield start_one
    for one in started:
        one.kill()
