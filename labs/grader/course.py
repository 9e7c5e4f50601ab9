# SPDX-License-Identifier: MIT
"""The labs, as they are on disk: a folder labs/NN-NAME with a lab.toml."""

import difflib
import functools
import pathlib
import tomllib

LABS = pathlib.Path(__file__).resolve().parent.parent
TOP = LABS.parent


class UsageError(Exception):
    """What was asked for cannot be done: a message for the user, exit status 2"""


class Lab:
    """A lab. `spec` is its lab.toml; labs/README.md explains the keys."""

    def __init__(self, folder):
        self.folder = folder
        self.spec = tomllib.loads((folder / "lab.toml").read_text(encoding="utf-8"))
        number, self.name = folder.name.split("-", 1)
        self.number = int(number)
        self.title = self.spec["title"]

    def __str__(self):
        return f"{self.number:02} {self.name}"

    @property
    def is_code(self):
        """A program is handed in, not answers."""
        return "code" in self.spec

    @property
    def model(self):
        """The file that is the reference solution"""
        return TOP / self.spec["code"]["model"]

    @property
    def server(self):
        """The file that makes a server of what is handed in, which may be itself"""
        given = self.spec["code"].get("server")
        return TOP / given if given else self.model

    @property
    def handed_in(self):
        """The name of the file that is handed in"""
        if not self.is_code:
            return "answers.toml"
        return self.spec["code"].get("file", self.model.name)


@functools.cache
def labs():
    return [Lab(path.parent) for path in sorted(LABS.glob("[0-9][0-9]-*/lab.toml"))]


def find(word):
    """The lab of a number (5, 05), a name (epoll) or both (05-epoll)"""
    for lab in labs():
        if word in (lab.name, lab.folder.name) or \
                word.isdecimal() and int(word) == lab.number:
            return lab
    names = [name for lab in labs() for name in (f"{lab.number:02}", lab.name)]
    near = difflib.get_close_matches(word, names, 1)
    hint = f"did you mean {near[0]}?" if near else \
        "there are " + ", ".join(map(str, labs()))
    raise UsageError(f"no lab '{word}'; {hint}")
