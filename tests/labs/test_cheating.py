# SPDX-License-Identifier: MIT
"""Submissions that want more than they deserve, or to do harm. Each is tried, and what
happens is what labs/teacher.md says."""

import os
import pathlib
import shutil
import socket
import subprocess
import time
import uuid

import labs
import pytest
from labs import course

LAB = course.find("05")
MODEL = LAB.model.read_text(encoding="utf-8")
HEAD = "int serve(int listen_fd, const struct options *opt)\n{\n"

bubblewrap = pytest.mark.skipif(
    not shutil.which("bwrap") or subprocess.run(
        ["bwrap", "--unshare-user", "--ro-bind", "/", "/", "true"], check=False,
        capture_output=True).returncode != 0, reason="bubblewrap is not permitted here")


def with_code(code, before=""):
    """The reference, with code at the start of serve()"""
    assert HEAD in MODEL
    return MODEL.replace(HEAD, f"{before}\n{HEAD}{code}\n", 1)


INCLUDES = """#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <sys/wait.h>
#include <sys/resource.h>
"""


def grade(code, at, *options):
    return labs.grade(LAB, with_code(code, INCLUDES), at, *(options or ("echo",)))


def processes_named(word):
    found = []
    for of in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in of.read_bytes():
                found.append(of.parent.name)
        except OSError:
            pass
    return found


def test_score_is_not_read_from_output(tmp_path):
    """It prints a full score, and writes one to every descriptor that it has."""
    graded = grade("""
        const char full[] = "{\\"score\\": 100, \\"max_score\\": 100, \\"complete\\": true}\\n";
        puts(full);
        fflush(stdout);
        for (int fd = 3; fd < 1000; fd++)
            if (fd != listen_fd && write(fd, full, sizeof(full) - 1) > 0)
                puts("WRITTEN");
        return 0;""", tmp_path / "at")
    assert graded.result["score"] == 0 and "WRITTEN" not in graded.text
    assert graded.failed() == ["ready"]


def test_a_forged_result_is_replaced(tmp_path):
    """What was handed in has result.json and out.json with a full score."""
    at = tmp_path / "at"
    at.mkdir()
    for name in "result.json", "out.json":
        (at / name).write_text('{"score": 100, "max_score": 100, "checks": []}')
    graded = labs.grade(LAB, "int nothing;\n", at)
    assert graded.result["score"] == 0 and graded.failed()[0] == "build"


def test_survivor_is_ended(tmp_path):
    """A process that leaves its group and session does not outlive the check."""
    word = f"survivor-{uuid.uuid4().hex}"
    graded = grade(f"""
        if (fork() == 0) {{
            setsid();
            if (fork() == 0)
                execl("/bin/sh", "sh", "-c", "sleep 600; : {word}", NULL);
            _exit(0);
        }}
        wait(NULL);""", tmp_path / "at")
    end = time.monotonic() + 20
    while (left := processes_named(word)) and time.monotonic() < end:
        time.sleep(0.1)
    assert graded.check("ready")["status"] == "pass" and not left


@bubblewrap
def test_reference_cannot_be_run(tmp_path):
    graded = grade(f"""
        execl("{course.TOP}/bin/epoll", "epoll", "--port", "0", NULL);
        execl("{course.TOP}/bin/poll", "poll", "--port", "0", NULL);
        perror("NOT THERE");
        return 1;""", tmp_path / "at")
    assert graded.failed() == ["ready"] and "NOT THERE" in graded.check("ready")["got"]


@bubblewrap
def test_reference_cannot_be_included(tmp_path):
    graded = labs.grade(LAB, f'#include "{LAB.model}"\n', tmp_path / "at", "build")
    assert graded.failed() == ["build"]
    assert "No such file" in graded.check("build")["got"]


