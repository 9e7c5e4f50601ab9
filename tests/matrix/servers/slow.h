/* SPDX-License-Identifier: MIT */
/* slow.h - included before a model, makes each recv spin for SLOW_NS */
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

static inline int64_t slow_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static inline ssize_t slow_recv(int fd, void *to, size_t size, int flags)
{
	int64_t end = slow_clock() + SLOW_NS;

	while (slow_clock() < end)
		;
	return recv(fd, to, size, flags);
}

#define recv slow_recv
