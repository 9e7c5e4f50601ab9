#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Echo servers with one fault each.

The name of the program selects a class below, in lower case. Each class overrides one
part of Echo.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time


class Stop(BaseException):
    """Raised by SIGTERM"""


def stop(*_):
    raise Stop


class Echo:
    """A correct server without counters"""

    def __init__(self, port=0):
        self.message = int(sys.argv[sys.argv.index("--message") + 1]) \
            if "--message" in sys.argv else 64
        self.accepted = self.received = 0
        self.listening = socket.create_server(("127.0.0.1", port), backlog=64)

    def port(self):
        return self.listening.getsockname()[1]

    def pid(self):
        return os.getpid()

    def ready(self):
        print(f"ready model=odd host=127.0.0.1 port={self.port()} "
              f"pid={self.pid()}", flush=True)

    def requests(self):
        return self.received // self.message

    def reply(self, data):
        return data

    def select(self, selector):
        return selector.select()

    def serve(self):
        selector = selectors.DefaultSelector()
        selector.register(self.listening, selectors.EVENT_READ)
        while True:
            for key, _ in self.select(selector):
                if key.fileobj is self.listening:
                    sock, _ = self.listening.accept()
                    self.accepted += 1
                    selector.register(sock, selectors.EVENT_READ)
                    continue
                data = key.fileobj.recv(65536)
                self.received += len(data)
                reply = self.reply(data) if data else b""
                if reply:
                    key.fileobj.sendall(reply)
                else:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()

    def end(self):
        pass

    def run(self):
        signal.signal(signal.SIGTERM, stop)
        try:
            self.ready()
            self.serve()
        except Stop:
            self.end()


class Counts(Echo):
    """A correct server with counters in its closing line"""

    def counters(self):
        return {"accepted": self.accepted, "refused": 0, "requests": self.requests()}

    def end(self):
        print(json.dumps(self.counters()))


class Late(Counts):
    """Accepts its clients late, as on a busy machine"""

    def serve(self):
        time.sleep(0.7)
        super().serve()


class Plain(Echo):
    """A correct server without a ready line; its argument is the port"""

    def __init__(self):
        super().__init__(int(sys.argv[1]))

    def ready(self):
        print("Here I am.", flush=True)


# ----------------------------------------------------------------- never ready

class Hangs(Echo):
    def ready(self):
        time.sleep(1000)


class Quits(Echo):
    def ready(self):
        sys.exit("quits: the dog ate my socket")


class Unable(Echo):
    def ready(self):
        print("unable: this kernel has no such thing", file=sys.stderr)
        sys.exit(77)


class Crashes(Echo):
    def ready(self):
        os.kill(os.getpid(), signal.SIGABRT)


class Greets(Echo):
    def ready(self):
        print("Hello,\twörld \033[31m" + "o" * 1000, flush=True)
        super().ready()


class Floods(Echo):
    """100 MB, without the end of a line"""

    def ready(self):
        for _ in range(100):
            os.write(1, b"garbage \0\r\xff" * (1 << 20 >> 3))


# ----------------------------------------------------- a wrong ready line

class Impostor(Echo):
    def pid(self):
        return os.getppid()


class Elsewhere(Echo):
    """Names a port where another process listens"""

    def port(self):
        return os.environ["OTHER_PORT"]


class Nowhere(Echo):
    """Names a port where no process listens"""

    def port(self):
        port = super().port()
        self.listening.close()
        return port


# ------------------------------------------------------------- while it serves

class Dies(Echo):
    def reply(self, data):
        if self.requests() > 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        return data


class Leaves(Echo):
    """Exits with status 0 while clients are connected"""

    def reply(self, data):
        if self.requests() > 2:
            os._exit(0)
        return data


class Corrupts(Echo):
    def reply(self, data):
        return bytes(byte ^ (self.requests() > 2) for byte in data)


class Deaf(Echo):
    def serve(self):
        time.sleep(1000)


class Drops(Echo):
    """Closes connections instead of replying"""

    def reply(self, data):
        return b"" if self.requests() > 2 else data


class Chatters(Counts):
    """Floods stderr"""

    def reply(self, data):
        os.write(2, b"I have got a request!\n" * 1000)
        return data


class Adopts(Counts):
    """Starts children in sessions of their own, which would outlive it"""

    def ready(self):
        for _ in range(2):
            subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
        super().ready()


# ------------------------------------------------------------------ in a bout

