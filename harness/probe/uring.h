/* SPDX-License-Identifier: MIT */
/*
 * uring.h - counts what a program has its io_urings do: no system call shows it
 *
 * One io_uring_enter may hand over a hundred operations, and with a polling
 * kernel thread (IORING_SETUP_SQPOLL) there is no call at all. The kernel says for
 * each ring how many entries it took and how many results it gave, and how its
 * polling thread spent its time, in /proc/PID/fdinfo/FD.
 *
 * COST: to say it, the kernel locks the ring and lists all that is under way in
 * it, some hundred us with 1,000 operations. Never where times matter.
 *
 * The operations are exact. The times of the thread are not: some kernels share out
 * the time of the whole process by what a tick finds. They tell a thread that only
 * looks from one that works; no more.
 *
 * What is not seen: a ring without a descriptor of its own
 * (IORING_SETUP_REGISTERED_FD_ONLY), and one that was made after uring_find().
 */
#ifndef URING_H
#define URING_H

#include "cgroup.h"

#include <stdint.h>

struct uring_ring {
	pid_t pid;
	int fd;          /* its number there */
	ino_t ino;       /* who has inherited a ring has the same one */
	uint32_t sq, cq; /* as the kernel has them, modulo 2^32 */
	uint64_t submissions, completions;
	int thread;                /* that polls it; -1: none */
	int64_t total_us, work_us; /* of this thread; -1: unknown */
};

enum { URING_RINGS = 64 };

struct uring_rings {
	struct uring_ring list[URING_RINGS];
	unsigned n; /* more than URING_RINGS: nothing is known of any */
};

struct uring_counts {
	unsigned rings;
	bool known; /* there is a ring, and all of them could be read */
	uint64_t submissions, completions;
	/* Threads that poll: all of their time, and the part of it in which
	 * there was something to do. -1: an older kernel does not say */
	unsigned threads;
	int64_t sq_total_ns, sq_work_ns;
};

struct uring_window {
	uint64_t submissions, completions;
	bool sq_known; /* there is a thread that polls, and what it did */
	int64_t sq_total_ns, sq_work_ns;
};

/*
 * Finds the rings of all in the cgroup, or of the process where there is none;
 * those found before are forgotten. Looks at every descriptor that they have.
 */
void uring_find(struct uring_rings *u, const struct cgroup *g, pid_t pid);

/* A ring that is busy is asked again until it says something. */
struct uring_counts uring_read(struct uring_rings *u);

/* false: there is no ring, or one of them has gone. At the beginning there need
 * not have been one yet. */
bool uring_window(const struct uring_counts *from,
		  const struct uring_counts *to, struct uring_window *w);

/* Takes in what the fdinfo of a ring says; false: nothing of it. For
 * uring_read() alone. */
bool uring_take(struct uring_ring *r, const char *text);

#endif
