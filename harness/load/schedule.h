/* SPDX-License-Identifier: MIT */
/*
 * schedule.h - when requests are due, whatever the server does
 *
 * In an open loop the times of all requests are fixed before the first is sent: a
 * late server does not move them. Independent users arrive as a Poisson process,
 * sensors at equal intervals; a burst is many requests at once.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdint.h>

enum arrivals { ARRIVALS_POISSON, ARRIVALS_UNIFORM };

/* The share of one of `parts` threads in n; the first ones share the remainder. */
unsigned share_of(unsigned n, unsigned part, unsigned parts);

struct schedule {
	enum arrivals arrivals;
	double gap;     /* mean ns between two arrivals */
	unsigned burst; /* requests that arrive together */
	uint64_t random;
	uint64_t arrived; /* bursts so far */
	unsigned left;    /* of the current burst */
	int64_t start;
	double first, at; /* ns after `start` */
};

/*
 * The schedule of one of `parts` threads, for `rate` requests/s in total, in bursts
 * of `burst`. Poisson processes add up to a Poisson process; uniform ones are
 * interleaved. Bursts always come at equal intervals.
 */
struct schedule schedule_of(enum arrivals arrivals, double rate, unsigned burst,
			    uint64_t seed, unsigned part, unsigned parts,
			    int64_t start);

/* The schedule of slice `number`, which depends on seed and number alone. */
struct schedule schedule_of_slice(enum arrivals arrivals, double rate,
				  unsigned burst, uint64_t seed, unsigned part,
				  unsigned parts, int64_t start,
				  uint64_t number);

/* Returns when the next request is due, and advances. */
int64_t schedule_next(struct schedule *s);

#endif