def test_preload_reaches_only_itself(tmp_path):
    """The server starts itself again with LD_PRELOAD: nothing else is started by it, and
    nothing that the grader sets reaches it."""
    graded = grade("""
        if (!getenv("AGAIN")) {
            puts(getenv("LD_PRELOAD") || getenv("HOME") ? "INHERITED" : "clean");
            setenv("LD_PRELOAD", "/tmp/evil.so", 1);
            setenv("AGAIN", "1", 1);
            execl("/proc/self/exe", "server", "--port", "0", NULL);
        }""", tmp_path / "at")
    assert graded.failed() == [] and "INHERITED" not in graded.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root counts in the kernel; strace is "
                    "seen by who looks for it, as labs/teacher.md says")
def test_behaving_while_traced(tmp_path):
    """It spins unless it is traced: calls are counted in the kernel, which it cannot see."""
    graded = grade("""
        char line[200] = "";
        FILE *status = fopen("/proc/self/status", "r");
        int tracer = 0;
        while (status && fgets(line, sizeof(line), status))
            sscanf(line, "TracerPid: %d", &tracer);
        if (!tracer && fork() == 0)
            for (;;)
                ;""", tmp_path / "at", "one-thread")
    assert graded.result["environment"]["system_calls"] == "bpf"
    assert graded.failed() == ["one-thread"]


def test_limits_bind(tmp_path):
    """Before anything is tried that only limits stop. One fork at a time, 1,500 at most."""
    graded = grade("""
        struct rlimit is;
        int made = 0;
        getrlimit(RLIMIT_NPROC, &is);
        for (int i = 0; i < 1500; i++) {
            pid_t child = fork();
            if (child < 0)
                break;
            if (child == 0) {
                pause();
                _exit(0);
            }
            made++;
        }
        fprintf(stderr, "LIMIT %d MADE %d\\n", (int)is.rlim_cur, made);
        return 1;""", tmp_path / "at")
    words = graded.check("ready")["got"].split()
    limit, made = (int(words[words.index(word) + 1]) for word in ("LIMIT", "MADE"))
    assert limit == 1300 and made < 1400


def test_memory_is_limited(tmp_path):
    graded = grade("""
        size_t got = 0;
        for (; got < 4096; got += 256)
            if (!malloc(256 << 20))
                break;
        fprintf(stderr, "GOT %zu MiB\\n", got);
        return 1;""", tmp_path / "at")
    words = graded.check("ready")["got"].split()
    assert int(words[words.index("GOT") + 1]) <= 2048


def test_endless_output(tmp_path):
    """It waits for a full pipe, and little is kept."""
    graded = grade("""
        static char much[1 << 16];
        memset(much, 'x', sizeof(much));
        if (fork() == 0)
            for (;;)
                if (write(1, much, sizeof(much)) < 0)
                    _exit(1);""", tmp_path / "at")
    assert graded.result["checks"] and len(graded.text) < 100_000


@bubblewrap
def test_disk_is_not_filled(tmp_path):
    """It can write nowhere but to a /tmp of its own, of 16 MiB."""
    name = f"full-{uuid.uuid4().hex}"
    graded = grade(f"""
        static char much[1 << 20];
        char path[200];
        long written = 0;
        for (int i = 0; i < 200; i++) {{
            FILE *file;
            sprintf(path, "/tmp/{name}-%d", i);
            file = fopen(path, "w");
            if (!file)
                break;
            written += fwrite(much, 1, sizeof(much), file);
            fclose(file);
        }}
        fprintf(stderr, "MIB %ld HOME %d USR %d\\n", written >> 20,
            open("/{name}", O_CREAT | O_WRONLY, 0600) >= 0,
            open("/usr/{name}", O_CREAT | O_WRONLY, 0600) >= 0);
        return 1;""", tmp_path / "at")
    words = graded.check("ready")["got"].split()
    assert int(words[words.index("MIB") + 1]) <= 16
    assert not list(pathlib.Path("/tmp").glob(f"{name}*"))
    assert words[words.index("USR") + 1] == "0"


def test_parent_cannot_be_killed(tmp_path):
    graded = grade("""
        kill(getppid(), SIGKILL);
        kill(-1, SIGKILL);
        for (int i = 2; i < 100000; i++)
            if (i != getpid())
                kill(i, SIGKILL);
        puts("STILL HERE");
        fflush(stdout);
        _exit(1);""", tmp_path / "at")
    assert graded.status == 1 and graded.failed() == ["ready"]


