# SPDX-License-Identifier: MIT
"""The odd server does what it says, and its record is what it did.

The tests of the load generator rely on this record. No test here has an upper limit on
times: a delay is a lower bound.
"""

import collections
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time

import oddserver
import pytest
from oddserver import (DELAY2, DROPPED, FLIPPED, REPEATED, SWAPPED,
                       OddServer)
from server import PATIENCE_S, eventually, receive

MS = 1_000_000
SIZE = 16


def messages(count, size=SIZE, seed=1):
    """Different messages, in which no byte equals the next"""
    draw = random.Random(seed)
    made = [bytes(draw.sample(range(256), size)) for _ in range(count)]
    assert len(set(made)) == count
    return made


def ask(sock, parts):
    """Sends all, and receives the same number of bytes."""
    sock.sendall(b"".join(parts))
    return receive(sock, sum(map(len, parts)))


def rest(sock):
    """All bytes until the server closes or resets, and which it does"""
    got = b""
    while True:
        try:
            part = sock.recv(1 << 16)
        except ConnectionResetError:
            return got, "reset"
        if not part:
            return got, "eof"
        got += part


def stop(odd, size=SIZE):
    """Stops it; its counters have to agree with its records."""
    counters = odd.stop()
    records = odd.records
    answered = [record for record in records if record.sent_ns]
    assert len(records) == counters["requests"]
    assert len(answered) == counters["replies"]
    assert sum(r.flipped for r in records) == counters["flipped_bits"]
    for bit, name in [(DELAY2, "delay2"), (DROPPED, "dropped_bytes"),
                      (REPEATED, "repeated"), (SWAPPED, "swapped")]:
        assert sum(bool(r.odd & bit) for r in records) == counters[name], name
    for record in records:
        assert bool(record.odd & FLIPPED) == (record.flipped > 0)
    for record in answered:
        assert record.took_ns >= 0
    if size:
        assert counters["bytes_out"] == (counters["replies"] +
                                         counters["repeated"]) * size - (
                                             counters["dropped_bytes"])
    return counters


# An honest record


def test_echo_and_its_record():
    with OddServer("--message", SIZE) as odd:
        first, second = odd.connect(), odd.connect()
        times = []
        for turn in range(3):
            for client in (first, second):
                begin = time.monotonic_ns()
                (said,) = messages(1, seed=turn)
                assert ask(client, [said]) == said
                times.append((begin, time.monotonic_ns()))
        counters = stop(odd)
    assert [(r.client, r.request) for r in odd.records] == [
        (0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]
    for record, (begin, end) in zip(odd.records, times):
        assert begin <= record.read_ns <= record.sent_ns <= end
        assert record.odd == 0
    assert counters["accepted"] == 2
    assert counters["bytes_in"] == counters["bytes_out"] == 6 * SIZE


def test_a_request_is_read_with_its_last_byte():
    with OddServer("--message", 4) as odd:
        client = odd.connect()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lasts = []
        for i, byte in enumerate(b"abcdefgh"):
            if i % 4 == 3:
                time.sleep(0.02)
                lasts.append(time.monotonic_ns())
            client.sendall(bytes([byte]))
        assert receive(client, 8) == b"abcdefgh"
        stop(odd, 4)
    assert len(odd.records) == 2
    for record, last in zip(odd.records, lasts):
        assert record.read_ns >= last


def test_without_message_a_read_is_a_request():
    with OddServer() as odd:
        client = odd.connect()
        for said in (b"a", b"abc" * 1000):
            assert ask(client, [said]) == said
        counters = stop(odd, None)
    assert counters["bytes_out"] == 3001
    assert 2 <= counters["requests"] <= 3000


def test_replies_that_do_not_fit():
    """A client reads late: what does not fit into the socket is sent later."""
    size = 16 << 20  # more than any socket holds
    said = random.Random(1).randbytes(size)
    with OddServer("--message", size) as odd:
        clients = [odd.connect() for _ in range(2)]
        for client in clients:
            client.sendall(said)  # it is read, though its reply cannot go out
        for client in clients:
            assert receive(client, size) == said
        counters = stop(odd, size)
    assert counters["sends"] > counters["replies"] == 2


def test_end_of_a_client():
    """After a half-close a client is still answered, after a reset it is not."""
    said = messages(3)
    with OddServer("--message", SIZE, "--delay", "20ms") as odd:
        client = odd.connect()
        client.sendall(b"".join(said))
        client.shutdown(socket.SHUT_WR)
        assert rest(client) == (b"".join(said), "eof")
        client = odd.connect()
        client.sendall(said[0])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))
        client.close()
        other = odd.connect()
        assert ask(other, said) == b"".join(said)
        counters = stop(odd)
    assert counters["client_eof"] == counters["client_reset"] == 1


