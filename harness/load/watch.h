/* SPDX-License-Identifier: MIT */
/*
 * watch.h - what a thread of the generator itself needs and delays
 *
 * Its CPU time, how long it waited for its CPU, and whether replies wait in its
 * sockets. From these the audit knows whether the generator or the server was
 * measured.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct usage {
	int64_t cpu, delay; /* ns; delay -1: the kernel does not provide it */
};

struct watch {
	int schedstat;         /* descriptor of this thread's run-queue times */
	struct usage begin;    /* when the load began */
	struct usage from, to; /* at both edges of the window */
	struct usage load;     /* from rest to rest */

	/* Under load so far, slices added up */
	int64_t looked, delay_looked;
	int64_t watched_ns, delayed_ns;
	double others; /* share of this time that stopped busy-polling; or 0 */

	int64_t sample_next, sample_ns;
	uint64_t sampled, unread; /* connections; those with a waiting reply */
};

/* All of these are called by the watched thread. */
void watch_open(struct watch *w);
void watch_close(struct watch *w);

/* The load begins; its window begins and ends; the load has ended. */
void watch_begin(struct watch *w, int64_t now, int64_t window);
void watch_window(struct watch *w);
void watch_window_end(struct watch *w);
void watch_end(struct watch *w, int64_t now);

/*
 * Busy-polling takes the CPU from other programs, perhaps from the server. Returns
 * whether this thread has waited for its CPU for so much of the time under load
 * that it has to stop.
 */
bool watch_finds_others(struct watch *w, int64_t now);

#endif
