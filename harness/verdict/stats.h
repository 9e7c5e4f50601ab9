/* SPDX-License-Identifier: MIT */
/*
 * stats.h - statistics of one run: medians, paired ratios, A/A band, verdict
 *
 * A value is that of one repetition, one for each block; a missing one is NAN. Two
 * models are compared within blocks, by the logarithm of the ratio of their values:
 * a slow block affects both. A result that cannot be computed is NAN. Nothing here
 * has state, allocates or makes a system call; the same input gives the same output
 * on every machine.
 *
 * build/release/unit/verdict/stats prints and checks the figures in this file.
 */
#ifndef VERDICT_STATS_H
#define VERDICT_STATS_H

#include <stdbool.h>
#include <stddef.h>

enum {
	STATS_MAX = 1000,        /* values; of more, all count as missing */
	STATS_FEWEST_BLOCKS = 6, /* that can show a difference at 95 % */
	STATS_EXACT = 25,        /* pairs up to which p is exact */
};

/* ------------------------------------------------------------- one model */

/* Those of x that are finite, ascending, and how many */
size_t stats_sorted(double to[STATS_MAX], const double *x, size_t n);

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

/* Interpolated between order statistics as in R's type 7 and numpy; NAN without
 * values */
double stats_quantile(const double *x, size_t n, double share);

/* Rank and level alone: low and high are NAN */
struct interval stats_median_ranks(size_t n);

/* ------------------------------------------------------------ two models */

/*
 * Writes the logarithms of a[i] / b[i] to `to` (room for n) and says how many.
 * Pairs with a missing side are left out and counted; so are pairs that have no
 * ratio because a side is zero or negative.
 */
struct pairs {
	size_t n, missing, no_ratio;
};

struct pairs stats_log_ratios(const double *a, const double *b, size_t n,
			      double *to);

/*
 * Wilcoxon's signed-rank test that d is symmetric about 0, two-sided. Zeros are
 * ranked and then dropped (Pratt); ties share their mean rank; only exactly equal
 * numbers are tied. Up to 25 values, zeros included, p is exact given zeros and
 * ties. Above, it is the normal approximation with continuity correction.
 */
struct signed_rank {
	size_t n, zeros;
	double plus, minus; /* sums of ranks */
	double p;           /* 1 if all are zero, NAN without values */
};

struct signed_rank stats_signed_rank(const double *d, size_t n);

/* a against b: ratios are a / b, so swapping them inverts every ratio. */
struct paired {
	struct pairs pairs;
	double ratio; /* median; of an even number, the middle two's geometric mean */
	double lowest, highest;   /* ratio of any block */
	struct interval interval; /* of the ratio, by order statistics */
	struct signed_rank test;
};

struct paired stats_paired(const double *a, const double *b, size_t n);

/*
 * Holm's correction: reject i if adjusted[i] <= 0.05. The probability that any true
 * hypothesis is rejected is then 5 % at most, however the tests depend on each
 * other. A NAN in p is not a comparison: it stays NAN. Returns how many are.
 */
size_t stats_holm(const double *p, double *adjusted, size_t n);

/*
 * How many blocks the smallest p needs to be significant in a family of this size:
 * n blocks give no p below 2^(1-n), and Holm multiplies the smallest by the family's
 * size. 9 blocks allow 12 comparisons, 10 25, 11 51, 12 102.
 */
size_t stats_blocks_for(size_t family);

/* ------------------------------------------------------- the A/A band */

/*
 * How far one model under two names is from itself, from the A/A pairs of one metric
 * and setting: the median ratio of `blocks` more such pairs lies between low and
 * high = 1 / low with probability `level`, 95 % or more, whatever the distribution,
 * if the new pairs are distributed as these are and as often above 1 as below. A
 * comparison over 9 blocks needs a band for 9. With blocks = 1 it is the band of
 * single repetitions, for a chart that shows them: it takes 19 pairs, and more
 * blocks do not make it narrower. For an even number of blocks, level is a lower
 * bound.
 *
 * high is the rank-th smallest of the n A/A ratios, each taken as 1 or more:
 *
 *   A/A pairs                    3      6      9     12     30
 *   for as many blocks:  rank    -      6      7      9     13
 *                        level 87.5   96.3   96.9   96.9   95.3
 *   for one block:       rank    -      -      -      -     30
 *                        level 75.0   85.7   90.0   92.3   96.8
 *
 * If even the farthest pair does not reach 95 % there is no band: rank is 0, low and
 * high are NAN, level is what `farthest` reaches.
 */
struct band {
	size_t n, missing; /* A/A pairs; missing or without ratio */
	size_t blocks;
	size_t rank;
	double low, high, level;
	double farthest; /* largest A/A ratio, as 1 or more */
};

struct band stats_band(const double *a, const double *b, size_t n,
		       size_t blocks);

/* Whether the band exceeds the limit, say 1.1 */
enum noise {
	NOISE_LOW,
	NOISE_HIGH,
	NOISE_UNKNOWN, /* no band, and the farthest pair was within the limit */
};

enum noise stats_noise(const struct band *band, double limit);

/* -------------------------------------------------------- the verdict */

/* The first that applies, in this order */
enum verdict_reason {
	VERDICT_NOTHING,    /* no block has both values */
	VERDICT_NO_RATIO,   /* in some block, one value is zero */
	VERDICT_FEW_BLOCKS, /* fewer than 6 */
	VERDICT_INTERVAL,   /* includes 1 */
	VERDICT_FAMILY,     /* too few blocks for this many comparisons */
	VERDICT_HOLM,       /* not significant after Holm's correction */
	VERDICT_NO_BAND,    /* too few A/A pairs */
	VERDICT_BAND,       /* the ratio is inside the A/A band */
	VERDICT_DIFFERENT,
};

struct verdict {
	enum verdict_reason reason;
	struct paired pair;
	struct band band;
	double adjusted_p;
	size_t family;
};

/*
 * `adjusted_p` is pair->test.p after stats_holm() over all comparisons that are
 * printed, `family` what that returned, `band` made for pair->pairs.n blocks.
 *
 * Both interval and p must exclude chance: p is finer and can be corrected for many
 * comparisons, but a skewed distribution misleads it; the interval holds for any.
 * Found, with 9 blocks and noise of 5 % in each value (normal; heavy-tailed, t with
 * 3 degrees of freedom): identical models called different in 0.3 and 0.4 % of runs,
 * one 20 % slower in 99.6 and 83.8 %. Of 7 identical models, 21 comparisons, 10
 * blocks: any called different in 0.4 % of runs.
 */
struct verdict stats_verdict(const struct paired *pair, const struct band *band,
			     double adjusted_p, size_t family);

#endif
