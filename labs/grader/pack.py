# SPDX-License-Identifier: MIT
"""What a student hands in, as one file."""

import pathlib
import zipfile

from . import measured, submission
from .course import UsageError
from .results import Fault

#: Beside the file of the lab; what is missing is left out
FILES = ["prediction.json", "explanation.md", *(f"run/{name}" for name in measured.FILES)]


def write(lab, place, out=None):
    """(the file, the names in it)"""
    out = out or pathlib.Path(f"lab-{lab.number:02}.zip")
    try:
        content = submission.source(lab, place)
    except Fault as fault:
        raise UsageError(str(fault)) from None
    names = [lab.handed_in]
    try:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(lab.handed_in, content)
            for name in FILES:
                if (place / name).is_file():
                    archive.write(place / name, name)
                    names.append(name)
    except OSError as error:
        raise UsageError(f"{out}: {error.strerror}") from None
    return out, names
