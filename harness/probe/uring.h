/* SPDX-License-Identifier: MIT */
/*
 * uring.h - counts the io_uring operations of a program, which are no system calls
 *
 * One io_uring_enter may submit a hundred operations; with a polling kernel thread
 * (IORING_SETUP_SQPOLL) there is no call at all. In /proc/PID/fdinfo/FD the kernel
 * reports the submissions and completions of each ring, and how its polling thread
 * spent its time.
 *
 * COST: reading it locks the ring and lists all its operations, some hundred us with
 * 1,000 of them. Never do this where times matter.
 *
 * The operations are exact, the times of the thread are not: some kernels divide the
 * time of the process by tick samples. They only distinguish a thread that works
 * from one that busy-polls without work.
 *
 * Not seen: a ring without a file descriptor (IORING_SETUP_REGISTERED_FD_ONLY), and a
 * ring that was made after uring_find().
 */
#ifndef URING_H
#define URING_H

#include "cgroup.h"

#include <stdint.h>

struct uring_ring {
	pid_t pid;
	int fd;          /* its number there */
	ino_t ino;       /* the same in processes that inherited the ring */
	uint32_t sq, cq; /* the kernel's counters, modulo 2^32 */
	uint64_t submissions, completions;
	int thread;                /* its polling thread; -1: none */
	int64_t total_us, work_us; /* of this thread; -1: unknown */
};

enum { URING_RINGS = 64 };

struct uring_rings {
	struct uring_ring list[URING_RINGS];
	unsigned n; /* more than URING_RINGS: no counts are known */
};

struct uring_counts {
	unsigned rings;
	bool known; /* there are rings, and all could be read */
	uint64_t submissions, completions;
	/* Polling threads: their time in total, and with work. -1: an older kernel
	 * does not provide it */
	unsigned threads;
	int64_t sq_total_ns, sq_work_ns;
};

struct uring_window {
	uint64_t submissions, completions;
	bool sq_known; /* there is a polling thread, and its times are known */
	int64_t sq_total_ns, sq_work_ns;
};

/*
 * Finds the rings of all processes in the cgroup or, without one, of `pid`, by looking
 * at all their file descriptors. Forgets those found before.
 */
void uring_find(struct uring_rings *u, const struct cgroup *g, pid_t pid);

/* Reads the counters; retries while a ring is busy. */
struct uring_counts uring_read(struct uring_rings *u);

/* false: there is no ring, or one is gone. `from` may have none yet. */
bool uring_window(const struct uring_counts *from,
		  const struct uring_counts *to, struct uring_window *w);

/* Parses the fdinfo of a ring; false: it has no counters. For uring_read() only. */
bool uring_take(struct uring_ring *r, const char *text);

#endif
