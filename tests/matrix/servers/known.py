#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""known.py US...: an echo server that uses so many us of CPU time for each request.

With several numbers, the next one applies after each pause, as there is one between two
slices. Its closing line has `phases`: [requests, us] since the last change.
"""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import odd  # noqa: E402

PAUSE_S = 0.02


class Known(odd.Counts):
    def __init__(self):
        super().__init__()
        self.costs = [int(word) for word in sys.argv[1:sys.argv.index("--port")]]
        self.phases, self.last = [], 0

    def reply(self, data):
        end = time.thread_time()
        if not self.phases or time.monotonic() - self.last > PAUSE_S:
            self.phases.append([0, self.costs[len(self.phases) % len(self.costs)]])
        self.phases[-1][0] += 1
        end += self.phases[-1][1] / 1e6
        while time.thread_time() < end:
            pass
        self.last = time.monotonic()
        return data

    def end(self):
        print(json.dumps({"accepted": self.accepted, "refused": 0,
                          "requests": self.requests(), "phases": self.phases}))


Known().run()
