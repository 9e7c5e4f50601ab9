/* SPDX-License-Identifier: MIT */
/*
 * trace_strace.c - system calls from the output of strace(1): see trace.h
 *
 * strace was started with the program, by syscalls_open(). It prints a call when it has
 * ended, or in two parts if calls of other threads came between:
 *
 *	PID TIME NAME(0x5, ...) = 0x40 <DURATION>
 *	PID TIME NAME(0x5, ... <unfinished ...>
 *	PID TIME <... NAME resumed>) = -1 EAGAIN (Try again) <DURATION>
 */
#include "harness/timeline/trace.h"

#include "harness/probe/syscalls_strace.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

struct strace_trace {
	int lines;       /* its output */
	int64_t to_mono; /* CLOCK_MONOTONIC minus CLOCK_REALTIME */
	uint64_t from;   /* events are recorded from this time on */
};

static int64_t now_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

/* "0x40", "-1 EAGAIN (Try again)"; "?": it did not return */
static int64_t result_of(const char *text)
{
	char name[32];

	if (strncmp(text, "-1 ", 3) != 0)
		return strtoll(text, NULL, 0);
	if (sscanf(text + 3, "%31[A-Z0-9_]", name) == 1)
		for (int error = 1; error < 4096; error++) {
			const char *known = strerrorname_np(error);

			if (known && strcmp(known, name) == 0)
				return -error;
		}
	return -1;
}

/* The time within a call, which ends the line; 0: it is not there */
static int64_t duration_of(const char *result)
{
	const char *at = strrchr(result, '<');

	return at ? (int64_t)(strtod(at + 1, NULL) * SECOND) : 0;
}

static void add(struct trace *t, enum trace_kind kind, int thread, int64_t time,
		int64_t what, int64_t value)
{
	trace_add(t, &(struct trace_event){ .time = (uint64_t)time,
					    .task = (uint32_t)thread,
					    .thread = (uint32_t)thread,
					    .kind = kind,
					    .what = what,
					    .value = value });
}

static void trace_strace_line(struct trace *t, const char *line,
			      int64_t to_mono)
{
	int thread, at = 0;
	int64_t seconds, ns, time;
	char name[64];
	const char *rest, *result = NULL;
	int64_t call;

	if (sscanf(line, "%d %" SCNd64 ".%9" SCNd64 " %n", &thread, &seconds,
		   &ns, &at) != 3 ||
	    !at)
		return;
	time = seconds * SECOND + ns + to_mono;
	rest = line + at;
	for (const char *c = rest; (c = strstr(c, " = ")); c += 3)
		result = c + 3;
	if (sscanf(rest, "<... %63[a-z0-9_] resumed>", name) == 1) {
		call = syscalls_number(name);
		add(t, TRACE_EXIT, thread, time, call,
		    result ? result_of(result) : 0);
	} else if (sscanf(rest, "%63[a-z0-9_]%n", name, &at) == 1 &&
		   rest[at] == '(') {
		call = syscalls_number(name);
		add(t, TRACE_ENTER, thread, time, call,
		    strtoll(rest + at + 1, NULL, 0));
		if (result && *result != '?')
			add(t, TRACE_EXIT, thread, time + duration_of(result),
			    call, result_of(result));
	}
}

bool trace_open_strace(struct trace *t, const struct syscalls *s,
		       char why[WHY_SIZE])
{
	*t = (struct trace){ .method = TRACE_STRACE };
	if (s->method != SYSCALLS_STRACE)
		return why_not(why, "strace does not trace the server");
	t->strace = calloc(1, sizeof(*t->strace));
	if (!t->strace)
		return why_not(why, "%s", strerror(errno));
	t->strace->lines = s->strace->lines;
	t->strace->to_mono = now_of(CLOCK_MONOTONIC) - now_of(CLOCK_REALTIME);
	return true;
}

void strace_trace_record(struct strace_trace *s)
{
	s->from = (uint64_t)now_of(CLOCK_MONOTONIC);
}

/* A call that began before and ended later is known by its end. */
static void drop_before(struct trace *t, uint64_t from)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->events[i].time >= from)
			t->events[n++] = t->events[i];
	t->n = n;
}

bool strace_trace_take(struct trace *t, char why[WHY_SIZE])
{
	int fd = dup(t->strace->lines);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return why_not(why, "what strace wrote: %s", strerror(errno));
	rewind(file);
	while (getline(&line, &size, file) > 0)
		trace_strace_line(t, line, t->strace->to_mono);
	free(line);
	fclose(file);
	drop_before(t, t->strace->from);
	return true;
}

void strace_trace_close(struct strace_trace *s)
{
	free(s);
}
