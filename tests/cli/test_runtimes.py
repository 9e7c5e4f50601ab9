# SPDX-License-Identifier: MIT
"""models/runtimes/start and build: what is missing, too old or broken is unsupported
(exit status 77), and the reason says what was found and which package brings it."""

import os
import re
import shutil
import subprocess
import time

import pytest
import server
from server import TOP

#: All that the two scripts use
TOOLS = ("sh basename cat cp cut dirname env find head ls mkdir mv readlink rm sed sort tail "
         "timeout touch").split()

#: Of Go's thread that watches the others: as often as time passes, not for a request
BY_TIME = {"nanosleep", "futex"}


@pytest.fixture
def tree(tmp_path):
    """A copy of models/runtimes, with links in bin/ as make creates them, and a PATH
    without any runtime"""
    shutil.copytree(TOP / "models/runtimes", tmp_path / "models/runtimes")
    for folder in "bin", "path":
        (tmp_path / folder).mkdir()
    for name in server.runtimes():
        (tmp_path / "bin" / name).symlink_to("../models/runtimes/start")
    for tool in TOOLS:
        (tmp_path / "path" / tool).symlink_to(shutil.which(tool))
    return tmp_path


def fake(tree, name, script):
    program = tree / "path" / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    program.chmod(0o755)
    return program


def run(tree, *words, **environment):
    return subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=server.PATIENCE_S,
        cwd=tree, env={**os.environ, "PATH": str(tree / "path"), **environment})


def unsupported(tree, name, **environment):
    """The reason"""
    ran = run(tree, f"bin/{name}", "--port", "0", "--message", "64", **environment)
    assert ran.returncode == server.EXIT_UNSUPPORTED, ran.stderr
    assert ran.stdout == "" and ran.stderr.count("\n") == 1
    assert ran.stderr.startswith(f"{name}: ")
    return ran.stderr.strip()


@pytest.mark.parametrize("name, package", [
    ("node", "nodejs"), ("libuv", "libuv1-dev"), ("libevent", "libevent-dev")])
def test_missing(tree, name, package):
    assert package in unsupported(tree, name)


def test_missing_python(tree):
    for name in "asyncio", "uvloop":
        assert "python3" in unsupported(tree, name, PYTHON=str(tree / "none"))


@pytest.mark.parametrize("script, said", [
    ("echo v12.22.9", "12.22.9"), ("echo v9.11.2", "9.11.2"),
    ("echo Illegal instruction; exit 132", "132: Illegal instruction"),
    ("kill -SEGV $$", "broken"), ("echo hello", "broken: .* no version: hello")],
    ids=["old", "one digit", "fails", "crashes", "garbage"])
def test_node_old_or_broken(tree, script, said):
    fake(tree, "node", script)
    reason = unsupported(tree, "node")
    assert re.search(said, reason) and str(tree / "path/node") in reason


def test_new_node_is_started(tree):
    """It is given address, port, size of a request and limit."""
    fake(tree, "node", 'case $1 in --version) echo v123.4.5 ;; *) echo "$@" ;; esac')
    ran = run(tree, "bin/node", "--max-clients", "7", "--message=64")
    assert ran.stdout.split()[1:] == ["127.0.0.1", "0", "64", "7"]


def test_node_that_is_this_server(tree):
    """bin/ is in PATH, too."""
    reason = unsupported(tree, "node", PATH=f"{tree}/bin:{tree}/path")
    assert "PATH" in reason


def test_python_old(tree):
    old = fake(tree, "old", 'case $1 in --version) echo Python 3.9.2 ;; esac')
    assert "3.9.2" in unsupported(tree, "asyncio", PYTHON=str(old))


def test_python_without_uvloop(tree):
    python = fake(tree, "some", 'case $1 in --version) echo Python 3.12.1 ;; *) exit 1 ;; esac')
    assert "python3-uvloop" in unsupported(tree, "uvloop", PYTHON=str(python))


def test_broken_uvloop(tree):
    python = fake(tree, "some", """
        case "$1 $2" in
        --version*) echo Python 3.12.1 ;;
        *import\\ uvloop*) echo Traceback; echo ImportError: undefined symbol; exit 1 ;;
        esac""")
    assert "undefined symbol" in unsupported(tree, "uvloop", PYTHON=str(python))


@pytest.mark.parametrize("name, tool, package", [
    ("go", "go", "golang-go"), ("tokio", "cargo", "librust-tokio-dev")])
def test_compiled(tree, name, tool, package):
    """Each reason is replaced by the next."""
    def built():
        ran = run(tree, "models/runtimes/build", CRATES=str(tree / "crates"))
        assert ran.returncode == 0, ran.stderr
        return unsupported(tree, name)

    assert "run make runtimes" in unsupported(tree, name)
    assert f"{tool} is missing" in built() and package in built()
    fake(tree, tool, "echo version 1.2.3")
    assert "is version 1.2.3;" in built()
    fake(tree, tool, "echo no space left; exit 3")
    assert "broken" in built() and "no space left" in built()
    (tree / "crates").mkdir()
    fake(tree, tool, 'case "$*" in *version*) echo version 1.99.0 ;; *) exit 1 ;; esac')
    if name == "tokio":
        assert "the crate tokio is missing" in built()
        (tree / "crates/tokio-1.24.2").mkdir()
    assert "the compiler failed" in built()