# Late


def test_delay():
    said = messages(20)
    with OddServer("--message", SIZE, "--delay", "10ms") as odd:
        client = odd.connect()
        for one in said:
            begin = time.monotonic_ns()
            assert ask(client, [one]) == one
            assert time.monotonic_ns() - begin >= 10 * MS
        stop(odd)
    for record in odd.records:
        assert record.took_ns >= 10 * MS


def test_delays_of_a_connection_do_not_add_up():
    """Each delay starts with its own request."""
    said = messages(50)
    with OddServer("--message", SIZE, "--delay", "100ms") as odd:
        client = odd.connect()
        begin = time.monotonic()
        assert ask(client, said) == b"".join(said)
        assert time.monotonic() - begin < 50 * 0.1 / 2
        stop(odd)
    assert min(r.took_ns for r in odd.records) >= 100 * MS


def test_connections_do_not_wait_for_each_other():
    """A slow request delays later ones of its own connection only."""
    with OddServer("--message", 1, "--delay2", "400ms", "--percent", "3%",
                   "--seed", 7) as odd:
        clients = [odd.connect() for _ in range(50)]
        for client in clients:
            client.sendall(bytes(4))
        for client in clients:
            assert receive(client, 4) == bytes(4)
        stop(odd, 1)
    slow = {r.client for r in odd.records if r.odd & DELAY2}
    assert 0 < len(slow) < 25
    fast = [r for r in odd.records if r.client not in slow]
    assert max(r.sent_ns for r in fast) < min(
        r.sent_ns for r in odd.records if r.odd & DELAY2)
    for client in slow:
        of_client = [r for r in odd.records if r.client == client]
        at = next(i for i, r in enumerate(of_client) if r.odd & DELAY2)
        for before, after in zip(of_client[at:], of_client[at + 1:]):
            assert before.sent_ns <= after.sent_ns
        assert of_client[at].took_ns >= 400 * MS


def test_clients_that_leave_delay_nobody():
    """Replies are sent in the order in which they are due, whichever clients leave."""
    with OddServer("--message", 1, "--delay", "150ms", "--delay2", "500ms",
                   "--percent", "60%") as odd:
        clients = [odd.connect() for _ in range(200)]
        for client in clients:
            client.sendall(b"x")
        random.Random(1).shuffle(clients)
        time.sleep(0.03)
        for client in clients[100:]:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                              struct.pack("ii", 1, 0))
            client.close()
        for client in clients[:100]:
            assert receive(client, 1) == b"x"
        counters = stop(odd, 1)
    assert counters["client_reset"] > 0
    early, late = ([r.sent_ns for r in odd.records
                    if r.sent_ns and r.odd & DELAY2 == which]
                   for which in (0, DELAY2))
    assert len(early) > 20 and len(late) > 20
    assert max(early) < min(late)


def two_valued(seed):
    said = messages(1000)
    with OddServer("--message", SIZE, "--delay", "2ms", "--delay2", "60ms",
                   "--percent", "10%", "--seed", seed) as odd:
        client = odd.connect()
        assert ask(client, said) == b"".join(said)
        stop(odd)
    for record in odd.records:
        assert record.took_ns >= (60 if record.odd & DELAY2 else 2) * MS
    return [r.request for r in odd.records if r.odd & DELAY2]


def test_two_delays():
    drawn = two_valued(1)
    assert 60 < len(drawn) < 140
    assert two_valued(1) == drawn
    assert two_valued(2) != drawn


