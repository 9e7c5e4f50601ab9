# SPDX-License-Identifier: MIT
"""The conversation with any other program (--server), and proof that it can fail: a
correct server passes, one with a fault fails."""

import json
import os
import subprocess
import sys

import pytest
import server

#: A minimal server: no counters, and SIGTERM kills it.
SOURCE = r"""
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef SAYS
static void say(int signo)
{
	_exit(write(1, SAYS, sizeof(SAYS) - 1) < 0 ? 1 : 128 + signo);
}
#endif

static void *serve(void *arg)
{
	int fd = (int)(long)arg;
	static _Thread_local char buffer[16384];
	ssize_t n;

#ifdef LEAKS
	memset(malloc(LEAKS), 1, LEAKS);
#endif
#ifdef WARMS_UP
	static atomic_int clients;

	if (clients++ < 8000)
		memset(malloc(4000), 1, 4000);
#endif
	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
#ifdef HOARDS
		memset(malloc(n), 1, n);
#endif
#ifdef DROPS_A_BYTE
		n -= n > 4000;
#endif
#ifdef SPOILS_A_BYTE
		buffer[n / 2] ^= n == sizeof(buffer);
#endif
#ifdef IGNORES_SHORT_WRITES
		if (send(fd, buffer, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
#else
		if (send(fd, buffer, n, MSG_NOSIGNAL) < 0)
			break;
#endif
	}
#ifdef DIES_ON_RESET
	if (n != 0)
		exit(1);
#endif
#ifdef LEAKS_DESCRIPTORS
	shutdown(fd, SHUT_RDWR);
#else
	close(fd);
#endif
	return NULL;
}

int main(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	pthread_t thread;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bind(listener, (void *)&address, length);
	listen(listener, 1000);
	getsockname(listener, (void *)&address, &length);
#ifdef SAYS
	signal(SIGTERM, say);
#endif
#ifdef IGNORES_SIGTERM
	signal(SIGTERM, SIG_IGN);
#endif
	printf("ready model=foreign port=%d pid=%d\n",
	       ntohs(address.sin_port), getpid());
	fflush(stdout);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
#ifdef ONE_AT_A_TIME
		serve((void *)(long)fd);
		(void)thread;
#else
		pthread_create(&thread, NULL, serve, (void *)(long)fd);
		pthread_detach(thread);
#endif
	}
	return 1;
}
"""

#: Each fault, and the tests of which one has to fail
BROKEN = {
    "DROPS_A_BYTE": "half_close or size",
    "SPOILS_A_BYTE": "half_close or size",
    "IGNORES_SHORT_WRITES": "did_not_read or half_close or size",
    "DIES_ON_RESET": "reset",
    "LEAKS_DESCRIPTORS": "connect_and_close or reset",
    "IGNORES_SIGTERM": "stop",
    "ONE_AT_A_TIME": "request_cut",
    "LEAKS=300": "thousands_of_times",
    "HOARDS": "does_not_read",
}


@pytest.fixture
def smoke(request, tmp_path):
    """Builds the server with one fault or none and tests it: exit status, output."""
    if request.config.getoption("--server"):
        pytest.skip("tests the tests and not a server")

    def run(fault=None, only=None, mark="smoke"):
        source, program = tmp_path / "foreign.c", tmp_path / "foreign"
        source.write_text(SOURCE, encoding="ascii")
        define = [f"-D{fault}"] if fault else []
        subprocess.run([os.environ.get("CC", "cc"), "-pthread", *define,
                        "-o", program, source], check=True)
        # A reply that never comes is not awaited for long.
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-m", mark,
             "-k", only or "", "--server", program, "tests/conversation"],
            cwd=server.TOP, env={**os.environ, "PATIENCE": "2"}, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return ended.returncode, ended.stdout

    return run


def test_a_correct_server_passes(smoke):
    status, said = smoke()
    assert status == 0, said
    assert "passed" in said and "skipped" in said


def test_a_runtime_that_warms_up_does_not_leak(smoke):
    """It takes 32 MB at first and nothing later."""
    status, said = smoke("WARMS_UP", "thousands_of_times", "not long")
    assert status == 0, said


@pytest.mark.parametrize("line, status", [
    ({"accepted": None, "model": "foreign"}, 0), ({"requests": 0}, 1),
    ({"requests": "many"}, 1)])
def test_partial_closing_line(smoke, line, status):
    """Counters that are present are checked. 143 is the exit status of a JVM."""
    text = json.dumps(json.dumps(line) + "\n")
    ended, said = smoke(f"SAYS={text}", "every_size")
    assert ended == status, said
    assert status == 0 or "requests" in said


@pytest.mark.parametrize("fault", BROKEN)
def test_a_server_with_a_fault_fails(smoke, fault):
    """Due to a failed test, and not for another reason"""
    status, said = smoke(fault, BROKEN[fault], "not long")
    assert status == 1, said
    assert " failed" in said and "error" not in said.splitlines()[-1], said
