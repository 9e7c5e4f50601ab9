# SPDX-License-Identifier: MIT
"""Runs bin/matrix as a user does, and reads what it leaves behind.

    run = matrix.run("--models", "epoll", out=tmp_path / "run")
    run.check(0)
    run.line("epoll"), run.text, run.csv("cells.csv") ...

A busy machine makes a run less exact, and nothing else: no test depends on how busy
it is.

No process of a run may outlive it. Each run has a word in its environment, which its
children inherit and by which processes() finds them.
"""

import csv
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import uuid

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "probe")]

from lines import validate  # noqa: E402
import probes  # noqa: E402
import server  # noqa: E402
from server import TOP  # noqa: E402

BIN = TOP / server.BIN
MATRIX = BIN / "matrix"

#: Longest time of a run, on a machine that is several times overloaded
PATIENCE_S = 4 * server.PATIENCE_S

#: As short as possible: two rounds. No test depends on its numbers.
TINY = {"blocks": 1, "bout": "40ms", "slice": "20ms", "aa": "no",
        "baseline": "no", "idle": "none", "counting": "no",
        "cells": "closed split connections 2"}

#: The files of a complete run
FILES = {"plan.txt", "machine.json", "run.json", "repetitions.jsonl",
         "slices.csv", "histograms", "cells.csv", "comparisons.csv", "calls.csv",
         "findings.csv", "warnings.csv", "summary.txt", "gbench.json"}

#: Only if a crash truncated lines; only where system calls can be traced
SOMETIMES = {"repetitions.broken", "request.csv"}

MARK = "IO_MODELS_TEST_RUN"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="it needs root")


def plan(folder, *, name="tiny", **keys):
    """Writes a plan file: TINY with these keys changed; `cells` may be a list."""
    path = folder / f"{name}.plan"
    lines = []
    for key, value in {**TINY, **keys}.items():
        for one in value if isinstance(value, list) else [value]:
            lines.append(f"{key} {one}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def files(folder):
    """The names of the files that every complete run has"""
    return {path.name for path in folder.iterdir()} - SOMETIMES


def processes(mark):
    """The processes with this word in their environment"""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:  # it has ended
            pass
    return [pid for pid in found if not probes.gone(pid)]


def name_of(pid):
    """The name of its program; '' once it has ended"""
    try:
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_text("utf-8")
    except OSError:
        return ""
    return command.split("\0")[0].rpartition("/")[2]


def time_of(line):
    """The metric that is the time of its benchmark"""
    return "service_p50_ns" if line["placement"] == "shared" else "response_p50_ns"


class Run:
    """The folder, output and exit status of a run"""

    def __init__(self, status, out, err, folder):
        self.status, self.out, self.err = status, out, err
        self.folder = folder

    def __repr__(self):
        """What pytest shows when a test fails"""
        return (f"<matrix: status {self.status}; {self.folder}\nstdout "
                f"{self.out}\nstderr {self.err}>")

    @property
    def text(self):
        return self.out + self.err

    def check(self, status):
        assert self.status == status, self
        return self

    @property
    def complete(self):
        return not (self.folder / "INCOMPLETE").exists()

    @property
    def lines(self):
        """All lines, checked against the schema"""
        return validate(self.folder)

    @property
    def last(self):
        """The last line of each entry: those of a bout that was not whole do not count"""
        return list({line["index"]: line for line in self.lines}.values())

    @property
    def bouts(self):
        """The lines of each bout"""
        of = {}
        for line in self.last:
            of.setdefault(line["bout"], []).append(line)
        return list(of.values())

    def gbench(self):
        """(benchmark, line) of each repetition that has a time; there are no others"""
        runs = [run for run in self.json("gbench.json")["benchmarks"]
                if run["run_type"] == "iteration"]
        lines = [line for line in self.last if line["status"] == "ok"
                 and line["metrics"][time_of(line)] is not None]
        assert [run["name"] for run in runs] == [
            f"{line['cell']}/role:{line['role']}" for line in lines]
        return list(zip(runs, lines))

    def line(self, model, role="timing"):
        found = [line for line in self.last
                 if line["model"] == model and line["role"] == role]
        assert len(found) == 1, (model, role, self)
        return found[0]

    def read(self, name):
        return (self.folder / name).read_text(encoding="utf-8")

    def json(self, name):
        return json.loads(self.read(name))

    def csv(self, name):
        return list(csv.DictReader(self.read(name).splitlines()))

    @property
    def resume(self):
        """The printed command that resumes it, for a shell"""
        commands = [line.strip() for line in self.err.splitlines()
                    if line.startswith("    ") and " resume " in line]
        assert len(commands) == 1, self
        return commands[0]


class Running:
    """A started run; its `with` block kills what is left of it at the end."""

    def __init__(self, *args, verb="run", plan=None, out=None, wrapper=(),
                 program=None, env=None, shell=None, **more):
        self.folder = out
        self._mark = f"{MARK}={uuid.uuid4().hex}"
        words = [program or MATRIX, verb]
        if plan:
            words += ["--plan", plan]
        if out and verb == "run":
            words += ["--out", out]
        elif out:
            words += [out]
        name, _, value = self._mark.partition("=")
        self.begin = time.monotonic()
        self.process = subprocess.Popen(
            shell or [str(word) for word in [*wrapper, *words, *args]],
            shell=bool(shell), stdin=subprocess.DEVNULL, text=True,
            env={**os.environ, **(env or {}), name: value},
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               "cwd": TOP, **more})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for pipe in self.process.stdout, self.process.stderr:
            if pipe:
                pipe.close()
        if not server.eventually(lambda: not self.processes(), 5):
            for pid in self.processes():
                os.kill(pid, signal.SIGKILL)

    def processes(self):
        return processes(self._mark)

    def programs(self):
        """Names of its running programs, without bin/matrix"""
        return [name_of(pid) for pid in self.processes()
                if pid != self.process.pid]

    def wait_for_lines(self, n):
        """Waits until so many lines are on disk."""
        path = self.folder / "repetitions.jsonl"
        assert server.eventually(
            lambda: path.exists() and path.read_bytes().count(b"\n") >= n)

    def wait_for_program(self, name):
        assert server.eventually(lambda: name in self.programs(), every=0.002)

    def signal(self, signo):
        self.process.send_signal(signo)

    def finish(self, patience=PATIENCE_S):
        """Waits for its end; then none of its processes may be left."""
        try:
            out, err = self.process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it still runs after {patience} s") from None
        assert server.eventually(lambda: not self.processes()), \
            f"left behind: {self.programs()}"
        # SIGKILL may leave an empty one, which the next run removes.
        assert self.process.returncode == -signal.SIGKILL or \
            server.eventually(lambda: not probes.cgroups(self.process.pid)), \
            "a cgroup is left"
        return Run(self.process.returncode, out, err, self.folder)


