/* SPDX-License-Identifier: MIT */
/* noise.h - values as machines give them, the same in every run; for run_stats*.c */
#ifndef NOISE_H
#define NOISE_H

#include "tests/unit/test.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static void check_near(double is, double wanted, double within)
{
	if (!(fabs(is - wanted) <= within))
		fail_msg("%.9g is not %.9g", is, wanted);
}

static uint64_t random_state = 88172645463325252;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static double uniform(void)
{
	return ((next_random() >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

/* Student's t with 3 degrees of freedom: one in 160 is beyond 6 */
static double heavy(void)
{
	double squares = 0;

	for (int i = 0; i < 3; i++) {
		double z = normal();

		squares += z * z;
	}
	return normal() / sqrt(squares / 3);
}

/* How many to simulate: these, unless $STATS_RUNS says how many */
static size_t runs(size_t usual)
{
	const char *text = getenv("STATS_RUNS");

	return text ? strtoul(text, NULL, 10) : usual;
}

#endif
