/* SPDX-License-Identifier: MIT */
/*
 * memory.h - what a program holds, and what the machine did behind its back
 *
 * Resident memory is summed page by page where the kernel does that
 * (smaps_rollup). That walks the program's page tables and holds up its
 * mmap calls meanwhile: outside of windows only. The cheap figure of statm, taken
 * where there is no smaps_rollup, can be off by some pages a CPU.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "cgroup.h"

#include <stdint.h>

struct memory {
	int64_t resident_bytes; /* pages that several share count for each */
	int64_t proportional_bytes; /* ... count once in all; -1: unknown */
	long processes, threads;
	long descriptors; /* -1: unknown */
};

/* Of all in the cgroup, or of the process where there is none; false: nobody. */
bool memory_read(struct memory *m, const struct cgroup *g, pid_t pid);

/*
 * CPU time that the hypervisor gave to others while CPUs of ours wanted to run,
 * in sum over all CPUs since boot. In steps of 10 ms: a window of a second cannot
 * tell 1 % from none with certainty. -1: unknown.
 */
int64_t machine_steal_ns(void);

/*
 * How long this machine was suspended since boot. A window in which this grew
 * by more than some ms has measured something else.
 */
int64_t machine_suspended_ns(void);

#endif
