/* SPDX-License-Identifier: MIT */
/* reading.c - all that the probes say of a program at one moment: see reading.h */
#include "reading.h"

#include <time.h>

static void take_exact(struct reading *r, const struct probed *p)
{
	struct timespec now;

	r->cpu_cgroup_ns = cpu_of_cgroup(&p->cgroup);
	r->cpu_process_ns = cpu_of_process(p->child.pid);
	r->counted = syscalls_read(&p->syscalls, &r->syscalls, r->syscalls_why);
	clock_gettime(CLOCK_MONOTONIC, &now);
	r->time_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void take_rest(struct reading *r, const struct probed *p)
{
	r->threads = threads_read(&p->cgroup, p->child.pid);
	r->memory_known = memory_read(&r->memory, &p->cgroup, p->child.pid);
	r->steal_ns = machine_steal_ns();
	r->suspended_ns = machine_suspended_ns();
}

void reading_take(struct reading *r, const struct probed *p, enum edge edge)
{
	if (edge == EDGE_BEGIN)
		take_rest(r, p);
	take_exact(r, p);
	if (edge == EDGE_END)
		take_rest(r, p);
}

void reading_free(struct reading *r)
{
	threads_free(&r->threads);
}
