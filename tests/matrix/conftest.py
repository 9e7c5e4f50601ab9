# SPDX-License-Identifier: MIT
"""Fixtures of the tests of bin/matrix."""

import fcntl
import os
import pathlib
import shutil
import tempfile

import apart as namespaces
import matrix
import pytest


@pytest.fixture(scope="session")
def apart():
    """Whether this process has namespaces of its own, so that no other run on this
    machine is in its way"""
    if not matrix.MATRIX.exists():
        pytest.skip(f"{matrix.MATRIX} is not built")
    return namespaces.own_namespaces()


@pytest.fixture(scope="module", autouse=True)
def alone(apart):
    """Without namespaces, the processes of pytest run one test file at a time."""
    with open(matrix.HERE / "conftest.py", "rb") as file:
        if not apart:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def public():
    """A folder with all programs that every user may read"""
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="io-models-matrix-"))
    folder.chmod(0o755)
    matrix.copy_of_bin(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def odd(tmp_path_factory):
    """odd("dies"): the program of servers/odd.py with this name"""
    folder = tmp_path_factory.mktemp("odd")

    def program(name):
        path = folder / name
        if not path.exists():
            shutil.copy(matrix.HERE / "servers/odd.py", path)
            path.chmod(0o755)
        return path

    return program
