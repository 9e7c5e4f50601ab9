/* SPDX-License-Identifier: MIT */
/*
 * stats.c - what the blocks of a run can say is exact, and no more than true
 *
 *   STATS_RUNS=20000 build/release/unit/run_stats
 *
 * prints the figures of stats.h with more simulated runs than the 2,000 that are
 * enough for a test. References are from published tables, or from a python3
 * without libraries: the line that made them is above them.
 */
#include "tests/unit/noise.h"

#include "harness/verdict/stats.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* Four standard errors of a share that is counted */
static double margin(double share, size_t of)
{
	return 4 * sqrt(share * (1 - share) / of);
}

/* ----------------------------------------------------------------- one model */

static void medians_and_quantiles(void **state)
{
	static const double odd[] = { 9, 1, 5 }, even[] = { 4, 1, 3, 2 };
	static const double holes[] = { NAN, 7, INFINITY, 3, -INFINITY };
	static double many[STATS_MAX + 1];
	struct summary s;

	(void)state;
	assert_true(stats_summary(odd, 3).median == 5);
	assert_true(stats_summary(even, 4).median == 2.5);
	s = stats_summary(holes, 5);
	assert_true(s.n == 2 && s.missing == 3 && s.median == 5);
	assert_true(s.lowest == 3 && s.highest == 7);
	s = stats_summary(holes, 1);
	assert_true(s.n == 0 && isnan(s.median) && isnan(s.lowest));
	assert_true(isnan(s.highest) && s.interval.rank == 0);
	s = stats_summary(many, STATS_MAX + 1);
	assert_true(s.n == 0 && s.missing == STATS_MAX + 1);
	assert_true(isnan(s.median));
	assert_int_equal(stats_summary(many, STATS_MAX).n, STATS_MAX);

	/* statistics.quantiles([4, 1, 3, 2], n=4, method='inclusive') */
	check_near(stats_quantile(even, 4, 0.25), 1.75, 0);
	check_near(stats_quantile(even, 4, 0.50), 2.5, 0);
	check_near(stats_quantile(even, 4, 0.75), 3.25, 0);
	assert_true(stats_quantile(even, 4, 0) == 1);
	assert_true(stats_quantile(even, 4, 1) == 4);
	assert_true(stats_quantile(holes, 5, 1) == 7);
	assert_true(stats_quantile(many, STATS_MAX, 1) == 0);
	assert_true(isnan(stats_quantile(even, 4, 1.1)));
	assert_true(isnan(stats_quantile(even, 4, NAN)));
	assert_true(isnan(stats_quantile(even, 0, 0.5)));
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void any_order_of_any_length(void **state)
{
	double x[400], sorted[400];

	(void)state;
	for (size_t n = 1; n <= 400; n++) {
		for (size_t i = 0; i < n; i++)
			sorted[i] = x[i] = floor(heavy() * 10);
		qsort(sorted, n, sizeof(*sorted), ascending);
		for (size_t i = 0; i < n; i++)
			check_near(stats_quantile(x, n,
						  n > 1 ? i / (n - 1.0) : 0),
				   sorted[i], 1e-9);
		check_near(stats_summary(x, n).median,
			   (sorted[(n - 1) / 2] + sorted[n / 2]) / 2, 0);
	}
}

/*
 * Ranks as tabled for the sign test (Nair 1940; Le Boudec, Performance
 * Evaluation, appendix A); levels:
 *
 * python3 -c 'from math import comb
 * for n, r in (5, 1), (6, 1), (9, 2), (12, 3): # and so on
 *     print(n, 1 - 2 * sum(comb(n, i) for i in range(r)) / 2**n)'
 */
static void intervals_of_a_median(void **state)
{
	static const struct {
		size_t n, rank;
		double level;
	} table[] = {
		{ 0, 0, 0 },
		{ 1, 0, 0 },
		{ 2, 0, 0.5 },
		{ 3, 0, 0.75 },
		{ 4, 0, 0.875 },
		{ 5, 0, 0.9375 },
		{ 6, 1, 0.96875 },
		{ 7, 1, 0.984375 },
		{ 8, 1, 0.9921875 },
		{ 9, 2, 0.9609375 },
		{ 10, 2, 0.978515625 },
		{ 12, 3, 0.96142578125 },
		{ 15, 4, 0.96484375 },
		{ 20, 6, 0.9586105346679688 },
		{ 25, 8, 0.9567147493362427 },
		{ 30, 10, 0.9572260547429323 },
		{ 32, 10, 0.9799383929930627 }, /* 11: 94.99 % */
		{ 50, 18, 0.9671608624357315 },
		{ 100, 40, 0.9647997997822951 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(table); i++) {
		struct interval is = stats_median_ranks(table[i].n);

		assert_int_equal(is.rank, table[i].rank);
		check_near(is.level, table[i].level, 1e-12);
		assert_true(isnan(is.low) && isnan(is.high));
	}
	assert_in_range(stats_median_ranks(STATS_MAX).rank, 469, 469);
	assert_int_equal(stats_median_ranks(STATS_MAX + 1).rank, 0);
}

static void an_interval_is_not_faked(void **state)
{
	static const double x[] = { 3, 9, 1, 7, 5, 8, 2, 6, 4, NAN };
	struct interval i;

	(void)state;
	for (size_t n = 0; n <= 5; n++) {
		i = stats_summary(x, n).interval;
		assert_true(isnan(i.low) && isnan(i.high) && !i.rank);
		i = stats_bootstrap(x, n, 1);
		assert_true(isnan(i.low) && isnan(i.high) && i.level == 0);
	}
	i = stats_summary(x, 6).interval;
	assert_true(i.low == 1 && i.high == 9);
	i = stats_summary(x, 10).interval;
	assert_true(i.low == 2 && i.high == 8);
}

static void the_bootstrap_is_repeatable(void **state)
{
	double x[40];
	struct interval a, b, other;
	size_t differ = 0;

	(void)state;
	for (size_t n = 6; n <= 40; n++) {
		for (size_t i = 0; i < n; i++)
			x[i] = normal();
		a = stats_bootstrap(x, n, n);
		b = stats_bootstrap(x, n, n);
		other = stats_bootstrap(x, n, n + 1000);
		assert_true(a.low == b.low && a.high == b.high);
		assert_true(a.low <= a.high && a.rank == 0);
		differ += a.low != other.low || a.high != other.high;
	}
	assert_true(differ > 10);
}

/*
 * The median of 9 values drawn from 9 is the 2nd or lower if 5 of them are, with
 * probability q; the 25th of 999 such medians is the 2nd if 25 of them are.
 *
 * python3 -c 'from math import comb
 * def most(n, least, p):
 *     return sum(comb(n, i) * p**i * (1 - p)**(n - i) for i in range(least, n + 1))
 * q = most(9, 5, 2 / 9); print(q, most(999, 25, q), most(999, 25, most(9, 5, 1 / 9)))'
 *
 * 0.0304, 0.8607 and 0.000000: in 0.8607 of the intervals it is the 2nd, and in the
 * others the 3rd.
 */
static void the_bootstrap_draws_evenly(void **state)
{
	static const double x[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	size_t second = 0, third = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 400; seed++) {
		struct interval i = stats_bootstrap(x, 9, seed);

		second += (i.low == 2) + (i.high == 8);
		third += (i.low == 3) + (i.high == 7);
	}
	assert_int_equal(second + third, 800);
	check_near(second / 800.0, 0.8607, margin(0.8607, 800));
}

struct coverage {
	double order, bootstrap;
};

static struct coverage coverage(size_t n, double (*noise)(void))
{
	size_t order = 0, boot = 0;

	for (size_t run = 0; run < runs(2000); run++) {
		double x[30];
		struct interval i;

		for (size_t k = 0; k < n; k++)
			x[k] = noise();
		i = stats_summary(x, n).interval;
		order += i.low <= 0 && i.high >= 0;
		i = stats_bootstrap(x, n, run);
		boot += i.low <= 0 && i.high >= 0;
	}
	return (struct coverage){ order / (double)runs(2000),
				  boot / (double)runs(2000) };
}

/* Why stats_paired() takes order statistics: the bootstrap promises too much. */
static void what_intervals_cover(void **state)
{
	static const size_t ns[] = { 6, 9, 12, 30 };

	(void)state;
	for (size_t i = 0; i < LENGTH(ns); i++) {
		double exact = stats_median_ranks(ns[i]).level;
		struct coverage light = coverage(ns[i], normal);
		struct coverage tails = coverage(ns[i], heavy);

		print_message("n %2zu: order statistics %.1f %%, found %.1f "
			      "and %.1f; bootstrap %.1f and %.1f (normal, "
			      "heavy-tailed)\n",
			      ns[i], 100 * exact, 100 * light.order,
			      100 * tails.order, 100 * light.bootstrap,
			      100 * tails.bootstrap);
		check_near(light.order, exact, margin(exact, runs(2000)));
		check_near(tails.order, exact, margin(exact, runs(2000)));
		assert_true(light.bootstrap < light.order);
		assert_true(tails.bootstrap < tails.order);
		assert_true(light.bootstrap > 0.9 && tails.bootstrap > 0.9);
	}
}

/* ---------------------------------------------------------------- two models */

static void ratios_of_what_is_there(void **state)
{
	static const double a[] = { 2, NAN, 3, 0, 8, -1, 1e300, INFINITY };
	static const double b[] = { 1, 5, NAN, 4, 2, 7, 1e-300, 1 };
	double d[8];
	struct pairs p = stats_log_ratios(a, b, 8, d);

	(void)state;
	assert_true(p.n == 2 && p.missing == 3 && p.no_ratio == 3);
	check_near(d[0], log(2), 1e-15);
	check_near(d[1], log(4), 1e-15);
	p = stats_log_ratios(a, b, STATS_MAX + 1, d);
	assert_true(p.n == 0 && p.missing == STATS_MAX + 1);
}

/* Equal ratios are equal whatever they are made of, and so are their opposites. */
static void equal_ratios_are_ties(void **state)
{
	(void)state;
	for (int a = 1; a < 60; a++)
		for (int b = 1; b < 60; b++) {
			double x[] = { a, b, 3.0 * a }, y[] = { b, a, 3.0 * b };
			double d[3];

			stats_log_ratios(x, y, 3, d);
			assert_true(d[0] == -d[1] && d[0] == d[2]);
		}
}

/*
 * The largest sum of ranks that is significant at 5 %, two-sided, in any table of
 * the test (Wilcoxon & Wilcox 1964; Siegel 1956, table G), and that one more is not
 */
static void the_signed_rank_table(void **state)
{
	static const struct {
		unsigned n, critical;
	} table[] = { { 6, 0 },   { 7, 2 },   { 8, 3 },   { 9, 5 },
		      { 10, 8 },  { 11, 10 }, { 12, 13 }, { 13, 17 },
		      { 14, 21 }, { 15, 25 }, { 16, 29 }, { 17, 34 },
		      { 18, 40 }, { 19, 46 }, { 20, 52 }, { 21, 58 },
		      { 22, 65 }, { 23, 73 }, { 24, 81 }, { 25, 89 } };

	(void)state;
	for (size_t i = 0; i < LENGTH(table); i++)
		for (unsigned more = 0; more <= 1; more++) {
			unsigned left = table[i].critical + more;
			double d[25];
			struct signed_rank s;

			/* Ranks that sum up to `left` are of the other sign. */
			for (unsigned r = table[i].n; r; r--) {
				d[r - 1] = left >= r ? -1.0 * r : r;
				left -= left >= r ? r : 0;
			}
			s = stats_signed_rank(d, table[i].n);
			assert_true(s.minus == table[i].critical + more);
			assert_int_equal(s.p > 0.05, more);
		}
}

/*
 * R's own example (Hollander & Wolfe 1973, p. 29): V = 40, p = 0.03906; and
 * others, every sign tried:
 *
 * from itertools import product
 * def wilcoxon(d):
 *     n = len(d); a = sorted(map(abs, d))
 *     r = [(a.index(abs(x)) + 1 + n - a[::-1].index(abs(x))) / 2 for x in d]
 *     nz = [q for q, x in zip(r, d) if x]
 *     w = sum(q for q, x in zip(r, d) if x > 0); t = sum(nz)
 *     far = sum(abs(2 * sum(q for q, s in zip(nz, c) if s) - t) >= abs(2 * w - t)
 *               for c in product((0, 1), repeat=len(nz)))
 *     return w, t - w, far / 2**len(nz)
 */
static void signed_rank_examples(void **state)
{
	static const struct {
		size_t n;
		double d[10], plus, minus, p;
	} cases[] = {
		{ 9,
		  { 0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01 },
		  40,
		  5,
		  0.0390625 },
		{ 10, { 0, 0, 1, 2, -1, 3, 3, -4, 5, 6 }, 40.5, 11.5, 0.15625 },
		{ 6, { 1, 1, 1, 1, 1, 1 }, 21, 0, 0.03125 },
		{ 9, { 0, 0, 0, 1, 1, 1, 1, 1, 1 }, 39, 0, 0.03125 },
		{ 4, { 2, -2, 2, -2 }, 5, 5, 1 },
		{ 2, { 0, 0 }, 0, 0, 1 },
		{ 1, { -3 }, 0, 1, 1 },
		{ 5, { 1, 2, 3, 4, 5 }, 15, 0, 0.0625 },
		{ 9, { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 45, 0, 0.00390625 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct signed_rank s =
			stats_signed_rank(cases[i].d, cases[i].n);

		check_near(s.plus, cases[i].plus, 0);
		check_near(s.minus, cases[i].minus, 0);
		check_near(s.p, cases[i].p, 1e-12);
		assert_int_equal(s.n, cases[i].n);
	}
	assert_int_equal(stats_signed_rank(cases[1].d, 10).zeros, 2);
	assert_true(isnan(stats_signed_rank(cases[1].d, 0).p));
}

/* How many of the 2^n signs are as far from even, one after another */
static double every_sign(const double *d, size_t n)
{
	double rank[12], total = 0, plus = 0;
	unsigned far = 0;

	for (size_t i = 0; i < n; i++) {
		rank[i] = 0.5;
		for (size_t j = 0; j < n; j++)
			rank[i] += fabs(d[j]) < fabs(d[i])  ? 1 :
				   fabs(d[j]) == fabs(d[i]) ? 0.5 :
							      0;
		if (d[i] == 0)
			rank[i] = 0;
		total += rank[i];
		plus += d[i] > 0 ? rank[i] : 0;
	}
	for (unsigned signs = 0; signs < 1u << n; signs++) {
		double sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += signs & 1u << i ? rank[i] : 0;
		far += fabs(sum - total / 2) >= fabs(plus - total / 2);
	}
	return far / (double)(1u << n);
}

static void ties_and_zeros_are_enumerated(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 600; i++) {
		double d[12];
		size_t n = 1 + i % 12;

		for (size_t k = 0; k < n; k++)
			d[k] = floor(normal() * 3 + 1.5);
		check_near(stats_signed_rank(d, n).p, every_sign(d, n), 1e-12);
	}
}

/*
 * Thirty ranks, every fourth negative. Exact: 0.012048, as counted by
 *
 * w = [1] + [0] * 465
 * for r in range(1, 31):
 *     for s in range(465, r - 1, -1): w[s] += w[s - r]
 * print(sum(w[s] for s in range(466) if abs(2 * s - 465) >= 465 - 2 * 112) / 2**30)
 *
 * normal: erfc((232.5 - 112 - 0.5) / sqrt(9455 / 4) / sqrt(2)) = 0.013579
 */
static void above_25_it_is_approximate(void **state)
{
	double d[30], p25, p26;
	struct signed_rank s;

	(void)state;
	for (int i = 0; i < 30; i++)
		d[i] = i % 4 == 3 ? -1 - i : 1 + i;
	s = stats_signed_rank(d, 30);
	assert_true(s.minus == 112 && s.plus == 353);
	check_near(s.p, 0.013579415038448952, 1e-12);
	check_near(s.p, 0.012047622352838516, 0.002);
	/* Nothing jumps where the method changes. */
	p25 = stats_signed_rank(d, 25).p;
	p26 = stats_signed_rank(d, 26).p;
	assert_true(fabs(log(p25 / p26)) < 0.5);
	memset(d, 0, sizeof(d));
	assert_true(stats_signed_rank(d, 30).p == 1);
	for (int i = 0; i < 30; i++)
		d[i] = i % 2 ? 1 : -1;
	assert_true(stats_signed_rank(d, 30).p == 1);
}

static void a_paired_comparison(void **state)
{
	/* ratios 2, 4, 2, 8, 1, 2, 4, 0.5, 2 and one of nothing */
	static const double a[] = { 2, 4, 6, 8, 5, 20, 4, 1, 200, 3 };
	static const double b[] = { 1, 1, 3, 1, 5, 10, 1, 2, 100, NAN };
	struct paired p = stats_paired(a, b, 10);
	struct paired q = stats_paired(b, a, 10);

	(void)state;
	assert_true(p.pairs.n == 9 && p.pairs.missing == 1);
	check_near(p.ratio, 2, 1e-12);
	check_near(p.lowest, 0.5, 1e-12);
	check_near(p.highest, 8, 1e-12);
	check_near(p.interval.low, 1, 1e-12);
	check_near(p.interval.high, 4, 1e-12);
	assert_true(p.interval.rank == 2 && p.test.zeros == 1);
	/* |log|: 0 has rank 1, the five of 2 have 2 to 6, 4 has 7.5 twice, 8 has 9 */
	check_near(p.test.minus, 4, 0);
	check_near(p.test.plus, 40, 0);
	check_near(p.effect, 36.0 / 44, 1e-12);
	/* Swapped, it is the inverse of itself. */
	check_near(q.ratio * p.ratio, 1, 1e-12);
	check_near(q.interval.low * p.interval.high, 1, 1e-12);
	check_near(q.interval.high * p.interval.low, 1, 1e-12);
	assert_true(q.effect == -p.effect && q.test.p == p.test.p);
	/* Nothing is made of nothing. */
	p = stats_paired(a + 9, b + 9, 1);
	assert_true(isnan(p.ratio) && isnan(p.interval.low));
	assert_true(isnan(p.effect) && isnan(p.test.p) && isnan(p.lowest));
	assert_true(stats_paired(a, a, 9).effect == 0);
	check_near(stats_paired(a, b, 5).interval.level, 0.9375, 1e-12);
	assert_true(isnan(stats_paired(a, b, 5).interval.low));
}

/* What makes a block slow is in both: the comparison does not see it. */
static void block_effects_cancel(void **state)
{
	double a[9], b[9];
	struct paired p;

	(void)state;
	for (int i = 0; i < 9; i++) {
		b[i] = exp(3 * normal());
		a[i] = 1.5 * b[i];
	}
	p = stats_paired(a, b, 9);
	check_near(p.interval.low, 1.5, 1e-12);
	check_near(p.interval.high, 1.5, 1e-12);
	check_near(p.test.p, 2.0 / 512, 1e-12);
	assert_true(p.effect == 1);
}

/* ---------------------------------------------------------------------- Holm */

/* By hand: 0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 is no less than that before it. */
static void holm_by_hand(void **state)
{
	static const double p[] = { 0.01, 0.04, NAN, 0.03, 0.005 };
	static const double all[] = { 0.6, 0.5, 0.9 };
	double adjusted[5];

	(void)state;
	assert_int_equal(stats_holm(p, adjusted, 5), 4);
	check_near(adjusted[0], 0.03, 1e-15);
	check_near(adjusted[1], 0.06, 1e-15);
	assert_true(isnan(adjusted[2]));
	check_near(adjusted[3], 0.06, 1e-15);
	check_near(adjusted[4], 0.02, 1e-15);
	stats_holm(all, adjusted, 3);
	assert_true(adjusted[0] == 1 && adjusted[1] == 1 && adjusted[2] == 1);
	assert_int_equal(stats_holm(p, adjusted, 0), 0);
}

static void what_blocks_bear(void **state)
{
	/* floor(0.05 x 2^(n-1)) */
	static const size_t bear[] = { 1, 3, 6, 12, 25, 51, 102 };

	(void)state;
	assert_int_equal(stats_blocks_for(0), 6);
	for (size_t i = 0; i < LENGTH(bear); i++) {
		assert_int_equal(stats_blocks_for(bear[i]), 6 + i);
		assert_int_equal(stats_blocks_for(bear[i] + 1), 7 + i);
	}
}

/* ------------------------------------------------------------------ A/A band */

/*
 * python3:
 * from math import comb
 * from fractions import Fraction as F
 * def level(n, k, b):
 *     h = (b + 1) // 2
 *     return 1 - sum(2 * F(sum(comb(i, j) for j in range(h, i + 1)), 2**i) *
 *                    comb(i + n - k, i) * comb(b - i + k - 1, b - i) /
 *                    F(comb(n + b, n)) for i in range(h, b + 1))
 */
static void the_band_table(void **state)
{
	static const struct {
		size_t n, blocks, rank;
		double level;
	} table[] = {
		{ 3, 3, 0, 0.875 },      { 5, 5, 5, 0.96875 },
		{ 6, 6, 6, 0.96273 },    { 9, 9, 7, 0.968516 },
		{ 12, 12, 9, 0.969393 }, { 30, 30, 13, 0.953244 },
		{ 3, 1, 0, 0.75 },       { 6, 1, 0, 0.857143 },
		{ 9, 1, 0, 0.9 },        { 12, 1, 0, 0.923077 },
		{ 18, 1, 0, 0.947368 },  { 19, 1, 19, 0.95 },
		{ 30, 1, 30, 0.967742 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(table); i++) {
		double a[30], b[30];
		struct band band;

		for (size_t k = 0; k < 30;
		     k++) { /* ratios 1, 1/2, 3, 1/4 ... */
			a[k] = k % 2 ? 1 : k + 1;
			b[k] = k % 2 ? k + 1 : 1;
		}
		band = stats_band(a, b, table[i].n, table[i].blocks);
		assert_int_equal(band.n, table[i].n);
		assert_int_equal(band.rank, table[i].rank);
		check_near(band.level, table[i].level, 1e-6);
		check_near(band.farthest, table[i].n, 1e-9);
		if (band.rank) {
			check_near(band.high, band.rank, 1e-9);
			check_near(band.low * band.high, 1, 1e-12);
		} else {
			assert_true(isnan(band.low) && isnan(band.high));
		}
	}
}

static void bands_of_little(void **state)
{
	static const double a[] = { 1, NAN, 0, 1 }, b[] = { 1, 1, 1, 2 };
	struct band band = stats_band(a, b, 4, 9);

	(void)state;
	assert_true(band.n == 2 && band.missing == 2 && band.rank == 0);
	check_near(band.farthest, 2, 1e-12);
	band = stats_band(a + 1, b + 1, 2, 9);
	assert_true(band.n == 0 && isnan(band.low) && isnan(band.farthest));
	assert_int_equal(stats_noise(&band, 1.1), NOISE_UNKNOWN);
	assert_int_equal(stats_band(a, b, 4, 0).rank, 0);
	assert_int_equal(stats_band(a, b, 4, STATS_MAX + 1).rank, 0);
}

static void noisy_or_not(void **state)
{
	static const double ones[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	double a[9] = { 1, 1, 1.05, 1 / 1.05, 1, 1, 1, 1, 1.5 };
	struct band band = stats_band(a, ones, 9, 9);

	(void)state;
	assert_int_equal(stats_noise(&band, 1.1), NOISE_LOW);
	a[0] = 1 / 1.2;
	a[1] = 1.3;
	band = stats_band(a, ones, 9, 9);
	check_near(band.high, 1.2, 1e-12);
	check_near(band.low, 1 / 1.2, 1e-12);
	assert_int_equal(stats_noise(&band, 1.1), NOISE_HIGH);
	assert_int_equal(stats_noise(&band, 1.21), NOISE_LOW);
	/* Three pairs: what they show can be too much, but not little enough. */
	band = stats_band(a, ones, 3, 3);
	assert_int_equal(stats_noise(&band, 1.1), NOISE_HIGH);
	assert_int_equal(stats_noise(&band, 1.4), NOISE_UNKNOWN);
}

/* The median of as many more is within it as often as it says. */
static void the_band_keeps_its_level(void **state)
{
	static const size_t ns[] = { 6, 9, 12, 30 };

	(void)state;
	for (size_t i = 0; i < LENGTH(ns); i++) {
		size_t n = ns[i], within = 0;
		double level = 0, width = 0;

		for (size_t run = 0; run < runs(2000); run++) {
			double a[30], b[30];
			struct band band;
			double ratio;

			for (size_t k = 0; k < n; k++)
				a[k] = exp(0.05 * heavy()),
				b[k] = exp(0.05 * heavy());
			band = stats_band(a, b, n, n);
			for (size_t k = 0; k < n; k++)
				a[k] = exp(0.05 * heavy()),
				b[k] = exp(0.05 * heavy());
			ratio = stats_paired(a, b, n).ratio;
			within += ratio >= band.low && ratio <= band.high;
			level = band.level;
			width += log(band.high) / runs(2000);
		}
		print_message("A/A band of %2zu for %2zu: level %.1f %%, found "
			      "%.1f; heavy-tailed noise of 5 %%: to %.3f\n",
			      n, n, 100 * level, 100.0 * within / runs(2000),
			      exp(width));
		if (n % 2)
			check_near(within / (double)runs(2000), level,
				   margin(level, runs(2000)));
		else /* an even number: at least */
			assert_true(within / (double)runs(2000) >=
				    level - margin(level, runs(2000)));
	}
}

/* ------------------------------------------------------------------- verdict */

static const struct verdict_names names = { "poll", "epoll", "takes", "the CPU",
					    "at 1,000 connections" };

/*
 * a / b around `ratio` in n blocks, A/A around 1 within `aa`, in even steps of the
 * logarithm: of 9 blocks, the interval ends at spread^0.75, the band at aa^0.75
 */
static struct verdict judge(double ratio, double spread, double aa, size_t n,
			    size_t family, bool count)
{
	double a[30], b[30], first[30], second[30];
	struct paired pair;
	struct band band;

	for (size_t i = 0; i < n; i++) {
		double off = 2.0 * i / (n - 1) - 1; /* -1 to 1 */

		b[i] = 10 + i;
		a[i] = b[i] * ratio * pow(spread, off);
		second[i] = 20 - i;
		first[i] = second[i] * pow(aa, off);
	}
	pair = stats_paired(a, b, n);
	band = stats_band(first, second, n, n);
	return stats_verdict(&pair, &band, fmin(1, pair.test.p * family),
			     family, count);
}

static void check_words(const struct verdict *v, enum verdict_reason reason,
			const char *sentence, const char *why)
{
	char text[STATS_WORDS];

	assert_int_equal(v->reason, reason);
	assert_ptr_equal(stats_sentence(text, v, &names), text);
	assert_string_equal(text, sentence);
	assert_ptr_equal(stats_reason(text, v), text);
	assert_string_equal(text, why);
}

#define NO_DIFFERENCE                                                          \
	"poll and epoll: no difference this run can show at 1,000 connections"

static void verdicts_that_differ(void **state)
{
	struct verdict v = judge(10.1, 1.15, 1.02, 9, 1, false);

	(void)state;
	check_words(
		&v, VERDICT_DIFFERENT,
		"poll takes 9.1 to 11.2 times the CPU of epoll at 1,000 "
		"connections",
		"p = 0.0039 by Holm among 1; the ratio, 10.1, is outside the "
		"A/A band, 0.985 to 1.01");
	v = judge(1 / 1.2, 1.02, 1.02, 9, 12, true);
	check_words(&v, VERDICT_DIFFERENT,
		    "epoll takes 1.18 to 1.22 times the CPU of poll at 1,000 "
		    "connections",
		    "p = 0.047 by Holm among 12; the ratio, 0.833, is outside "
		    "the A/A band, 0.985 to 1.01");
	v = judge(2, 1, 1, 9, 1, true);
	check_words(&v, VERDICT_DIFFERENT,
		    "poll takes 2.0 times the CPU of epoll at 1,000 "
		    "connections",
		    "p = 0.0039 by Holm among 1; the ratio, 2, is outside the "
		    "A/A band, 1 to 1");
	v = judge(1.03, 1.01, 1.002, 9, 1, true);
	assert_int_equal(v.reason, VERDICT_DIFFERENT);
	v = judge(1.009, 1, 1, 9, 1, false); /* no count */
	assert_int_equal(v.reason, VERDICT_DIFFERENT);
}

static void verdicts_that_do_not(void **state)
{
	struct verdict v = judge(1.03, 1.1, 1.02, 9, 1, false);

	(void)state;
	check_words(&v, VERDICT_INTERVAL, NO_DIFFERENCE,
		    "the interval of the ratio, 0.959 to 1.11, includes 1");
	/* One block is below 1, with the second rank: 3 sums of 512 are as far off. */
	v = judge(1.1, 1.12, 1.02, 9, 12, false);
	check_words(&v, VERDICT_HOLM, NO_DIFFERENCE,
		    "among 12 comparisons it could be chance: p = 0.012 alone, "
		    "0.14 by Holm");
	v = judge(1.04, 1.01, 1.2, 9, 1, false);
	check_words(&v, VERDICT_BAND, NO_DIFFERENCE,
		    "the ratio, 1.04, is in the A/A band, 0.872 to 1.15");
	v = judge(1 / 1.04, 1.01, 1.2, 9, 1, false);
	assert_int_equal(v.reason, VERDICT_BAND);
	v = judge(1.009, 1, 1, 9, 1, true);
	check_words(&v, VERDICT_SMALL, NO_DIFFERENCE,
		    "the ratio of the counts, 1.009, is within 1 %");
	v = judge(1 / 1.009, 1, 1, 9, 1, true);
	assert_int_equal(v.reason, VERDICT_SMALL);
	v = judge(1, 1, 1, 9, 1, true); /* the very same */
	assert_int_equal(v.reason, VERDICT_INTERVAL);
}

static void verdicts_on_too_little(void **state)
{
	struct verdict v = judge(100, 1.01, 1.01, 5, 1, false);

	(void)state;
	check_words(&v, VERDICT_FEW_BLOCKS,
		    "poll and epoll: no claim from 5 blocks at 1,000 "
		    "connections",
		    "5 blocks; no data of fewer than 6 show a difference with "
		    "95 % confidence");
	v = judge(100, 1.01, 1.01, 6, 1, false);
	assert_int_equal(v.reason, VERDICT_DIFFERENT);
	v = judge(100, 1.01, 1.01, 9, 13, false);
	check_words(&v, VERDICT_FAMILY,
		    "poll and epoll: no claim from 9 blocks for 13 comparisons "
		    "at 1,000 connections",
		    "no data of 9 blocks are clear enough to call one of 13 "
		    "comparisons; 10 blocks can be");
	v = judge(100, 1.01, 1.01, 10, 13, false);
	assert_int_equal(v.reason, VERDICT_DIFFERENT);
}

static void verdicts_on_what_is_missing(void **state)
{
	double a[9] = { 9, 9, 9, 9, 9, 9, NAN, NAN, 9 }, b[9], aa[9];
	struct paired pair;
	struct band band, few, wrong;
	struct verdict v;

	(void)state;
	for (int i = 0; i < 9; i++)
		b[i] = aa[i] = 1;
	pair = stats_paired(a, b, 9);
	band = stats_band(aa, b, 9, 7);
	few = stats_band(aa, b, 3, 7);
	wrong = stats_band(aa, b, 9, 9);
	v = stats_verdict(&pair, &band, pair.test.p, 1, false);
	check_words(
		&v, VERDICT_DIFFERENT,
		"poll takes 9.0 times the CPU of epoll at 1,000 connections "
		"(2 of 9 blocks missing)",
		"p = 0.016 by Holm among 1; the ratio, 9, is outside the "
		"A/A band, 1 to 1");
	v = stats_verdict(&pair, &few, pair.test.p, 1, false);
	check_words(&v, VERDICT_NO_BAND,
		    "poll and epoll: no claim without an A/A band at 1,000 "
		    "connections (2 of 9 blocks missing)",
		    "3 A/A pairs make no 95 % band for 7 blocks");
	v = stats_verdict(&pair, &wrong, pair.test.p, 1, false);
	assert_int_equal(v.reason, VERDICT_NO_BAND);
	v = stats_verdict(&pair, &band, NAN, 1, false);
	assert_int_equal(v.reason, VERDICT_HOLM);
}

static void verdicts_without_a_ratio(void **state)
{
	static const double a[] = { 9, 9, 9, 9, 9, 9, 9, NAN, NAN };
	static const double b[] = { 0, 1, 1, 1, 1, 1, 1, 1, 1 };
	struct paired pair = stats_paired(a, b, 9);
	struct band band = stats_band(b + 1, b + 1, 8, 6);
	struct verdict v;

	(void)state;
	v = stats_verdict(&pair, &band, pair.test.p, 1, false);
	check_words(&v, VERDICT_NO_RATIO,
		    "poll and epoll: no ratio, as one is zero, at 1,000 "
		    "connections (2 of 9 blocks missing)",
		    "one of them is zero in 1 of 9 blocks");
	pair = stats_paired(a + 7, b, 2);
	v = stats_verdict(&pair, &band, pair.test.p, 1, false);
	check_words(&v, VERDICT_NOTHING,
		    "poll and epoll: nothing to compare at 1,000 connections "
		    "(2 of 2 blocks missing)",
		    "no block has a value of both");
}

/* However little above 1 it is, "1.000" is not what is said. */
static void a_small_difference_is_legible(void **state)
{
	struct verdict v = judge(1.0001, 1.000001, 1, 9, 1, false);
	char text[STATS_WORDS];

	(void)state;
	stats_sentence(text, &v, &names);
	assert_non_null(strstr(text, "takes 1.000099 to 1.000101 times"));
	v = judge(1.02, 1.001, 1, 9, 1, false);
	stats_sentence(text, &v, &names);
	assert_non_null(strstr(text, "takes 1.019 to 1.021 times"));
	v = judge(1234.5, 1.1, 1, 9, 1, false);
	stats_sentence(text, &v, &names);
	assert_non_null(strstr(text, "takes 1149 to 1326 times"));
}

static void long_names_fit(void **state)
{
	struct verdict_names many;
	char name[500], text[STATS_WORDS + 8];
	struct verdict v = judge(1.0001, 1.000001, 1, 9, 1, false);

	(void)state;
	memset(text, '#', sizeof(text));
	memset(name, 'x', sizeof(name));
	name[40] = '\0';
	many = (struct verdict_names){ name, name, name, name, name };
	stats_sentence(text, &v, &many);
	assert_true(strlen(text) < STATS_WORDS - 1);
	assert_string_equal(text + strlen(text) - 40, name);
	name[40] = 'x';
	name[499] = '\0';
	stats_sentence(text, &v, &many);
	assert_true(strlen(text) == STATS_WORDS - 1);
	v.reason = VERDICT_BAND;
	stats_sentence(text, &v, &many);
	assert_true(strlen(text) == STATS_WORDS - 1);
	assert_memory_equal(text + STATS_WORDS, "########", 8);
}

/* --------------------------------------------------------------- simulations */

/* One cell's values in n blocks */
static void simulate(double *x, const double *block, size_t n, double mean,
		     double noise, double (*kind)(void))
{
	for (size_t i = 0; i < n; i++)
		x[i] = mean * block[i] * exp(noise * kind());
}

/* How often a model that is `slower` is called different, in runs of n blocks */
static double called(double slower, size_t n, double (*kind)(void))
{
	size_t found = 0;

	for (size_t run = 0; run < runs(2000); run++) {
		double block[30], a[30], b[30], first[30], second[30];
		struct paired pair;
		struct band band;

		for (size_t i = 0; i < n; i++)
			block[i] = exp(0.5 * normal());
		simulate(a, block, n, slower, 0.05, kind);
		simulate(b, block, n, 1, 0.05, kind);
		simulate(first, block, n, 1, 0.05, kind);
		simulate(second, block, n, 1, 0.05, kind);
		pair = stats_paired(a, b, n);
		band = stats_band(first, second, n, n);
		found += stats_verdict(&pair, &band, pair.test.p, 1, false)
				 .reason == VERDICT_DIFFERENT;
	}
	return found / (double)runs(2000);
}

/* Blocks that differ by a half, noise of 5 % in each value */
static void what_nine_blocks_find(void **state)
{
	double same = called(1, 9, heavy), same_normal = called(1, 9, normal);
	double fifth = called(1.2, 9, normal), tails = called(1.2, 9, heavy);

	(void)state;
	print_message("9 blocks, called different: identical models %.1f and "
		      "%.1f %% of runs, 20 %% slower %.1f and %.1f (normal, "
		      "heavy-tailed)\n",
		      100 * same_normal, 100 * same, 100 * fifth, 100 * tails);
	assert_true(same <= 0.05 && same_normal <= 0.05);
	assert_true(fifth >= 0.9 && tails >= 0.8);
	assert_true(called(1000, 5, normal) == 0);
}

/* Seven identical models, each against each, in 10 blocks: is any called? */
static void a_family_of_comparisons(void **state)
{
	size_t wrong = 0, count = runs(2000) / 4;

	(void)state;
	for (size_t run = 0; run < count; run++) {
		double block[10], x[9][10], p[21], adjusted[21];
		struct paired pair[21];
		struct band band;
		size_t n = 0, any = 0;

		for (size_t i = 0; i < 10; i++)
			block[i] = exp(0.5 * normal());
		for (size_t m = 0; m < 9; m++)
			simulate(x[m], block, 10, 1, 0.05, heavy);
		band = stats_band(x[7], x[8], 10, 10);
		for (size_t m = 0; m < 7; m++)
			for (size_t k = 0; k < m; k++) {
				pair[n] = stats_paired(x[m], x[k], 10);
				p[n] = pair[n].test.p;
				n++;
			}
		assert_int_equal(stats_holm(p, adjusted, n), 21);
		for (size_t i = 0; i < n; i++)
			any += stats_verdict(&pair[i], &band, adjusted[i], n,
					     false)
				       .reason == VERDICT_DIFFERENT;
		wrong += any > 0;
	}
	print_message("10 blocks, 21 comparisons of identical models: any "
		      "called different in %.1f %% of runs\n",
		      100.0 * wrong / count);
	assert_true(wrong / (double)count <= 0.05);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(medians_and_quantiles),
		cmocka_unit_test(any_order_of_any_length),
		cmocka_unit_test(intervals_of_a_median),
		cmocka_unit_test(an_interval_is_not_faked),
		cmocka_unit_test(the_bootstrap_is_repeatable),
		cmocka_unit_test(the_bootstrap_draws_evenly),
		cmocka_unit_test(what_intervals_cover),
		cmocka_unit_test(ratios_of_what_is_there),
		cmocka_unit_test(equal_ratios_are_ties),
		cmocka_unit_test(the_signed_rank_table),
		cmocka_unit_test(signed_rank_examples),
		cmocka_unit_test(ties_and_zeros_are_enumerated),
		cmocka_unit_test(above_25_it_is_approximate),
		cmocka_unit_test(a_paired_comparison),
		cmocka_unit_test(block_effects_cancel),
		cmocka_unit_test(holm_by_hand),
		cmocka_unit_test(what_blocks_bear),
		cmocka_unit_test(the_band_table),
		cmocka_unit_test(bands_of_little),
		cmocka_unit_test(noisy_or_not),
		cmocka_unit_test(the_band_keeps_its_level),
		cmocka_unit_test(verdicts_that_differ),
		cmocka_unit_test(verdicts_that_do_not),
		cmocka_unit_test(verdicts_on_too_little),
		cmocka_unit_test(verdicts_on_what_is_missing),
		cmocka_unit_test(verdicts_without_a_ratio),
		cmocka_unit_test(a_small_difference_is_legible),
		cmocka_unit_test(long_names_fit),
		cmocka_unit_test(what_nine_blocks_find),
		cmocka_unit_test(a_family_of_comparisons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
