/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - CPU time that was really used, and time spent waiting for a CPU
 *
 * Two clocks, neither of them counting ticks. (What /proc/PID/stat, top and
 * getrusage's user/system parts show is sampled at every tick; a program that
 * works between ticks is invisible to that.)
 *
 * cpu_of_cgroup: of all that are or were in the cgroup, to the microsecond.
 * cpu_of_process: with all threads, those that have ended and the kernel's
 *	io_uring threads among them (iou-wrk, iou-sqp); without forked children.
 *	For where there is no cgroup.
 *
 * TRAP: of a thread that is on a CPU right now, both know what it had used at the
 * last tick (up to 1/HZ ago, some ms, for each of them); exact once it sleeps or
 * has ended. A window that is to be true to 1 % is long against that.
 *
 * Both count from the fork on, not from the exec: take the difference to a
 * reading made before the exec.
 *
 * Waiting for a CPU, and switches, are kept for each thread by the kernel, and
 * what it kept is lost when the thread ends. A window can say how many were lost
 * so; it cannot say what they did.
 */
#ifndef CPU_H
#define CPU_H

#include "cgroup.h"

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds; -1: there is no such process (a zombie still counts), no cgroup. */
int64_t cpu_of_process(pid_t pid);
int64_t cpu_of_cgroup(const struct cgroup *g);

struct thread_counts {
	pid_t tid;
	int64_t queue_ns; /* able to run, but not on a CPU */
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
	size_t lost; /* threads that ended in the window: not in it */
};

/*
 * Reads two files for each thread of everybody in the cgroup, or of the process
 * where there is none: at an edge of a window, do this on the outer side of what
 * has to be exact. Free it with threads_free().
 */
struct threads threads_read(const struct cgroup *g, pid_t pid);
void threads_free(struct threads *t);

/* A thread that is only in `to` has begun meanwhile. */
struct threads_window threads_window(const struct threads *from,
				     const struct threads *to);

#endif
