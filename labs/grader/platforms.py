# SPDX-License-Identifier: MIT
"""What a learning platform is given, so that it grades a lab: this project without the
solutions that are wrong, and what starts labs/lab check there."""

import io
import pathlib
import tarfile
import zipfile

from . import course

#: What a grading needs
NEEDED = ("LICENSE", "Makefile", "harness", "labs", "models", "plots/kerrisk.csv")

NAME = "io-models"

#: The machine of the platform has to be as new as this
BASE = "Ubuntu 24.04 or Debian 12"

INSTALL = "YES=1 harness/packages/install build labs\nmake -s\n"

#: {platform: ({name in the bundle: text}, what to do with it)}. NN and FILE are replaced.
PLATFORMS = {
    "gradescope": ({
        "setup.sh": f"""#!/bin/sh
# Runs once, when the image is built: {BASE}
set -eu
cd /autograder/source/{NAME}
{INSTALL}chmod -R go-rwx /autograder/source
chmod a+x /autograder /autograder/source
chmod -R a+rX /autograder/source/{NAME}
""",
        "run_autograder": f"""#!/bin/sh
# A zero first: whatever happens, there is a result.
out=/autograder/results/results.json
echo '{{"score": 0, "output": "the grading was interrupted"}}' >$out
/autograder/source/{NAME}/labs/lab check NN --dir /autograder/submission \\
\t--format gradescope --out $out
[ $? -lt 2 ]
"""}, f"upload it as the autograder of a programming assignment ({BASE})"),
    "autolab": ({
        "autograde-Makefile": f"""# Autolab runs this beside autograde.tar and the file FILE
all:
\t@tar xf autograde.tar
\t@mkdir -p handed-in && cp FILE handed-in/
\t@make -s -C {NAME} >build.log 2>&1 || {{ cat build.log; exit 1; }}
\t@{NAME}/labs/lab check NN --dir handed-in --format autolab || [ $$? -eq 1 ]
"""}, f"unpack it; upload autograde.tar and autograde-Makefile; the image is {BASE} with "
      "the packages of labs/teacher.md"),
    "classroom50": ({
        "autograder.py": f'''#!/usr/bin/env python3
"""classroom50 runs this in the folder that was handed in; result.json is written there."""
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
if not (here / "{NAME}").exists():
    subprocess.run(["tar", "xf", here / "{NAME}.tar", "-C", here], check=True)
script = """set -e
{INSTALL}"""
subprocess.run(["sudo", "sh", "-c", script], cwd=here / "{NAME}", check=True,
               stdout=sys.stderr)
done = subprocess.run([here / "{NAME}/labs/lab", "check", "NN", "--dir", ".", "--format",
                       "classroom50", "--out", "result.json"], check=False)
sys.exit(done.returncode > 1)
'''}, "put both into CLASSROOM/autograders/ASSIGNMENT/; the runner has Ubuntu"),
}


def sources():
    """The files of this project that a grading needs"""
    found = []
    for name in NEEDED:
        path = course.TOP / name
        found += sorted(path.rglob("*")) if path.is_dir() else [path]
    names = [path.relative_to(course.TOP) for path in found if path.is_file()]
    return [name for name in names if not {"wrong", "__pycache__"} & set(name.parts)]


def tar_of_sources():
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name in sources():
            archive.add(course.TOP / name, pathlib.PurePath(NAME) / name, recursive=False)
    return made.getvalue()


def texts(platform, lab):
    return {name: text.replace("NN", f"{lab.number:02}").replace("FILE", lab.handed_in)
            for name, text in PLATFORMS[platform][0].items()}


def write(platform, lab, out):
    """Makes the bundle; returns (its path, what to do with it)"""
    out.mkdir(parents=True, exist_ok=True)
    if platform == "gradescope":
        path = out / f"gradescope-{lab.number:02}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in texts(platform, lab).items():
                info = zipfile.ZipInfo(name)
                info.external_attr = 0o755 << 16
                archive.writestr(info, text)
            for name in sources():
                archive.write(course.TOP / name, pathlib.PurePath(NAME) / name)
    else:
        path = out / f"{platform}-{lab.number:02}.tar"
        inner = "autograde.tar" if platform == "autolab" else f"{NAME}.tar"
        files = {name: text.encode() for name, text in texts(platform, lab).items()}
        with tarfile.open(path, "w") as archive:
            for name, content in {**files, inner: tar_of_sources()}.items():
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(content), 0o755
                archive.addfile(info, io.BytesIO(content))
    return path, PLATFORMS[platform][1]
