# SPDX-License-Identifier: MIT
"""The address a server listens on; it warns of any but loopback."""

import socket

import pytest
from clients import echo, random_bytes

pytestmark = pytest.mark.models_only


def stderr_of(start, tmp_path, **kwargs):
    """Starts a server, exchanges bytes, stops it; returns it and its stderr."""
    path = tmp_path / "stderr"
    with open(path, "w", encoding="utf-8") as stderr:
        server = start("--message", "10", stderr=stderr, **kwargs)
        echo(server.connect(), random_bytes(1, 1000))
        assert server.stop()["requests"] == 100
    return server, path.read_text(encoding="utf-8")


def test_loopback_is_the_default(start, tmp_path):
    server, said = stderr_of(start, tmp_path)
    assert server.ready["host"] == "127.0.0.1"
    assert said == ""


def test_warns_of_every_address(start, tmp_path):
    server, said = stderr_of(start, tmp_path, host="0.0.0.0")
    assert server.ready["host"] == "0.0.0.0"
    assert "WARNING" in said and "0.0.0.0" in said
    assert said.count("\n") == 1


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
def test_ipv6_loopback(start, tmp_path):
    server, said = stderr_of(start, tmp_path, host="::1")
    assert server.ready["host"] == "::1"
    assert said == ""
