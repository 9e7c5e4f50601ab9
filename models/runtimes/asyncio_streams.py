# SPDX-License-Identifier: MIT
"""
asyncio_streams.py - one thread; a coroutine per client awaits each read and write

Waits in:     asyncio.run(), which calls epoll_wait(2)
Learns:       completion: read() returns bytes; inside, readiness and then recv
Per request:  recv + send, a switch to the coroutine, and shares of two epoll_wait: it
              runs in the next turn of the loop
Costs:        interpreted code; what arrives is copied to a buffer and from it; 256 KiB
              are allocated for each read and given back: mmap, mremap, munmap
Limits:       descriptors (RLIMIT_NOFILE); one thread
Compare with: asyncio.py - no coroutine and no buffer between; uvloop_streams.py - the
              same coroutine on libuv's loop; ../variants/coro.c - await in C
Try:          strace -c bin/asyncio_streams
"""
import asyncio
import signal

from runtime import BACKLOG, HOST, PORT, admit, finish, ready, stop

SPACE = 16 * 1024


async def echo(c, reader, writer):
    """Until the client has ended"""
    while data := await reader.read(SPACE):
        c.bytes_in += len(data)
        c.reads += 1
        writer.write(data)
        try:
            await writer.drain()
        finally:
            c.bytes_out = c.bytes_in - writer.transport.get_write_buffer_size()


async def serve_client(reader, writer):
    c, error = admit(asyncio.current_task()), None
    if not c:
        writer.transport.abort()
        return
    # So that drain() waits until the whole reply is sent.
    writer.transport.set_write_buffer_limits(high=0)
    try:
        await echo(c, reader, writer)
    except (OSError, asyncio.CancelledError) as reason:
        error = reason
        writer.transport.abort()
    writer.close()
    c.end(error)


async def serve():
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for signo in signal.SIGTERM, signal.SIGINT:
        loop.add_signal_handler(signo, stopped.set)
    server = await asyncio.start_server(serve_client, HOST, PORT, backlog=BACKLOG,
                                        limit=SPACE)
    ready("asyncio_streams", server.sockets[0])
    await stopped.wait()
    server.close()
    tasks = stop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    finish("asyncio_streams")


asyncio.run(serve())
