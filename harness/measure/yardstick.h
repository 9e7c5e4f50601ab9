/* SPDX-License-Identifier: MIT */
/*
 * yardstick.h - whether a CPU is as fast as usual
 *
 * A CPU may take longer for the same work without any counter showing it: because of a
 * lower frequency, or because the other hardware thread of its core is busy. (Steal
 * time is different: the CPU does not run at all.)
 *
 * So a fixed piece of work is timed before and after each repetition: messages through
 * a socket pair, which is kernel work, as that of a server is. It is timed in CPU time,
 * which leaves out preemption: that shows as run-queue delay.
 */
#ifndef MEASURE_YARDSTICK_H
#define MEASURE_YARDSTICK_H

#include "harness/plan/cpus.h"

#include <stdint.h>

/* CPU time to send and receive a message, in ns; NAN: not measured */
struct yardstick {
	double server; /* on the first CPU of the server */
	double client; /* on that of the generator; NAN: the same CPU */
};

/* Takes 10 ms, on both CPUs at once; nothing else must run there. */
struct yardstick yardstick_take(const struct cpu_pair *place);

enum { SPEED_HISTORY_SIZE = 40 };

/* What is usual: the first quartile of the last measurements. Short disturbances do not
 * change it; a lasting change does. */
struct speed_history {
	double server[SPEED_HISTORY_SIZE], client[SPEED_HISTORY_SIZE];
	unsigned long n_server, n_client; /* measured so far */
	int64_t patience_ns; /* how long a slower one may still be waited for */
};

void speed_history_add(struct speed_history *p, const struct yardstick *y);

/* Ratio to the usual time, the larger of the two CPUs; 1: nothing measured yet */
double speed_history_slowdown(const struct speed_history *p,
			      const struct yardstick *y);

#endif
