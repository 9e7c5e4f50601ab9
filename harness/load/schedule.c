/* SPDX-License-Identifier: MIT */
/* schedule.c - when requests are due: see schedule.h */
#include "schedule.h"

#include "harness/base/random.h"

#include <math.h>

/* In (0, 1]: its logarithm exists */
static double uniform(uint64_t *state)
{
	return ((random_next(state) >> 11) + 1) * 0x1p-53;
}

unsigned share_of(unsigned n, unsigned part, unsigned parts)
{
	return n / parts + (part < n % parts);
}

struct schedule schedule_of(enum arrivals arrivals, double rate, unsigned burst,
			    uint64_t seed, unsigned part, unsigned parts,
			    int64_t start)
{
	struct schedule s = {
		.arrivals = burst > 1 ? ARRIVALS_UNIFORM : arrivals,
		.gap = 1e9 / rate * burst,
		.burst = burst,
		.random = seed * 1000003 + part,
		.start = start,
	};

	if (burst > 1) {
		s.burst = share_of(burst, part, parts);
	} else {
		s.gap *= parts;
		if (arrivals == ARRIVALS_UNIFORM)
			s.first = s.gap * part / parts;
	}
	return s;
}

/* Equal intervals begin at a random time: otherwise, at a low rate, all requests of a
 * slice would be due at its start, which does not count. */
struct schedule schedule_of_slice(enum arrivals arrivals, double rate,
				  unsigned burst, uint64_t seed, unsigned part,
				  unsigned parts, int64_t start,
				  uint64_t number)
{
	uint64_t random = number;
	uint64_t own = random_next(&random) ^ seed;
	struct schedule s =
		schedule_of(arrivals, rate, burst, own, part, parts, start);

	if (s.arrivals == ARRIVALS_UNIFORM)
		s.first += uniform(&own) * 1e9 / rate * burst;
	return s;
}

int64_t schedule_next(struct schedule *s)
{
	if (s->burst ==
	    0) /* a burst has fewer requests than there are threads */
		return INT64_MAX;
	if (s->left == 0) {
		s->left = s->burst;
		/* Computed from the count, so that errors do not add up */
		if (s->arrivals == ARRIVALS_UNIFORM)
			s->at = s->first + s->arrived * s->gap;
		else
			s->at -= log(uniform(&s->random)) * s->gap;
		s->arrived++;
	}
	s->left--;
	return s->start + (int64_t)s->at;
}
