# SPDX-License-Identifier: MIT
"""The command line of a server."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest
import server
from server import BIN, TOP

pytestmark = pytest.mark.models_only


def run(model, *args, **kwargs):
    """Runs a server that ends by itself."""
    kwargs = {"stdout": subprocess.PIPE, **kwargs}
    return subprocess.run([TOP / BIN / model, *args], stderr=subprocess.PIPE,
                          text=True, timeout=server.PATIENCE_S, check=False,
                          cwd=TOP, **kwargs)


def name(model):
    return pathlib.Path(model).name


#: Arguments, and what the error message has to contain
BAD_USAGE = [
    (["--nonsense"], ["--nonsense", "--help"]),
    (["--max-client"], ["needs a value"]),
    (["--massage=64"], ["--massage", "--message"]),
    (["-x"], ["-x", "--help"]),
    (["-xyz"], ["-xyz"]),
    (["extra"], ["extra"]),
    (["--port"], ["--port", "value"]),
    (["--port", "65536"], ["--port", "'65536'", "0 to 65535"]),
    (["--port", "-1"], ["--port", "'-1'", "0 to 65535"]),
    (["--port", "http"], ["--port", "'http'", "0 to 65535"]),
    (["--port", ""], ["--port", "''"]),
    (["--port", "80 "], ["--port", "'80 '"]),
    (["--max-clients", "0"], ["--max-clients", "'0'", "from 1"]),
    (["--max-clients", "many"], ["--max-clients", "'many'", "500"]),
    (["--max-clients", "99999999999999999999"], ["--max-clients", "from 1"]),
    (["--message", "0"], ["--message", "'0'", "1GiB"]),
    (["--message", "2GiB"], ["--message", "'2GiB'", "1GiB"]),
    (["--message", "12parsecs"], ["--message", "'12parsecs'", "16KiB"]),
    (["--service", "ftp"], ["--service", "'ftp'", "echo"]),
    (["--work", "play"], ["--work", "'play'", "cpu:TIME", "sleep:TIME"]),
    (["--work", "cpu"], ["--work", "'cpu'", "cpu:100us"]),
    (["--work", "cpu:"], ["--work", "time"]),
    (["--work", "cpu:5"], ["--work", "time"]),
    (["--work", "cpu:0s"], ["--work", "time"]),
    (["--work", "sleep:-1ms"], ["--work", "time"]),
    (["--work", "sleep:20ms@0%"], ["--work", "percentage"]),
    (["--work", "sleep:20ms@101%"], ["--work", "percentage"]),
    (["--work", "sleep:20ms@5"], ["--work", "percentage"]),
    (["--work", "sleep:" + "9" * 100], ["--work"]),
    (["--seed", "-1"], ["--seed", "'-1'", "2^64"]),
    (["--seed", "18446744073709551616"], ["--seed", "2^64"]),
    (["--host", "no.such.host.invalid"], ["--host", "no.such.host.invalid"]),
    (["--host", ""], ["--host", "''"]),
]


@pytest.mark.parametrize("args, named", BAD_USAGE,
                         ids=[" ".join(args) for args, _ in BAD_USAGE])
def test_bad_usage_is_one_line_and_exit_2(args, named):
    ended = run("epoll", *args)  # options are common to all models
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("epoll: ")
    for word in named:
        assert word in ended.stderr


@pytest.mark.parametrize("value", ["99us", "101ms", "10", "0", ""])
def test_option_of_a_model_out_of_range(value):
    ended = run("delayloop", "--delay", value)
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert f"--delay '{value}': not a time from 100us to 100ms" in ended.stderr


def test_option_of_a_model():
    """It is in --help with its range and default; another model does not have it."""
    assert re.search(r"--delay=TIME .*\(100us\s+to\s+100ms;\s+default\s+10ms\)",
                     run("delayloop", "--help").stdout, re.S)
    assert "--delay" in run("epoll", "--delay", "1ms").stderr
    with server.Server("delayloop", "--delay", "1ms") as one:
        with one.connect() as client:
            client.sendall(b"x")
            assert server.receive(client, 1) == b"x"
        one.stop()


def test_threads_of_epoll_multi():
    """One for each CPU that it may use, or --threads; their counters add up."""
    one_cpu = str(min(os.sched_getaffinity(0)))
    for args, wrapper, threads in (((), ("taskset", "-c", one_cpu), 1),
                                   (("--threads", "4"), (), 4)):
        with server.Server("epoll_multi", *args, wrapper=wrapper) as one:
            assert one.threads() == threads
            clients = [one.connect() for _ in range(64)]
            for client in clients:
                client.sendall(b"x")
            for client in clients:
                assert server.receive(client, 1) == b"x"
            assert one.stop()["requests"] == 64


GOOD_USAGE = [
    ["--port", "0"], ["--max-clients", "10k"], ["--message", "64"],
    ["--message=16KiB"], ["--service", "echo"], ["--work", "none"],
    ["--work", "cpu:1.5us"], ["--work", "sleep:1ms@0.1%"],
    ["--seed", "18446744073709551615"], ["--host", "localhost"],
]


@pytest.mark.parametrize("args", GOOD_USAGE, ids=" ".join)
def test_good_usage_serves(start, args):
    if args == ["--max-clients", "10k"]:
        args = ["--max-clients", "1k"]  # aio prepares a thread for each
    one = start(*args)
    with one.connect() as client:
        client.sendall(b"x" * 64)
        assert server.receive(client, 64) == b"x" * 64
    one.stop()


def test_port_in_use(model, start):
    one = start()
    ended = run(model, "--port", str(one.port))
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert f"port {one.port}" in ended.stderr
    assert "Address already in use" in ended.stderr


def test_address_of_another_machine(model):
    ended = run(model, "--host", "192.0.2.1")  # TEST-NET-1, not assigned
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "192.0.2.1" in ended.stderr


def test_stdout_full(model):
    with open("/dev/full", "w", encoding="ascii") as full:
        ended = run(model, stdout=full)
    assert ended.returncode == 1
    assert "No space left on device" in ended.stderr


def test_stdout_closed(model):
    ended = subprocess.run(["sh", "-c", f"exec {BIN / model} >&-"], cwd=TOP,
                           stderr=subprocess.PIPE, text=True, check=False,
                           timeout=server.PATIENCE_S)
    assert ended.returncode == 1
    assert "Bad file descriptor" in ended.stderr


def test_stdout_breaks_while_it_serves(model):
    """The closing line cannot be written: exit status 1, not SIGPIPE."""
    with subprocess.Popen([TOP / BIN / model], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as one:
        try:
            assert one.stdout.readline().startswith("ready ")
            one.stdout.close()
            one.send_signal(signal.SIGTERM)
            assert one.wait(server.PATIENCE_S) == 1
            assert "Broken pipe" in one.stderr.read()
        finally:
            one.kill()


def test_other_standard_descriptors_closed(model):
    """No socket may get the number of stdin or stderr."""
    with subprocess.Popen(
            ["sh", "-c", f"exec {BIN / model} --host 0.0.0.0 <&- 2>&-"],
            cwd=TOP, stdout=subprocess.PIPE, text=True) as one:
        try:
            ready = one.stdout.readline()
            port = int(re.search(r"port=(\d+)", ready).group(1))
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"hello")
                assert server.receive(client, 5) == b"hello"
            one.send_signal(signal.SIGTERM)
            assert one.wait(server.PATIENCE_S) == 0
        finally:
            one.kill()


def test_ready_line(model, start):
    """Keys and order are a contract."""
    one = start()
    assert list(one.ready) == ["model", "host", "port", "pid"]
    assert one.ready["model"] == name(model)
    assert one.ready["host"] == "127.0.0.1"


#: Counters that only this variant has
OWN_COUNTERS = {"sigio": ["signal_overflows"],
                "uring_bundle": ["no_buffer"],
                "uring_multishot": ["no_buffer"]}


def test_closing_line(model, start):
    """All keys are always present, in this order."""
    counters = start().stop()
    assert list(counters) == [
        "model", "accepted", "refused", "refused_by", "requests", "bytes_in",
        "bytes_out", "closed", "aio_result_lost", *OWN_COUNTERS.get(model, []),
        "cpu_ns"]
    assert list(counters["refused_by"]) == [
        "limit", "descriptors", "fd_setsize", "threads", "signals", "memory"]
    assert list(counters["closed"]) == ["eof", "reset", "error", "stop"]
    assert counters["model"] == name(model)
    assert counters["cpu_ns"] > 0


def test_help_and_version(model):
    helped = run(model, "--help")
    assert helped.returncode == 0 and helped.stderr == ""
    assert f"\n{name(model)} - " in helped.stdout
    # Examples first, and every option of the usage line
    assert helped.stdout.index("Examples:") < helped.stdout.index("--host")
    for option in ("--host", "--port", "--max-clients", "--message",
                   "--service", "--work", "--seed", "--help", "--version"):
        assert option in helped.stdout
    assert max(map(len, helped.stdout.splitlines())) <= 80
    version = run(model, "--version")
    assert re.fullmatch(name(model) + r" \(io-models\) \d+\.\d+\.\d+\n",
                        version.stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: all tests test it")
def test_needs_no_root(model):
    """As the user nobody"""
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = shutil.copy(TOP / BIN / model, folder)
        with server.Server(program, wrapper=nobody) as one:
            with one.connect() as client:
                client.sendall(b"hi")
                assert server.receive(client, 2) == b"hi"
            one.stop()
