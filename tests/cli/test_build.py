# SPDX-License-Identifier: MIT
"""What was built stays what was asked for."""

import subprocess

import server


def make(folder, *args):
    ran = subprocess.run(
        ["make", f"BUILD={folder}", f"BIN={folder}/bin", *args,
         f"{folder}/bin/select"], cwd=server.TOP, capture_output=True,
        text=True, check=True)
    return ran.stdout


def test_other_flags_build_anew(tmp_path):
    """Or the sanitizers of one run would be missing in the next."""
    assert "CC   models/select.c" in make(tmp_path)
    assert "CC" not in make(tmp_path)
    assert "CC   models/select.c" in make(tmp_path, "CFLAGS=-O1")
    assert "CC" not in make(tmp_path, "CFLAGS=-O1")
