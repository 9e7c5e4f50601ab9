# SPDX-License-Identifier: MIT
"""The result of a grading for other programs: our JSON (result.schema.json), and what
learning platforms read."""

import json
import os
import pathlib
import resource
import tempfile
import xml.etree.ElementTree as xml

from . import grade, predict, screen
from .results import COSTS, PARTS, PASS, counted, points, total

SCHEMA = 1


def native(lab, results, environment=None):
    """The object that result.schema.json describes"""
    got, of = total(results)
    return {
        "schema": SCHEMA, "lab": f"{lab.number:02}", "name": lab.name,
        "score": got, "max_score": of,
        "parts": {part: {"points": a, "max_points": b}
                  for part, (a, b) in points(results).items()},
        "checks": [vars(result) for result in results],
        "environment": environment or grade.environment(),
        "used": used(),
    }


def used():
    """Of all processes that were started and waited for: compiler, server, counting"""
    of = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu_s": round(of.ru_utime + of.ru_stime, 3),
            "max_resident_bytes": of.ru_maxrss * 1024}


def as_text(of):
    return "\n".join(screen.line(result) for result in of)


def gradescope(result, results):
    """results.json of Gradescope: a test for each check, points shared within a part"""
    tests = []
    for part, worth in PARTS.items():
        count = counted(results, part)
        for of in (of for of in results if of.part == part):
            each = worth / len(count) if of in count else 0
            tests.append({"name": f"{of.name}: {of.title}", "score": round(
                each * (of.status == PASS), 2), "max_score": round(each, 2),
                "status": "failed" if of.status in COSTS else "passed",
                "output": screen.detail(of) or of.what or of.status})
    return {"score": result["score"], "output": f"{result['score']:g} of "
            f"{result['max_score']:g}", "tests": tests,
            "extra_data": {"environment": result["environment"]}}


def autolab(result, results):
    """Autolab reads the last line of the output."""
    scores = {part: of["points"] for part, of in result["parts"].items()}
    return as_text(results) + "\n" + json.dumps({"scores": scores})


def classroom50(result, results):
    """result.json of classroom50 (classroom50/result/v1): a test for each part, as points
    have to be whole numbers. The runner tells what it grades in the environment."""
    tests = []
    for part, of in result["parts"].items():
        failed = [one.name for one in results if one.part == part and one.status in COSTS]
        tests.append({"test-name": f"{part}: " + (
            f"failed {', '.join(failed)}"[:180] if failed else "all checks"),
            "passed": of["points"] == of["max_points"],
            "score": round(of["points"]), "max-score": of["max_points"]})
    commit = os.environ.get("COMMIT_URL", "")
    return {"schema": "classroom50/result/v1", "classroom": os.environ.get("CLASSROOM", ""),
            "assignment": os.environ.get("ASSIGNMENT", ""),
            "submission": os.environ.get("SUBMISSION_TAG", ""), "commit": commit,
            "release": os.environ.get("RELEASE_URL", ""),
            "review": os.environ.get("REVIEW_URL") or commit, "datetime": predict.now(),
            "score": sum(test["score"] for test in tests),
            "max-score": sum(test["max-score"] for test in tests), "tests": tests}


def junit(result, results):
    """JUnit XML, for a CI"""
    suite = xml.Element("testsuite", name=f"lab-{result['lab']}", tests=str(len(results)),
                        failures=str(sum(of.status in COSTS for of in results)))
    for of in results:
        case = xml.SubElement(suite, "testcase", classname=f"lab-{result['lab']}",
                              name=of.name, time=f"{of.took_s:.3f}")
        if of.status in COSTS and of.status != "skipped":
            xml.SubElement(case, "failure", message=of.what or "").text = printable(
                screen.detail(of))
        elif of.status != PASS:
            xml.SubElement(case, "skipped", message=f"{of.status}: {of.what or ''}")
    return xml.tostring(suite, encoding="unicode", xml_declaration=True)


def printable(text):
    """XML allows no other control characters."""
    return "".join(c if c in "\t\n" or c >= " " else "?" for c in text)


FORMATS = {"json": lambda result, _: result, "gradescope": gradescope, "autolab": autolab,
           "classroom50": classroom50, "junit": junit}


def text_of(form, lab, results):
    """The whole output in a format"""
    result = native(lab, results)
    made = FORMATS[form](result, results)
    return made if isinstance(made, str) else json.dumps(made, indent=1, ensure_ascii=False)


def write(path, text):
    """Replaces a file at once: a reader sees the old one or the new one."""
    path = pathlib.Path(path)
    if path.exists() and not path.is_file():
        path.write_text(text + "\n", encoding="utf-8")
        return
    fd, new = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text + "\n")
        os.chmod(new, 0o644)
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise
