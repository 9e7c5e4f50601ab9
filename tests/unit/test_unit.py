# SPDX-License-Identifier: MIT
"""The unit tests in C, built with address and undefined-behaviour sanitizers."""

import pathlib
import subprocess

import pytest
import server

SOURCES = sorted(pathlib.Path(__file__).parent.glob("*.c"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_unit(source):
    program = server.TOP / "build/asan/unit" / source.stem
    assert program.exists(), f"{program} is not built: make variants"
    ran = subprocess.run([program], capture_output=True, text=True,
                         check=False)
    output = ran.stdout + ran.stderr
    assert ran.returncode == 0, output
    assert "[  PASSED  ]" in output, output
