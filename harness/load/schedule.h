/* SPDX-License-Identifier: MIT */
/*
 * schedule.h - when requests are due, whatever the server does
 *
 * In an open loop the times of all requests are settled before the first is
 * sent: a late server never moves them. Users who do not know each other arrive
 * so (Poisson); a sensor arrives uniformly; a burst is many at once.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdint.h>

enum arrivals { ARRIVALS_POISSON, ARRIVALS_UNIFORM };

/* What one of `parts` threads has of n: the first have what does not divide. */
unsigned share_of(unsigned n, unsigned part, unsigned parts);

struct schedule {
	enum arrivals arrivals;
	double gap;     /* ns between two arrivals, on average */
	unsigned burst; /* requests that arrive together */
	uint64_t random;
	uint64_t arrived; /* bursts so far */
	unsigned left;    /* of the burst that is arriving */
	double start, at; /* ns */
};

/*
 * The share that one of `parts` threads has in a total of `rate` requests a
 * second, in bursts of `burst`. Poisson processes add up to a Poisson process;
 * uniform ones take turns. Bursts always come at regular times.
 */
struct schedule schedule_of(enum arrivals arrivals, double rate, unsigned burst,
			    uint64_t seed, unsigned part, unsigned parts,
			    int64_t start);

/* The time at which the next request is due; it then is the one after that. */
int64_t schedule_next(struct schedule *s);

#endif
