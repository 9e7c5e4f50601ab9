# SPDX-License-Identifier: MIT
"""Runs plots/report.py and parses the page."""

import contextlib
import dataclasses
import functools
import html.parser
import io
import pathlib
import subprocess
import sys
import unittest.mock

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "plots"))

from report import main  # noqa: E402
from report.charts import details  # noqa: E402

REPORT = TOP / "plots/report.py"

#: HTML elements without an end tag
VOID = {"meta", "input", "br", "image", "use", "path", "rect", "link"}


@dataclasses.dataclass
class Made:
    status: int
    said: str  # on stderr
    path: pathlib.Path

    @functools.cached_property
    def text(self):
        return self.path.read_text(encoding="utf-8")

    @functools.cached_property
    def page(self):
        return Page(self.text)


def program(folder, env=None):
    """The program as its user runs it"""
    done = subprocess.run([REPORT, folder], env=env, text=True, capture_output=True,
                          timeout=110, check=False)
    return Made(done.returncode, done.stderr, pathlib.Path(folder) / "report.html")


def call(*arguments, text=""):
    """(status, stderr) of the program, run in this process, which saves its start"""
    said, details.WORKERS = io.StringIO(), 1
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()), \
            unittest.mock.patch("sys.stdin", io.StringIO(text)):
        try:
            status = main.main([str(one) for one in arguments])
        except SystemExit as error:
            status = error.code
    return status, said.getvalue()


def make(folder, *arguments):
    status, said = call(folder, *arguments)
    return Made(status, said, pathlib.Path(folder) / "report.html")


class Node:
    def __init__(self, tag, attributes, above):
        self.tag, self.attributes, self.above = tag, dict(attributes), above
        self.inside = []  # nodes and texts

    def get(self, name):
        return self.attributes.get(name)

    def all(self, tag=None, **attributes):
        """Nodes below it with this tag and these attributes"""
        for node in self.inside:
            if isinstance(node, str):
                continue
            wanted = {name.rstrip("_").replace("_", "-"): value
                      for name, value in attributes.items()}
            if tag in (None, node.tag) and all(
                    node.get(name) == value for name, value in wanted.items()):
                yield node
            yield from node.all(tag, **attributes)

    def one(self, tag=None, **attributes):
        return next(self.all(tag, **attributes))

    @property
    def text(self):
        return "".join(node if isinstance(node, str) else node.text
                       for node in self.inside)

    @property
    def above_all(self):
        """Its ancestors, the nearest first"""
        node = self
        while node.above:
            node = node.above
            yield node


class Page(html.parser.HTMLParser, Node):
    """The page as a tree"""

    def __init__(self, text):
        html.parser.HTMLParser.__init__(self)
        Node.__init__(self, "page", (), None)
        self.open = [self]
        self.feed(text)
        assert self.open == [self], f"not ended: {[n.tag for n in self.open[1:]]}"

    def handle_starttag(self, tag, attrs):
        node = Node(tag, attrs, self.open[-1])
        self.open[-1].inside.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag, attrs):
        self.open[-1].inside.append(Node(tag, attrs, self.open[-1]))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open[-1].tag == tag, f"{self.open[-1].tag} ends as {tag}"
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].inside.append(data)

    def table(self, id):
        """Texts of its rows, the head first"""
        return [[cell.text for cell in row.all() if cell.tag in ("td", "th")]
                for row in self.one("table", id=id).all("tr")]

    def rows(self, id, **wanted):
        """Rows of a table as {head: text} where these columns have these texts"""
        head, *rows = self.table(id)
        found = [dict(zip(head, row)) for row in rows]
        return [row for row in found if wanted.items() <= row.items()]
