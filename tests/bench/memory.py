# SPDX-License-Identifier: MIT
"""RSS of a server per idle client, after it exchanged a message. Kernel memory
(sockets, threads) is not included.

  make bench-memory
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import forms  # noqa: E402
import server  # noqa: E402

CLIENTS = 900
MESSAGES = [128, 4096, 16384]


def exchange(clients, size):
    for client in clients:
        client.sendall(bytes(size))
        assert len(server.receive(client, size)) == size


def settled_bytes(one):
    """The RSS once it is stable"""
    before = -1
    while before != one.resident_bytes():
        before = one.resident_bytes()
        time.sleep(0.1)
    return before


def bytes_per_client(model, size, clients=CLIENTS):
    with server.Server(model, *forms.room_for(model, clients + 10)) as one:
        first = [one.connect() for _ in range(10)]
        exchange(first, size)
        before = settled_bytes(one)
        others = [one.connect() for _ in range(clients)]
        exchange(others, size)
        grown = settled_bytes(one) - before
        for client in first + others:
            client.close()
    return grown / clients


def main():
    print(f"resident KiB a client, {CLIENTS} clients, after one message of")
    print("".join([f"{'':10}"] + [f"{size:>8} B" for size in MESSAGES]))
    for model in server.models():
        row = [bytes_per_client(model, size) / 1024 for size in MESSAGES]
        print("".join([f"{model:10}"] + [f"{kib:10.1f}" for kib in row]))


if __name__ == "__main__":
    main()
