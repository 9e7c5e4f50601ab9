# SPDX-License-Identifier: MIT
"""Clients: exchanges of bytes, by one client or thousands, and ways to disconnect.

Every exchange reads while it writes: a client that sends everything before it
reads can come to a standstill with a server of bounded memory.
"""

import random
import select
import socket
import struct
import time

from server import PATIENCE_S

#: What wait_accepted() sends
SIGN = b"."

#: The backlog may be as short as this on some machines.
BATCH = 100


def random_bytes(seed, size):
    """The same bytes for the same seed, others for another seed"""
    return random.Random(seed).randbytes(size)


def check_same(received, sent, who="the client"):
    """Fails with a short message, instead of a diff by pytest."""
    if received == sent:
        return
    at = next((i for i, (a, b) in enumerate(zip(received, sent)) if a != b),
              min(len(received), len(sent)))
    raise AssertionError(
        f"{who} sent {len(sent)} bytes and got {len(received)} back, the same "
        f"up to byte {at}: {bytes(received[at:at + 8])!r} is not "
        f"{bytes(sent[at:at + 8])!r}")


class Exchange:
    """The bytes that a client sends and gets back.

    It has ended "whole" when as many bytes came back as were sent, or by "eof"
    or "reset" of the server. With `half_close` the client shuts down its side
    after the last byte, and only the server ends the exchange.
    """

    def __init__(self, sock, data, half_close=False, sizes=None):
        self.sock = sock
        self.data = data
        self.received = bytearray()
        self.ended = None
        self._left = memoryview(data)
        self._half_close = half_close
        self._sizes = sizes or (lambda: len(data))
        sock.setblocking(False)

    @property
    def events(self):
        return select.EPOLLIN | (select.EPOLLOUT if self._left else 0)

    def write(self):
        try:
            sent = self.sock.send(self._left[:self._sizes()])
        except BlockingIOError:
            return
        except (ConnectionResetError, BrokenPipeError):
            self._left = self._left[:0]  # reading shows how it ended
            return
        self._left = self._left[sent:]
        if not self._left and self._half_close:
            self.sock.shutdown(socket.SHUT_WR)

    def read(self):
        try:
            part = self.sock.recv(1 << 16)
        except BlockingIOError:
            return
        except (ConnectionResetError, BrokenPipeError):
            self.ended = "reset"
            return
        self.received += part
        if not part:
            self.ended = "eof"
        elif not self._half_close and len(self.received) >= len(self.data):
            self.ended = "whole"

    def go_on(self, event):
        if event & select.EPOLLOUT and self._left:
            self.write()
        if event & ~select.EPOLLOUT:
            self.read()

    def check(self):
        """Exactly the bytes sent came back."""
        check_same(self.received, self.data, f"client {self.sock.fileno()}")
        expected = "eof" if self._half_close else "whole"
        assert self.ended == expected, f"ended by {self.ended}"

    def refused(self):
        """The server closed it without sending a byte."""
        return self.ended in ("eof", "reset") and not self.received


def carry_out(exchanges):
    """Runs all exchanges concurrently until each has ended."""
    patience = PATIENCE_S * max(1, len(exchanges) / 1000)
    epoll = select.epoll()
    running = {e.sock.fileno(): e for e in exchanges}
    for fd, exchange in running.items():
        epoll.register(fd, exchange.events)
    end = time.monotonic() + patience
    while running:
        ready = epoll.poll(max(0, end - time.monotonic()), 1000)
        if not ready and time.monotonic() >= end:
            raise AssertionError(f"{len(running)} of {len(exchanges)} clients "
                                 f"without a reply after {patience} s")
        for fd, event in ready:
            exchange = running[fd]
            events = exchange.events
            exchange.go_on(event)
            if exchange.ended:
                epoll.unregister(fd)
                del running[fd]
            elif exchange.events != events:
                epoll.modify(fd, exchange.events)
    epoll.close()
    for exchange in exchanges:
        exchange.sock.settimeout(PATIENCE_S)
    return exchanges


