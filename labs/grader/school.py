# SPDX-License-Identifier: MIT
"""Grades a folder of submissions: many at once, each in a process and a sandbox of its
own. A zero is on disk before a submission is touched, so that whatever happens to one, it
has a result, and the others have theirs."""

import argparse
import collections
import concurrent.futures
import csv
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from . import course, formats, grade, similar, submission, taken
from .course import UsageError
from .results import COSTS, Fault
from .subject import SCALE

#: A grading that takes longer is ended. A submission that answers nothing takes a minute.
GRADE_WITHIN_S = 300 * SCALE

EXAMPLES = """examples:
  labs/grade-class submissions --lab 05
         grade submissions/*, each a folder, a file or an archive; results go to
         submissions-graded/
  labs/grade-class submissions --lab 05
         again: goes on where it was interrupted; what has not changed is not graded again

In the folder of the results: class.csv (a line per submission), summary.txt (which check
did most fail?, similar pairs), and NAME.json for each.
"""


class School:
    """A class run"""

    def __init__(self, lab, source, out):
        self.lab, self.source, self.out = lab, source, out
        out.mkdir(parents=True, exist_ok=True)
        self.environment = grade.environment()

    def submissions(self):
        """Everything in the folder that is not hidden, in order"""
        found = sorted(path for path in self.source.iterdir()
                       if not path.name.startswith("."))
        if not found:
            raise UsageError(f"{self.source} is empty: a folder, file or archive for each "
                             "submission is expected")
        return found

    def result_file(self, path):
        """Its name is that of the submission; characters that a terminal or another
        system may not take are escaped."""
        safe = "".join(c if c.isalnum() or c in "-_." else f"%{ord(c):02x}"
                       for c in path.name.encode(errors="surrogateescape").decode("latin-1"))
        if len(safe.encode()) > 200:
            safe = f"{safe[:60]}-{hashlib.sha256(safe.encode()).hexdigest()[:16]}"
        return self.out / f"{safe}.json"

    def grade(self, path):
        """Grades one; returns its result, whatever happens"""
        try:
            return self._grade(path)
        except Exception as error:  # noqa: BLE001 (the others go on)
            return self._zero(self.result_file(path), path,
                              f"the grader failed, please report this: {error!r}")

    def _grade(self, path):
        file = self.result_file(path)
        try:
            contents = taken.files(self.lab, path)
        except Fault as fault:
            return self._zero(file, path, str(fault))
        except OSError as error:
            return self._zero(file, path, f"it cannot be read: {error.strerror}")
        digest = self._digest(contents)
        before = read_json(file)
        if before and before.get("digest") == digest and before.get("complete"):
            return before
        self._zero(file, path, "the grading was interrupted", digest=digest)
        work = self.out / ".work" / file.stem
        submission.remove(work)
        for name, content in contents.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(content)
        why = self._run(work, made := work / "result.json")
        result = read_json(made)
        if not result:
            return self._zero(file, path, why, digest=digest, complete=True)
        result |= {"submission": shown(path), "digest": digest, "complete": True}
        formats.write(file, json.dumps(result, indent=1))
        return result

    def _digest(self, contents):
        """Of what was handed in, and of what the lab checks"""
        sha = hashlib.sha256((self.lab.folder / "lab.toml").read_bytes())
        for name, content in sorted(contents.items()):
            sha.update(f"{name} {len(content)} ".encode() + content)
        return sha.hexdigest()

    def _run(self, work, made):
        """labs/lab check, in a process group of its own; what is wrong if there is no
        result"""
        made.unlink(missing_ok=True)
        with open(work / "output.txt", "wb") as output:
            process = subprocess.Popen(
                [sys.executable, course.LABS / "lab", "check", str(self.lab.number),
                 "--dir", work, "--format", "json", "--out", made],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True)
            try:
                process.wait(GRADE_WITHIN_S)
            except subprocess.TimeoutExpired:
                return f"its grading took longer than {GRADE_WITHIN_S:g} s"
            finally:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
        text = (work / "output.txt").read_text(errors="replace")[-500:]
        return f"the grader ended with {process.returncode}: {text}"

    def _zero(self, file, path, why, digest=None, complete=False):
        result = formats.native(self.lab, [], self.environment) | {
            "submission": shown(path), "why": why, "digest": digest, "complete": complete}
        formats.write(file, json.dumps(result, indent=1))
        return result

    def run(self, jobs):
        todo = self.submissions()
        results, begin = {}, time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            running = {pool.submit(self.grade, path): path for path in todo}
            try:
                for future in concurrent.futures.as_completed(running):
                    path = running[future]
                    results[path] = future.result()
                    self._tell(path, results, len(todo), begin)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return results

    @staticmethod
    def _tell(path, results, of, begin):
        result, n = results[path], len(results)
        left = (time.monotonic() - begin) / n * (of - n)
        why = result.get("why") or next(
            (f"{check['name']}: {check['what']}" for check in result["checks"]
             if check["status"] in COSTS and check["status"] != "skipped"), "")
        print(f"[{n}/{of}] {shown(path)}: {result['score']:g} of {result['max_score']:g}"
              f"{'  ' + why.splitlines()[0][:70] if why else ''}"
              f"{f'  ({left / 60:.0f} min left)' if left > 60 else ''}", flush=True)


