# SPDX-License-Identifier: MIT
"""labs/grade-class, with submissions as they are handed in."""

import csv
import json
import os
import signal
import subprocess
import sys
import zipfile

import jsonschema
import labs
import pytest
from labs import TOP, course

LAB = course.find("05")
GRADE_CLASS = TOP / "labs/grade-class"


def grade_class(folder, *options):
    return subprocess.run([sys.executable, GRADE_CLASS, folder, "--lab", "05", *options],
                          capture_output=True, text=True, errors="replace", check=False,
                          timeout=labs.PATIENCE_S)


def table(out):
    with open(out / "class.csv", newline="", encoding="utf-8") as file:
        return {row["submission"]: row for row in csv.DictReader(file)}


def broken(folder):
    """Submissions that cannot be graded; {name: a word of the reason}"""
    why = {}

    def one(name, word):
        why[name] = word
        return folder / name

    one("nothing", "no epoll.c").mkdir()
    one("empty", "is empty").mkdir()
    (folder / "empty/epoll.c").write_text(" \n")
    one("program", "not source code").mkdir()
    (folder / "program/epoll.c").write_bytes(b"\x7fELF\0\0")
    one("huge", "MiB").mkdir()
    with open(folder / "huge/epoll.c", "wb") as file:
        file.truncate(2 << 30)
    with zipfile.ZipFile(one("bomb.zip", "larger than"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("epoll.c", b"\n" * (100 << 20))
    with zipfile.ZipFile(one("two.zip", "2 files"), "w") as archive:
        archive.writestr("a/epoll.c", "int a;")
        archive.writestr("b/epoll.c", "int b;")
    one("not.zip", "archive cannot be read").write_text("no archive")
    one("bad.tar.gz", "archive cannot be read").write_bytes(b"\x1f\x8b\0\0")
    one("link", "link").symlink_to(LAB.model)
    os.mkfifo(one("pipe.zip", "neither"))
    one("=1+1", "no epoll.c").mkdir()
    (folder / os.fsdecode(b"odd \xff\n\xec\x9d\xb4")).mkdir()
    (folder / ("long" * 63)).mkdir()
    return why


def test_what_cannot_be_graded_is_a_zero(tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    why = broken(folder)
    (folder / "wrong-code").mkdir()
    (folder / "wrong-code/epoll.c").write_text("int main(void) { return }")
    done = grade_class(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = table(tmp_path / "class-graded")
    assert len(rows) == len(why) + 3
    for row in rows.values():
        assert float(row["score"]) == 0
    for name, word in why.items():
        row = rows.get(name) or rows["'" + name]
        assert word in row["why"] and "\n" not in row["why"], (name, row)
    assert rows["wrong-code"]["build"] == "fail"
    assert "zero, and why" in done.stdout
    schema = json.loads((TOP / "labs/grader/result.schema.json").read_text())
    for file in (tmp_path / "class-graded").glob("*.json"):
        jsonschema.validate(json.loads(file.read_text()), schema)


def test_no_submission(tmp_path):
    done = grade_class(tmp_path)
    assert done.returncode == 2 and "is empty" in done.stderr
    assert grade_class(tmp_path / "no").returncode == 2


def test_goes_on_where_it_was_interrupted(tmp_path):
    """What is graded is not graded again; what changes is."""
    folder = tmp_path / "class"
    for i in range(8):
        (folder / f"s{i}").mkdir(parents=True)
        (folder / f"s{i}/epoll.c").write_text(f"int main(void) {{ return {i} }}")
    out = tmp_path / "class-graded"
    with subprocess.Popen([sys.executable, GRADE_CLASS, folder, "--lab", "05", "--jobs", "1"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as process:
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(60) == 130

    def complete():
        found = {}
        for path in out.glob("s*.json"):
            if json.loads(path.read_text())["complete"]:
                found[path.stem] = path.stat().st_mtime_ns
        return found

    before = complete()
    assert 2 <= len(before) < 8
    (folder / "s0/epoll.c").write_text("int main(void) { return 1000 }")
    assert grade_class(folder).returncode == 0
    after = complete()
    assert len(after) == 8
    assert {name for name in before if after[name] != before[name]} == {"s0"}


@pytest.mark.long
def test_one_harms_no_other(tmp_path):
    """A submission that hangs, and one that ends everything it can reach (which is nothing,
    so it is right otherwise), beside two that are right and are alike."""
    folder = tmp_path / "class"
    text = LAB.model.read_text(encoding="utf-8")
    head = "int serve(int listen_fd, const struct options *opt)\n{\n"
    for name, code in (("good", ""), ("alike", "\t/* mine */\n"),
                       ("hangs", "\tfor (;;)\n\t\tpause();\n"),
                       ("kills", "\tkill(-1, 9);\n\tkill(getppid(), 9);\n")):
        (folder / name).mkdir(parents=True)
        (folder / name / "epoll.c").write_text(
            "#include <signal.h>\n" + text.replace(head, head + code))
    done = grade_class(folder, "--jobs", "2")
    assert done.returncode == 0
    rows = table(tmp_path / "class-graded")
    assert float(rows["good"]["score"]) == float(rows["alike"]["score"]) >= 90
    assert float(rows["hangs"]["score"]) == 0
    assert "100% alike good" in done.stdout


def test_a_packed_lab_is_taken(tmp_path):
    """What pack makes is what a class run reads, with prediction and explanation."""
    at = tmp_path / "lab-05"
    assert labs.lab("start", 5, "--dir", at).returncode == 0
    (at / "epoll.c").write_text("int main(void) { return }")
    (at / "prediction.json").write_text("{}")
    folder = tmp_path / "class"
    folder.mkdir()
    done = labs.lab("pack", 5, "--dir", at, "--out", folder / "me.zip")
    assert done.returncode == 0, done.stderr
    assert grade_class(folder).returncode == 0
    work = tmp_path / "class-graded/.work/me.zip"
    assert (work / "prediction.json").read_text() == "{}"
    assert (work / "epoll.c").read_text() == "int main(void) { return }"
