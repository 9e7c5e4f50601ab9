# SPDX-License-Identifier: MIT
"""A server that was handed in, while it runs in the sandbox, and its clients."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time

from . import sandbox
from .results import Fault, Timeout

#: Times are generous, so that a busy machine fails nobody; LAB_TIME_SCALE multiplies them.
SCALE = float(os.environ.get("LAB_TIME_SCALE", 1))
PATIENCE_S = 5 * SCALE
STOP_WITHIN_S = 2 * SCALE

#: What a server may print in all
OUTPUT_MAX = 64 * 1024


def shown(data):
    """A few bytes for a person"""
    data = bytes(data)
    return f"{data[:24]!r}{'...' if len(data) > 24 else ''} ({len(data)} bytes)"


class Subject:
    """A running server; `steps` is what went well, for the feedback."""

    def __init__(self, program, *args, wrapper=()):
        self.steps = []
        self.clients = []
        self._program = program
        self._output = b""
        self._too_much = False
        words = sandbox.command([program, "--port", "0", *args], see=[program])
        read, out = os.pipe()
        self.process = subprocess.Popen([*wrapper, *words], stdin=subprocess.DEVNULL,
                                        stdout=out, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        os.close(out)
        self._pipe = read
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self._get_ready()
        except BaseException:
            self.end()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        for client in self.clients:
            client.close()
        sandbox.kill(self.process)
        if self._reader.is_alive():
            self._reader.join(1)

    # What it prints

    def _read(self):
        with open(self._pipe, "rb", buffering=0) as pipe:
            while part := pipe.read(1 << 16):
                with self._changed:
                    if len(self._output) < OUTPUT_MAX:
                        self._output += part
                    else:
                        self._too_much = True
                    self._changed.notify_all()
                if self._too_much:
                    time.sleep(0.01)  # a full pipe stops it

    def line(self, start, timeout):
        """The first line that begins with `start`; None after `timeout`"""
        def found():
            lines = self._output.split(b"\n")
            return next((of for of in lines[:-1] if of.startswith(start)), None)

        end = time.monotonic() + timeout
        with self._changed:
            while not (line := found()) and time.monotonic() < end:
                if not self._reader.is_alive():
                    break
                self._changed.wait(0.05)
            return found() and line and line.decode(errors="replace")

    def printed(self):
        return self._output.decode(errors="replace")[-2000:]

    def _get_ready(self):
        line = self.line(b"ready ", PATIENCE_S)
        if not line:
            state = self.state()
            kind = Timeout if state == "still runs" else Fault
            raise kind(f"no ready line; the server {state}", got=self.printed(),
                       expected="ready model=... host=127.0.0.1 port=... pid=...",
                       look="ready(listen_fd) prints it; serve() has to call it")
        try:
            words = dict(word.split("=", 1) for word in line.split()[1:])
            self.port = int(words["port"])
        except (KeyError, ValueError):
            raise Fault("the ready line is wrong", got=line,
                        expected="ready model=... host=127.0.0.1 port=... pid=...") from None
        self.pid = self._find()
        self.steps.append(f"it starts, and listens on port {self.port}")

    def _find(self):
        """The process of the server: the first, from the sandbox downwards, that runs its
        program. (Pid namespaces hide the number that it printed; its own children run the
        same program, and have to be counted with it.)"""
        found = [self.process.pid]
        for pid in found:
            if self._runs_program(pid):
                return pid
            found += sandbox.children(pid)
        return self.process.pid

    def _runs_program(self, pid):
        try:
            return os.readlink(f"/proc/{pid}/exe").endswith(str(self._program))
        except OSError:  # not permitted, or it has ended
            with contextlib.suppress(OSError), \
                    open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                return file.read().strip() == self._program.name
        return False

    def state(self):
        status = self.process.poll()
        if status is None:
            return "still runs"
        if status < 0 or status > 128:
            number = -status if status < 0 else status - 128
            with contextlib.suppress(ValueError):
                return f"was ended by {signal.Signals(number).name}"
        return f"has ended with exit status {status}"

    def alive(self):
        return self.process.poll() is None

    # What the kernel knows of it

    def of_processes(self, folder):
        """How many entries /proc/PID/FOLDER has, of it and its children"""
        total, pids = 0, [self.pid]
        while pids:
            pid = pids.pop()
            with contextlib.suppress(OSError):
                total += len(os.listdir(f"/proc/{pid}/{folder}"))
            pids += sandbox.children(pid)
        return total

    # Clients

    def step(self, text):
        self.steps.append(text)

    def connect(self, receive_buffer=None):
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(PATIENCE_S)
        self.clients.append(client)
        try:
            client.connect(("127.0.0.1", self.port))
        except OSError as error:
            raise Fault(f"a client could not connect: {error}; the server {self.state()}",
                        got=self.printed() or None) from None
        return client

    def fault(self, what, **more):
        """What went wrong, with the state of the server if it has ended"""
        if not self.alive():
            what += f"; the server {self.state()}"
            more.setdefault("got", self.printed() or None)
        return Fault(what, **more)

    def receive(self, client, size, who="the client"):
        """Exactly `size` bytes"""
        data = bytearray()
        try:
            while len(data) < size:
                part = client.recv(min(size - len(data), 1 << 16))
                if not part:
                    raise self.fault(f"the server closed the connection of {who}",
                                     expected=f"{size} bytes", got=shown(data))
                data += part
        except TimeoutError:
            kind = Timeout if self.alive() else Fault
            raise kind(f"{who} waits for a reply for {PATIENCE_S:g} s",
                       expected=f"{size} bytes", got=shown(data)) from None
        except ConnectionError as error:
            raise self.fault(f"the connection of {who} broke: {error.strerror}",
                             expected=f"{size} bytes", got=shown(data)) from None
        return bytes(data)

    def send(self, client, data, who="the client"):
        try:
            client.sendall(data)
        except OSError as error:
            raise self.fault(f"{who} could not send: {error}") from None

    def same(self, got, sent, who="the client"):
        if got == sent:
            return
        at = next(i for i, pair in enumerate(zip(got, sent)) if pair[0] != pair[1])
        raise Fault(f"{who} got other bytes back than it sent, from byte {at} on",
                    expected=shown(sent[at:]), got=shown(got[at:]))

    def echo(self, client, data, who="the client"):
        """Sends and gets the same back"""
        self.send(client, data, who)
        self.same(self.receive(client, len(data), who), data, who)

    def exchange(self, pairs, slow_s=0, who="a client"):
        """All (client, data) at once, reading while they write: a server has to do the
        same. `slow_s`: pauses of the reader, so that replies do not fit the socket."""
        poll = select.epoll()
        left = {}
        for client, data in pairs:
            client.setblocking(False)
            left[client.fileno()] = [client, memoryview(data), bytearray(), data]
            poll.register(client, select.EPOLLIN | select.EPOLLOUT)
        last = time.monotonic()
        while left:
            for fd, events in poll.poll(0.1):
                moved = self._move(left[fd], events, who)
                if moved:
                    last = time.monotonic()
                client, rest, got, data = left[fd]
                if not rest:
                    poll.modify(fd, select.EPOLLIN)
                if len(got) >= len(data):
                    self.same(bytes(got), bytes(data), who)
                    poll.unregister(fd)
                    del left[fd]
            if time.monotonic() - last > PATIENCE_S:
                _, rest, got, data = next(iter(left.values()))
                kind = Timeout if self.alive() else Fault
                raise kind(f"{len(left)} of {len(pairs)} clients get nothing more for "
                           f"{PATIENCE_S:g} s", expected=f"{len(data)} bytes",
                           got=f"{len(got)} bytes back of {len(data) - len(rest)} sent")
            time.sleep(slow_s)
        for client, _ in pairs:
            client.settimeout(PATIENCE_S)

    def _move(self, client, events, who):
        sock, rest, got, data = client
        moved = 0
        try:
            if events & select.EPOLLOUT and rest:
                moved = sock.send(rest[:1 << 18])
                client[1] = rest[moved:]
            if events & ~select.EPOLLOUT:
                part = sock.recv(1 << 16)
                if not part:
                    raise self.fault(f"the server closed the connection of {who}",
                                     expected=f"{len(data)} bytes",
                                     got=f"{len(got)} bytes")
                got += part
                moved += len(part)
        except BlockingIOError:
            pass
        except ConnectionError as error:
            raise self.fault(f"the connection of {who} broke: {error.strerror}",
                             expected=f"{len(data)} bytes", got=f"{len(got)} bytes") from None
        return moved

    # Its end

    def stop(self):
        """SIGTERM; returns the closing line as an object."""
        begin = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        line = self.line(b"{", STOP_WITHIN_S)
        while self.alive() and time.monotonic() < begin + STOP_WITHIN_S:
            time.sleep(0.01)
        if self.alive():
            raise Timeout(f"it still runs {STOP_WITHIN_S:g} s after SIGTERM",
                          look="`stopping` is set then, and a wait returns; serve() has to "
                               "look at it, drop all clients and return")
        try:
            return json.loads(line)
        except (TypeError, ValueError):
            raise Fault(f"no closing line; the server {self.state()}", got=self.printed(),
                        expected="one line of JSON",
                        look="serve() has to return 0, and main() prints it") from None
