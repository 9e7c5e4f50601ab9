/* SPDX-License-Identifier: MIT */
/* output.c - output that must not be lost in silence: see output.h */
#include "output.h"

#include "die.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check_stdout(int status, void *unused)
{
	bool failed = ferror(stdout);

	(void)unused;
	/* The C library does not keep the cause; the next write fails of it, too. */
	if (failed)
		putchar('\n');
	errno = 0;
	if (fflush(stdout) == 0 && !failed)
		return;
	warn("write to stdout: %s",
	     errno ? strerror(errno) : "a part of the output is missing");
	if (status == EXIT_SUCCESS)
		_exit(EXIT_FAILED);
}

void output_begin(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	if (on_exit(check_stdout, NULL) != 0)
		die("on_exit");
}
