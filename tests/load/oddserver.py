# SPDX-License-Identifier: MIT
"""The odd server: makes known errors, and records them.

    with OddServer("--message", "64", "--delay", "2ms") as odd:
        ...                          # the load generator, against odd.port
        counters = odd.stop()        # a dict
        for record in odd.records:   # one per request
            record.took_ns

`oddserver --help` says what it can do wrong; tests/load/oddserver.c is its
source, compiled here when it is needed.
"""

import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import typing

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import server  # noqa: E402
from server import PATIENCE_S, TOP  # noqa: E402

PROGRAM = TOP / "build/release/load/oddserver"
SOURCES = [TOP / "tests/load/oddserver.c", TOP / "harness/base/units.c",
           TOP / "harness/base/die.c"]
HEADERS = [TOP / "harness/base/units.h", TOP / "harness/base/die.h"]
CFLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-O2", "-g", "-Wall", "-Wextra",
          "-Wshadow", "-Wmissing-prototypes", "-Wstrict-prototypes",
          f"-I{TOP}", f"-I{TOP}/models"]

#: Bits of Record.odd
DELAY2, FLIPPED, DROPPED, REPEATED, SWAPPED = 1, 2, 4, 8, 16


class Record(typing.NamedTuple):
    """One request, as recorded by the server; in order of arrival"""

    client: int   # number of the connection, in order of accept, from 0
    request: int  # its number on that connection, from 0
    read_ns: int  # CLOCK_MONOTONIC (time.monotonic_ns) when all of it was read
    sent_ns: int  # just before the first send of its reply; 0 if there is none
    odd: int      # what was done about it: DELAY2 | FLIPPED | ...
    flipped: int  # bits

    @property
    def took_ns(self):
        """From request to reply; None: it was not answered"""
        return self.sent_ns - self.read_ns if self.sent_ns else None


#: struct record in oddserver.c
LAYOUT = struct.Struct("=IIqqII")


def build():
    """Compiles the server if it is missing or older than its source."""
    if PROGRAM.exists() and PROGRAM.stat().st_mtime_ns > max(
            path.stat().st_mtime_ns for path in [*SOURCES, *HEADERS]):
        return PROGRAM
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    # Tests that run in parallel build it under names of their own. The last one
    # replaces the program, which does not affect processes that run it.
    with tempfile.TemporaryDirectory(dir=PROGRAM.parent) as folder:
        made = pathlib.Path(folder) / PROGRAM.name
        subprocess.run([os.environ.get("CC", "cc"), *CFLAGS, *SOURCES, "-o",
                        made], check=True)
        made.rename(PROGRAM)
    return PROGRAM


class OddServer(server.Server):
    """A running odd server, given its options; see server.Server.

    As a context manager it does not outlive its block, and it ends with this
    process however that ends. Its `counters` and `records` are there after
    stop().
    """

    def __init__(self, *args, **kwargs):
        self.records = None
        path = build()
        number, log = tempfile.mkstemp(prefix="oddserver.", suffix=".log")
        os.close(number)
        self._log = pathlib.Path(log)
        try:
            super().__init__(path, "--log", log, "--with-parent",
                             *map(str, args), **kwargs)
        except BaseException:
            self._log.unlink(missing_ok=True)
            raise
        self.foreign = False  # it has to print counters and to exit with 0
        if self.ready["model"] != "oddserver":
            self.kill()
            raise server.ServerError(f"not the odd server: {self.ready}")

    def finish(self, within=PATIENCE_S, signo=signal.SIGTERM):
        super().finish(within, signo)
        self.records = [Record(*fields) for fields in
                        LAYOUT.iter_unpack(self._log.read_bytes())]
        return self.counters

    @staticmethod
    def _check_counters(counters):
        """Its counters differ from those of a model."""
        if counters.get("model") != "oddserver":
            raise server.ServerError(f"not the odd server's: {counters}")

    def kill(self):
        super().kill()
        self.close_clients()
        self._log.unlink(missing_ok=True)
