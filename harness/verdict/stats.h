/* SPDX-License-Identifier: MIT */
/*
 * stats.h - what the blocks of a run can say, and what they cannot
 *
 * A value is one repetition's, one a block; a missing one is NAN. Two models are
 * compared within blocks, by the logarithm of the ratio of their values: what made
 * a whole block slow is in both. What cannot be had is NAN and said to be missing,
 * never the next best number. Nothing here has state, allocates or calls the
 * system; the same input gives the same output everywhere.
 *
 * Numbers in this file: build/release/unit/run_stats prints them and holds them.
 */
#ifndef VERDICT_STATS_H
#define VERDICT_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STATS_MAX = 1000,        /* values; of more, all count as missing */
	STATS_FEWEST_BLOCKS = 6, /* that can show a difference at 95 % */
	STATS_EXACT = 25,        /* pairs up to which p is enumerated */
	STATS_RESAMPLES = 999,
	STATS_WORDS = 384, /* bytes that hold any sentence with names of 40 */
};

/* ------------------------------------------------------------- one model */

/* Those of x that are numbers, ascending, and how many */
size_t stats_sorted(double to[STATS_MAX], const double *x, size_t n);

/*
 * The 95 % interval of a median, from the rank-th smallest to the rank-th largest
 * value. The true median lies in it with probability `level`, whatever the
 * distribution: 6 values 1 (min to max) 96.9 %, 9 values 2 96.1 %, 12 values 3
 * 96.1 %. Five values reach 93.8 % at most: then rank is 0, low and high are NAN,
 * and level is that of min to max, which is not enough.
 */
struct interval {
	double low, high;
	double level;
	size_t rank; /* 0: none possible (a bootstrap has none, see there) */
};

struct summary {
	size_t n, missing; /* values that are numbers, and that are not */
	double median, lowest, highest;
	struct interval interval;
};

struct summary stats_summary(const double *x, size_t n);

/* Between order statistics as in R's type 7 and numpy; NAN without values */
double stats_quantile(const double *x, size_t n, double share);

/* Ranks and level alone: low and high are NAN */
struct interval stats_median_ranks(size_t n);

/*
 * The percentile bootstrap of the median, 999 resamples; rank is 0, level 0.95 is
 * what it aims at. The same seed gives the same interval. stats_paired() does not
 * use it. True coverage, 95 % wanted, for normal and for heavy-tailed values:
 *
 *   n                     6      9     12     30
 *   order statistics   96.9   96.1   96.1   95.7   exact, for any distribution
 *   bootstrap, normal  94.0   94.0   93.5   94.5   found
 *   heavy-tailed       93.6   94.2   93.5   94.2   found
 *
 * STATS_RUNS=20000 build/release/unit/run_stats shows it. None below 6 values.
 */
struct interval stats_bootstrap(const double *x, size_t n, uint64_t seed);

/* ------------------------------------------------------------ two models */

/*
 * Writes the logarithms of a[i] / b[i] to `to` (room for n) and says how many:
 * pairs with a missing side are left out and counted, so are those that have no
 * ratio because a side is zero or less.
 */
struct pairs {
	size_t n, missing, no_ratio;
};

struct pairs stats_log_ratios(const double *a, const double *b, size_t n,
			      double *to);

/*
 * Wilcoxon's signed-rank test that d is symmetric about 0, two-sided. Zeros are
 * ranked and then left out (Pratt's convention), ties share their mean rank; only
 * exactly equal numbers are tied. Up to 25 values (zeros with them) p is exact
 * given zeros and ties: all 2^n signs are counted. Above, the normal
 * approximation with continuity correction.
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
	double ratio; /* its median; of 2 in the middle, their geometric mean */
	double lowest, highest;   /* ratio of any block */
	struct interval interval; /* of the ratio, by order statistics */
	struct signed_rank test;
	/*
	 * From -1 (b is larger, in every block) to 1: the share of the ranks for a
	 * less that for b (rank-biserial correlation). The ratio says how much, this
	 * how dependably.
	 */
	double effect;
};

struct paired stats_paired(const double *a, const double *b, size_t n);

/*
 * Holm's correction: adjusted[i] <= 0.05 rejects i, and that any true one is
 * rejected has a probability of 5 % at most, however they depend on each other.
 * A p that is NAN is of no comparison: it stays NAN and does not count. Says
 * how many count.
 */
size_t stats_holm(const double *p, double *adjusted, size_t n);

