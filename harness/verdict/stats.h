/* SPDX-License-Identifier: MIT */
/*
 * stats.h - medians over blocks, and their intervals
 *
 * A value is that of one repetition, one for each block; a missing one is NAN. A
 * result that cannot be computed is NAN. Nothing here has state, allocates or makes a
 * system call. ratios.h compares.
 */
#ifndef VERDICT_STATS_H
#define VERDICT_STATS_H

#include <stdbool.h>
#include <stddef.h>

enum {
	STATS_MAX = 1000,        /* values; of more, all count as missing */
	STATS_FEWEST_BLOCKS = 6, /* with an interval of their median at 95 % */
};

/*
 * The 95 % confidence interval of a median, from the rank-th smallest to the rank-th
 * largest value. It contains the true median with probability `level`, whatever the
 * distribution: 6 values 1 (min to max) 96.9 %, 9 values 2 96.1 %, 12 values 3
 * 96.1 %. Five values reach 93.8 % at most: then rank is 0, low and high are NAN,
 * and level is that of min to max.
 */
struct interval {
	double low, high;
	double level;
	size_t rank; /* 0: no interval */
};

struct summary {
	size_t n, missing; /* finite values, and others */
	double median, lowest, highest;
	struct interval interval;
};

struct summary stats_summary(const double *x, size_t n);

#endif
