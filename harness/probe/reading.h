/* SPDX-License-Identifier: MIT */
/*
 * reading.h - all that the probes say of a program at one moment
 *
 * Two readings make a window; what lies between them is what the program used in
 * it. What has to be exact is read last at the first one and first at the second,
 * so that reading is not in the window. All of it can be put off to an instant
 * that was fixed before: so the window is where it was to be, however long the
 * rest takes.
 */
#ifndef READING_H
#define READING_H

#include "child.h"
#include "cpu.h"
#include "memory.h"
#include "syscalls.h"
#include "uring.h"

struct probed {
	struct child child;
	struct cgroup cgroup;
	struct syscalls syscalls;
	struct uring_rings rings; /* at the beginning of the window */
	/* Leaves out threads and memory: to read these takes longer with each thread,
	 * and what counts system calls needs neither. */
	bool without_threads;
};

enum edge { EDGE_BEGIN, EDGE_END };

struct reading {
	int64_t time_ns;                       /* CLOCK_MONOTONIC */
	int64_t cpu_process_ns, cpu_cgroup_ns; /* -1: unknown */
	struct syscalls_counts syscalls;
	bool counted; /* or syscalls_why says why not */
	char syscalls_why[WHY_SIZE];
	struct uring_counts uring; /* only where system calls are counted */
	struct threads threads;    /* n is 0: not read, or of a zombie */
	struct memory memory;
	bool memory_known; /* read, and not of a zombie */
	int64_t steal_ns, suspended_ns;
};

/*
 * What has to be exact (clocks, counters) is read at `at` (CLOCK_MONOTONIC, ns),
 * or at once if that has passed; 0: now. A signal that is caught ends the
 * waiting: then r->time_ns < at.
 */
void reading_take(struct reading *r, struct probed *p, enum edge edge,
		  int64_t at);
void reading_free(struct reading *r);

/*
 * CPU time between two readings, in ns, and where it is from: "cgroup", that of
 * all processes, of those that have come and gone as well; "process", where there
 * is no cgroup: without forked children. -1 and "": unknown.
 */
int64_t cpu_window(const struct reading *from, const struct reading *to,
		   const char **method);

#endif
