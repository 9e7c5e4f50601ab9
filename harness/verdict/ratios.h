/* SPDX-License-Identifier: MIT */
/*
 * ratios.h - how much two models differ: intervals over blocks, and a family of them
 *
 * A value is the logarithm of a ratio, one for each block (a fresh start of both); a
 * missing one is NAN. So an interval carries what lies between starts, and swapping
 * the models changes signs only. Nothing here has state, allocates or makes a system
 * call.
 *
 * Six blocks are few, so the interval is Student's. Found, with 60 comparisons that share
 * their reference; 6 blocks with noise of 1 % between starts (normal; heavy-tailed, t with
 * 3 degrees of freedom), 8 rounds in each with heavy-tailed noise of 1 %:
 *
 *	identical models, any called different	4.9 %	3.4 %
 *	half of them differ, called wrongly	2.4 %	2.0 %
 *	intervals of those called that miss	4.7 %	3.9 %
 *	one of them is 5 % slower, called	89 %	61 %
 *	the same, one of 2 comparisons		100 %	97 %
 *
 * STATS_RUNS=20000 build/release/unit/verdict/ratios prints these figures.
 */
#ifndef VERDICT_RATIOS_H
#define VERDICT_RATIOS_H

#include <stddef.h>

/* Of the middle half: without the lowest and the highest quarter. Sorts x. NAN without
 * values */
double trimmed_mean(double *x, size_t n);

/* Student's distribution: two-sided p of t, and the t of a two-sided p */
double student_p(double t, double df);
double student_t(double p, double df);

/* The mean of a ratio's logarithm. Below two values `error` and `df` are NAN. */
struct mean {
	size_t n;
	double value, error, df;
};

struct mean mean_of(const double *x, size_t n);

/* b - a for blocks that are not paired (Welch) */
struct mean mean_difference(const struct mean *b, const struct mean *a);

/* Two-sided p that the ratio is 1; NAN without an error */
double mean_p(const struct mean *e);

/* The confidence interval of the ratio; NAN without an error */
struct range {
	double low, high;
};

struct range mean_range(const struct mean *e, double level);

/*
 * Benjamini and Hochberg: of the comparisons called different, 5 % at most are not, on
 * average (false discovery rate). Benjamini and Yekutieli (2005): with intervals at
 * this level, 5 % at most of those called miss their ratio. A comparison is called
 * if, and only if, its interval at this level excludes 1.
 */
struct family {
	size_t n, called;
	double level;
};

struct family family_of(const double *p, size_t n); /* NAN: not in it */

#endif
