# SPDX-License-Identifier: MIT
"""plots/timeline.py with traces that are written here: lanes, order, sleep, what is missing"""

import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
HEADING = "model,time_ns,event,thread,process,cpu,what,value,other"
ABOUT = """m,,method,,,,bpf,0,
m,,kernel,,,,6.1,0,
m,,processor,,,,Some CPU,2,
m,,server,,10,,0,0,
m,,clients,,,,1,2,
m,,lost,,,,,0,
m,,thread,10,10,,m,0,
m,,thread,20,20,,client A,0,
m,,thread,21,21,,client B,0,
m,,socket,,10,,A,5,
m,1000000,moment,,,,A,0,
m,1300000,moment,,,,B,0,"""


def event(us, kind, thread, what="", value="", other=""):
    process = thread
    return f"m,{1_000_000 + int(us * 1000)},{kind},{thread},{process},0,{what},{value},{other}"


def request(at, client, slow=0):
    """A client sends and sleeps; the server wakes, reads, replies and sleeps again"""
    return [event(at - 100, "enter", client, "clock_nanosleep", 1),
            event(at - 99, "off", client, "sleeps"),
            event(at - 2, "on", 0, other=client),
            event(at - 1, "exit", client, "clock_nanosleep", 0),
            event(at, "enter", client, "sendto", 3),
            event(at + 4, "wake", client, other=10),
            event(at + 6, "exit", client, "sendto", 64),
            event(at + 7, "enter", client, "recvfrom", 3),
            event(at + 8, "off", client, "sleeps"),
            event(at + 9, "on", 0, other=10),
            event(at + 10, "exit", 10, "epoll_wait", 1),
            event(at + 11, "enter", 10, "recvfrom", 5),
            event(at + 12, "exit", 10, "recvfrom", 64),
            event(at + 13 + slow, "enter", 10, "sendto", 5),
            event(at + 16 + slow, "wake", 10, other=client),
            event(at + 17 + slow, "exit", 10, "sendto", 64),
            event(at + 18 + slow, "enter", 10, "epoll_wait", 4),
            event(at + 19 + slow, "off", 10, "sleeps"),
            event(at + 20 + slow, "on", 0, other=client),
            event(at + 21 + slow, "exit", client, "recvfrom", 64),
            event(at + 22 + slow, "enter", client, "clock_nanosleep", 1),
            event(at + 23 + slow, "off", client, "sleeps")]


def draw(tmp_path, *lines, arguments=("--text",), status=0):
    file = tmp_path / "m.csv"
    file.write_text("\n".join([HEADING, *lines, ""]), encoding="utf-8")
    made = subprocess.run([sys.executable, TOP / "plots/timeline.py", *arguments, file],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=60)
    assert made.returncode == status, made.stderr
    return made


def rows(text):
    """[(begin, end, thread, call, notes)] of the first moment"""
    lines = text.split("(us)\n")[1].split("\n\n")[0].splitlines()
    name = 20  # begin and end are before it
    return [(*line[:name].split(), line[name:].strip()) for line in lines]


def whole(tmp_path, **changes):
    return draw(tmp_path, ABOUT, *request(1, 20, **changes), *request(301, 21))


def test_calls_are_in_order_with_sleep_and_wakers(tmp_path):
    order = [" ".join(rest.split()) for _, _, rest in rows(whole(tmp_path).stdout)]
    server = [line for line in order if line.startswith("m ")]
    assert [line.split()[1] for line in server] == [
        "epoll_wait", "recvfrom(A)", "sendto(A)", "epoll_wait"]
    assert "sleeps" in server[0] and "client A wakes it at 4.0" in server[0]
    assert "sleeps" not in server[1] and "sleeps" not in server[2]
    client = [line for line in order if line.startswith("client A")]
    assert "sendto = 64" in client[0]
    assert "recvfrom = 64" in client[1] and "sleeps 8.0" in client[1] and \
        "m wakes it at 16.0" in client[1]
def test_the_quickest_round_is_shown(tmp_path):
    second = "\n".join(("m,1600000,moment,,,,A,1,", "m,1900000,moment,,,,B,1,"))
    made = draw(tmp_path, ABOUT, second, *request(1, 20, slow=50), *request(301, 21),
                *request(601, 20), *request(901, 21))
    assert "From request to reply: 21.0 us" in made.stdout


def test_calls_that_find_nothing_are_one(tmp_path):
    polls = [event(30 + i, kind, 10, "recvfrom", value) for i in range(0, 20, 2)
             for i, kind, value in ((i, "enter", 5), (i + 1, "exit", -11))]
    made = draw(tmp_path, ABOUT, *request(1, 20)[:17], *polls,
                event(60, "exit", 20, "recvfrom", 64), *request(301, 21))
    assert "10 calls in a row find nothing" in made.stdout


def test_operations_of_io_uring_are_shown(tmp_path):
    ring = "m,,thread,11,10,,iou-sqp-10,0,"
    marks = [event(5, "submit", 11, "recv"), event(6, "complete", 11, "recv", 64)]
    found = draw(tmp_path, ABOUT, ring, *request(1, 20), *marks, *request(301, 21)).stdout
    assert "kernel: iou-sqp" in found
    assert found.index("recv submitted") < found.index("recv completed = 64")


def test_lost_events_are_counted(tmp_path):
    about = ABOUT.replace("lost,,,,,0", "lost,,,,,1234")
    assert "1,234 events are missing" in draw(tmp_path, about, *request(1, 20)).stdout


def test_strace_knows_no_sleep(tmp_path):
    about = ABOUT.replace("method,,,,bpf", "method,,,,strace") + "\nm,,missing,,,,no BPF,0,"
    events = [line for line in (*request(1, 20), *request(301, 21))
              if ",enter," in line or ",exit," in line]
    made = draw(tmp_path, about, *events).stdout
    assert [line[2].split()[1] for line in rows(made) if line[2].startswith("m ")] == [
        "epoll_wait", "recvfrom(A)", "sendto(A)", "epoll_wait"]
    assert not any("sleeps" in line[2] for line in rows(made))
    assert "is not known" in made and "no BPF" in made


def test_no_request_is_no_crash(tmp_path):
    assert "No round" in draw(tmp_path, ABOUT).stdout


@pytest.mark.parametrize("line", ["a,b", "m,x,enter,1,1,0,read,0,", "m,1,enter,1"])
def test_what_is_no_trace_is_refused(tmp_path, line):
    made = draw(tmp_path, ABOUT, line, status=1)
    assert "line 14" in made.stderr and "Traceback" not in made.stderr


def test_other_columns_are_refused(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    made = subprocess.run([sys.executable, TOP / "plots/timeline.py", file], text=True,
                          stderr=subprocess.PIPE, check=False)
    assert made.returncode == 1 and "columns" in made.stderr


def test_picture_is_written(tmp_path):
    draw(tmp_path, ABOUT, *request(1, 20), *request(301, 21), arguments=())
    assert (tmp_path / "m.svg").read_text().count("<path") > 20
    assert (tmp_path / "m.png").read_bytes()[:4] == b"\x89PNG"
