# SPDX-License-Identifier: MIT
"""What every test of bin/matrix may be given."""

import ctypes
import fcntl
import os
import pathlib
import shutil
import socket
import struct
import tempfile

import matrix
import pytest

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def own_namespaces():
    """A network and mounts of one's own: somebody who measures on this machine
    has a lock, which is one of its network; and nobody sees what is mounted."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) < 0:
        return False
    libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)
    with socket.socket() as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
    return True


@pytest.fixture(scope="session")
def apart():
    """Whether nobody else's run is in the way of those of this process"""
    if not matrix.MATRIX.exists():
        pytest.skip(f"{matrix.MATRIX} is not built")
    return own_namespaces()


@pytest.fixture(scope="module", autouse=True)
def alone(apart):
    """Else the files of tests are gone through one after another, by all the
    processes of pytest."""
    with open(matrix.HERE / "conftest.py", "rb") as file:
        if not apart:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def public():
    """A folder with all programs, which everybody may read"""
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="io-models-matrix-"))
    folder.chmod(0o755)
    matrix.copy_of_bin(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def odd(tmp_path_factory):
    """odd("dies"): the program of servers/odd.py by this name"""
    folder = tmp_path_factory.mktemp("odd")

    def program(name):
        path = folder / name
        if not path.exists():
            shutil.copy(matrix.HERE / "servers/odd.py", path)
            path.chmod(0o755)
        return path

    return program
