/* SPDX-License-Identifier: MIT */
/* reading.c - all counters of a program at one moment: see reading.h */
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

/* COST: it slows the server: only where system calls are counted, and times do not
 * matter. */
static void take_uring(struct reading *r, struct probed *p)
{
	r->uring = (struct uring_counts){ .rings = 0 };
	if (p->syscalls.method != SYSCALLS_NONE)
		r->uring = uring_read(&p->rings);
}

static void take_rest(struct reading *r, const struct probed *p)
{
	r->threads = (struct threads){ .n = 0 };
	r->memory_known = false;
	if (!p->without_threads) {
		r->threads = threads_read(&p->cgroup, p->child.pid);
		r->memory_known =
			memory_read(&r->memory, &p->cgroup, p->child.pid);
	}
	r->steal_ns = machine_steal_ns();
	r->suspended_ns = machine_suspended_ns();
}

static void begin(struct reading *r, struct probed *p)
{
	take_rest(r, p);
	if (p->syscalls.method != SYSCALLS_NONE)
		uring_find(&p->rings, &p->cgroup, p->child.pid);
	take_uring(r, p);
	take_exact(r, p);
}

static void end(struct reading *r, struct probed *p)
{
	take_exact(r, p);
	take_uring(r, p);
	take_rest(r, p);
}

void reading_take(struct reading *r, struct probed *p, enum edge edge)
{
	if (edge == EDGE_BEGIN)
		begin(r, p);
	else
		end(r, p);
}

void reading_free(struct reading *r)
{
	threads_free(&r->threads);
}

int64_t cpu_window(const struct reading *from, const struct reading *to,
		   const char **method)
{
	if (from->cpu_cgroup_ns >= 0 && to->cpu_cgroup_ns >= 0) {
		*method = "cgroup";
		return to->cpu_cgroup_ns - from->cpu_cgroup_ns;
	}
	if (from->cpu_process_ns >= 0 && to->cpu_process_ns >= 0) {
		*method = "process";
		return to->cpu_process_ns - from->cpu_process_ns;
	}
	*method = "";
	return -1;
}