def echo(sock, data, **how):
    """Fails unless the server echoes `data`."""
    carry_out([Exchange(sock, data, **how)])[0].check()


def echo_all(socks, size=64, seed=0, **how):
    """Each client sends other bytes, all concurrently; fails unless it gets its
    own back. Returns the number of bytes sent."""
    exchanges = [Exchange(sock, random_bytes((seed << 20) + i, size), **how)
                 for i, sock in enumerate(socks)]
    for exchange in carry_out(exchanges):
        exchange.check()
    return size * len(socks)


def connect_many(server, count):
    """Connects `count` clients; after each batch waits until they are accepted."""
    socks = []
    for i in range(count):
        socks.append(server.connect())
        if i % BATCH == BATCH - 1:
            wait_accepted(socks[-1])
    return socks


def wait_accepted(sock):
    """Waits until the server has accepted this client, and so all earlier ones;
    false if it was refused."""
    exchange, = carry_out([Exchange(sock, SIGN)])
    return not exchange.refused()


def connect_small(server):
    """A client with small kernel buffers: if it does not read, a write of the
    server is soon short. (With still smaller ones, TCP would drop the packets
    of loopback, 64 KiB each, and take seconds.)"""
    sock = socket.socket(socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    sock.settimeout(PATIENCE_S)
    sock.connect((server.host, server.port))
    return sock


#: What push() writes repeatedly, each client from another offset. The length
#: divides no buffer size, so that misplaced bytes are detected.
PUSHED = random_bytes(0, 65521)


def pushed(client, size):
    """The first bytes that client number `client` wrote"""
    begin = client * 1000 % len(PUSHED)
    return (PUSHED * (size // len(PUSHED) + 2))[begin:begin + size]


def kernel_holds():
    """An upper bound for the bytes of a client that are in flight: the largest
    socket buffers, and 8 MiB for the buffers of client and server."""
    size = 8 << 20
    for name in ("tcp_rmem", "tcp_wmem"):
        with open(f"/proc/sys/net/ipv4/{name}", encoding="ascii") as sysctl:
            size += int(sysctl.read().split()[2])
    return size


def push(socks, stuck_after=0.3):
    """All clients write and never read, until all of them block. Returns how many
    bytes each wrote.

    The server is then blocked, too, by a short write. Fails if it never is:
    then its memory is not bounded.
    """
    most = kernel_holds()
    number = {sock.fileno(): i for i, sock in enumerate(socks)}
    written = [0] * len(socks)
    poll = select.poll()
    for sock in socks:
        sock.setblocking(False)
        poll.register(sock, select.POLLOUT)
    while ready := poll.poll(stuck_after * 1000):
        for fd, _ in ready:
            i = number[fd]
            begin = (written[i] + i * 1000) % len(PUSHED)
            try:
                written[i] += socks[i].send(PUSHED[begin:])
            except BlockingIOError:
                pass
            assert written[i] < most, (
                f"the server took {written[i]} bytes of a client that reads nothing")
    return written


def check_growth(server, memory, more, rounds, share, limit=2 << 20):
    """Fails if the server leaks. The RSS may be `limit` bytes above `memory`.

    A runtime that warms up (heaps, compiled code) grows more, but stops: one of
    `rounds` further rounds, more(i), then adds no more than twice its `share` of
    `limit`. (Twice, because a garbage collector makes memory vary.)"""
    grown = [server.resident_bytes() - memory]
    if grown[0] < limit:
        return
    for i in range(rounds):
        memory = server.resident_bytes()
        more(i)
        grown.append(server.resident_bytes() - memory)
        if grown[-1] < 2 * share * limit:
            return
    raise AssertionError(f"memory keeps growing: by {grown} bytes (limit a large "
                         "heap for this test: java -Xmx32m)")


def reset(sock):
    """Closes with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()
