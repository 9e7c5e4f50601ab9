# SPDX-License-Identifier: MIT
"""--service http: HTTP/1.1 (RFC 9112). A few tests of each model, as what it does with
struct conn could go wrong; the protocol itself with one, as its code is shared."""

import random
import socket
import time

import pytest
from clients import check_same, connect_small, random_bytes
from server import SLOW, STOP_WITHIN_S, Server, receive

pytestmark = pytest.mark.models_only

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LINE = b"abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 012345678\n"


def head(length, *more):
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Type: text/plain",
                         b"Content-Length: %d" % length, *more, b"", b""])


def page(length, *more):
    """The reply to GET"""
    return head(length, *more) + (LINE * (length // 64 + 1))[:length]


def echoed(body, *more):
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body),
                         *more, b"", body])


def check(sock, reply):
    check_same(receive(sock, len(reply)), reply)


def check_ended(sock, reply=b""):
    """Sends nothing but this reply, and closes."""
    check(sock, reply)
    assert sock.recv(1) == b""


# Each model


def test_every_kind_of_request(start):
    """In one connection, all sent at once; then cut at every byte"""
    server = start("--service", "http", "--message", "100")
    requests = [
        (GET, page(100)), (GET, page(100)),
        (GET.replace(b"GET", b"HEAD"), head(100)),
        (POST + b"Content-Length: 5\r\n\r\nhello", echoed(b"hello")),
        (CHUNKED + b"5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
         b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
         b"5\r\nhello\r\n0\r\n\r\n"),
        (b"PUT" + POST[4:] + b"\r\n", echoed(b"")),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
         page(100, b"Connection: keep-alive")),
        (b"GET / HTTP/1.0\r\n\r\n", page(100, b"Connection: close")),
    ]
    sent = b"".join(request for request, _ in requests)
    replies = b"".join(reply for _, reply in requests)
    sock = server.connect()
    sock.sendall(sent + GET)  # the server does not see the last one
    check_ended(sock, replies)
    sock = server.connect()
    for i in range(len(sent)):
        sock.sendall(sent[i:i + 1])
        time.sleep(0)
    check_ended(sock, replies)
    counters = server.stop(within=STOP_WITHIN_S)
    assert counters["requests"] == 2 * len(requests)
    assert counters["closed"]["eof"] == 2


@pytest.mark.parametrize("second, reply", [
    (GET.replace(b"GET", b"HEAD"), head(100)),
    (b"GET / HTTP/1.0\r\n\r\n", page(100, b"Connection: close")),
    (POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
     b"HTTP/1.1 100 Continue\r\n\r\n"),
    (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n"
     b"Content-Length: 0\r\nConnection: close\r\n\r\n"),
], ids=["head", "last", "continue", "refused"])
def test_nothing_behind_a_second_reply(start, second, reply):
    """Two requests at once, whose replies cannot be sent at once: the second has been
    read when the first is replied to, and nothing else will wake the server."""
    sock = start("--service", "http", "--message", "100").connect()
    sock.sendall(GET + second)
    check(sock, page(100) + reply)


def test_pipelined_without_reading(start):
    """1,000 requests of a client that does not read yet stop neither the others nor
    the server, and then get all their replies."""
    server = start("--service", "http", "--message", "10000")
    greedy, other = connect_small(server), server.connect()
    greedy.sendall(1000 * GET)
    for _ in range(20):
        other.sendall(GET)
        check(other, page(10000))
    for _ in range(1000):
        check(greedy, page(10000))
    greedy.sendall(1000 * GET)  # the stop finds it so
    counters = server.stop(within=STOP_WITHIN_S)
    assert counters["requests"] >= 1020


def test_large_bodies(start):
    """Larger than any buffer, both ways, with a client that is slow to read"""
    server = start("--service", "http", "--message", "300000")
    sock = server.connect()
    body = random_bytes(1, 300000)
    sock.sendall(GET)
    check(sock, page(300000))
    for request, reply in [
            (POST + b"Content-Length: 300000\r\n\r\n" + body, echoed(body)),
            (CHUNKED + b"493e0\r\n" + body + b"\r\n0\r\n\r\n",
             b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n"
             + body + b"\r\n0\r\n\r\n")]:
        got = b""
        for at in range(0, len(request), 50000):
            sock.sendall(request[at:at + 50000])
            if at >= 100000:
                got += receive(sock, 50000)
        check_same(got + receive(sock, len(reply) - len(got)), reply)
    assert server.stop(within=STOP_WITHIN_S)["requests"] == 3


# The protocol


@pytest.fixture
def http():
    with Server("epoll", "--service", "http") as server:
        yield server
        server.close_clients()


STATUS = {400: "Bad Request", 405: "Method Not Allowed\r\nAllow: GET, HEAD, POST, PUT",
          413: "Content Too Large", 414: "URI Too Long", 417: "Expectation Failed",
          431: "Request Header Fields Too Large", 501: "Not Implemented",
          505: "HTTP Version Not Supported"}


def refusal(status):
    return (f"HTTP/1.1 {status} {STATUS[status]}\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n").encode()


