/* SPDX-License-Identifier: MIT */
/*
 * ratios.h - how much two models differ: intervals over blocks, and a family of them
 *
 * A value is the logarithm of a ratio, one for each block (a fresh start of both); a
 * missing one is NAN. So an interval carries what lies between starts, and swapping
 * the models changes signs only. Nothing here has state, allocates or makes a system
 * call.
 *
 * Six blocks are few, so the interval is Student's. With 60 comparisons over 6 blocks
 * that share their reference, noise of 1 % in each start and heavy-tailed noise in
 * 8 rounds of each (build/release/unit/verdict/ratios prints and checks this):
 *
 *	noise of a start                     normal    heavy-tailed (t, 3 degrees)
 *	identical models: any called         @@
 *	half of them differ: called wrongly  @@
 *	intervals of those called that miss  @@
 *	5 % slower: called                   @@
 */
#ifndef VERDICT_RATIOS_H
#define VERDICT_RATIOS_H

#include <stddef.h>

/* Without the lowest and the highest fifth; sorts x. NAN without values */
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
