# SPDX-License-Identifier: MIT
"""The quiz: labs/quiz/quiz.toml as a page to print, and for learning platforms as Moodle
XML and GIFT, in English and Korean."""

import html
import re
import tomllib
import xml.etree.ElementTree as xml

from . import course, formats

SOURCE = course.LABS / "quiz/quiz.toml"

LANGUAGES = {"en": ("Waiting for sockets: a quiz", "Answers", "See", "Name"),
             "ko": ("소켓 대기: 퀴즈", "정답", "참고", "이름")}

STYLE = """body { font: 16px/1.5 system-ui, "Noto Sans KR", sans-serif; max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem }
section { break-inside: avoid; margin: 1.2rem 0 } section > p { margin: 0 0 .3rem }
ol.options { list-style: upper-alpha; margin: 0; padding-left: 2rem }
.answers { break-before: page } .answers p { margin: .2rem 0 .8rem }
.name { border-bottom: 1px solid #888; width: 20rem; margin-bottom: 1.5rem }"""


def load():
    return tomllib.loads(SOURCE.read_text(encoding="utf-8"))["question"]


def of(thing, language):
    return re.sub(r"\s+", " ", thing[language]).strip()


def as_html(questions, language):
    title, answers, see, name = LANGUAGES[language]
    body = [f"<h1>{title}</h1><p class=name>{name}:</p>"]
    for number, question in enumerate(questions, 1):
        options = "".join(f"<li>{html.escape(of(option, language))}</li>"
                          for option in question["options"])
        body.append(f"<section><p><b>{number}.</b> "
                    f"{html.escape(of(question['text'], language))}</p>"
                    f"<ol class=options>{options}</ol></section>")
    body.append(f"<div class=answers><h2>{answers}</h2>")
    for number, question in enumerate(questions, 1):
        body.append(f"<p><b>{number}. {'ABCDEFGH'[question['right']]}</b> "
                    f"{html.escape(of(question['why'], language))} "
                    f"<i>{see}: {html.escape(question['see'])}</i></p>")
    return (f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
            f"<title>{title}</title><style>{STYLE}</style>" + "\n".join(body) + "</div></html>")


def as_moodle(questions, language):
    """Moodle XML: one right option, and what a wrong one believes as feedback"""
    top = xml.Element("quiz")

    def text(parent, tag, content, **more):
        one = xml.SubElement(parent, tag, more)
        xml.SubElement(one, "text").text = content
        return one

    for question in questions:
        one = xml.SubElement(top, "question", type="multichoice")
        text(one, "name", question["id"])
        text(one, "questiontext", html.escape(of(question["text"], language)),
             format="html")
        text(one, "generalfeedback", html.escape(
            f"{of(question['why'], language)} ({question['see']})"), format="html")
        for tag, value in ("defaultgrade", "1"), ("single", "true"), \
                ("shuffleanswers", "true"), ("answernumbering", "ABCD"):
            xml.SubElement(one, tag).text = value
        for i, option in enumerate(question["options"]):
            text(one, "answer", html.escape(of(option, language)),
                 fraction="100" if i == question["right"] else "0", format="html")
    xml.indent(top)
    return xml.tostring(top, encoding="unicode", xml_declaration=True)


def gift(text):
    """GIFT gives these characters a meaning."""
    return re.sub(r"([\\~=#{}:])", r"\\\1", text)


def as_gift(questions, language):
    found = []
    for question in questions:
        lines = [f"::{gift(question['id'])}:: {gift(of(question['text'], language))} {{"]
        lines += [f"\t{'=' if i == question['right'] else '~'}{gift(of(option, language))}"
                  for i, option in enumerate(question["options"])]
        lines += [f"\t####{gift(of(question['why'], language))} "
                  f"({gift(question['see'])})", "}", ""]
        found += lines
    return "\n".join(found)


FORMS = {"html": as_html, "xml": as_moodle, "gift": as_gift}


def write(out):
    questions = load()
    out.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        for ending, form in FORMS.items():
            path = out / f"quiz.{language}.{ending}"
            formats.write(path, form(questions, language))
            yield path
