/* SPDX-License-Identifier: MIT */
/* slow_proc.c - preloaded, makes each open of a thread's schedstat take 2 ms */
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int openat(int dir, const char *path, int flags, ...)
{
	struct timespec pause = { .tv_nsec = 2000000 };

	if (strstr(path, "/schedstat"))
		nanosleep(&pause, NULL);
	return (int)syscall(SYS_openat, dir, path, flags, 0666);
}
