# SPDX-License-Identifier: MIT
"""A page of a lab: prediction beside outcome, the verdicts of the run, what was checked,
and the explanation; in HTML and in Markdown."""

import csv
import html
import json

from . import formats, predict

#: Results that have a colour
WORDS = ("pass", "fail", "timeout")

AGREES = {True: "as predicted", False: "not as predicted", None: ""}

STYLE = """body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto;
  padding: 0 1rem; color: #1a1a1a; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0;
  border-bottom: 1px solid #ddd }
.pass { color: #176b2c } .fail, .timeout { color: #a61b1b }
pre { white-space: pre-wrap; font: inherit } img { max-width: 100% }
@media print { body { margin: 0 } }"""


def parts(lab, place):
    """[(title, header or None, rows or text)], the same for both forms"""
    found = []
    rows = [(question["text"].strip(), said, words, AGREES[agrees])
            for question, said, words, agrees in predict.outcomes(lab, place)]
    if rows:
        found.append(("Predicted and measured",
                      ("question", "predicted", "measured", ""), rows))
    if verdicts := run_says(place):
        found.append(("What the run says", None, "\n".join(f"- {of}" for of in verdicts)))
    if (checks := checked(place)):
        found.append(("Checked", ("check", "result", ""), checks))
    try:
        text = (place / "explanation.md").read_text(encoding="utf-8", errors="replace")
        text = text.partition("\n")[2].strip()
    except OSError:
        text = f"None yet: labs/lab explain {lab.number:02}"
    found.append(("Explanation", None, text))
    return found


def run_says(place, most=8):
    """The first sentences of findings.csv"""
    try:
        with open(place / "run/findings.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return []
    return [row["title"] for row in rows if row.get("title")][:most]


def checked(place):
    try:
        result = json.loads((place / "result.json").read_text(encoding="utf-8"))
        return [(of["title"], of["status"], of["what"] or "") for of in result["checks"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def as_markdown(lab, found):
    def cell(text):
        return str(text).replace("|", "\\|").replace("\n", " ")

    lines = [f"# Lab {lab}: {lab.title}", ""]
    for title, header, content in found:
        lines += [f"## {title}", ""]
        if header:
            lines += ["| " + " | ".join(map(cell, row)) + " |" for row in
                      (header, ["---"] * len(header), *content)] + [""]
        else:
            lines += [content.replace("\n## ", "\n### ").removeprefix("## "), ""]
    return "\n".join(lines)


def as_html(lab, found):
    body = []
    for title, header, content in found:
        body.append(f"<h2>{html.escape(title)}</h2>")
        if header:
            head = "".join(f"<th>{html.escape(of)}</th>" for of in header)
            rows = "".join("<tr>" + "".join(
                f"<td{f' class={of}' if of in WORDS else ''}>{html.escape(str(of))}</td>"
                for of in row) + "</tr>" for row in content)
            body.append(f"<table><tr>{head}</tr>{rows}</table>")
        else:
            body.append(f"<pre>{html.escape(content)}</pre>")
    title = html.escape(f"Lab {lab}: {lab.title}")
    return ('<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>"
            + "".join(body) + "</html>")


def write(lab, place):
    found = parts(lab, place)
    files = place / "report.html", place / "report.md"
    for file, text in zip(files, (as_html(lab, found), as_markdown(lab, found))):
        formats.write(file, text)
    return files
