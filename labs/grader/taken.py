# SPDX-License-Identifier: MIT
"""What was handed in, whatever form it has: a folder, the file itself, or an archive. Of
an archive only the one file is read, up to a limit, and nothing is unpacked to disk."""

import pathlib
import tarfile
import zipfile

from . import submission
from .results import Fault


def source(lab, path):
    """The source code; Fault says why there is none"""
    name = lab.handed_in
    if path.is_symlink():
        raise Fault("it is a link")
    if path.is_dir():
        return submission.read(the_one(name, walk(path)))
    if path.suffix == ".zip":
        return from_zip(name, path)
    if path.name.endswith((".tar", ".tar.gz", ".tgz", ".tar.xz")):
        return from_tar(name, path)
    return submission.read(path)


def walk(folder, depth=3):
    """The files of a folder and of those in it"""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if depth:
                yield from walk(path, depth - 1)
        else:
            yield path


def the_one(name, paths):
    found = [path for path in paths if pathlib.PurePath(path).name == name]
    if not found:
        raise Fault(f"there is no {name} in it")
    if len(found) > 1:
        raise Fault(f"there are {len(found)} files {name} in it")
    return found[0]


def limited(file, name):
    content = file.read(submission.SIZE_MAX + 1)
    if len(content) > submission.SIZE_MAX:
        raise Fault(f"{name} is larger than {submission.SIZE_MAX >> 20} MiB")
    return submission.checked(content, name)


def from_zip(name, path):
    try:
        with zipfile.ZipFile(path) as archive:
            with archive.open(the_one(name, archive.namelist())) as file:
                return limited(file, name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError,
            ValueError) as error:
        raise Fault(f"the archive cannot be read: {error}") from None


def from_tar(name, path):
    try:
        with tarfile.open(path) as archive:
            members = [of for of in archive if of.isfile()]
            wanted = the_one(name, [of.name for of in members])
            member = next(of for of in members if of.name == wanted)
            with archive.extractfile(member) as file:
                return limited(file, name)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise Fault(f"the archive cannot be read: {error}") from None
