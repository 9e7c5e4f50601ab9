# SPDX-License-Identifier: MIT
"""--service http: status, length and body of every reply"""

import itertools
import socket
import threading
import time

import load
import pytest
import server
from observer import Observer, check_unharmed

BODY = bytes(range(256)) * 4
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\nServer: x\r\n\r\n"
ARGS = ["--service", "http", "--message", 1024, "--connections", 4]
SHORT = ["--duration", "200ms", "--warmup", 0]


class Replies:
    """A server in this process: reply(n) is what it sends for request number n of all
    its clients, in pieces of `piece` bytes."""

    def __init__(self, reply, piece=1 << 20):
        self.reply, self.piece = reply, piece
        self.numbers = itertools.count()
        self.heard = set()

    def __call__(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        rest = b""
        while part := sock.recv(1 << 16):
            *requests, rest = (rest + part).split(b"\r\n\r\n")
            self.heard.update(requests)
            for _ in requests:
                reply = self.reply(next(self.numbers))
                for at in range(0, len(reply), self.piece):
                    sock.sendall(reply[at:at + self.piece])
            if reply.endswith(b"<close>"):
                return


def run(reply, *args, piece=1 << 20):
    serve = Replies(reply, piece)
    with load.listener(serve) as listening:
        made = load.run(listening, *ARGS, *SHORT, *args)
    return made, serve


@pytest.fixture
def http():
    with server.Server("epoll", "--service", "http", "--message", "1024",
                       wrapper=["setpriv", "--pdeathsig", "KILL"]) as one:
        yield one


LOADS = {
    "closed": [], "depth": ["--depth", 16], "threads": ["--threads", 2],
    "open": ["--rate", 2000], "burst": ["--rate", 2000, "--pattern", "burst:20"],
    "connect": ["--pattern", "connect"], "idle": ["--idle", 10],
}


@pytest.mark.parametrize("args", LOADS.values(), ids=LOADS)
def test_counts_agree_with_the_server(http, engine, args):
    made = load.run(http, *ARGS, *SHORT, *args, "--engine", engine)
    made.check_unharmed()
    assert made.json["service"] == "http"
    assert made.json["requests"] > 10
    assert http.stop()["requests"] == made.json["requests_total"]


def test_slices(http):
    with Observer(http, *ARGS) as observer:
        for i in range(3):
            answer = observer.slice(i, 1000000, 20000000)
            assert answer["answered"] > 0 and answer["errors"] == 0
            observer.keep()
        check_unharmed(observer.finish())


def test_the_request(engine):
    def reply(_):
        return HEAD + BODY

    serve = Replies(reply)
    with load.listener(serve) as listening:
        address = load.address_of(listening)
        load.run(f"{address}/a/b?c", *ARGS, *SHORT, "--engine", engine).check_unharmed()
    assert serve.heard == {b"GET /a/b?c HTTP/1.1\r\nHost: " + address.encode()}


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_replies_in_pieces(piece):
    made, _ = run(lambda n: HEAD + BODY, "--depth", 3, piece=piece)
    made.check_unharmed()
    assert made.json["requests"] > 0


@pytest.mark.parametrize("head", [
    b"HTTP/1.0 200 \r\nconnection: Keep-Alive\r\nCONTENT-LENGTH:1024\r\n\r\n",
    b"HTTP/1.1 200 Fine\nContent-Length:   1024 \n\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10000 + b"\r\nContent-Length: 1024\r\n\r\n",
])
def test_heads_that_are_right(head):
    run(lambda n: head + BODY)[0].check_unharmed()


FAULTS = {
    "echo": (b"GET / HTTP/1.1\r\n\r\n", "not HTTP/1: not an HTTP server"),
    "ssh": (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP/1: not an HTTP server"),
    "two": (b"HTTP/2 200 OK\r\n\r\n", "not HTTP/1: not an HTTP server"),
    "status": (b"HTTP/1.1 404 No\r\nContent-Length: 1024\r\n\r\n" + BODY,
               "status 404, not 200: name another path (--target HOST:PORT/PATH)"),
    "busy": (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "status 503, not 200"),
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 612\r\n\r\n" + BODY[:612],
               "Content-Length 612, not 1024: give the size of the body (--message 612)"),
    "chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "no Content-Length"),
    "none": (b"HTTP/1.1 200 OK\r\n\r\n" + BODY, "no Content-Length"),
    "closes": (HEAD[:-2] + b"Connection: close\r\n\r\n" + BODY,
               "the server ends the connection with it"),
    "old": (HEAD.replace(b"1.1", b"1.0") + BODY,
            "the server ends the connection with it"),
    "endless": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000, "a head of more than 64 KiB"),
}


@pytest.mark.parametrize("reply, reason", FAULTS.values(), ids=FAULTS)
def test_a_wrong_server_is_named(engine, reply, reason):
    made, _ = run(lambda n: reply, "--engine", engine)
    assert made.status == 1
    found, = made.reasons
    assert found.startswith("no reply was as asked for: " + reason)


@pytest.mark.parametrize("reply, reason", FAULTS.values(), ids=FAULTS)
def test_a_reply_that_is_wrong_once(reply, reason):
    made, _ = run(lambda n: reply if n == 20 else HEAD + BODY)
    assert made.errors() == {"reply": 1}
    assert any(f"1 connection was ended because a reply was not as asked for: {reason}"
               in found for found in made.reasons)


def test_no_reply():
    with load.listener(Replies(lambda n: b"")) as listening:
        made = load.run(listening, *ARGS, "--timeout", "300ms")
    assert any("no reply within 0.3 s: not an HTTP server, or it hangs" in found
               for found in made.reasons)


def test_closing_is_fine_with_a_connection_for_each(engine):
    reply = HEAD[:-2] + b"Connection: close\r\n\r\n" + BODY
    run(lambda n: reply, "--pattern", "connect", "--engine", engine)[0].check_unharmed()


def test_wrong_bodies(engine):
    """Each is counted once, and the connection goes on."""
    wrong = BODY[:500] + b"!" + BODY[501:900] + b"!" + BODY[901:]
    made, _ = run(lambda n: HEAD + (wrong if n in (20, 40) else BODY),
                  "--engine", engine)
    assert made.mismatches() == {"corruption": 2} and made.errors() == {}
    assert made.json["damaged"] == 2
    assert any("byte 500 (counted from 0): first reply 0xf4, received 0x21" in found
               for found in made.reasons)


def test_bytes_after_a_reply(engine):
    made, _ = run(lambda n: HEAD + BODY + (b"!" if n == 20 else b""),
                  "--connections", 1, "--rate", 500, "--engine", engine)
    assert made.mismatches() == {"unasked": 1} or made.errors() == {"reply": 1}


def test_part_of_a_reply_is_missing():
    made, _ = run(lambda n: (HEAD + BODY)[:-5] if n == 20 else HEAD + BODY,
                  "--timeout", "500ms")
    assert made.json["unanswered"] == 1


def test_two_servers_of_one_address():
    """Another body of the same length is found, whichever thread reads it."""
    other, lock = BODY[::-1], threading.Lock()
    bodies = itertools.cycle([BODY, other])

    def serve(sock):
        with lock:
            body = next(bodies)
        while part := sock.recv(1 << 16):
            time.sleep(0.001)
            sock.sendall((HEAD + body) * part.count(b"\r\n\r\n"))

    with load.listener(serve) as listening:
        made = load.run(listening, *ARGS, *SHORT, "--threads", 2)
    assert made.json["damaged"] > 0