@pytest.mark.parametrize("status, request_", [
    (400, b"GET / HTTP/1.1\r\n\r\n"),                       # no Host
    (400, b"GET / HTTP/1.1\nHost: h\n\n"),                  # a bare LF
    (400, GET[:-2] + b" folded\r\n\r\n"),
    (400, GET[:-2] + b"Host: h\r\n\r\n"),
    (400, POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
    (400, POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (400, CHUNKED + b"x\r\n"),
    (400, CHUNKED + b"1\r\nxx"),
    (405, GET.replace(b"GET", b"DELETE")),
    (413, POST + b"Content-Length: 9223372036854775808\r\n\r\n"),
    (414, b"GET /" + b"x" * 8192),
    (417, POST + b"Expect: rain\r\n\r\n"),
    (431, GET[:-2] + b"X: " + b"x" * 8192),
    (501, GET.replace(b"GET", b"BREW")),
    (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n"),
    (505, GET.replace(b"1.1", b"2.0")),
])
def test_refused(http, status, request_):
    """After the replies to what precedes it, with the status, and a close"""
    sock, other = http.connect(), http.connect()
    sock.sendall(GET + POST + b"Content-Length: 2\r\n\r\nok" + request_)
    check_ended(sock, page(64) + echoed(b"ok") + refusal(status))
    other.sendall(GET)
    check(other, page(64))
    counters = http.stop()
    assert counters["closed"]["error"] == 1 and counters["requests"] == 3


def test_a_reply_that_has_begun_just_ends(http):
    sock = http.connect()
    sock.sendall(CHUNKED + b"1\r\nx")
    check(sock, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx")
    sock.sendall(b"x\r\n")
    check_ended(sock)


def test_expect_continue(http):
    sock = http.connect()
    sock.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    check(sock, b"HTTP/1.1 100 Continue\r\n\r\n")
    sock.sendall(b"ok" + POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok")
    check(sock, echoed(b"ok") * 2)  # with its body there, it waits for nothing
    sock.sendall(POST + b"Expect: 100-continue\r\n\r\n")
    check(sock, echoed(b""))
    sock.sendall(GET[:-2] + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    check_ended(sock, page(64, b"Connection: close"))


def test_half_closed(http):
    """All replies, then the end"""
    sock = http.connect()
    sock.sendall(GET * 3 + POST + b"Content-Length: 5\r\n\r\nhe")
    sock.shutdown(socket.SHUT_WR)
    check_ended(sock, page(64) * 3 + echoed(b"he").replace(b": 2", b": 5"))


def test_body_of_get_is_ignored(http):
    sock = http.connect()
    sock.sendall((GET[:-2] + b"Content-Length: %d\r\n\r\n" % len(GET) + GET) * 2 + GET)
    check(sock, page(64) * 3)


@pytest.mark.skipif(SLOW > 1, reason="meaningless in an instrumented build")
def test_memory_is_bounded(http):
    """200 clients of each kind: half a head, an endless one byte by byte, pipelined
    without reading, half a body"""
    begins = [GET[:20], GET[:-2] + b"X: ", GET * 1000, POST + b"Content-Length: 9\r\n\r\nx"]

    def more(_):
        for begin in begins:
            clients = [http.connect() for _ in range(200)]
            for sock in clients:
                sock.sendall(begin)
            for _ in range(5):
                for sock in clients:
                    if begin != begins[2]:
                        sock.sendall(b"x")

    other = http.connect()
    more(0)
    before = http.resident_bytes()
    more(1)
    # Of 200 that do not read, and 200 with half a body: a buffer each, at most
    assert http.resident_bytes() - before < 800 * 4096 + (4 << 20)
    other.sendall(GET)
    check(other, page(64))


def test_against_h11(http):
    """A strict client understands every reply to random requests that are right,
    however they are cut."""
    h11 = pytest.importorskip("h11")
    rng = random.Random(1)
    for _ in range(30):
        client = h11.Connection(h11.CLIENT)
        sock = http.connect()
        for _ in range(rng.randint(1, 8)):
            method = rng.choice(["GET", "HEAD", "POST", "PUT"])
            body = rng.randbytes(rng.choice([0, 1, 100, 20000]))
            framing = ("Transfer-Encoding", "chunked") if rng.random() < 0.5 else \
                ("Content-Length", str(len(body)))
            sent = client.send(h11.Request(
                method=method, target="/", headers=[("Host", "h"), framing]))
            for at in range(0, len(body), 7000):
                sent += client.send(h11.Data(data=body[at:at + 7000]))
            sent += client.send(h11.EndOfMessage())
            while sent:
                n = rng.choice([1, 10, 1000, len(sent)])
                sock.sendall(sent[:n])
                sent = sent[n:]
            got = b""
            while type(event := client.next_event()) is not h11.EndOfMessage:
                if event is h11.NEED_DATA:
                    client.receive_data(sock.recv(1 << 16))
                elif type(event) is h11.Response:
                    assert event.status_code == 200
                else:
                    got += event.data
            wanted = {"GET": LINE, "HEAD": b""}.get(method, body)
            check_same(got, wanted)
            client.start_next_cycle()
