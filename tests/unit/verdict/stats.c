/* SPDX-License-Identifier: MIT */
/*
 * stats.c - the statistics of one run against published tables and simulations
 *
 *   STATS_RUNS=20000 build/release/unit/verdict/stats
 *
 * prints the figures of stats.h from more simulated runs than the 2,000 of the test.
 * References are published tables, or the python3 code above them.
 */
#include "tests/unit/noise.h"

#include "harness/verdict/stats.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* Four standard errors of a counted share */
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

static void any_order_and_length(void **state)
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

static void fewer_than_six_have_no_interval(void **state)
{
	static const double x[] = { 3, 9, 1, 7, 5, 8, 2, 6, 4, NAN };
	struct interval i;

	(void)state;
	for (size_t n = 0; n <= 5; n++) {
		i = stats_summary(x, n).interval;
		assert_true(isnan(i.low) && isnan(i.high) && !i.rank);
	}
	i = stats_summary(x, 6).interval;
	assert_true(i.low == 1 && i.high == 9);
	i = stats_summary(x, 10).interval;
	assert_true(i.low == 2 && i.high == 8);
}

static double coverage(size_t n, double (*noise)(void))
{
	size_t covered = 0;

	for (size_t run = 0; run < runs(2000); run++) {
		struct interval i;
		double x[30];

		for (size_t k = 0; k < n; k++)
			x[k] = noise();
		i = stats_summary(x, n).interval;
		covered += i.low <= 0 && i.high >= 0;
	}
	return covered / (double)runs(2000);
}

static void intervals_cover_the_median(void **state)
{
	static const size_t ns[] = { 6, 9, 30 };

	(void)state;
	for (size_t i = 0; i < LENGTH(ns); i++) {
		double level = stats_median_ranks(ns[i]).level;

		check_near(coverage(ns[i], normal), level,
			   margin(level, runs(2000)));
		check_near(coverage(ns[i], heavy), level,
			   margin(level, runs(2000)));
	}
}

/* ---------------------------------------------------------------- two models */

static void ratios_of_missing_values(void **state)
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

/* Equal ratios give equal logarithms, and inverse ones exactly negated ones. */
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

/* p by trying all 2^n sign assignments */
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
	/* No jump where the method changes */
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
	/* Swapping inverts it. */
	check_near(q.ratio * p.ratio, 1, 1e-12);
	check_near(q.interval.low * p.interval.high, 1, 1e-12);
	check_near(q.interval.high * p.interval.low, 1, 1e-12);
	assert_true(q.test.p == p.test.p);
	p = stats_paired(a + 9, b + 9, 1);
	assert_true(isnan(p.ratio) && isnan(p.interval.low));
	assert_true(isnan(p.test.p) && isnan(p.lowest));
	assert_true(stats_paired(a, a, 9).test.p == 1);
	check_near(stats_paired(a, b, 5).interval.level, 0.9375, 1e-12);
	assert_true(isnan(stats_paired(a, b, 5).interval.low));
}

/* A slow block affects both values: the ratio cancels it. */
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
}

/* ---------------------------------------------------------------------- Holm */

/* By hand: 0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 at least as large as that */
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

static void blocks_for_a_family(void **state)
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

static void bands_of_few_pairs(void **state)
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

static void noise_against_its_limit(void **state)
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
	/* Three pairs can show that noise is high, but not that it is low. */
	band = stats_band(a, ones, 3, 3);
	assert_int_equal(stats_noise(&band, 1.1), NOISE_HIGH);
	assert_int_equal(stats_noise(&band, 1.4), NOISE_UNKNOWN);
}

/* The median of as many new pairs is inside the band as often as its level says. */
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

/*
 * a / b around `ratio` in n blocks, A/A around 1 within `aa`, in even steps of the
 * logarithm: of 9 blocks, the interval ends at spread^0.75, the band at aa^0.75
 */
static struct verdict judge(double ratio, double spread, double aa, size_t n,
			    size_t family)
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
			     family);
}

