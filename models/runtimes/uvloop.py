# SPDX-License-Identifier: MIT
"""
uvloop.py - one thread; libuv's event loop calls a protocol object per client

Waits in:     asyncio.run(), which calls libuv's uv_run, which calls epoll_wait(2)
Learns:       completion: the bytes that were read; inside, readiness and then read
Per request:  read + write, and a share of one epoll_wait
Costs:        interpreted code for the protocol; the loop and the sockets are compiled
Limits:       descriptors (RLIMIT_NOFILE); one thread
Compare with: asyncio.py - the same protocol, the loop in Python; libuv.c - the same
              loop, without Python
Try:          strace -c bin/uvloop
"""
import asyncio
import signal

import uvloop

from runtime import BACKLOG, HOST, PORT, admit, clients, finish, ready, stop

SPACE = 16 * 1024


class Echo(asyncio.BufferedProtocol):
    """A client"""

    def connection_made(self, transport):
        self.transport, self.unsent = transport, 0
        self.space = memoryview(bytearray(SPACE))
        self.c = admit(self)
        if not self.c:
            transport.abort()
            return
        # So that pause_writing() follows as soon as a reply does not fit.
        transport.set_write_buffer_limits(high=0)

    def get_buffer(self, size):
        return self.space

    def buffer_updated(self, n):
        self.c.bytes_in += n
        self.c.reads += 1
        self.transport.write(self.space[:n])  # stays there: see pause_writing()

    def pause_writing(self):
        self.unsent = self.transport.get_write_buffer_size()
        self.transport.pause_reading()

    def resume_writing(self):
        self.unsent = 0
        self.transport.resume_reading()

    def drop(self):
        self.unsent = self.transport.get_write_buffer_size()
        self.transport.abort()

    def connection_lost(self, error):
        if self.c:
            self.c.bytes_out = self.c.bytes_in - self.unsent
            self.c.end(error)


async def serve():
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for signo in signal.SIGTERM, signal.SIGINT:
        loop.add_signal_handler(signo, stopped.set)
    server = await loop.create_server(Echo, HOST, PORT, backlog=BACKLOG)
    ready("uvloop", server.sockets[0])
    await stopped.wait()
    server.close()
    for client in stop():
        client.drop()
    while clients:
        await asyncio.sleep(0)
    finish("uvloop")


uvloop.install()
asyncio.run(serve())
