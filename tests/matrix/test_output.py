# SPDX-License-Identifier: MIT
"""What a run prints, on a terminal and elsewhere"""

import os
import pty
import re
import subprocess
import threading

import matrix
import pytest

MODELS = "epoll,thread"


class Screen(threading.Thread):
    """A terminal of so many columns, and all output to it"""

    def __init__(self, *args, plan, out, columns=80, env=None):
        super().__init__()
        self.ours, its = pty.openpty()
        subprocess.run(["stty", "cols", f"{columns}", "rows", "24"], stdin=its,
                       check=True)
        self.text, self.columns = "", columns
        self.start()
        with matrix.Running(*args, plan=plan, out=out, stdout=its, stderr=its,
                            env={"TERM": "xterm", **(env or {})}) as running:
            os.close(its)
            running.process.wait()
        self.join()

    def run(self):
        raw = b""
        while True:
            try:
                part = os.read(self.ours, 1 << 16)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            raw += part
        os.close(self.ours)
        self.text = raw.decode("utf-8")

    def drawn(self):
        """The final text of each line"""
        lines = []
        for line in self.text.split("\n"):
            shown = ""
            for part in re.split(r"(\r|\033\[K)", line):
                if part == "\r":
                    column = 0
                elif part == "\033[K":
                    shown = shown[:column]
                else:
                    part = re.sub(r"\033\[[0-9;]*m", "", part)
                    column = column if shown else 0
                    shown = shown[:column] + part + shown[column + len(part):]
                    column += len(part)
            lines.append(shown)
        return lines


def test_on_a_terminal(tmp_path):
    """A live line that is never wider than the screen; it disappears when something else
    is printed, and at the end."""
    screen = Screen("--models", MODELS, plan=matrix.plan(tmp_path, blocks=2),
                    out=tmp_path / "run")
    states = re.findall(r"\r([^\r\n]*)\033\[K", screen.text)
    assert len(states) > 4
    for state in states:
        assert "\033" not in state
        assert len(state) < screen.columns
    shown = [state for state in states if state]
    steps = r"starting|warm-up|round \d+ of \d+|stopping"
    assert any(re.search(f"  ({steps})  ", state) for state in shown)
    assert any(re.match(r"\[1/2\] .* left$", state) for state in shown)
    # Nothing of it is left, also not beside printed lines.
    for line in screen.drawn():
        assert not re.search(f"  ({steps})  ", line)
        assert not line.startswith("["), line


def test_no_color(tmp_path, odd):
    """NO_COLOR switches color off, also for problems."""
    args = ["--models", f"quits={odd('quits')}"]
    plan = matrix.plan(tmp_path)
    for value, colour in [("1", False), ("", True)]:
        screen = Screen(*args, plan=plan, out=tmp_path / f"run{value}",
                        env={"NO_COLOR": value})
        assert ("\033[31mfailed" in screen.text) == colour
        assert bool(re.search(r"\033\[[0-9;]*m", screen.text)) == colour


def test_quiet(tmp_path, odd):
    """Only problems and the final tables"""
    run = matrix.run("--models", f"epoll,quits={odd('quits')}", "--quiet",
                     plan=matrix.plan(tmp_path, counting="yes"),
                     out=tmp_path / "run").check(1)
    assert "  quits  closed split 2  counting  failed" in run.err
    assert not re.search(r"\bok\b", run.err)
    assert "Results: " in run.out


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_descriptors(closed, tmp_path):
    """No output goes into a file that got the number of a closed descriptor."""
    run = matrix.run(shell=f"exec {matrix.MATRIX} run --models epoll --plan "
                     f"{matrix.plan(tmp_path)} --out {tmp_path}/run {closed}",
                     out=tmp_path / "run")
    assert run.check(0).complete
    assert len(run.last) == 1


def test_stdout_is_full(tmp_path):
    """The tables are in the folder, but could not be printed: the run fails."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        run = matrix.run("--models", "epoll", plan=matrix.plan(tmp_path),
                         out=tmp_path / "run", stdout=full)
    assert run.status == 1
    assert "write to stdout: No space left on device" in run.err
    assert run.complete and run.read("summary.txt")
