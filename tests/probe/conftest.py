# SPDX-License-Identifier: MIT
"""Fixtures of the tests of bin/probe"""

import shutil

import probes
import pytest


@pytest.fixture(scope="session", autouse=True)
def built():
    if not probes.PROBE.exists():
        pytest.skip(f"{probes.PROBE} is not built")


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """A directory with the compiled programs of this directory"""
    folder = tmp_path_factory.mktemp("programs")
    probes.build("calls", folder)
    probes.build("steps", folder)
    probes.build("forking", folder)
    probes.build("forbid", folder, "-lseccomp")
    probes.build("burn", folder, "-luring")
    probes.build("rings", folder, "-luring")
    return folder


@pytest.fixture(scope="session")
def public():
    """A world-readable directory with probe and a program"""
    folder = probes.public_copy()
    probes.build("burn", folder, "-luring")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def reasons():
    return {method: probes.why_not(method) 
            for method in ("bpf", "perf", "strace")}


@pytest.fixture
def bpf(reasons):
    if reasons["bpf"]:
        pytest.skip(reasons["bpf"])


@pytest.fixture
def perf(reasons):
    if reasons["perf"]:
        pytest.skip(reasons["perf"])


@pytest.fixture
def strace(reasons):
    if reasons["strace"]:
        pytest.skip(reasons["strace"])


@pytest.fixture
def root():
    if probes.why_not_root():
        pytest.skip("only root may become another user")
