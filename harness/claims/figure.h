/* SPDX-License-Identifier: MIT */
/*
 * figure.h - what was measured of a quantity, and its interval
 *
 * Of cells: a value for each block, which is a fresh start of the servers. A ratio of two
 * models in one setting is taken within rounds (compare.h); everything else within
 * blocks. The interval is Student's over blocks; of the logarithms, if all values are
 * positive.
 *
 * Of primitives, and of ratios with a count: from the ends of the intervals. A count
 * of system calls that is a whole number for each request is exact; any other is taken
 * to `counted_to` either way.
 */
#ifndef CLAIMS_FIGURE_H
#define CLAIMS_FIGURE_H

#include "harness/claims/claim.h"
#include "harness/claims/mechanisms.h"
#include "harness/claims/primitives.h"
#include "harness/verdict/reduce.h"

/* What is known; each may be empty */
struct evidence {
	const struct reduced *reduced;
	const struct primitives *primitives;
	const struct mechanisms *mechanisms;
	const struct control *control; /* NULL: without an effect */
	unsigned cpus;                 /* of the machine; 0: unknown */
	unsigned blocks; /* planned; a cell with fewer is not judged */
};

/* A value with its interval; an end that is not known is infinite */
struct band {
	double value, low, high;
};

struct figure;

/* Of a comparison; never NULL. To be freed */
struct figure *figure_of(const struct predicate *leaf,
			 const struct evidence *e);
void figure_free(struct figure *f);

/* Why there is none; "": there is */
const char *figure_why(const struct figure *f);

/* Its interval at this level, 0.95; a crossover that does not exist has no value, and is
 * reported by *none. */
struct band figure_band(const struct figure *f, double level, bool *none);

/* How many intervals over blocks or repetitions are in it; 0: it is exact */
unsigned figure_intervals(const struct figure *f);

/* Blocks behind it; 0: it is of primitives, or exact. And rounds; 0: not from rounds */
unsigned figure_blocks(const struct figure *f);
unsigned figure_rounds(const struct figure *f);

/* For charts: "ns", "share", "1/s", "bytes", "ratio", "1" */
const char *figure_unit(const struct predicate *leaf);

/* A state: 1 or 0; -1: not known, see `why` */
int state_of_cell(const struct predicate *leaf, const struct evidence *e,
		  char why[WHY_SIZE]);

#endif