class Reports(Counts):
    """Reports the CPU time that it used since it was ready"""

    def ready(self):
        super().ready()
        self.begin = time.process_time_ns()

    def counters(self):
        return {**super().counters(), "used_ns": time.process_time_ns() - self.begin}


class Turns(Reports):
    """Knows roughly which slice it serves: requests stop for a while between two.
    odd() is called with each request from the third slice on. (If no other server is left,
    there are no gaps between slices: then after a fifth of a second.)"""

    last, slices, first = 0, 0, None

    def reply(self, data):
        now = time.monotonic()
        self.first = self.first or now
        self.slices += now - self.last > 0.01
        self.last = now
        if self.slices > 2 or now - self.first > 0.2:
            self.odd()
        return data

    def odd(self):
        pass


class Alternates(Turns):
    """Uses little CPU time for the requests of one slice, and much in the next"""

    def reply(self, data):
        super().reply(data)
        end = time.thread_time() + (0.0002 if self.slices % 2 else 0.001)
        while time.thread_time() < end:
            pass
        return data


class Collapses(Turns):
    """Dies in the middle of a bout"""

    def odd(self):
        os.kill(os.getpid(), signal.SIGSEGV)


class Stalls(Turns):
    """Hangs in the middle of a bout"""

    def odd(self):
        time.sleep(1000)


class Faints(Turns):
    """Stops itself in the middle of a bout"""

    def odd(self):
        os.kill(os.getpid(), signal.SIGSTOP)


class Leaks(Turns):
    """Loses descriptors"""

    leaked = 0

    def odd(self):
        if self.leaked < 100:
            self.leaked += 1
            os.dup(1)


class Spins(Turns):
    """Never sleeps, and ignores SIGCONT. Reports how long its rests between slices were,
    and how much CPU time it used in them."""

    rest_ns = resting_ns = used = 0

    def ready(self):
        signal.signal(signal.SIGCONT, signal.SIG_IGN)
        super().ready()

    def select(self, selector):
        return selector.select(timeout=0)

    def reply(self, data):
        before, rests = self.last, self.slices
        super().reply(data)
        if self.slices > max(rests, 3):
            self.rest_ns += int((self.last - before) * 1e9)
            self.resting_ns += time.process_time_ns() - self.used
        self.used = time.process_time_ns()
        return data

    def counters(self):
        return {**super().counters(), "rest_ns": self.rest_ns,
                "resting_ns": self.resting_ns}


class Relapses(Spins):
    """Stops itself whenever it is continued"""

    def ready(self):
        signal.signal(signal.SIGCONT,
                      lambda *_: os.kill(os.getpid(), signal.SIGSTOP))
        Turns.ready(self)


class Breeds(Spins):
    """With a child process that spins, too"""

    def ready(self):
        if os.fork() == 0:
            while True:
                pass
        super().ready()


# ----------------------------------------------------------------- at its end

class Stubborn(Counts):
    def run(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.ready()
        self.serve()


class Killed(Echo):
    """Has no handler for SIGTERM, which is allowed"""

    def run(self):
        self.ready()
        self.serve()


class Complains(Echo):
    def end(self):
        sys.exit("complains: nobody thanked me")


class Exits143(Counts):
    """Exits as a JVM does on SIGTERM"""

    def end(self):
        super().end()
        sys.stdout.flush()
        os._exit(128 + signal.SIGTERM)


class Partial(Echo):
    """Counts requests only."""

    def end(self):
        print(json.dumps({"requests": self.requests(), "accepted": None}))


class PartialLies(Echo):
    """Has one counter, which is wrong"""

    def end(self):
        print(json.dumps({"requests": self.requests() + 1}))


class Texts(Echo):
    """Its counter is a string."""

    def end(self):
        print(json.dumps({"requests": "many", "accepted": self.accepted,
                          "refused": 0}))


class Lies(Counts):
    def requests(self):
        return super().requests() + 1


class Forgets(Counts):
    """Counts one client too few"""

    def end(self):
        self.accepted -= 1
        super().end()


class Mumbles(Echo):
    """Its closing line is not JSON."""

    def end(self):
        print("{requests: many}")


KINDS = {kind.__name__.lower(): kind for kind in list(globals().values())
         if isinstance(kind, type) and issubclass(kind, Echo)}

if __name__ == "__main__":
    KINDS[os.path.basename(sys.argv[0])]().run()
