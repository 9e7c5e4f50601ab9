# SPDX-License-Identifier: MIT
"""Full disks, missing permissions and existing folders: no data is lost."""

import os
import shutil
import subprocess

import matrix
import probes
import pytest

KEYS = {"blocks": 6}


@pytest.fixture
def small(tmp_path):
    """A tmpfs; small("size=64k") resizes it."""
    if os.geteuid() != 0:
        pytest.skip("needs root, for mount")
    path = tmp_path / "small"
    path.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs",
                           path], check=False, capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"mount failed: {made.stderr}")

    def resize(options):
        subprocess.run(["mount", "-o", f"remount,{options}", path], check=True)
        return path

    yield resize
    subprocess.run(["umount", path], check=True)


def inodes(path):
    """The number of files and folders on the file system"""
    of = os.statvfs(path)
    return of.f_files - of.f_ffree


def test_full_at_the_beginning(small, tmp_path):
    path = small("size=1m")
    (path / "file").write_bytes(bytes((1 << 20) - 4096))
    run = matrix.run("--models", "epoll", plan=matrix.plan(tmp_path, **KEYS),
                     out=path / "run").check(1)
    assert "No space left on device; free some space" in run.err
    assert run.err.count("\n") == 1
    (path / "file").unlink()
    assert matrix.run("--models", "epoll", plan=matrix.plan(tmp_path, **KEYS),
                      out=path / "run").check(0).complete


def test_full_in_the_middle(small, tmp_path):
    """Lines written before are kept; with more space the run resumes."""
    path = small("size=64k")
    run = matrix.run("--models", "epoll,thread", out=path / "run",
                     plan=matrix.plan(tmp_path, **KEYS)).check(1)
    assert run.err.count("No space left on device; free some space") == 1
    before = run.lines
    assert 0 < len(before) < 12 and not run.complete
    again = matrix.run_shell(run.resume, path / "run").check(1)
    assert again.lines[:len(before)] == before  # one may fit in again
    small("size=10m")
    done = matrix.run_shell(run.resume, path / "run").check(0)
    assert done.complete and len(done.last) == 12
    assert done.lines[:len(before)] == before
    assert matrix.files(done.folder) == matrix.FILES
    assert len(list((done.folder / "histograms").iterdir())) == len(done.lines)
    assert len(done.csv("slices.csv")) == sum(
        1 + line["rounds"]["counted"] + line["rounds"]["dropped"] for line in done.lines)


def test_full_at_the_end(small, tmp_path):
    """No space for the tables: the run stays incomplete."""
    path = small("size=10m")
    plan = matrix.plan(tmp_path)
    matrix.run("--models", "epoll", plan=plan, out=path / "run").check(0)
    # Without the last files, which are six tables, but with INCOMPLETE
    files = inodes(path) - 6 + 1
    shutil.rmtree(path / "run")
    small(f"nr_inodes={files}")
    run = matrix.run("--models", "epoll", plan=plan, out=path / "run").check(1)
    assert len(run.last) == 1 and not run.complete
    assert "cells.csv: No space left on device" in run.err
    assert run.err.count("No space") == 1
    small("nr_inodes=1000")
    done = matrix.run_shell(run.resume, path / "run").check(0)
    assert done.complete and done.lines == run.lines
    assert matrix.files(done.folder) == matrix.FILES


# ------------------------------------------------------------------ permissions

def test_not_allowed_to_write(public):
    plan = matrix.plan(public)
    args = dict(program=public / "bin/matrix", plan=plan,
                wrapper=probes.NOBODY)
    for out in public / "run", None:
        run = matrix.run("--models", "epoll", out=out, **args).check(1)
        assert "Permission denied; choose a folder that you can" in run.err
        assert run.err.count("\n") == 1
    assert not (public / "run").exists() and not (public / "results").exists()


def test_run_of_another_user(public):
    """Can be read, but not resumed"""
    run = matrix.interrupted("--models", "epoll", program=public / "bin/matrix",
                             plan=matrix.plan(public, **KEYS),
                             out=public / "run", lines=1)
    said = matrix.resume(public / "run", program=public / "bin/matrix",
                         wrapper=probes.NOBODY).check(1).err
    assert "Permission denied; choose a folder that you can" in said
    assert said.count("\n") == 1
    assert run.lines == matrix.Run(1, "", "", public / "run").lines


# -------------------------------------------------------------- existing files

def test_out_exists(tmp_path):
    """No file is overwritten; an empty folder can be used."""
    plan = matrix.plan(tmp_path)
    out = tmp_path / "run"
    out.mkdir()
    first = matrix.run("--models", "epoll", plan=plan, out=out).check(0)
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_text("precious")
    for path, because in [
            (out, "already holds a run; choose another --out"),
            (tmp_path / "folder", "is not empty; choose another --out"),
            (tmp_path / "file", "not a folder"),
            (tmp_path / "file/below", "Not a directory")]:
        said = matrix.run("--models", "epoll", plan=plan, out=path).check(1)
        assert because in said.err
        assert said.err.count("\n") == 1
    assert first.lines == matrix.Run(0, "", "", out).lines
    assert (tmp_path / "file").read_text() == "precious"
    assert os.listdir(tmp_path / "folder") == ["file"]


def test_folders_above_are_made(tmp_path):
    out = tmp_path / "a/b/run/"
    assert matrix.run("--models", "epoll", plan=matrix.plan(tmp_path),
                      out=out).check(0).complete