def shown(path):
    return path.name.encode(errors="surrogateescape").decode(errors="replace")


def read_json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_table(school, results):
    names = list(dict.fromkeys(check["name"] for result in results.values()
                               for check in result["checks"]))
    most = max((result["max_score"] for result in results.values()), default=0)
    new = school.out / ".class.csv"
    with open(new, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["submission", "score", "max_score", "why", "cpu_s",
                       "max_resident_bytes", *names])
        for path in sorted(results):
            result = results[path]
            status = {check["name"]: check["status"] for check in result["checks"]}
            rows.writerow([harmless(shown(path)), result["score"], most,
                           harmless(result.get("why") or ""),
                           *(result.get("used", {}).get(of, "")
                             for of in ("cpu_s", "max_resident_bytes")),
                           *(status.get(name, "") for name in names)])
    new.replace(school.out / "class.csv")


def harmless(text):
    """A spreadsheet takes a text with one of these in front for a formula."""
    return "'" + text if text[:1] in ("=", "+", "-", "@") else text


def summary(school, results):
    failed = collections.Counter(check["name"] for result in results.values()
                                 for check in result["checks"]
                                 if check["status"] in ("fail", "timeout"))
    undecided = collections.Counter(
        (check["name"], check["status"]) for result in results.values()
        for check in result["checks"]
        if check["status"] in ("unstable", "unavailable", "error"))
    lines = [f"{len(results)} submissions of lab {school.lab}", ""]
    lines += ["failed by most:"] + [f"  {n:4} {name}" for name, n in failed.most_common()]
    if undecided:
        lines += ["not decided, and not counted:"] + [
            f"  {n:4} {name}: {status}" for (name, status), n in undecided.most_common()]
    none = [(path, result["why"]) for path, result in sorted(results.items())
            if result.get("why")]
    if none:
        lines += ["zero, and why:"] + [f"  {shown(path)}: {why.splitlines()[0]}"
                                       for path, why in none]
    pairs = similar.pairs(school.lab, {shown(path): path for path in results})
    if pairs:
        lines += ["similar (a hint, no proof: look at both):"] + [
            f"  {share:4.0%} {a} {b}" for share, a, b in pairs]
    return "\n".join(lines)


def parse():
    parser = argparse.ArgumentParser(
        prog="labs/grade-class", description="Grades all submissions of a lab.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, metavar="DIR",
                        help="the submissions")
    parser.add_argument("--lab", required=True, metavar="N", help="number or name")
    parser.add_argument("--out", type=pathlib.Path, metavar="DIR",
                        help="where results go (default: DIR-graded)")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)),
                        help="gradings at once (default: the number of CPUs)")
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error("--jobs: at least 1")
    if not args.folder.is_dir():
        parser.error(f"{args.folder} is not a folder")
    return args


def main():
    sys.stdout.reconfigure(errors="backslashreplace")
    args = parse()
    try:
        lab = course.find(args.lab)
        out = args.out or args.folder.parent / f"{args.folder.resolve().name}-graded"
        school = School(lab, args.folder, out)
        results = school.run(args.jobs)
    except UsageError as error:
        print(f"labs/grade-class: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\ninterrupted; the same command goes on from here ({out})", file=sys.stderr)
        return 130
    write_table(school, results)
    text = summary(school, results)
    formats.write(out / "summary.txt", text)
    print(f"\n{text}\n\n{out}/class.csv")
    return 0