def run(*args, patience=PATIENCE_S, **kwargs):
    """Runs it from start to end."""
    with Running(*args, **kwargs) as running:
        return running.finish(patience)


def interrupted(*args, out, lines, signo=signal.SIGTERM, **kwargs):
    """A run that gets a signal after so many lines. On a busy machine it may be complete
    before the signal: then it is started again."""
    for _ in range(10):
        with Running(*args, out=out, **kwargs) as running:
            running.wait_for_lines(lines)
            running.signal(signo)
            run = running.finish()
        if not run.complete:
            return run.check(130)
        shutil.rmtree(out)
    raise AssertionError("each run was complete before the signal")


def resume(folder, *args, **kwargs):
    return run(*args, verb="resume", out=folder, **kwargs)


def run_shell(line, folder, **kwargs):
    """Runs a printed command in a shell."""
    return run(shell=line, out=folder, **kwargs)


def craft(run, change):
    """Rewrites the record: `change` gets the lines, and changes them in place or returns
    others."""
    lines = [json.loads(line) for line in
             run.read("repetitions.jsonl").splitlines()]
    changed = change(lines)
    lines = lines if changed is None else changed
    (run.folder / "repetitions.jsonl").write_text(
        "".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return run


def script(path, text):
    """Writes a shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def build(source, folder, *flags):
    """Compiles a program of this folder."""
    program = folder / pathlib.Path(source).stem
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu11", "-D_GNU_SOURCE", "-O1",
         "-o", program, HERE / source, *flags], check=True)
    return program


def copy_of_bin(folder):
    """Copies all programs and plans; returns the new bin."""
    shutil.copytree(BIN, folder / "bin")
    shutil.copytree(TOP / "harness/plans", folder / "harness/plans")
    return folder / "bin"
