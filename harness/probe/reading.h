/* SPDX-License-Identifier: MIT */
/*
 * reading.h - all counters of a program at one moment
 *
 * The difference of two readings is what the program used in the window between
 * them. The first one reads clocks and counters last, the second one first, so the
 * cost of reading is not in the window.
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
	/* Does not read threads and memory: that takes longer with each thread, and
	 * counting system calls does not need them. */
	bool without_threads;
};

enum edge { EDGE_BEGIN, EDGE_END };

struct reading {
	int64_t time_ns;                       /* CLOCK_MONOTONIC */
	int64_t cpu_process_ns, cpu_cgroup_ns; /* -1: unknown */
	struct syscalls_counts syscalls;
	bool counted; /* false: syscalls_why says why */
	char syscalls_why[WHY_SIZE];
	struct uring_counts uring; /* only where system calls are counted */
	struct threads threads;    /* n is 0: not read, or a zombie */
	struct memory memory;
	bool memory_known; /* read, and not a zombie */
	int64_t steal_ns, suspended_ns;
};

void reading_take(struct reading *r, struct probed *p, enum edge edge);
void reading_free(struct reading *r);

/*
 * CPU time between two readings, in ns, and its source: "cgroup", all processes,
 * including ended ones; "process", without child processes, where there is no cgroup.
 * -1 and "": unknown.
 */
int64_t cpu_window(const struct reading *from, const struct reading *to,
		   const char **method);

#endif