def test_thousands_outstanding():
    """Replies of 100 connections are due in turn, and all come."""
    rounds, each = 20, 5
    with OddServer("--message", 8, "--delay", "300ms") as odd:
        clients = [odd.connect() for _ in range(100)]
        sent = collections.defaultdict(bytes)
        draw = random.Random(1)
        for _ in range(rounds):
            draw.shuffle(clients)
            for client in clients:
                said = draw.randbytes(8 * each)
                sent[client] += said
                client.sendall(said)
        for client in clients:
            assert receive(client, len(sent[client])) == sent[client]
        stop(odd, 8)
    assert len(odd.records) == 100 * rounds * each
    took = sorted(r.took_ns for r in odd.records)
    assert took[0] >= 300 * MS
    assert took[len(took) // 2] < 600 * MS
    by_client = collections.defaultdict(list)
    for record in odd.records:
        by_client[record.client].append((record.request, record.sent_ns))
    for sends in by_client.values():
        assert [s[0] for s in sends] == list(range(rounds * each))
        assert sends == sorted(sends, key=lambda s: s[1])
    changes = sorted((r.read_ns, 1) for r in odd.records)
    changes += sorted((r.sent_ns, -1) for r in odd.records)
    outstanding = most = 0
    for _, change in sorted(changes):
        outstanding += change
        most = max(most, outstanding)
    assert most > 2000


def test_stall():
    with OddServer("--message", 1, "--stall-at", "100ms", "--stall",
                   "300ms") as odd:
        time.sleep(0.15)  # what counts is the first request, not the start
        clients = [odd.connect() for _ in range(2)]
        end = time.monotonic() + 0.9
        while time.monotonic() < end:
            for client in clients:
                client.sendall(b"x")
            for client in clients:
                assert receive(client, 1) == b"x"
        counters = stop(odd, 1)
    begin, end = counters["stall_begin_ns"], counters["stall_end_ns"]
    assert begin >= odd.records[0].read_ns + 100 * MS
    assert end - begin >= 300 * MS
    sends = [r.sent_ns for r in odd.records]
    for moment in sends + [r.read_ns for r in odd.records]:
        assert not begin < moment < end
    assert min(sends) < begin and max(sends) > end
    gaps = [b - a for a, b in zip(sends, sends[1:])]
    assert sum(gap >= 300 * MS for gap in gaps) == 1, "once"


def test_stall_from_the_first_request():
    with OddServer("--message", 1, "--stall", "100ms") as odd:
        assert ask(odd.connect(), [b"x"]) == b"x"
        stop(odd, 1)
    assert odd.records[0].took_ns >= 100 * MS


def test_stop_in_a_stall():
    with OddServer("--message", 1, "--stall", "1000s") as odd:
        odd.connect().sendall(b"x")
        time.sleep(0.05)
        counters = stop(odd, 1)
    assert counters["requests"] == 1 and counters["replies"] == 0
    assert 0 < counters["stall_end_ns"] - counters["stall_begin_ns"]


# Wrong


def flips(seed, every):
    """Sends 200,000 bytes; returns the places of flipped bits."""
    said = b"".join(messages(2000, 100))
    with OddServer("--message", 100, "--flip", every, "--seed", seed) as odd:
        client = odd.connect()
        got = b""
        for at in range(0, len(said), 10_000):
            got += ask(client, [said[at:at + 10_000]])
        counters = stop(odd, 100)
    wrong = [8 * i + bit for i, (a, b) in enumerate(zip(said, got))
             if a != b for bit in range(8) if (a ^ b) >> bit & 1]
    assert counters["flipped_bits"] == len(wrong)
    per_reply = collections.Counter(at // 800 for at in wrong)
    assert [r.flipped for r in odd.records] == [per_reply[i]
                                                for i in range(2000)]
    return wrong


def test_flip():
    wrong = flips(1, 1000)
    assert 120 < len(wrong) < 280
    assert {at % 8 for at in wrong} == set(range(8)), "any bit of a byte"
    assert flips(1, 1000) == wrong
    assert flips(2, 1000) != wrong
    assert 20 < len(flips(1, "5k")) < 70


def test_drop():
    said = messages(6)
    whole = b"".join(said)
    with OddServer("--message", SIZE, "--drop", 3) as odd:
        clients = [odd.connect() for _ in range(2)]
        for client in clients:
            client.sendall(whole)
        for client in clients:
            got = receive(client, len(whole) - 1)
            lost = [i for i in range(len(whole))
                    if whole[:i] + whole[i + 1:] == got]
            assert len(lost) == 1
            assert 3 * SIZE <= lost[0] < 4 * SIZE
        counters = stop(odd)
    assert counters["dropped_bytes"] == 2
    assert {r.request for r in odd.records if r.odd & DROPPED} == {3}


def test_repeat():
    said = messages(7)
    with OddServer("--message", SIZE, "--repeat", 3) as odd:
        client = odd.connect()
        client.sendall(b"".join(said))
        order = [0, 1, 2, 2, 3, 4, 5, 5, 6]
        assert receive(client, SIZE * len(order)) == b"".join(
            said[i] for i in order)
        counters = stop(odd)
    assert counters["repeated"] == 2
    assert [r.request for r in odd.records if r.odd & REPEATED] == [2, 5]


@pytest.mark.parametrize("delay", ["0s", "50ms"])
def test_swap(delay):
    """No reply overtakes the ninth: it is sent in order, after a wait."""
    said = messages(9)
    with OddServer("--message", SIZE, "--swap", 3, "--delay", delay) as odd:
        client = odd.connect()
        order = [0, 1, 3, 2, 4, 6, 5, 7, 8]
        assert ask(client, said) == b"".join(said[i] for i in order)
        counters = stop(odd)
    assert counters["swapped"] == 2 and counters["not_swapped"] == 1
    assert [r.request for r in odd.records if r.odd & SWAPPED] == [2, 5]
    assert sorted(range(9), key=lambda i: odd.records[i].sent_ns) == order
    assert odd.records[8].took_ns >= 5 * MS


def test_swap_with_one_that_comes_later():
    """The overtaking request may come after the reply is due."""
    said = messages(2)
    for _ in range(20):  # the machine may be late once
        with OddServer("--message", SIZE, "--swap", 1) as odd:
            client = odd.connect()
            client.sendall(said[0])
            time.sleep(0.001)
            client.sendall(said[1])
            got = receive(client, 2 * SIZE)
            counters = stop(odd)
        if counters["swapped"]:
            break
    assert counters["swapped"] == 1
    assert got == said[1] + said[0]


def test_swap_of_delayed_ones():
    """One that is overtaken early and goes late, others coming meanwhile."""
    said = messages(3)
    with OddServer("--message", SIZE, "--swap", 1, "--delay2", "50ms",
                   "--percent", "50%") as odd:
        clients = [odd.connect() for _ in range(20)]
        for client in clients:
            client.sendall(said[0] + said[1])
        time.sleep(0.01)
        for client in clients:
            client.sendall(said[2])
        for client in clients:
            assert receive(client, 3 * SIZE) == said[1] + said[0] + said[2]
        stop(odd)
    for record in odd.records:
        assert record.took_ns >= (50 if record.odd & DELAY2 else 0) * MS


def test_several_oddities_at_once():
    said = messages(1000)
    with OddServer("--message", SIZE, "--flip", 500, "--repeat", 10, "--drop",
                   5, "--delay", "1ms") as odd:
        client = odd.connect()
        client.sendall(b"".join(said))
        got = receive(client, 1100 * SIZE - 1)
        counters = stop(odd)
    assert len(got) == 1100 * SIZE - 1
    assert counters["repeated"] == 100 and counters["dropped_bytes"] == 1
    assert counters["flipped_bits"] > 0


# Not at all


def test_close_after():
    """An orderly close, even with unread requests"""
    said = messages(5)
    with OddServer("--message", SIZE, "--close-after", 3) as odd:
        for _ in range(2):
            client = odd.connect()
            client.sendall(b"".join(said))
            assert rest(client) == (b"".join(said[:3]), "eof")
            for _ in range(2):  # a reset would make the second one fail
                client.sendall(said[0])
                time.sleep(0.01)
            assert rest(client) == (b"", "eof")
        counters = stop(odd)
    assert counters["closed"] == 2 and counters["reset"] == 0
    assert counters["replies"] == 6


def test_reset_after():
    said = messages(3)
    with OddServer("--message", SIZE, "--reset-after", 3) as odd:
        for _ in range(2):
            client = odd.connect()
            assert ask(client, said[:2]) == b"".join(said[:2])
            client.sendall(said[2])
            assert rest(client) == (said[2], "reset")
        counters = stop(odd)
    assert counters["reset"] == 2 and counters["closed"] == 0


def test_silent_after():
    said = messages(5)
    with OddServer("--message", SIZE, "--silent-after", 3) as odd:
        client = odd.connect()
        assert ask(client, said[:3]) == b"".join(said[:3])
        client.sendall(b"".join(said[3:]))
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)
        other = odd.connect()
        assert ask(other, said[:2]) == b"".join(said[:2])
        counters = stop(odd)
    assert counters["silenced"] == 1
    assert counters["requests"] == 7 and counters["replies"] == 5
    assert [r.request for r in odd.records if r.took_ns is None] == [3, 4]


def test_refuse_after():
    (said,) = messages(1)
    with OddServer("--message", SIZE, "--refuse-after", 2) as odd:
        clients = [odd.connect() for _ in range(2)]
        for client in clients:
            assert ask(client, [said]) == said
        with pytest.raises(ConnectionRefusedError):
            odd.connect()
        for client in clients:
            assert ask(client, [said]) == said
        counters = stop(odd)
    assert counters["accepted"] == 2


def data_segments(sock):
    """Segments received with data: tcpi_data_segs_in of struct tcp_info"""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
    return struct.unpack_from("=I", info, 152)[0]


@pytest.mark.parametrize("fragment, pieces", [(0, 1), (1, 64), (10, 7)])
def test_fragment(fragment, pieces):
    (said,) = messages(1, 64)
    with OddServer("--message", 64, "--fragment", fragment) as odd:
        client = odd.connect()
        assert ask(client, [said]) == said
        segments = data_segments(client)
        counters = stop(odd, 64)
    assert counters["sends"] == pieces
    # The kernel may merge waiting segments, but not all of them.
    assert min(pieces, 2) <= segments <= pieces


def test_waiting_costs_nothing():
    """It does not busy-poll, whatever its clients do."""
    with OddServer("--message", 1, "--delay", "1000s", "--close-after",
                   1) as odd:
        leaving = odd.connect()
        leaving.sendall(b"x")
        leaving.shutdown(socket.SHUT_WR)
        time.sleep(0.02)
        before = odd.cpu_s()
        time.sleep(0.3)
        assert odd.cpu_s() - before < 0.05
        stop(odd, 1)


# Start and end


@pytest.mark.parametrize("args", [
    ["--delay", "5"], ["--message", "0"], ["--delay2", "1ms"],
    ["--percent", "1%"], ["--percent", "101%", "--delay2", "1ms"],
    ["--stall-at", "1s"], ["--flip", "-1"], ["--port", "65536"],
    ["--host", "0.0.0.0"], ["word"], ["--drop"]])
def test_bad_usage(args):
    ran = subprocess.run([oddserver.build(), *args], capture_output=True,
                         text=True, check=False, timeout=PATIENCE_S)
    assert ran.returncode == 2
    assert ran.stdout == "" and ran.stderr.count("\n") == 1


def test_listens_on_loopback_only():
    with OddServer() as odd:
        with open(f"/proc/{odd.pid}/net/tcp", encoding="ascii") as table:
            listening = [line.split()[1] for line in table
                         if line.split()[1].endswith(f":{odd.port:04X}") and
                         line.split()[3] == "0A"]
        loopback = struct.unpack("=I", bytes([127, 0, 0, 1]))[0]
        assert listening == [f"{loopback:08X}:{odd.port:04X}"]


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
def test_stop_leaves_nothing(signo):
    said = messages(2)
    with OddServer("--message", SIZE, "--delay", "1000s") as odd:
        odd.connect().sendall(b"".join(said))
        time.sleep(0.2)  # it reads them, which cannot be observed yet
        odd.stop(signo)
        assert len(odd.records) == 2
        assert all(r.sent_ns == 0 for r in odd.records)
        log = odd._log
    assert not log.exists()


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_does_not_outlive_its_block():
    with pytest.raises(KeyError):
        with OddServer("--delay", "1000s") as odd:
            assert is_running(odd.pid)
            raise KeyError
    assert not is_running(odd.pid)
    assert not odd._log.exists()


def test_does_not_outlive_its_parent():
    """Not even if that is killed by SIGKILL"""
    program = ("import os, sys; from oddserver import OddServer; "
               "odd = OddServer(); print(odd.pid, odd._log, flush=True); "
               "os.kill(os.getpid(), 9)")
    path = os.path.dirname(os.path.abspath(__file__))
    ran = subprocess.run([sys.executable, "-c", program], text=True,
                         env={**os.environ, "PYTHONPATH": path},
                         stdout=subprocess.PIPE, check=False,
                         timeout=PATIENCE_S)
    pid, log = ran.stdout.split()
    try:
        assert eventually(lambda: not is_running(pid))
    finally:
        os.unlink(log)  # its parent would have


def test_is_built_when_its_source_is_newer(tmp_path, monkeypatch):
    source = tmp_path / "server.c"
    source.write_text("int main(void) { return 0; }\n", encoding="ascii")
    monkeypatch.setattr(oddserver, "PROGRAM", tmp_path / "made/server")
    monkeypatch.setattr(oddserver, "SOURCES", [source])
    made = oddserver.build()
    first = made.stat()
    assert oddserver.build().stat().st_ino == first.st_ino
    later = first.st_mtime_ns + 1
    os.utime(source, ns=(later, later))
    assert oddserver.build().stat().st_mtime_ns > first.st_mtime_ns
    assert [path.name for path in made.parent.iterdir()] == ["server"]
