# SPDX-License-Identifier: MIT
"""What was handed in, whatever form it has: a folder, the file itself, or an archive. Of
an archive only the files of the lab are read, up to a limit, and nothing is unpacked to
disk."""

import contextlib
import pathlib
import tarfile
import zipfile

from . import pack, submission
from .results import Fault

ARCHIVE_MAX = 64 << 20

#: What a damaged archive raises
BROKEN = (zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError, OSError,
          EOFError, ValueError, OverflowError)


def source(lab, path):
    """The file of the lab"""
    return files(lab, path)[lab.handed_in]


def files(lab, path):
    """{name: content}: the file of the lab, and what else of pack.FILES is beside it;
    Fault says why there is none"""
    if path.is_symlink():
        raise Fault("it is a link")
    if path.is_dir():
        return chosen(lab, *of_folder(path))
    if not path.is_file():
        raise Fault("it is neither a file nor a folder")
    if path.name.endswith((".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz")):
        try:
            with contextlib.ExitStack() as stack:
                return chosen(lab, *of_archive(path, stack))
        except BROKEN as error:
            raise Fault(f"the archive cannot be read: {error}") from None
    return {lab.handed_in: submission.checked(submission.read(path), path.name)}


def chosen(lab, names, read):
    """`read` gives the content of one of `names`"""
    found = [name for name in names if pathlib.PurePath(name).name == lab.handed_in]
    if not found:
        raise Fault(f"there is no {lab.handed_in} in it")
    if len(found) > 1:
        raise Fault(f"there are {len(found)} files {lab.handed_in} in it")
    contents = {lab.handed_in: submission.checked(read(found[0]), lab.handed_in)}
    beside = pathlib.PurePath(found[0]).parent
    for name in pack.FILES:
        if (full := str(beside / name)) in names:
            with contextlib.suppress(Fault):  # it will be missing, and its check says so
                contents[name] = read(full)
    return contents


def of_folder(folder):
    return [str(path) for path in walk(folder)], lambda name: submission.read(
        pathlib.Path(name))


def of_archive(path, stack):
    if path.suffix == ".zip":
        archive = stack.enter_context(zipfile.ZipFile(path))
        names, opened = archive.namelist(), archive.open
    else:
        archive = stack.enter_context(tarfile.open(path))
        members = dict(members_of(archive))
        names = list(members)

        def opened(name):
            return archive.extractfile(members[name])

    def read(name):
        with opened(name) as file:
            content = file.read(submission.SIZE_MAX + 1)
        if len(content) > submission.SIZE_MAX:
            raise Fault(f"{pathlib.PurePath(name).name} is larger than "
                        f"{submission.SIZE_MAX >> 20} MiB")
        return content

    return names, read


def members_of(archive):
    """To find the next member, this one is unpacked: not if it is huge."""
    for of in archive:
        if of.offset + of.size > ARCHIVE_MAX:
            raise Fault(f"it unpacks to more than {ARCHIVE_MAX >> 20} MiB")
        if of.isfile():
            yield of.name, of


def walk(folder, depth=3):
    """The files of a folder and of those in it"""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if depth:
                yield from walk(path, depth - 1)
        else:
            yield path
