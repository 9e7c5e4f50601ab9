/* SPDX-License-Identifier: MIT */
/* hold.c - --hold, a program that observes a run: see hold.h */
#include "hold.h"

#include "harness/base/die.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* If the observer is gone, the run goes on without it. */
static void say(int fd, const char *line)
{
	if (fd >= 0)
		send(fd, line, strlen(line), MSG_NOSIGNAL);
}

void hold_window(int fd, int64_t from, int64_t to)
{
	char line[64];

	snprintf(line, sizeof(line), "window %" PRId64 " %" PRId64 "\n", from,
		 to);
	say(fd, line);
}

void hold_done(int fd)
{
	say(fd, "done\n");
}

bool hold_wait(int fd, const sigset_t *signals)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
				{ .events = POLLIN } };

	if (fd < 0)
		return true;
	fds[1].fd = signalfd(-1, signals, SFD_CLOEXEC);
	if (fds[1].fd < 0)
		die("signalfd");
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		continue;
	close(fds[1].fd);
	return fds[1].revents == 0;
}
