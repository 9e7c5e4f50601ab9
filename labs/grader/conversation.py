# SPDX-License-Identifier: MIT
"""Checks of what a server says to its clients. Each starts a server of its own."""

import os
import random
import signal
import socket
import struct
import time

from . import sandbox
from .results import Fault, Timeout, Unavailable
from .subject import PATIENCE_S, SCALE

#: name: (function, title, names of the checks that it builds on), in order
CHECKS = {}


def need_descriptors(least):
    if sandbox.hard("nofile") < least:
        raise Unavailable(f"it needs {least:,} descriptors; ulimit -Hn permits "
                          f"{sandbox.hard('nofile'):,}")


def check(title, *needs):
    def register(function):
        name = function.__name__.replace("_", "-")
        CHECKS[name] = (function, title, needs)
        return function
    return register


#: Another one in each run, so that no reply can be known before; LABS_SEED repeats one.
SEED = os.environ.get("LABS_SEED") or os.urandom(8).hex()


def some(seed, size):
    """Bytes of this run"""
    return random.Random(f"{seed} {SEED}").randbytes(size)


@check("it starts and listens", "build")
def ready(subject):
    subject.connect()
    subject.step("a client connects")


@check("a client gets back what it sends", "ready")
def echo(subject):
    client = subject.connect()
    subject.step("a client connects")
    for size in 1, 64, 1000:
        subject.echo(client, some(size, size))
        subject.step(f"{size} bytes come back")


@check("a message that arrives in pieces", "echo")
def pieces(subject):
    client = subject.connect()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    message = some("pieces", 64)
    subject.step("a client connects; the server expects messages of 64 bytes")
    for at in range(0, 60, 20):
        subject.send(client, message[at:at + 20])
        subject.step(f"it sends 20 bytes, and waits for 20: bytes are echoed as they arrive")
        subject.same(subject.receive(client, 20), message[at:at + 20])


@check("a client that says nothing keeps nobody waiting", "echo")
def silent(subject):
    subject.connect()
    subject.step("client A connects and sends nothing")
    talks = subject.connect()
    subject.step("client B connects")
    subject.echo(talks, some("silent", 64), "client B")
    subject.step("B gets its reply")


@check("bytes go to the client that sent them", "echo")
def two(subject):
    clients = [subject.connect() for _ in range(10)]
    subject.step("10 clients connect")
    for turn in range(5):
        for i, client in enumerate(clients):
            subject.send(client, some((turn, i), 100), f"client {i}")
        for i, client in enumerate(clients):
            subject.same(subject.receive(client, 100, f"client {i}"),
                         some((turn, i), 100), f"client {i}")
        subject.step(f"round {turn + 1}: each gets its own 100 bytes back")


@check("replies that do not fit into the socket at once", "echo")
def large(subject):
    client = subject.connect(receive_buffer=4096)
    subject.step("a client with a small receive buffer connects")
    subject.exchange([(client, some("large", 4 << 20))], slow_s=0.0005)
    subject.step("4 MiB come back, byte for byte")


@check("a client that does not read keeps nobody waiting", "silent")
def slow_reader(subject):
    slow = subject.connect(receive_buffer=4096)
    slow.setblocking(False)
    end = time.monotonic() + PATIENCE_S
    data = some("slow", 1 << 16) * 256
    last, sent = time.monotonic(), 0
    while time.monotonic() < min(end, last + 0.3) and sent < len(data):
        try:
            sent += slow.send(data[sent:sent + (1 << 16)])
            last = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
        except ConnectionError as error:
            raise subject.fault(f"client A is disconnected: {error.strerror}",
                                expected="its reply waits until it reads") from None
    subject.step(f"client A sends until nothing more fits ({sent} bytes), and reads nothing")
    for i in range(3):
        subject.echo(subject.connect(), some(("slow", i), (64, 1000, 30_000)[i]), "client B")
    subject.step("clients that connect later get their replies")
    slow.settimeout(PATIENCE_S)
    subject.same(subject.receive(slow, sent, "client A"), data[:sent], "client A")
    subject.step("A reads at last, and gets its own bytes back")


@check("a client that has sent all gets all back (half-close)", "echo")
def half_close(subject):
    client = subject.connect()
    data = some("half", 50_000)
    subject.send(client, data[:20_000])
    client.shutdown(socket.SHUT_WR)
    subject.step("a client sends 20,000 bytes and shuts down its side: it will send no more")
    subject.same(subject.receive(client, 20_000), data[:20_000])
    subject.step("it gets them back")
    try:
        rest = client.recv(1)
    except TimeoutError:
        raise Timeout(f"the server has not closed the connection after {PATIENCE_S:g} s",
                      expected="recv() of 0 bytes: close the client when it has its replies",
                      got="the connection stays open") from None
    except ConnectionError as error:
        raise subject.fault(f"the connection broke: {error.strerror}",
                            expected="an orderly close") from None
    if rest:
        raise Fault("there are more bytes than were sent", got=repr(rest))
    subject.step("the server closes")