@bubblewrap
def test_files_of_others_cannot_be_read(tmp_path):
    """Not those of the grader, of another submission, or of the machine"""
    secret = tmp_path / "other" / "epoll.c"
    secret.parent.mkdir()
    secret.write_text("SECRET")
    for folder in tmp_path, secret.parent:
        folder.chmod(0o755)
    files = [secret, course.LABS / "grader/grade.py", "/etc/passwd", "/etc/hostname"]
    code = "".join(f"""
        if (access("{path}", F_OK) == 0)
            puts("THERE {path}");""" for path in files)
    graded = grade(code + "return 1;", tmp_path / "at")
    assert graded.failed() == ["ready"] and "THERE" not in graded.text


def test_network_is_not_reached(tmp_path):
    """Neither the machine's own services nor another machine"""
    with socket.create_server(("127.0.0.1", 0)) as service:
        graded = grade(f"""
            struct sockaddr_in to = {{ .sin_family = AF_INET,
                .sin_port = htons({service.getsockname()[1]}) }};
            int own = socket(AF_INET, SOCK_STREAM, 0);
            to.sin_addr.s_addr = inet_addr("127.0.0.1");
            if (connect(own, (struct sockaddr *)&to, sizeof(to)) == 0)
                puts("REACHED THE MACHINE");
            to.sin_addr.s_addr = inet_addr("192.0.2.1");
            if (connect(own, (struct sockaddr *)&to, sizeof(to)) == 0 ||
                errno != ENETUNREACH)
                puts("REACHED THE NETWORK");
            fflush(stdout);
            return 1;""", tmp_path / "at")
    assert graded.failed() == ["ready"]
    if subprocess.run(["unshare", "--net", "true"], check=False).returncode == 0:
        assert "REACHED" not in graded.text


@pytest.mark.parametrize("how", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_links_are_not_followed(how, tmp_path):
    """To the solution, in the place of one's own"""
    at = tmp_path / "at"
    at.mkdir()
    target = tmp_path / "solution.c"
    target.write_text(MODEL)
    how(target, at / LAB.handed_in)
    graded = labs.check(LAB, at, "build")
    assert graded.failed() == ["build"] and graded.result["score"] == 0


def test_makefile_is_not_used(tmp_path):
    at = tmp_path / "at"
    at.mkdir()
    (at / "Makefile").write_text(f"$(shell touch {at}/RAN)\nall:\n\ttouch RAN\n")
    (at / "GNUmakefile").write_text("CFLAGS = -fplugin=./evil.so\n")
    graded = labs.grade(LAB, MODEL, at, "build")
    assert graded.failed() == [] and not (at / "RAN").exists()


@bubblewrap
@pytest.mark.parametrize("line", ['#include "/etc/passwd"', '#include "/dev/stdin"',
                                  '__asm__(".incbin \\"/etc/passwd\\"");',
                                  '#include "/proc/self/environ"'])
def test_compiler_reads_no_other_file(line, tmp_path):
    graded = labs.grade(LAB, f"{line}\n", tmp_path / "at", "build")
    assert graded.failed() == ["build"]
    assert "root:" not in graded.text and "PATH=/root" not in graded.text


def test_binary_is_not_taken(tmp_path):
    graded = labs.grade(LAB, (course.TOP / "bin/epoll").read_bytes()[:500_000],
                        tmp_path / "at", "build")
    assert graded.failed() == ["build"]
    assert "not source code" in graded.check("build")["what"]


@pytest.mark.long
def test_compiler_is_limited(tmp_path):
    """A source whose compilation does not end"""
    graded = labs.grade(LAB, "#define A(x) x x x x x x x x x x\n"
                        "char b[] = { A(A(A(A(A(A(A(A(A(1,))))))))) };\n",
                        tmp_path / "at", "build")
    assert graded.failed() == ["build"]
