/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - CPU time, run-queue delay and context switches
 *
 * Neither clock samples ticks. (/proc/PID/stat, top and the user/system parts of
 * getrusage do: they miss a program that runs between ticks.)
 *
 * cpu_of_cgroup: of all processes that are or were in the cgroup, in microseconds.
 * cpu_of_process: of all threads, including ended ones and io_uring threads of the
 *	kernel (iou-wrk, iou-sqp); without child processes. For where there is no
 *	cgroup.
 *
 * TRAP: for a thread that is running, both are as old as the last tick (up to 1/HZ,
 * some ms per thread). They are exact once it sleeps or has ended. A window for 1 %
 * accuracy has to be long compared to that.
 *
 * Both count from the fork, not from the exec: subtract a reading made before the
 * exec.
 *
 * The kernel keeps run-queue delay and context switches per thread, and drops them
 * when the thread ends. A window knows the number of such threads only.
 */
#ifndef CPU_H
#define CPU_H

#include "cgroup.h"

#include <stddef.h>
#include <stdint.h>

/* In ns; -1: there is no such process (a zombie is one), or no cgroup. */
int64_t cpu_of_process(pid_t pid);
int64_t cpu_of_cgroup(const struct cgroup *g);

/* Run-queue delay of one thread, in ns; -1: there is none, or it is unknown. */
int64_t queue_of_thread(pid_t tid);

struct thread_counts {
	pid_t tid;
	int64_t queue_ns; /* run-queue delay */
	uint64_t voluntary, involuntary;
};

struct threads {
	struct thread_counts *list; /* by tid */
	size_t n;
	bool queue_known; /* the kernel has CONFIG_SCHED_INFO */
};

struct threads_window {
	int64_t queue_ns; /* -1: unknown */
	uint64_t voluntary, involuntary;
	size_t lost; /* threads that ended in the window: not included */
};

/*
 * Reads two files per thread of all processes in the cgroup or, without one, of `pid`.
 * This takes time: do it outside of the window. Free the result with threads_free().
 */
struct threads threads_read(const struct cgroup *g, pid_t pid);
void threads_free(struct threads *t);

/* A thread that is only in `to` was started in the window. */
struct threads_window threads_window(const struct threads *from,
				     const struct threads *to);

#endif
