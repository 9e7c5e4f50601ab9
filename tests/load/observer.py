# SPDX-License-Identifier: MIT
"""An observer: it commands the slices of bin/loadgen --hold.

    with Observer(target, "--connections", 4) as seen:
        one = seen.slice(1)          # a dict
        seen.keep()
        run = seen.finish()          # a load.Run, its report
    check_unharmed(run)
"""

import contextlib
import json
import socket

import load
from load import MS, PATIENCE_S, SLOW


def check_unharmed(run):
    """Nothing went wrong. On a busy machine replies come after the short windows."""
    assert [one for one in run.faults if "not sustained" not in one] == [], run
    assert run.status == (1 if run.reasons else 0), run
    for count in "errors", "mismatches", "unanswered", "damaged":
        assert run.json[count] == 0, (count, run)


class Observer:
    """bin/loadgen and our end of its socket; `connected`: what it said to be ready"""

    def __init__(self, target, *args, wait=True, **kwargs):
        self.end, childs = socket.socketpair()
        self.end.settimeout(PATIENCE_S * SLOW)
        self._lines = self.end.makefile("r", encoding="ascii")
        with childs:
            self.running = load.Running(target, "--hold", childs.fileno(), *args,
                                        pass_fds=[childs.fileno()], **kwargs)
        self.process = self.running.process
        try:
            self.connected = self._ready() if wait else None
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.running.__exit__()
        self._lines.close()
        self.end.close()

    def _ready(self):
        word, n = self.read_line().split()
        assert word == "ready"
        return int(n)

    def read_line(self):
        """The next line; '' at the end"""
        with contextlib.suppress(ConnectionResetError):  # it did not read all of ours
            return self._lines.readline()
        return ""

    def say(self, line):
        self.end.sendall(f"{line}\n".encode("ascii"))

    def begin(self, number, head=5 * MS, window=40 * MS):
        """Commands a slice, and does not wait for it."""
        self.say(f"slice {number} {head} {window}")

    def answer(self, number):
        """The slice that was begun"""
        word, its_number, text = self.read_line().split(" ", 2)
        assert word == "slice" and int(its_number) == number
        return json.loads(text)

    def slice(self, number, head=5 * MS, window=40 * MS):
        self.begin(number, head, window)
        return self.answer(number)

    def keep_one(self, number, **times):
        """A slice that is kept. On a busy machine a window can pass without a request:
        then it is dropped and repeated."""
        while not (one := self.slice(number, **times))["due"]:
            self.drop()
        self.keep()
        return one

    def decide(self, word):
        self.say(word)
        assert self.read_line() == "ok\n"

    def keep(self):
        self.decide("keep")

    def drop(self):
        self.decide("drop")

    def finish(self):
        """Ends the run; its report, a load.Run"""
        self.end.shutdown(socket.SHUT_WR)
        return self.running.finish()
