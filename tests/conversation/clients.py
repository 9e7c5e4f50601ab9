# SPDX-License-Identifier: MIT
"""Clients: exchanges of bytes, one or thousands at once, and ways to leave.

No exchange writes everything before it reads anything: with a server whose
memory is bounded such a client comes to a standstill, and rightly so.
"""

import random
import select
import socket
import struct
import time

from server import PATIENCE_S

#: What wait_accepted() sends, for those who count bytes.
SIGN = b"."

#: Queues of waiting clients may be as short as this on some machines.
BATCH = 100


def random_bytes(seed, size):
    """The same for the same seed, and like no other seed's."""
    return random.Random(seed).randbytes(size)


def check_same(received, sent, who="the client"):
    """Fails where the two differ; comparing is all pytest should do of it."""
    if received == sent:
        return
    at = next((i for i, (a, b) in enumerate(zip(received, sent)) if a != b),
              min(len(received), len(sent)))
    raise AssertionError(
        f"{who} sent {len(sent)} bytes and got {len(received)} back, the same "
        f"up to byte {at}: {bytes(received[at:at + 8])!r} is not "
        f"{bytes(sent[at:at + 8])!r}")


class Exchange:
    """One client's part: the bytes it sends, and those that came back.

    It ends "whole" when as many came back as there were; with `half_close`
    only the server's end of the stream after that ends it. Or the server ends
    it early, by "eof" or "reset".
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
            self._left = self._left[:0]  # reading will tell how it ended
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
        """Every byte came back, and nothing else."""
        check_same(self.received, self.data, f"client {self.sock.fileno()}")
        expected = "eof" if self._half_close else "whole"
        assert self.ended == expected, f"ended by {self.ended}"

    def refused(self):
        """The server closed it without a byte."""
        return self.ended in ("eof", "reset") and not self.received


def carry_out(exchanges, patience=PATIENCE_S):
    """Sends and receives for all of them at once until each has ended."""
    epoll = select.epoll()
    running = {e.sock.fileno(): e for e in exchanges}
    for fd, exchange in running.items():
        epoll.register(fd, exchange.events)
    end = time.monotonic() + patience
    while running:
        ready = epoll.poll(max(0, end - time.monotonic()), 1000)
        if not ready and time.monotonic() >= end:
            raise AssertionError(f"{len(running)} of {len(exchanges)} clients "
                                 f"wait after {patience} s for an answer")
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
    """Sends `data`, and fails unless it comes back."""
    carry_out([Exchange(sock, data, **how)])[0].check()


def echo_all(socks, size=64, seed=0, **how):
    """Every client sends something else, all at once; fails unless it is
    what comes back. The number of bytes sent."""
    exchanges = [Exchange(sock, random_bytes((seed << 20) + i, size), **how)
                 for i, sock in enumerate(socks)]
    for exchange in carry_out(exchanges):
        exchange.check()
    return size * len(socks)


def connect_many(server, count):
    """`count` clients, no faster than they are accepted: after each batch the
    last one is asked for a sign of life (or of refusal)."""
    socks = []
    for i in range(count):
        socks.append(server.connect())
        if i % BATCH == BATCH - 1:
            wait_accepted(socks[-1])
    return socks


def wait_accepted(sock):
    """Until the server has dealt with this client, and so, since clients are
    accepted in the order in which they came, with all before it."""
    exchange, = carry_out([Exchange(sock, SIGN)])
    return not exchange.refused()


def connect_small(server):
    """A client whose kernel buffers hold little: what it does not read soon
    fills them, and the server's next write does not fit. (Less than a few of
    loopback's packets of 64 KiB, and it would go on by drops for seconds.)"""
    sock = socket.socket(socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    sock.settimeout(PATIENCE_S)
    sock.connect((server.host, server.port))
    return sock


#: What push() writes, over and over; each client begins somewhere else. Its
#: length fits no buffer: bytes out of their place are seen.
PUSHED = random_bytes(0, 65521)


def pushed(client, size):
    """The first bytes of what the how-many-th client wrote."""
    begin = client * 1000 % len(PUSHED)
    return (PUSHED * (size // len(PUSHED) + 2))[begin:begin + size]


def kernel_holds():
    """What may be under way of one client's bytes, at most: the kernel makes
    its buffers larger, up to this, where there is much to do. (Here is 8 MiB
    more, for the client's own and whatever the server has.)"""
    size = 8 << 20
    for name in ("tcp_rmem", "tcp_wmem"):
        with open(f"/proc/sys/net/ipv4/{name}", encoding="ascii") as sysctl:
            size += int(sysctl.read().split()[2])
    return size


def push(socks, stuck_after=0.3):
    """All write and never read, until none of them can go on. How many bytes
    each has written.

    Some MiB are in the kernel then, and the server is stuck, too: its send
    does not fit. Fails where it takes whatever comes and never gets stuck.
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
                f"the server took {written[i]} bytes of one who reads nothing")
    return written


def check_growth(server, memory, more, rounds, share):
    """What was done since `memory` was resident leaks nothing: 2 MiB more at
    most. Or it was a runtime that warms up (heaps, compiled code), which ends:
    one of so many rounds of the same, more(i), adds no more than twice its
    `share` of that, as a collector lets memory go up and down."""
    limit = 2 << 20
    grown = [server.resident_bytes() - memory]
    if grown[0] < limit:
        return
    for i in range(rounds):
        memory = server.resident_bytes()
        more(i)
        grown.append(server.resident_bytes() - memory)
        if grown[-1] < 2 * share * limit:
            return
    raise AssertionError(f"memory grows, and does not cease to: by {grown} "
                         "bytes (a heap that is only large can be limited for "
                         "this: java -Xmx32m)")


def reset(sock):
    """Closes so that the server sees a reset and not the end of a stream."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()