static void every_verdict(void **state)
{
	static const struct {
		double ratio, spread, aa;
		size_t n, family;
		enum verdict_reason reason;
	} cases[] = {
		{ 10.1, 1.15, 1.02, 9, 1, VERDICT_DIFFERENT },
		{ 1 / 1.2, 1.02, 1.02, 9, 12, VERDICT_DIFFERENT },
		{ 1.009, 1, 1, 9, 1, VERDICT_DIFFERENT },
		{ 1, 1, 1, 9, 1, VERDICT_INTERVAL },
		{ 1.03, 1.1, 1.02, 9, 1, VERDICT_INTERVAL },
		{ 1.1, 1.12, 1.02, 9, 12, VERDICT_HOLM },
		{ 1.04, 1.01, 1.2, 9, 1, VERDICT_BAND },
		{ 1 / 1.04, 1.01, 1.2, 9, 1, VERDICT_BAND },
		{ 100, 1.01, 1.01, 5, 1, VERDICT_FEW_BLOCKS },
		{ 100, 1.01, 1.01, 6, 1, VERDICT_DIFFERENT },
		{ 100, 1.01, 1.01, 9, 13, VERDICT_FAMILY },
		{ 100, 1.01, 1.01, 10, 13, VERDICT_DIFFERENT },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		assert_int_equal(judge(cases[i].ratio, cases[i].spread,
				       cases[i].aa, cases[i].n, cases[i].family)
					 .reason,
				 cases[i].reason);
}

static void verdicts_with_missing_values(void **state)
{
	static const double a[] = { 9, 9, 9, 9, 9, 9, 9, NAN, NAN };
	static const double one[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	static const double zero[] = { 0, 1, 1, 1, 1, 1, 1, 1, 1 };
	struct paired pair = stats_paired(a, one, 9);
	struct band band = stats_band(one, one, 9, 7);
	struct band few = stats_band(one, one, 3, 7);
	struct band wrong = stats_band(one, one, 9, 9);
	double p = pair.test.p;

	(void)state;
	assert_int_equal(stats_verdict(&pair, &band, p, 1).reason,
			 VERDICT_DIFFERENT);
	assert_int_equal(stats_verdict(&pair, &few, p, 1).reason,
			 VERDICT_NO_BAND);
	assert_int_equal(stats_verdict(&pair, &wrong, p, 1).reason,
			 VERDICT_NO_BAND);
	assert_int_equal(stats_verdict(&pair, &band, NAN, 1).reason,
			 VERDICT_HOLM);
	pair = stats_paired(a, zero, 9);
	assert_int_equal(stats_verdict(&pair, &band, p, 1).reason,
			 VERDICT_NO_RATIO);
	pair = stats_paired(a + 7, one, 2);
	assert_int_equal(stats_verdict(&pair, &band, p, 1).reason,
			 VERDICT_NOTHING);
}

/* --------------------------------------------------------------- simulations */

/* The values of one cell in n blocks */
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
		found += stats_verdict(&pair, &band, pair.test.p, 1).reason ==
			 VERDICT_DIFFERENT;
	}
	return found / (double)runs(2000);
}

/* Blocks that differ by a half, with noise of 5 % in each value */
static void what_nine_blocks_detect(void **state)
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

/* Seven identical models, each against each, in 10 blocks: any called different? */
static void no_false_positive_in_a_family(void **state)
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
			any += stats_verdict(&pair[i], &band, adjusted[i], n)
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
		cmocka_unit_test(any_order_and_length),
		cmocka_unit_test(intervals_of_a_median),
		cmocka_unit_test(fewer_than_six_have_no_interval),
		cmocka_unit_test(intervals_cover_the_median),
		cmocka_unit_test(ratios_of_missing_values),
		cmocka_unit_test(equal_ratios_are_ties),
		cmocka_unit_test(the_signed_rank_table),
		cmocka_unit_test(ties_and_zeros_are_enumerated),
		cmocka_unit_test(above_25_it_is_approximate),
		cmocka_unit_test(a_paired_comparison),
		cmocka_unit_test(block_effects_cancel),
		cmocka_unit_test(holm_by_hand),
		cmocka_unit_test(blocks_for_a_family),
		cmocka_unit_test(the_band_table),
		cmocka_unit_test(bands_of_few_pairs),
		cmocka_unit_test(noise_against_its_limit),
		cmocka_unit_test(the_band_keeps_its_level),
		cmocka_unit_test(every_verdict),
		cmocka_unit_test(verdicts_with_missing_values),
		cmocka_unit_test(what_nine_blocks_detect),
		cmocka_unit_test(no_false_positive_in_a_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
