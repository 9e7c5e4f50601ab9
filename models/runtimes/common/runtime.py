# SPDX-License-Identifier: MIT
"""What the servers in Python share: arguments, ready line, counters."""

import json
import os
import sys
import time

# As models/runtimes/start passes them; 0: no limit, a request is what one read returns
HOST, PORT, MESSAGE, MAX_CLIENTS = (sys.argv[1:] + ["127.0.0.1", 0, 0, 0])[:4]
PORT, MESSAGE, MAX_CLIENTS = int(PORT), int(MESSAGE), int(MAX_CLIENTS)
BACKLOG = 4096

clients = set()
totals = {"accepted": 0, "refused": 0, "requests": 0, "bytes_in": 0, "bytes_out": 0}
closed = {"eof": 0, "reset": 0, "error": 0, "stop": 0}
stopping = False


class Client:
    """The counters of a client"""

    def __init__(self, owner):
        self.owner = owner
        self.bytes_in = self.bytes_out = self.reads = 0
        totals["accepted"] += 1
        clients.add(self)

    def end(self, error=None):
        """Adds them to the totals."""
        clients.discard(self)
        totals["requests"] += self.bytes_in // MESSAGE if MESSAGE else self.reads
        totals["bytes_in"] += self.bytes_in
        totals["bytes_out"] += self.bytes_out
        closed["stop" if stopping else "eof" if error is None else "reset" if isinstance(
            error, (ConnectionResetError, BrokenPipeError)) else "error"] += 1


def admit(owner):
    """A client, or None: there are --max-clients already, or it comes after the stop"""
    if stopping:
        return None
    if MAX_CLIENTS and len(clients) >= MAX_CLIENTS:
        totals["refused"] += 1
        return None
    return Client(owner)


def ready(model, listener):
    host, port = listener.getsockname()[:2]
    print(f"ready model={model} host={host} port={port} pid={os.getpid()}", flush=True)


def stop():
    """Every close from now on counts as caused by the stop. Returns what remains."""
    global stopping
    stopping = True
    return [client.owner for client in clients]


def finish(model):
    """Prints the closing line; null: not known."""
    print(json.dumps({
        "model": model, **totals,
        "refused_by": {"limit": totals["refused"], "descriptors": None, "threads": None},
        "closed": closed, "cpu_ns": time.process_time_ns()}), flush=True)
