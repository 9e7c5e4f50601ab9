# SPDX-License-Identifier: MIT
"""What differs between the models as their clients and operators see it, with the
reasons. Every other expectation of the tests is the same for all of them."""

#: A fixed number of clients at once: the option that sets it
FIXED_ROOM = {"prefork": "--workers"}

#: Serve each client in a process of its own, with descriptors of its own: clients do
#: not share the limit of descriptors, nor that of memory.
PROCESSES = {"process", "prefork"}

#: Take a thread or process (RLIMIT_NPROC) per client, and so many beside. aio_callback:
#: CALLBACKS, for its callbacks
THREADS_BESIDE = {"thread": 0, "aio": 0, "aio_callback": 16, "process": 0, "prefork": 0}

#: Do the work of all clients at the same time, in threads or processes
CONCURRENT_WORK = {"thread", "aio_callback", *PROCESSES}

#: A thread of the kernel polls on their account, also while they sleep
POLLED = {"uring_sqpoll"}

#: Their buffers or stacks are in the server's memory while clients are idle
MEMORY_PER_CLIENT = {"thread", "threadpool", "aio", "aio_callback", "uring", "uring_batch",
                     "uring_sqpoll"}

#: glibc can lack the thread for an operation of a client that was admitted: the client
#: is closed instead of left without a reply.
MAY_LOSE = {"aio", "aio_callback"}

#: Of idle clients: resident KiB, None if not limited. aio: glibc decides. Processes:
#: the RSS counts the pages that they share, once for each.
KIB_MAX = {"thread": 40, "aio": None, "aio_callback": None, "process": None,
           "prefork": None}
KIB_MAX_OTHERS = 8


def room_for(model, clients):
    """The options with which this many clients are served at once"""
    return (FIXED_ROOM[model], str(clients)) if model in FIXED_ROOM else ()
