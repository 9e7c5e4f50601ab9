/* SPDX-License-Identifier: MIT */
/*
 * memory.h - memory of a program; steal time and suspension of the machine
 *
 * The RSS is exact where the kernel has smaps_rollup. COST: that walks the program's
 * page tables and blocks its mmap calls meanwhile: only outside of windows. statm, the
 * fallback, can be off by some pages per CPU.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "cgroup.h"

#include <stdint.h>

struct memory {
	int64_t resident_bytes; /* RSS: a shared page counts for each process */
	int64_t proportional_bytes; /* PSS: it counts once; -1: unknown */
	long processes, threads;
	long descriptors; /* -1: unknown */
};

/* Of all processes in the cgroup or, without one, of `pid`; false: there is none. */
bool memory_read(struct memory *m, const struct cgroup *g, pid_t pid);

/*
 * Steal time: how long CPUs of this machine were ready to run while the hypervisor ran
 * others; sum over all CPUs since boot, in steps of 10 ms. -1: unknown.
 */
int64_t machine_steal_ns(void);

/* How long this CPU was idle or stolen since boot, in steps. -1: unknown */
enum { UNUSED_STEP_NS = 10000000 };
int64_t machine_unused_ns(int cpu);

/* How long this machine was suspended since boot; exact to some ms */
int64_t machine_suspended_ns(void);

#endif
