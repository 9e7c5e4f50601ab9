/* SPDX-License-Identifier: MIT */
/*
 * yardstick.h - whether a CPU is as fast as it usually is
 *
 * A CPU may take much longer for the same work, and no counter says so: its
 * frequency went down, or the other hardware thread of its core is busy, with a
 * neighbour on the same host perhaps. Steal is something else: time in which it did
 * not run at all.
 *
 * So the same piece of work is timed again and again: messages through a pair of
 * sockets, which is kernel work as that of a server is. In CPU time, so that a program which merely takes its turn does not count: for that there is the
 * time a server waits for its CPU.
 */
#ifndef MEASURE_YARDSTICK_H
#define MEASURE_YARDSTICK_H

#include "harness/plan/cpus.h"

#include <stdint.h>

/* CPU time of a message, there and back, in ns. NAN: cannot be had, or is not asked */
struct yardstick {
	double server; /* on the first CPU of the server */
	double client; /* ... of the generator; NAN where that is the same */
};

/* Takes 10 ms, on both at once. There must be nothing else to do. */
struct yardstick yardstick_take(const struct cpu_pair *place);

enum { SPEED_HISTORY_SIZE = 40 };

/* What is usual: of the last measurements, the limit of the fastest quarter. A
 * neighbour who comes and goes does not change it, heat that stays does. */
struct speed_history {
	double server[SPEED_HISTORY_SIZE], client[SPEED_HISTORY_SIZE];
	unsigned long n_server, n_client; /* measured so far */
	int64_t patience_ns; /* how long a slower one may still be waited for */
};

void speed_history_add(struct speed_history *p, const struct yardstick *y);

/* How many times longer than usual, the worse of the two; 1 if nothing is usual yet */
double speed_history_slowdown(const struct speed_history *p,
			      const struct yardstick *y);

#endif
