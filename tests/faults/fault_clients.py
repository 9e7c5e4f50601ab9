# SPDX-License-Identifier: MIT
"""Clients that check every byte they receive."""

import random
import selectors
import socket
import time

from server import PATIENCE_S


class Client:
    """Sends messages; what comes back must be the same bytes."""

    def __init__(self, server):
        self.sock = server.connect()
        self.sock.setblocking(False)
        self.port = self.sock.getsockname()[1]
        self.sent = bytearray()
        self.got = bytearray()
        self.closed = False
        self.left = False
        self._random = random.Random(self.port)

    def say(self, size):
        """Sends `size` bytes, which no other client sends."""
        if self.closed:
            return
        message = self._random.randbytes(size)
        try:
            sent = self.sock.send(message)
        except (ConnectionResetError, BrokenPipeError):
            self.closed = True
            return
        assert sent == size, "too large to be sent at once"
        self.sent += message

    def hear(self):
        """Receives what has arrived."""
        try:
            part = self.sock.recv(1 << 16)
        except BlockingIOError:
            return
        except ConnectionResetError:
            part = b""
        if not part:
            self.closed = True
        self.got += part
        assert self.sent.startswith(self.got), (
            f"client {self.port} received bytes that it did not send, at "
            f"{len(self.got)} of {len(self.sent)}")

    def leave(self):
        """Half-closes, and waits for the server to close."""
        self.left = True
        self.sock.shutdown(socket.SHUT_WR)
        assert not settle([self], lambda client: client.closed), (
            f"never closed: {self}")

    def whole(self):
        """All bytes came back."""
        return len(self.got) == len(self.sent)

    def settled(self):
        return self.closed or self.whole()

    def __repr__(self):
        return (f"<client {self.port}: sent {len(self.sent)}, got "
                f"{len(self.got)}{', closed' if self.closed else ''}>")


def settle(clients, settled=Client.settled, timeout=PATIENCE_S,
           give_up=lambda: False):
    """Receives until all are settled; returns those that are not in time."""
    end = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        for client in clients:
            if not client.closed:
                selector.register(client.sock, selectors.EVENT_READ, client)
        while True:
            waiting = [c for c in clients if not settled(c)]
            if not waiting or time.monotonic() > end or give_up():
                return waiting
            for key, _ in selector.select(0.05):
                key.data.hear()
                if key.data.closed:
                    selector.unregister(key.fileobj)


def close_all(clients):
    for client in clients:
        client.sock.close()
