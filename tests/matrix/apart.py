#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""apart.py PROGRAM...: runs a program in network and mount namespaces of its own.

bin/matrix locks the machine by a socket of its network namespace. So two runs in two
namespaces may measure at once.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def own_namespaces():
    """Moves this process into new namespaces; False: it is not allowed to."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) < 0:
        return False
    libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)
    with socket.socket() as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
    return True


if __name__ == "__main__":
    if not own_namespaces():
        sys.exit("apart.py: unshare: not permitted")
    os.execv(sys.argv[1], sys.argv[1:])