@check("a client that resets its connection", "echo")
def reset(subject):
    other = subject.connect()
    for i in range(20):
        client = subject.connect()
        subject.send(client, some(("reset", i), 1000))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    subject.step("20 clients send, and reset their connections without reading")
    subject.echo(other, some("other", 64), "another client")
    subject.step("a client from before gets its reply")
    subject.echo(subject.connect(), some("new", 64), "a new client")
    subject.step("a new one, too")


@check("100 clients at once", "two")
def many(subject):
    clients = [subject.connect() for _ in range(100)]
    subject.step("100 clients connect")
    subject.exchange([(client, some(i, 20_000)) for i, client in enumerate(clients)])
    subject.step("each gets its own 20,000 bytes back")


@check("more clients than 1,024", "many")
def thousand(subject):
    need_descriptors(1200)
    clients = []
    for i in range(1100):
        clients.append(subject.connect())
        if i % 50 == 49:
            subject.echo(clients[-1], b".", f"client {i + 1}")
    subject.step("1,100 clients connect")
    subject.exchange([(client, some(i, 100)) for i, client in enumerate(clients)])
    subject.step("each gets its own 100 bytes back")


@check("a descriptor that does not fit into an fd_set", "many")
def fd_setsize(subject):
    need_descriptors(1200)
    first = subject.connect()
    subject.echo(first, b".", "the first client")
    turned_away = 0
    for _ in range(1100):
        client = subject.connect()
        try:
            client.sendall(b".")
            turned_away += not client.recv(1)
        except ConnectionError:
            turned_away += 1
        except TimeoutError:
            raise Timeout("a client gets neither a reply nor an end",
                          expected="closed at once, as descriptor 1,024 does not fit",
                          look="turn_away(c, REFUSED_FD_SETSIZE)") from None
    if not subject.alive() or turned_away < 50:
        raise subject.fault(f"{turned_away} of 1,100 clients are turned away",
                            expected="those whose descriptor is 1,024 or more",
                            look="man 3 FD_SET: behaviour is undefined from FD_SETSIZE on")
    subject.step(f"1,100 clients connect; {turned_away} are turned away")
    subject.echo(first, some("first", 64), "the first client")
    subject.step("the first one still gets its reply")


@check("no descriptor is lost", "many")
def leaks(subject):
    subject.echo(subject.connect(), b".")
    before = subject.of_processes("fd")
    for _ in range(4):
        clients = [subject.connect() for _ in range(50)]
        for client in clients:
            subject.echo(client, b"leak?")
            client.close()
    subject.step("200 clients come and go")
    end = time.monotonic() + PATIENCE_S
    while (now := subject.of_processes("fd")) > before + 5 and time.monotonic() < end:
        time.sleep(0.02)
    if now > before + 5:
        raise Fault(f"{now - before} descriptors more are open than before",
                    expected="each client's is closed", got=f"{before} before, {now} after",
                    look="ls -l /proc/$(pidof NAME)/fd while it runs")
    subject.step("as many descriptors are open as before")


@check("a wait that a signal interrupts (EINTR)", "echo")
def interrupted(subject):
    client = subject.connect()
    subject.echo(client, b".")
    for _ in range(3):
        for number in signal.SIGSTOP, signal.SIGCONT:
            if subject.alive():
                os.kill(subject.pid, number)
            time.sleep(0.02)
    subject.step("it is stopped and continued three times (Ctrl-Z and fg): waits return EINTR")
    if not subject.alive():
        raise subject.fault("it did not go on", expected="a wait that was interrupted is "
                            "repeated", look="wait_failed() returns for EINTR")
    subject.echo(client, some("eintr", 64))
    subject.step("its client gets a reply")


@check("SIGTERM ends it, and its counters are right", "echo")
def stop(subject):
    clients = [subject.connect() for _ in range(5)]
    for i, client in enumerate(clients):
        subject.echo(client, some(i, 640))
    clients[0].close()
    time.sleep(0.1 * SCALE)
    subject.step("5 clients get 640 bytes back each; one leaves")
    counters = subject.stop()
    subject.step("it ends on SIGTERM and prints its counters")
    for name, expected in ("accepted", 5), ("bytes_in", 3200), ("bytes_out", 3200):
        if counters.get(name) != expected:
            raise Fault(f"its counter {name} is wrong", expected=str(expected),
                        got=str(counters.get(name)),
                        look="conn_did_read(), conn_did_write() and conn_end() count; each "
                             "result has to be passed once")
