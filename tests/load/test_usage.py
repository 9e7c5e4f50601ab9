# SPDX-License-Identifier: MIT
"""The command line: what is accepted, and what errors say"""

import os
import re
import subprocess
import sys

import load
import pytest
from load import TOP
from oddserver import OddServer

NO_SERVER = "127.0.0.1:1"  # nothing listens there


def options():
    """{name: whether it takes a value}, from --help"""
    text = subprocess.run([load.PROGRAM, "--help"], capture_output=True, text=True,
                          check=True).stdout
    found = {name: bool(value) for name, value in re.findall(
        r"^ +(?:-h, )?--([a-z-]+)(=\S+)? ", text, re.M)}
    assert len(found) > 15
    return found


def check_refused(run, *words):
    """Exit status 2, and one line on stderr that contains these words"""
    assert run.status == 2, run
    assert run.out == "" and run.err.count("\n") == 1, run
    assert run.err.startswith("loadgen: "), run
    assert "--help" in run.err, run
    for word in words:
        assert word in run.err, (word, run.err)


BAD = [
    ("--target", "7000", "HOST:PORT"),
    ("--target", "localhost", "HOST:PORT"),
    ("--target", ":7000", "HOST:PORT"),
    ("--target", "", "HOST:PORT"),
    ("--target", "localhost:", "1 to 65535"),
    ("--target", "localhost:0", "1 to 65535"),
    ("--target", "localhost:65536", "1 to 65535"),
    ("--target", "localhost:http", "1 to 65535"),
    ("--target", "::1:7000", "brackets"),
    ("--target", "localhost:7000/a b", "%XX"),
    ("--connections", "-1", "0 to 1M"),
    ("--connections", "1000001", "0 to 1M"),
    ("--connections", "many", "0 to 1M"),
    ("--connections", "", "0 to 1M"),
    ("--connections", "18446744073709551617", "0 to 1M"),
    ("--idle", "-5", "0 to 1M"),
    ("--idle", "2M", "0 to 1M"),
    ("--message", "0", "1 to 1GiB"),
    ("--message", "2GiB", "1 to 1GiB"),
    ("--message", "64 bytes", "1 to 1GiB"),
    ("--service", "ftp", "echo or http"),
    ("--depth", "0", "1 to 65536"),
    ("--depth", "65537", "1 to 65536"),
    ("--rate", "0", "0.01 to 100M"),
    ("--rate", "-1", "0.01 to 100M"),
    ("--rate", "101M", "0.01 to 100M"),
    ("--rate", "fast", "0.01 to 100M"),
    ("--rate", "nan", "0.01 to 100M"),
    ("--rate", "inf", "0.01 to 100M"),
    ("--arrivals", "random", "poisson or uniform"),
    ("--pattern", "saw", "connect, storm or slow-read:N"),
    ("--pattern", "burst", "burst:N"),
    ("--pattern", "burst:", "burst:100"),
    ("--pattern", "burst:0", "1 to 1000000"),
    ("--pattern", "burst:x", "1 to 1000000"),
    ("--pattern", "storm:5", "storm or"),
    ("--pattern", "slow-read", "slow-read:N"),
    ("--pattern", "slow-read:0", "such as slow-read:100"),
    ("--duration", "1", "500ms"),
    ("--duration", "1ms", "10ms"),
    ("--duration", "25h", "1440min"),
    ("--duration", "-1s", "500ms"),
    ("--warmup", "soon", "500ms"),
    ("--warmup", "2h", "60min"),
    ("--seed", "x", "0 to 2^64-1"),
    ("--seed", "-1", "0 to 2^64-1"),
    ("--seed", "18446744073709551616", "0 to 2^64-1"),
    ("--find-rate", "1ms", "p99=1ms"),
    ("--find-rate", "p99", "p99=1ms"),
    ("--find-rate", "p99=", "1us to 60s"),
    ("--find-rate", "p99=1", "1us to 60s"),
    ("--find-rate", "p99=2min", "1us to 60s"),
    ("--find-rate", "p0=1ms", "p99=1ms"),
    ("--find-rate", "p100=1ms", "p99=1ms"),
    ("--find-rate", "mean=1ms", "p99=1ms"),
    ("--find-rate", "=1ms", "p99=1ms"),
    ("--find-rate", "p99.99999999=1ms", "p99=1ms"),
    ("--engine", "select", "uring or epoll"),
    ("--threads", "0", "1 to 1024"),
    ("--threads", "1025", "1 to 1024"),
    ("--cpu", "", "4-7"),
    ("--cpu", "1,", "4-7"),
    ("--cpu", "one", "4-7"),
    ("--cpu", "3-1", "4-7"),
    ("--cpu", "-1", "4-7"),
    ("--cpu", "1023", "nproc"),
    ("--spin", "always", "never or auto"),
    ("--hold", "x", "socketpair"),
    ("--hold", "-1", "socketpair"),
    ("--hold", "1000", "socketpair"),  # not open
    ("--hold", "0", "socketpair"),     # a file
    ("--hold", "1", "socketpair"),     # a pipe
    ("--hold", "4294967296", "socketpair"),
    ("--timeout", "0", "10ms"),
    ("--timeout", "5", "500ms"),
]


