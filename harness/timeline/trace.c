/* SPDX-License-Identifier: MIT */
/* trace.c - what both methods of tracing share: see trace.h */
#include "harness/timeline/trace.h"

#include "harness/base/grow.h"

#include <stdlib.h>

const char *const trace_methods[] = { "bpf", "strace", NULL };

void trace_add(struct trace *t, const struct trace_event *e)
{
	if ((t->n & (t->n - 1)) == 0)
		t->events = grow(t->events, t->n ? 2 * t->n : 1,
				 sizeof(*t->events));
	t->events[t->n++] = *e;
}

static int by_time(const void *a, const void *b)
{
	const struct trace_event *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

void trace_record(struct trace *t)
{
	t->n = 0;
	if (t->bpf)
		bpf_trace_record(t->bpf, true);
	else
		strace_trace_record(t->strace);
}

bool trace_stop(struct trace *t, char why[WHY_SIZE])
{
	bool taken = true;

	if (t->bpf) {
		bpf_trace_record(t->bpf, false);
		bpf_trace_take(t);
	} else {
		taken = strace_trace_take(t, why);
	}
	if (t->n)
		qsort(t->events, t->n, sizeof(*t->events), by_time);
	return taken;
}

void trace_close(struct trace *t)
{
	if (t->bpf)
		bpf_trace_close(t->bpf);
	if (t->strace)
		strace_trace_close(t->strace);
	free(t->events);
	*t = (struct trace){ .events = NULL };
}
