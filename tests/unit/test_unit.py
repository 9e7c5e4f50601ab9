# SPDX-License-Identifier: MIT
"""The unit tests in C, built with address and undefined-behaviour sanitizers."""

import pathlib
import subprocess

import pytest
import server

HERE = pathlib.Path(__file__).parent
SOURCES = sorted(HERE.glob("*/*.c"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(HERE).with_suffix("")))
def test_unit(source):
    program = server.TOP / "build/asan/unit" / source.relative_to(HERE).with_suffix("")
    assert program.exists(), f"{program} is not built: make asan"
    ran = subprocess.run([program], capture_output=True, text=True,
                         check=False)
    output = ran.stdout + ran.stderr
    assert ran.returncode == 0, output
    assert "[  PASSED  ]" in output, output
