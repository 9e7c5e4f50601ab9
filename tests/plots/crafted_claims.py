# SPDX-License-Identifier: MIT
"""Makes claims.csv and primitives.csv, without measuring: each verdict, each form of a
comparison, what is missing, and earlier verdicts.

    crafted_claims.write_claims(folder)
    crafted_claims.write_primitives(folder)
"""

import csv
import sys
import pathlib

CLAIM = ["claim", "topic", "taught", "verdict", "figure", "low", "high", "level", "evidence",
         "chart", "reason", "title_en", "title_ko", "correction_en", "correction_ko",
         "by_hand", "machine", "kernel", "date", "condition_en", "condition_ko", "reason_ko"]
PRIMITIVE = ["primitive", "method", "watched", "ready", "count", "unit", "value", "low", "high",
             "repetitions", "calls", "why"]

USUAL = {"topic": "readiness", "level": "0.9993", "machine": "Crafted <CPU> & Sons @ 2.50GHz",
         "kernel": "6.1.0-crafted", "date": "2026-11-21T15:45:00Z",
         "evidence": "poll, epoll: open split 16 idle 900 rate 2000, 8 blocks, 64 rounds"}

CLAIMS = [
    {"claim": "idle-cost", "taught": "m4 1.15", "verdict": "holds",
     "date": "2026-10-01T08:00:00Z", "kernel": "5.10.0-older", "figure": "x2.10 (1.90 ... 2.30)",
     "title_en": "epoll is always cheaper than poll"},
    {"claim": "idle-cost", "taught": "m4 1.15", "verdict": "only-when",
     "figure": "×3.10 (2.95 … 3.26)", "low": 2.95, "high": 3.26,
     "chart": "cpu(poll, few) / cpu(epoll, few)|3.1|2.95|3.26|ratio|1.1| ; "
              "cpu(poll, all) / cpu(epoll, all)|0.97|0.94|1|ratio|1.1|",
     "title_en": "epoll is always cheaper than poll", "title_ko": "epoll은 항상 poll보다 싸다",
     "condition_en": "most clients are idle",
     "condition_ko": "대부분의 클라이언트가 유휴 상태일 때",
     "correction_en": "epoll saves the scan of idle descriptors. Where most are ready there is "
                      "nothing to save.",
     "correction_ko": "epoll은 유휴 디스크립터를 훑는 비용을 없앤다. 대부분이 준비되어 있으면 아낄 "
                      "것이 없다.",
     "by_hand": "bin/matrix run --models poll,epoll --connections 16 --idle 900"},
    {"claim": "epoll-flat", "taught": "m5 0.12", "verdict": "holds",
     "figure": "0.01 ns (-0.02 ... 0.04)",
     "chart": "slope(primitive(wait, epoll, watched 10 100 1000, ready 1))|0.01|-0.02|0.04|ns|"
              "-0.05|0.05",
     "title_en": "A wait with epoll takes as long for 10 as for 1,000 descriptors",
     "title_ko": "epoll의 대기 시간은 디스크립터 수와 무관하다",
     "correction_en": "O(ready), not O(1)."},
    {"claim": "two-calls", "taught": "0.14", "topic": "calls", "verdict": "fails",
     "figure": "3", "low": 3, "high": 3, "chart": "calls(epoll, one)|3|3|3|1|2|2",
     "title_en": "A request needs exactly two system calls with epoll",
     "title_ko": "epoll로는 요청 하나에 시스템 호출이 정확히 두 번 필요하다",
     "correction_en": "Three: wait, receive, send.", "by_hand": "strace -c bin/epoll"},
    {"claim": "faster-uring", "taught": "m12", "topic": "completion", "verdict": "unknown",
     "figure": "×1.02 (0.80 … 1.30)", "low": 0.8, "high": 1.3,
     "chart": "rate(uring, many) / rate(epoll, many)|1.02|0.8|1.3|ratio|1.1|",
     "reason": "the interval is on both sides of 1.1: about 40 more blocks would decide",
     "title_en": "io_uring is always faster", "title_ko": "io_uring은 항상 빠르다"},
    {"claim": "tail", "taught": "m15", "topic": "measuring", "verdict": "holds",
     "figure": "at least 12 ms", "low": 12e6,
     "chart": "p99(epoll, stall) - p99(epoll, calm)||12000000||ns|1000000|",
     "title_en": "A stall is in the p99 of an open loop"},
    {"claim": "no-uring", "taught": "m3", "topic": "completion", "verdict": "unknown",
     "chart": "calls(uring, many)||||1||1",
     "reason": "uring: io_uring_queue_init: Operation not permitted; it is allowed by "
               "kernel.io_uring_disabled=0",
     "title_en": "io_uring needs fewer system calls than epoll"},
    {"claim": "evport", "taught": "0.11", "topic": "systems", "verdict": "documented",
     "title_en": "Solaris has event ports, BSD kqueue", "title_ko": "Solaris에는 evport가 있다",
     "evidence": "models/elsewhere.md", "reason": "another system would be needed",
     "reason_ko": "다른 운영 체제가 필요하다"},
    {"claim": "nasty", "taught": "4.4", "topic": "words", "verdict": "fails",
     "figure": "2 MiB", "chart": "memory_per_client(thread, idle)|2097152|2000000|2200000|"
                                 "bytes||65536",
     "title_en": "</script><script>alert('no')</script> & \"quotes\"",
     "by_hand": "echo '<b>'"},
]


def _write(path, columns, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_claims(folder, rows=CLAIMS):
    return _write(folder / "claims.csv", CLAIM, [{**USUAL, **row} for row in rows])


# -------------------------------------------------------------------- primitives

#: ns of a wait: constant, for each watched, for each ready descriptor
WAIT = {"select": (300, 60, 20), "poll": (250, 55, 15), "epoll": (240, 0.001, 80),
        "epoll_et": (250, 0.001, 82), "uring_oneshot": (500, 0.002, 200)}


def _row(primitive, method, value, watched="", ready="", count="", unit="ns", calls=1, why=""):
    there = value != ""
    return {"primitive": primitive, "method": method, "watched": watched, "ready": ready,
            "count": count, "unit": unit, "value": value, "repetitions": 9 if there else 0,
            "low": value * 0.96 if there else "", "high": value * 1.05 if there else "",
            "calls": calls if there else "", "why": why}


def primitives():
    for n in (10, 100, 1000, 10000):
        for ready in dict.fromkeys((1, n // 10, n)):
            for method, (base, watched, each) in WAIT.items():
                yield _row("wait", method, base + watched * n + each * ready, n, ready)
            yield _row("wait", "uring_multishot", "", n, ready,
                       why="io_uring_queue_init: Operation not permitted")
    yield _row("wait", "select_gap", 770, 2, 1)
    yield _row("thread", "pthread", 15000, count=100)
    yield _row("switch", "futex", 2100, count=1, calls=2)
    yield _row("syscall", "vdso", 25, calls=0)
    yield _row("aio", "threads", 20, count=64, unit="count", calls="")


def write_primitives(folder):
    return _write(folder / "primitives.csv", PRIMITIVE, primitives())


if __name__ == "__main__":
    write_claims(pathlib.Path(sys.argv[1]))
    write_primitives(pathlib.Path(sys.argv[1]))
