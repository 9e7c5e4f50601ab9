# SPDX-License-Identifier: MIT
"""Takes what was handed in, and compiles it."""

import os
import pathlib
import shutil
import stat

from . import course, sandbox
from .results import Fault

#: Shown to students; of the Makefile's, without those that a server of a lab needs not
FLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Wno-unused-function",
         "-Wno-unused-parameter", "-pthread", "-D_GNU_SOURCE"]

SIZE_MAX = sandbox.MIB

COMPILE_WITHIN_S = 30

ARCHIVES = [course.TOP / "build/release" / name for name in ("common.a", "base.a")]
HEADERS = [course.TOP / "models/common", course.TOP / "harness/base"]


def read(path):
    """What is in a file that somebody handed in; Fault says what is wrong with it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Fault(f"there is no {path.name}") from None
    except OSError as error:
        raise Fault(f"{path.name} cannot be read: {error.strerror}; it has to be a file, "
                    "not a link") from None
    with open(fd, "rb") as file:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
            raise Fault(f"{path.name} is not a file of its own")
        if about.st_size > SIZE_MAX:
            raise Fault(f"{path.name} has {about.st_size / sandbox.MIB:.0f} MiB; a source "
                        f"file has at most {SIZE_MAX // sandbox.MIB} MiB")
        return file.read(SIZE_MAX)


def source(lab, place):
    """What is in the file of the lab in a folder"""
    return checked(read(place / lab.handed_in), lab.handed_in)


def checked(content, name):
    """The same content, if it can be source code"""
    if not content.strip():
        raise Fault(f"{name} is empty")
    if b"\0" in content:
        raise Fault(f"{name} is not source code: it contains zero bytes")
    return content


def command(lab, source, program):
    """How a server of a lab is compiled"""
    sources = [source] if lab.server == lab.model else [source, lab.server]
    return [os.environ.get("CC", "cc"), *FLAGS,
            *(f"-I{folder}" for folder in (HEADERS[0], HEADERS[0].parent, course.TOP)),
            "-o", str(program), *map(str, sources), *map(str, ARCHIVES), "-Wl,--as-needed",
            "-luring"]


def shown(lab):
    """The same for a student, in the folder of the lab"""
    return " ".join(command(lab, lab.handed_in, lab.server.stem))


def check_built():
    """The archives that every server is linked with"""
    for path in ARCHIVES:
        if not path.exists():
            raise course.UsageError(f"{path.relative_to(course.TOP)} is missing; run make "
                                    f"in {course.TOP} first")


def build(lab, content, folder):
    """Compiles the source in the sandbox; the path of the program. `folder` is empty."""
    check_built()
    source = folder / lab.handed_in
    source.write_bytes(content)
    program = folder / "server"
    # The model of a lab is its solution: it is not there to be included.
    see = [*HEADERS, *ARCHIVES, *([lab.server] if lab.server != lab.model else [])]
    status, text = sandbox.run(
        command(lab, source, program), COMPILE_WITHIN_S, write=folder, see=see,
        fsize=64 * sandbox.MIB)
    text = text.replace(f"{folder}/", "")
    if status is None:
        raise Fault(f"the compiler was still running after {COMPILE_WITHIN_S} s")
    if status != 0 or not program.is_file() or program.is_symlink():
        raise Fault("it does not compile", got=text, by_hand=shown(lab))
    return program, text


def copy_reference(lab, folder):
    """The reference of a lab, compiled in the same way"""
    folder = pathlib.Path(folder)
    folder.mkdir()
    return build(lab, lab.model.read_bytes(), folder)[0]


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