/*
 * How many blocks a family of so many comparisons takes before any of it can be
 * called: n blocks give no p below 2^(1-n), and Holm multiplies the least of
 * them by the family's size. 9 blocks bear 12 comparisons, 10 25, 11 51, 12 102.
 */
size_t stats_blocks_for(size_t family);

/* ------------------------------------------------------- the A/A band */

/*
 * How far apart one model under two names is, from the A/A pairs of one metric and
 * connection count: the median ratio of `blocks` more such pairs lies between low
 * and high = 1 / low with probability `level`, 95 % or more, whatever the
 * distribution, as long as it is that of the A/A pairs and as often above 1 as
 * below. Like is compared with like: a comparison over 9 blocks is held against
 * a band for 9. With blocks = 1 it is the band of single repetitions, for a chart
 * that shows them: it takes 19 pairs, and no number of blocks makes it narrower.
 * For an even number of blocks, level is a lower bound.
 *
 * high is the rank-th smallest of the n A/A ratios, each taken as 1 or more:
 *
 *   A/A pairs                    3      6      9     12     30
 *   for as many blocks:  rank    -      6      7      9     13
 *                        level 87.5   96.3   96.9   96.9   95.3
 *   for one block:       rank    -      -      -      -     30
 *                        level 75.0   85.7   90.0   92.3   96.8
 *
 * Where even the farthest does not reach 95 % there is no band: rank 0, low and
 * high NAN, level what `farthest` reaches.
 */
struct band {
	size_t n, missing; /* A/A pairs; missing or without ratio */
	size_t blocks;
	size_t rank;
	double low, high, level;
	double farthest; /* ratio of any A/A pair, as 1 or more */
};

struct band stats_band(const double *a, const double *b, size_t n,
		       size_t blocks);

/* Whether the band reaches beyond 1 / limit or limit, say 1.1 */
enum noise {
	NOISE_LOW,
	NOISE_HIGH,
	NOISE_UNKNOWN, /* no band, and the farthest pair was within the limit */
};

enum noise stats_noise(const struct band *band, double limit);

/* -------------------------------------------------------- the verdict */

/* The first that applies, in this order */
enum verdict_reason {
	VERDICT_NOTHING,    /* no block has both */
	VERDICT_NO_RATIO,   /* in some block, one is zero */
	VERDICT_FEW_BLOCKS, /* below 6: no claim at all */
	VERDICT_INTERVAL,   /* it includes 1 */
	VERDICT_FAMILY,  /* no data of so few blocks is clear enough for Holm */
	VERDICT_HOLM,    /* could be chance among so many comparisons */
	VERDICT_NO_BAND, /* too few A/A pairs */
	VERDICT_BAND,    /* a model differs as much from itself */
	VERDICT_SMALL,   /* a count, and less than 1 % */
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
 * printed, `family` what that returned, `band` made for pair->pairs.n blocks. A
 * difference of a `count`, such as system calls, has to be 1 % or more.
 *
 * Interval and p have both to exclude chance: p is finer and can be corrected, but
 * a lopsided distribution misleads it; the interval holds for any. Found, with 9
 * blocks and noise of 5 % in each value (normal; heavy-tailed, t with 3 degrees of
 * freedom): identical models called different in 0.3 and 0.3 % of runs, one 20 %
 * slower in 99.7 and 83.8 %. Of 7 identical models, 21 comparisons, 10 blocks: any
 * called in 0.4 % of runs.
 */
struct verdict stats_verdict(const struct paired *pair, const struct band *band,
			     double adjusted_p, size_t family, bool count);

struct verdict_names {
	const char *a, *b; /* poll, epoll */
	const char *verb;  /* takes */
	const char *what;  /* the CPU */
	const char *where; /* at 1,000 connections */
};

/*
 * "poll takes 9.1 to 11.2 times the CPU of epoll at 1,000 connections": the
 * interval, the larger of the two first. Or "epoll and uring: no difference this
 * run can show at 64 connections", or that there are too few blocks for any claim;
 * blocks that are missing are mentioned. It never says that two are the same.
 * Writes to `to` and returns it.
 */
char *stats_sentence(char to[STATS_WORDS], const struct verdict *v,
		     const struct verdict_names *names);

/* Why, with figures: "the interval of the ratio, 0.97 to 1.04, includes 1" */
char *stats_reason(char to[STATS_WORDS], const struct verdict *v);

#endif
