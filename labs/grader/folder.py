# SPDX-License-Identifier: MIT
"""The folder of a student: made by start, read by the other verbs."""

import pathlib
import subprocess
import tempfile

from . import course, questions
from .course import UsageError


def of(lab, given=None, must_exist=True):
    """The folder of a lab, lab-NN unless given"""
    place = given or pathlib.Path(f"lab-{lab.number:02}")
    if must_exist and not place.is_dir():
        raise UsageError(f"there is no folder {place}; labs/lab start {lab.number:02} "
                         "makes it, --dir names another")
    return place


def patched(original, patch):
    """The text of a file with a patch applied, which must fit exactly: skeletons and
    wrong solutions are patches of a model, so they cannot drift."""
    with tempfile.NamedTemporaryFile("w+", suffix=".c", encoding="utf-8") as file:
        file.write(original.read_text(encoding="utf-8"))
        file.flush()
        done = subprocess.run(["patch", "--quiet", "--fuzz=0", "--no-backup-if-mismatch",
                               "--reject-file=-", file.name, patch],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise UsageError(f"{patch.relative_to(course.TOP)} does not fit "
                             f"{original.relative_to(course.TOP)} any more: "
                             f"{done.stdout.strip()}")
        return pathlib.Path(file.name).read_text(encoding="utf-8")


def skeleton(lab):
    """The file that a student begins with"""
    if lab.is_code:
        return patched(lab.model, lab.folder / "skeleton.patch")
    return questions.skeleton(lab)


def start(lab, given=None):
    place = of(lab, given, must_exist=False)
    if place.exists():
        raise UsageError(f"{place} exists already; labs/lab reset {lab.number:02} begins "
                         "again and keeps your file")
    text = skeleton(lab)
    place.mkdir(parents=True)
    (place / lab.handed_in).write_text(text, encoding="utf-8")
    for handout in lab.folder.glob("handout*.md"):
        (place / handout.name).write_text(handout.read_text(encoding="utf-8"),
                                          encoding="utf-8")
    return place


def reset(lab, given=None):
    place = of(lab, given)
    mine = place / lab.handed_in
    number = 1
    while (kept := place / f"{lab.handed_in}.{number}").exists():
        number += 1
    text = skeleton(lab)
    if mine.exists():
        mine.rename(kept)
    mine.write_text(text, encoding="utf-8")
    return kept


def hint(lab, given=None):
    """The next hint; how many were given is in the folder."""
    place = of(lab, given)
    hints = lab.spec["hints"]
    counter = place / ".hints"
    given_so_far = int(counter.read_text(encoding="ascii")) if counter.exists() else 0
    now = min(given_so_far + 1, len(hints))
    counter.write_text(str(now), encoding="ascii")
    return "\n\n".join(f"{i}/{len(hints)}  {text}" for i, text in enumerate(hints[:now], 1))
