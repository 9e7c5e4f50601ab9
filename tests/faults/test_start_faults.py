# SPDX-License-Identifier: MIT
"""Each call before the ready line fails: the server names it and does not start."""

import os

import pytest

import server
from fault_strace import run_failing, why_not
from test_faults import models_chosen

#: The calls before the ready line: those of models/common/ ...
COMMON = {
    "socket": ("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"),
    "setsockopt": ("ENOMEM",),
    "bind": ("EADDRINUSE", "EACCES", "EADDRNOTAVAIL", "ENOMEM"),
    "listen": ("EADDRINUSE",),
    "getsockname": ("ENOBUFS",),
}

#: ... and those of the models. io_uring_setup: see test_uring_faults.py
OWN = {
    "epoll": {"epoll_create1": ("EMFILE", "ENFILE", "ENOMEM"),
              "epoll_ctl": ("ENOMEM", "ENOSPC")},
    "prefork": {"clone": ("EAGAIN",)},
    "threadpool": {"epoll_create1": ("EMFILE",), "epoll_ctl": ("ENOMEM",),
                   "clone3": ("EAGAIN",)},
    "epoll_multi": {"epoll_create1": ("EMFILE",), "epoll_ctl": ("ENOMEM",)},
    "coro": {"epoll_create1": ("EMFILE",), "epoll_ctl": ("ENOMEM",)},
    "epoll_et": {"epoll_create1": ("EMFILE",), "epoll_ctl": ("ENOMEM",)},
    "aio": {"timer_create": ("EAGAIN", "ENOMEM")},
}


#: The names of functions that make these calls
SAYS = {"clone": "fork", "clone3": "pthread_create"}


def cases(models):
    for model in models:
        common = {} if model in server.variants() else COMMON
        for call, errors in {**common, **OWN.get(model, {})}.items():
            for error in errors:
                yield model, call, error


def pytest_generate_tests(metafunc):
    if "start_case" in metafunc.fixturenames:
        chosen = list(cases(models_chosen(metafunc.config)))
        metafunc.parametrize("start_case", chosen,
                             ids=["-".join(case) for case in chosen])


@pytest.fixture(scope="session", autouse=True)
def can_trace():
    reason = why_not()
    if reason:
        pytest.skip(reason)


def start_failing(model, calls, error, *only):
    """Starts a server with failing calls; returns its error message."""
    status, said = run_failing(
        ["strace", "-f", "-qq", "-o", os.devnull, *only, "-e",
         f"trace={calls}", "-e", f"inject={calls}:error={error}",
         server.TOP / server.BIN / model])
    assert status == 1
    return said


def test_start(start_case):
    model, call, error = start_case
    said = start_failing(model, f"?{call}", error)
    assert said.startswith(f"{model}: {SAYS.get(call, call)}"), said


@pytest.mark.parametrize("error", ["EMFILE", "ENFILE", "ENOMEM"])
def test_no_reserve(error, request):
    """The reserve descriptor cannot be opened."""
    models = models_chosen(request.config)
    if not models:
        pytest.skip("not with --server")
    said = start_failing(models[0], "?open,?openat", error, "-P", "/dev/null")
    assert said.startswith(f"{models[0]}: open /dev/null: "), said