@pytest.mark.parametrize("option, value, allowed", BAD)
def test_bad_value(option, value, allowed):
    """The line names the option, the value and what is allowed."""
    target = None if option == "--target" else NO_SERVER
    run = load.run(target, option, value, asks_json=False)
    check_refused(run, option, f"'{value}'", allowed)


def test_every_option_has_its_bad_values():
    tested = {option for option, _, _ in BAD}
    # Files are opened, not parsed; flags have no value.
    assert tested == {f"--{name}" for name, value in options().items()
                      if value} - {"--json", "--histogram"}


@pytest.mark.parametrize("args, words", [
    ([], ["--target", "missing"]),
    (["--connections", "3"], ["--target", "missing"]),
    (["--target"], ["--target", "needs a value"]),
    (["--frobnicate"], ["--frobnicate", "unknown"]),
    (["--t", "x"], ["--t", "ambiguous"]),
    (["-x"], ["-x", "unknown"]),
    (["127.0.0.1:7000"], ["127.0.0.1:7000", "--target HOST:PORT"]),
    (["--quiet=1"], ["--quiet", "no value"]),
])
def test_bad_command_line(args, words):
    check_refused(load.run(None, *args, asks_json=False), *words)


@pytest.mark.parametrize("args, words", [
    (["--pattern", "burst:5"], ["burst:N", "--rate"]),
    (["--pattern", "storm"], ["storm", "--rate"]),
    (["--depth", "2", "--rate", "100"], ["--depth", "--rate"]),
    (["--depth", "2", "--find-rate", "p99=1ms"], ["--depth", "closed loop"]),
    (["--depth", "2", "--pattern", "connect"], ["--depth", "connect"]),
    (["--threads", "3", "--connections", "2"],
     ["--threads 3", "connections (2)"]),
    (["--connections", "0"], ["--connections 0", "--idle N"]),
    (["--connections", "0", "--idle", "5", "--rate", "10"],
     ["--rate", "--connections 0"]),
    (["--connections", "0", "--idle", "5", "--find-rate", "p99=1ms"],
     ["--find-rate", "--connections 0"]),
    (["--connections", "0", "--idle", "5", "--pattern", "connect"],
     ["--pattern", "--connections 0"]),
    (["--connections", "0", "--idle", "5", "--depth", "2"],
     ["--depth", "--connections 0"]),
    (["--connections", "0", "--idle", "2", "--threads", "3"],
     ["--threads 3", "connections (2)"]),
])
def test_contradictions(args, words):
    check_refused(load.run(NO_SERVER, *args, asks_json=False), *words)


def test_path_without_http():
    check_refused(load.run(f"{NO_SERVER}/x", asks_json=False), "path", "--service http")


# The target


def test_no_listener(engine):
    run = load.run(NO_SERVER, "--engine", engine, "--connections", 10,
                   asks_json=False)
    assert run.status == 1 and run.out == ""
    assert run.err.startswith(f"loadgen: {NO_SERVER}: no server is listening")
    assert run.err.count("\n") == 1
    assert run.seconds < 2 * load.SLOW


def test_unknown_host():
    run = load.run("no-such-host.invalid:7000", asks_json=False, limit_s=60)
    check_refused(run, "--target", "no-such-host.invalid:7000")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_target_by_name(name):
    with OddServer("--message", 64) as odd:
        run = load.run(f"{name}:{odd.port}", "--connections", 2, "--warmup",
                       "0s", "--duration", "50ms")
        odd.stop()
    assert not run.faults and run.json["requests"] > 0


def echo(sock):
    while part := sock.recv(1 << 16):
        sock.sendall(part)


def test_target_ipv6():
    try:
        import socket
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    import threading

    def serve():
        sock, _ = listening.accept()
        with sock:
            echo(sock)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = listening.getsockname()[1]
    with listening:
        run = load.run(f"[::1]:{port}", "--connections", 1, "--warmup", "0s",
                       "--duration", "50ms")
        thread.join(5)
    assert not run.faults and run.json["requests"] > 0


# Limits of the machine


def limited(soft, hard):
    return ["prlimit", f"--nofile={soft}:{hard}"]


