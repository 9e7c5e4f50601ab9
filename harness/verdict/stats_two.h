/* SPDX-License-Identifier: MIT */
/*
 * stats_two.h - statistics of two runs
 *
 * Blocks of different runs are not paired: every value of B is compared with every
 * value of A, by the logarithm of their ratio. As in stats.h, a missing value is NAN,
 * and nothing has state or allocates.
 */
#ifndef VERDICT_STATS_TWO_H
#define VERDICT_STATS_TWO_H

#include "harness/verdict/stats.h"

/*
 * The rank-sum test (Wilcoxon, Mann and Whitney) that x and y have the same
 * distribution, two-sided. u: how many of the n * m pairs have the larger x; ties
 * count a half. Exact without ties and with at most 25 values each; else the normal
 * approximation, corrected for ties and continuity.
 */
struct rank_sum {
	double u, p; /* NAN without values */
	bool exact;
};

/* The smallest p of so many values: 4 and 4 0.029, 9 and 9 0.00004 */
double stats_least_p(size_t n, size_t m);

/*
 * b against a. The ratio is that of Hodges and Lehmann: the median of all ratios of
 * a value of b to one of a. Its confidence interval is from the rank-th smallest to
 * the rank-th largest of these, and holds for any distribution if the two differ in
 * scale only: 4 and 4 values 1 (97.1 %), 6 and 6 values 6 (95.9 %), 9 and 9 values 18
 * (96.0 %), 12 and 12 values 38 (95.5 %). 3 and 3 values have none.
 */
struct two {
	size_t n_a, n_b; /* values that have a logarithm */
	size_t zeros;    /* that have none: zero or negative */
	double ratio;
	struct interval interval;
	struct rank_sum test;
};

struct two stats_two(const double *b, size_t n_b, const double *a, size_t n_a);

/*
 * The verdict, as in stats.h. `adjusted_p` is test.p after stats_holm() over a family
 * of so many. Each run has an A/A band, made for the blocks of the smaller run; the
 * ratio must be outside the wider one.
 *
 * Found, with noise of 5 % in each value (normal; heavy-tailed, t with 3 degrees of
 * freedom) and 9 blocks in each run: a model that is the same in both called
 * different in 0.2 and 0.2 % of comparisons, one 20 % slower in 99.7 and 86.9 %.
 * Drift between two runs is in no band, and not in these figures.
 */
enum verdict_reason stats_two_verdict(const struct two *t,
				      const struct band *of_a,
				      const struct band *of_b,
				      double adjusted_p, size_t family);

/* The wider of two bands; a missing band is the widest. */
const struct band *stats_wider(const struct band *a, const struct band *b);

#endif
