/* SPDX-License-Identifier: MIT */
/* slow_send.c - preloaded into bin/matrix, makes each send take 100 us more CPU time
 * while the file $SLOW exists: the timing of the CPUs finds them slow. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

ssize_t send(int fd, const void *from, size_t size, int flags)
{
	if (strcmp(program_invocation_short_name, "matrix") == 0 &&
	    access(getenv("SLOW"), F_OK) == 0)
		for (int64_t end = now() + 100000; now() < end;)
			;
	return syscall(SYS_sendto, fd, from, size, flags, NULL, 0);
}