def test_too_few_descriptors():
    run = load.run(NO_SERVER, "--connections", 400, "--idle", 100,
                   wrapper=limited(256, 256), asks_json=False)
    check_refused(run, "500 connections need", "limit is 256",
                  "sudo prlimit --pid $$ --nofile=")
    needed = int(re.search(r"--nofile=(\d+)", run.err)[1])
    assert f"need {needed} file descriptors" in run.err
    # One fewer is too few.
    again = load.run(NO_SERVER, "--connections", 400, "--idle", 100,
                     wrapper=limited(needed - 1, needed - 1), asks_json=False)
    check_refused(again, f"limit is {needed - 1}")


@pytest.mark.parametrize("threads", [1, 4])
def test_as_many_descriptors_as_it_asks_for(engine, threads):
    """The number it asks for is enough, and a lower soft limit is raised."""
    refused = load.run(NO_SERVER, "--connections", 300, "--threads", threads,
                       wrapper=limited(10, 10), asks_json=False)
    needed = int(re.search(r"--nofile=(\d+)", refused.err)[1])
    with OddServer("--message", 64) as odd:
        run = load.run(odd, "--connections", 300, "--threads", threads,
                       "--engine", engine, "--warmup", "0s", "--duration",
                       "100ms", wrapper=limited(64, needed))
        counters = odd.stop()
    assert counters["accepted"] == 300
    assert run.json["errors"] == 0 and run.err == ""


IN_NAMESPACE = """
import pathlib, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("30000 30099")
sys.path.insert(0, "tests/load")
from oddserver import OddServer
with OddServer("--message", 64) as odd:
    ran = subprocess.run([sys.argv[1], "--target", f"127.0.0.1:{odd.port}",
                          *sys.argv[2:]])
sys.exit(ran.returncode)
"""


def run_with_100_ports(*args):
    """loadgen with a range of a hundred local ports"""
    if os.geteuid() != 0 or subprocess.run(
            ["unshare", "--net", "ip", "link", "set", "lo", "up"],
            check=False, capture_output=True).returncode != 0:
        pytest.skip("takes a network namespace (root)")
    ran = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", IN_NAMESPACE,
         load.PROGRAM, *map(str, args)], cwd=TOP, capture_output=True,
        text=True, check=False, timeout=60)
    return load.Run(ran.returncode, ran.stdout, ran.stderr, "", 0)


def test_too_few_ports():
    run = run_with_100_ports("--connections", 90, "--idle", 11)
    check_refused(run, "101 connections", "there are 100", "30000 to 30099",
                  "sudo sysctl -w net.ipv4.ip_local_port_range='1024 65535'")


def test_ports_run_out():
    """With a connection per request, ports run out: each stays in TIME_WAIT for a
    minute."""
    run = run_with_100_ports("--pattern", "connect", "--connections", 4,
                             "--warmup", "0s", "--duration", "2s",
                             "--engine", "epoll")
    assert run.status == 1
    assert "no local port was free" in run.out
    assert "net.ipv4.ip_local_port_range" in run.out


def test_out_of_memory(engine):
    """An error message, not a crash"""
    run = load.run(NO_SERVER, "--connections", 2, "--engine", engine, "--depth",
                   65536, "--message", "1GiB", asks_json=False)
    assert run.status == 1 and run.err.count("\n") == 1


# Help


def test_help():
    run = load.run(None, "--help", asks_json=False)
    assert run.status == 0 and run.err == ""
    lines = run.out.splitlines()
    assert lines[0] == "Usage: loadgen [OPTION...] --target HOST:PORT"
    examples = [line for line in lines[:14]
                if line.startswith("  loadgen --target ")]
    assert len(examples) == 3
    for name in options():
        assert re.search(rf"^ +(-h, )?--{name}\b", run.out, re.M), name
    assert max(map(len, lines)) <= 80
    for status in ("0 a valid result", "1 an invalid", "2 bad usage",
                   "130 interrupted"):
        assert status in run.out
    assert load.run(None, "-h", asks_json=False).out == run.out


def test_help_names_no_other_options():
    shown = load.run(None, "--help", asks_json=False).out
    assert set(re.findall(r"--([a-z][a-z-]+)", shown)) == set(options())


def test_examples_of_help_are_right():
    """Each example fails only because no server is listening."""
    shown = load.run(None, "--help", asks_json=False).out
    for example in re.findall(r"^  loadgen (--target .*)$", shown, re.M):
        args = example.replace("127.0.0.1:7000", NO_SERVER).split()
        if max(load.cpus()) < 1:
            args = [arg if arg != "1" else "0" for arg in args]
        run = load.run(None, *args, asks_json=False)
        assert run.status == 1 and "no server is listening" in run.err, run


def test_version():
    run = load.run(None, "--version", asks_json=False)
    assert run.status == 0 and run.err == ""
    assert re.fullmatch(r"loadgen \(io-models\) \d+\.\d+\.\d+\n", run.out)