def test_source_changed_after_the_build(tree):
    fake(tree, "go", """
        case $1 in
        version) echo go version go1.22.3 linux ;;
        *) echo '#!/bin/sh' >a.out; echo 'echo built' >>a.out; chmod +x a.out ;;
        esac""")
    (tree / "path/chmod").symlink_to(shutil.which("chmod"))
    run(tree, "models/runtimes/build")
    assert run(tree, "bin/go").stdout == "built\n"
    assert run(tree, "bin/go", "--version").stdout == "go (Go 1.22.3)\n"
    later = (tree / "build/runtimes/go").stat().st_mtime + 10
    os.utime(tree / "models/runtimes/go.go", (later, later))
    assert "run make runtimes" in unsupported(tree, "go")


@pytest.mark.parametrize("words, said", [
    (["--message", "0"], "not a number from 1 to"), (["--port", "65536"], "to 65535"),
    (["--port", "-1"], "not a number"), (["--max-clients", "1e3"], "not a number"),
    (["--message", "99999999999999999999"], "not a number"), (["--port"], "argument"),
    (["--mesage", "1"], "unrecognized"), (["x"], "unexpected"), (["--host="], "address"),
    (["--gomaxprocs", "2"], "unrecognized")])
def test_bad_usage(tree, words, said):
    fake(tree, "node", "echo v20.1.0")
    ran = run(tree, "bin/node", *words)
    assert ran.returncode == 2 and said in ran.stderr and ran.stdout == ""


@pytest.mark.parametrize("words", [["--service", "http"], ["--work", "cpu:1us"]])
def test_what_they_do_not_have(tree, words):
    """A cell with it is unsupported and not failed."""
    fake(tree, "node", "echo v20.1.0")
    assert run(tree, "bin/node", *words).returncode == server.EXIT_UNSUPPORTED
    assert run(tree, "bin/node", words[0], "echo" if words[0] == "--service" else "none",
               "--help").returncode == 0


def test_make_without_libraries(tmp_path):
    """bin/libuv is then the script that says what is missing."""
    ran = subprocess.run(
        ["make", "-n", "-B", "PKG_CONFIG=false", f"BIN={tmp_path}", f"BUILD={tmp_path}/b",
         f"{tmp_path}/libuv"], cwd=TOP, capture_output=True, text=True, check=True)
    assert f"models/runtimes/start {tmp_path}/libuv" in ran.stdout


def plain(call):
    """Which one is a matter of the version."""
    return "epoll_wait" if call == "epoll_pwait" else call


def test_what_they_stand_on(tmp_path):
    """The column of the table: the calls of a request, with one client"""
    readme = (TOP / "models/runtimes/README.md").read_text(encoding="utf-8")
    for name in server.runtimes():
        if server.lacks(name):
            continue
        row = next(line for line in readme.splitlines() if line.startswith(f"| [{name}]"))
        said = {plain(word.strip()) for word in row.split("|")[3].split(",")}
        trace, requests = tmp_path / name, 50
        with server.Server(str(server.BIN / name), "--message", "10",
                           wrapper=("strace", "-f", "-qq", "-o", trace)) as one:
            client = one.connect()
            for i in range(requests):
                if i == 10:  # it has started
                    before = trace.stat().st_size
                time.sleep(0.002)  # so that it waits
                client.sendall(b"0123456789")
                assert client.recv(10) == b"0123456789"
            calls = trace.read_bytes()[before:].decode()
            one.stop()
        found = [plain(call) for call in re.findall(r"^\d+ +(\w+)\(", calls, re.M)]
        often = {call for call in found if found.count(call) >= requests / 2}
        assert often - BY_TIME <= said and said <= set(found), name


def test_interrupt_and_limit():
    """Of each that is installed: SIGINT stops it as well, and --max-clients holds."""
    for name in server.runtimes():
        if server.lacks(name):
            continue
        with server.Server(str(server.BIN / name), "--message", "10",
                           "--max-clients", "2") as one:
            clients = [one.connect() for _ in range(3)]
            replies = []
            for client in clients:
                try:
                    client.sendall(b"0123456789")
                    replies.append(client.recv(10))
                except OSError:
                    replies.append(b"")
            counters = one.stop(server.signal.SIGINT, within=server.STOP_WITHIN_S)
            assert sorted(replies) == [b"", b"0123456789", b"0123456789"], name
            assert counters["refused"] == counters["refused_by"]["limit"] == 1, name
            assert counters["requests"] == counters["accepted"] == 2, name
            one.close_clients()
