/* SPDX-License-Identifier: MIT */
/* ask.c - what a program prints before it serves: see ask.h */
#include "harness/matrix/ask.h"

#include "harness/base/die.h"
#include "harness/measure/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

/* Its descriptor is a pipe; the other one, and stdin, are /dev/null. -1: it cannot be
 * started */
static pid_t start(char *const argv[], int descriptor, int pipe_end)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int error;

	posix_spawn_file_actions_init(&actions);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fd != descriptor)
			posix_spawn_file_actions_addopen(
				&actions, fd, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, pipe_end, descriptor);
	error = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error ? -1 : pid;
}

/* Reads until end of file, for two seconds at most, up to `size` - 1 bytes */
static void read_text(int fd, char *text, size_t size)
{
	const int64_t until = monotonic_ns() + 2 * INT64_C(1000000000);
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	int64_t left;
	size_t n = 0;
	ssize_t got = 1;

	while (n < size - 1 && got > 0 && (left = until - monotonic_ns()) > 0 &&
	       poll(&polled, 1, (int)(left / 1000000 + 1)) > 0) {
		got = read(fd, text + n, size - 1 - n);
		n += got > 0 ? got : 0;
	}
	text[n] = '\0';
}

int ask(char *const argv[], int descriptor, char *text, size_t size)
{
	int ends[2], status = -1;
	pid_t pid;

	*text = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		die("pipe2");
	pid = start(argv, descriptor, ends[1]);
	close(ends[1]);
	if (pid > 0) {
		read_text(ends[0], text, size);
		/* It may not end by itself. One that ends keeps its status. */
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
