/* SPDX-License-Identifier: MIT */
/* die.c - error exits and warnings: see die.h */
#include "harness/base/die.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of several threads, one says why: the others wait until it has ended the program. */
static void be_the_only_one(void)
{
	static atomic_flag taken = ATOMIC_FLAG_INIT;

	while (atomic_flag_test_and_set(&taken))
		pause();
}

/* One write, so that the lines of several programs do not mix. */
static void say(const char *end, const char *format, va_list arguments)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, arguments);
	fprintf(stderr, "%s: %s%s\n", program_invocation_short_name, line, end);
}

void die(const char *format, ...)
{
	char reason[128];
	va_list arguments;

	snprintf(reason, sizeof(reason), ": %s", strerror(errno));
	be_the_only_one();
	va_start(arguments, format);
	say(reason, format, arguments);
	va_end(arguments);
	exit(EXIT_FAILED);
}

void die_of(int error, const char *call)
{
	errno = error;
	die("%s", call);
}

void die_usage(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(" (see --help)", format, arguments);
	va_end(arguments);
	exit(EXIT_USAGE);
}

void die_unsupported(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("", format, arguments);
	va_end(arguments);
	exit(EXIT_UNSUPPORTED);
}

void warn(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("", format, arguments);
	va_end(arguments);
}
