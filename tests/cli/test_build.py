# SPDX-License-Identifier: MIT
"""Changed flags cause a rebuild."""

import subprocess

import server


def make(folder, *args):
    ran = subprocess.run(
        ["make", f"BUILD={folder}", f"BIN={folder}/bin", *args,
         f"{folder}/bin/select"], cwd=server.TOP, capture_output=True,
        text=True, check=True)
    return ran.stdout


def test_other_flags_rebuild(tmp_path):
    """Otherwise a build could lack the sanitizers it was asked for."""
    assert "CC   models/select.c" in make(tmp_path)
    assert "CC" not in make(tmp_path)
    assert "CC   models/select.c" in make(tmp_path, "CFLAGS=-O1")
    assert "CC" not in make(tmp_path, "CFLAGS=-O1")
