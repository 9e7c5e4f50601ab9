# SPDX-License-Identifier: MIT
"""The choice among several Pythons, and the message if none has all modules."""

import os
import shutil
import subprocess
import sys

import pytest
import server

SETUP = server.TOP / "harness/packages"
PACKAGES = """check  python3-one  python3:one
check  sh           sh
test   python3-two  python3:two
"""


@pytest.fixture
def setup(tmp_path):
    """A copy of harness/packages that needs modules which no Python has. setup.python()
    makes a Python that has some, setup.run() runs a script with these in PATH."""

    class Setup:
        path = []

        @staticmethod
        def python(name, *modules):
            folder = tmp_path / f"{len(Setup.path)}"
            folder.mkdir()
            for module in modules:
                (folder / f"{module}.py").touch()
            program = folder / name
            program.write_text(
                f'#!/bin/sh\nPYTHONPATH="{folder}" exec "{sys.executable}" "$@"\n')
            program.chmod(0o755)
            Setup.path.append(str(folder))
            return str(program)

        @staticmethod
        def run(script, *groups):
            path = ":".join([*Setup.path, os.environ["PATH"]])
            return subprocess.run(
                [tmp_path / script, *groups], text=True, check=False,
                capture_output=True, timeout=server.PATIENCE_S,
                env={**os.environ, "PATH": path, "NO_INSTALL": "1"})

    for script in "python", "install":
        shutil.copy(SETUP / script, tmp_path)
    (tmp_path / "packages.txt").write_text(PACKAGES)
    return Setup


def test_takes_the_python_with_all_modules(setup):
    setup.python("python3", "one")
    setup.python("python3", "two")
    both = setup.python("python3.11", "one", "two")
    assert setup.run("python", "check", "test").stdout == f"{both}\n"
    installed = setup.run("install", "check", "test")
    assert installed.returncode == 0, installed.stderr


def test_none_has_all(setup):
    """What each lacks, and the command that installs it"""
    first = setup.python("python3", "one")
    second = setup.python("python3", "two")
    for script in "python", "install":
        ran = setup.run(script, "check", "test")
        assert ran.returncode == 1 and ran.stdout == ""
        lines = ran.stderr.splitlines()
        for program, missing, there in (first, "two", "one"), (second, "one", "two"):
            [lacks] = [line.partition("lacks")[2] for line in lines
                       if line.startswith(f"{program} lacks")]
            assert missing in lacks and there not in lacks
            assert any(f"{program} -m pip install {missing}" in line for line in lines)
        assert any("apt-get install python3-one python3-two" in line for line in lines)


def test_modules_of_other_groups_are_not_needed(setup):
    one = setup.python("python3", "one")
    assert setup.run("python", "check").stdout == f"{one}\n"
    assert setup.run("install", "check").returncode == 0
