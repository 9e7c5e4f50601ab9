/* SPDX-License-Identifier: MIT */
/*
 * stats_two.c - the statistics of two runs against scipy, R and simulations
 *
 *   STATS_RUNS=20000 build/release/unit/verdict/stats_two
 *
 * prints the figures of stats_two.h from more simulated runs than the 1,000 of the
 * test. References are from scipy 1.10, with the code above them, and from the
 * examples of R's wilcox.test().
 */
#include "tests/unit/noise.h"

#include "harness/verdict/stats_two.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* -------------------------------------------------------------- the rank sum */

static struct rank_sum rank_sum(const double *x, size_t n, const double *y,
				size_t m)
{
	return stats_two(x, n, y, m).test;
}

/* Permeability of a membrane, 12 to 26 weeks and at term: Hollander and Wolfe,
 * as in R's ?wilcox.test (W = 35, p = 0.2544 two-sided) */
static const double early[] = { 0.80, 0.83, 1.89, 1.04, 1.45,
				1.38, 1.91, 1.64, 0.73, 1.46 };
static const double term[] = { 1.15, 0.88, 0.90, 0.74, 1.21 };

static void a_textbook_example(void **state)
{
	struct rank_sum r = rank_sum(early, 10, term, 5);

	(void)state;
	assert_true(r.exact && r.u == 35);
	check_near(r.p, 0.2544122544122544, 1e-12);
	r = rank_sum(term, 5, early, 10);
	assert_true(r.exact && r.u == 15);
	check_near(r.p, 0.2544122544122544, 1e-12);
}

/* from scipy.stats import mannwhitneyu as mw */
static void scipy_examples(void **state)
{
	static const double nine[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	static const double later[] = { 4.5,  5.5,  7.5,  8.5, 9.5,
					10.5, 11.5, 12.5, 13.5 };
	static const double tied[] = { 1, 2, 2, 3, 5, 5, 5 };
	static const double too[] = { 2, 4, 5, 6, 7 };
	double many[26], more[30];
	struct rank_sum r = rank_sum(nine, 9, later, 9);

	(void)state;
	/* mw(nine, later, method='exact') */
	assert_true(r.exact && r.u == 12);
	check_near(r.p, 0.010612916495269437, 1e-14);
	/* mw(tied, too, method='asymptotic') */
	r = rank_sum(tied, 7, too, 5);
	assert_true(!r.exact && r.u == 9.5);
	check_near(r.p, 0.21168367742711502, 1e-12);
	/* mw(range(1, 27), [i + 7.5 for i in range(30)], method='asymptotic') */
	for (int i = 0; i < 30; i++) {
		more[i] = i + 7.5;
		if (i < 26)
			many[i] = i + 1;
	}
	r = rank_sum(many, 26, more, 30);
	assert_true(!r.exact && r.u == 190);
	check_near(r.p, 0.0010471367211717024, 1e-12);
}

static void missing_or_equal_values(void **state)
{
	static const double same[] = { 3, 3, 3, 3 }, none[] = { NAN, NAN };
	static const double holes[] = { NAN, 1, INFINITY, 2 };

	(void)state;
	assert_true(rank_sum(same, 4, same, 4).p == 1);
	assert_true(isnan(rank_sum(same, 4, none, 2).p));
	assert_true(isnan(rank_sum(none, 2, same, 4).p));
	assert_true(rank_sum(same, 2, holes, 4).u == 4);
}

/* Over all splits of 1 to 9 into 4 and 5, the share with a p as small is p. */
static void p_is_exact(void **state)
{
	double seen[512];
	size_t n = 0;

	(void)state;
	for (unsigned set = 0; set < 512; set++) {
		double x[9], y[9];
		size_t in = 0, out = 0;

		for (unsigned i = 0; i < 9; i++)
			if (set >> i & 1)
				x[in++] = i + 1;
			else
				y[out++] = i + 1;
		if (in == 4)
			seen[n++] = rank_sum(x, in, y, out).p;
	}
	assert_int_equal(n, 126);
	for (size_t i = 0; i < n; i++) {
		size_t as_small = 0;

		for (size_t j = 0; j < n; j++)
			as_small += seen[j] <= seen[i] + 1e-12;
		check_near(seen[i], as_small / 126.0, 1e-12);
	}
}

/* --------------------------------------------------------------- the interval */

/*
 * Ranks and levels, counted with integers:
 *
 * def ways(n, m):
 *     w = [1] + n * m * [0]
 *     for i in range(1, n + 1):
 *         for u in range(n * m, m + i - 1, -1): w[u] -= w[u - m - i]
 *         for u in range(i, n * m + 1): w[u] += w[u - i]
 *     return w
 * level = lambda n, m, rank: 1 - 2 * sum(ways(n, m)[:rank]) / comb(n + m, n)
 */
static void ranks_of_an_interval(void **state)
{
	static const struct {
		size_t n, m, rank;
		double level, least;
	} table[] = {
		{ 1, 1, 0, -1, 1 },
		{ 3, 3, 0, 0.9, 0.1 },
		{ 4, 4, 1, 0.9714285714, 0.02857142857 },
		{ 3, 5, 1, 0.9642857143, 0.03571428571 },
		{ 5, 5, 3, 0.9682539683, 0.007936507937 },
		{ 6, 6, 6, 0.9588744589, 0.002164502165 },
		{ 6, 12, 15, 0.9585218703, 0.0001077354019 },
		{ 9, 9, 18, 0.9600164541, 4.113533525e-05 },
		{ 12, 12, 38, 0.9550980047, 7.396023011e-07 },
		{ 14, 14, 56, 0.9502644790, 4.985467363e-08 },
		{ 25, 25, 212, 0.9505749268, 1.582145720e-14 },
	};
	double x[25], y[25];

	(void)state;
	for (size_t i = 0; i < 25; i++) {
		x[i] = exp(i + 0.3);
		y[i] = exp(i * 1.01);
	}
	for (size_t i = 0; i < LENGTH(table); i++) {
		size_t n = table[i].n, m = table[i].m;
		struct two t = stats_two(x, n, y, m);

		assert_int_equal(t.interval.rank, table[i].rank);
		if (table[i].rank)
			check_near(t.interval.level, table[i].level, 1e-9);
		else
			assert_true(isnan(t.interval.low) &&
				    isnan(t.interval.high));
		check_near(stats_least_p(n, m) / table[i].least, 1, 1e-9);
	}
}

/* Of the logarithms' exponentials, that of the logarithms: in R, with conf.int,
 * the difference is 0.305, and its 95 % interval -0.15 to 0.76 */
static void the_textbook_interval(void **state)
{
	double x[10], y[5];
	struct two t;

	(void)state;
	for (size_t i = 0; i < 10; i++)
		x[i] = exp(early[i]);
	for (size_t i = 0; i < 5; i++)
		y[i] = exp(term[i]);
	t = stats_two(x, 10, y, 5);
	check_near(log(t.ratio), 0.305, 1e-12);
	check_near(log(t.interval.low), -0.15, 1e-12);
	check_near(log(t.interval.high), 0.76, 1e-12);
	assert_true(t.n_a == 5 && t.n_b == 10);
	t = stats_two(y, 5, x, 10);
	check_near(log(t.ratio), -0.305, 1e-12);
	check_near(log(t.interval.low), -0.76, 1e-12);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The same as sorting all ratios */
static void the_same_as_sorting(void **state)
{
	static double all[30 * 30];

	(void)state;
	for (int trial = 0; trial < 200; trial++) {
		size_t n = 4 + trial % 20, m = 4 + trial % 27, k = 0;
		double x[30], y[30];
		struct two t;

		for (size_t i = 0; i < 30; i++) {
			x[i] = 100 + floor(9 * uniform());
			y[i] = 100 + floor(9 * uniform());
		}
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < m; j++)
				all[k++] = log(x[i]) - log(y[j]);
		qsort(all, k, sizeof(*all), ascending);
		t = stats_two(x, n, y, m);
		check_near(log(t.ratio), (all[(k - 1) / 2] + all[k / 2]) / 2,
			   1e-15);
		check_near(log(t.interval.low), all[t.interval.rank - 1],
			   1e-15);
		check_near(log(t.interval.high), all[k - t.interval.rank],
			   1e-15);
	}
}

static void values_without_a_ratio(void **state)
{
	static const double x[] = { 1, 2, 0, -1, NAN }, y[] = { 1, NAN };
	static const double none[] = { NAN };
	struct two t = stats_two(x, 5, y, 2);

	(void)state;
	assert_true(t.n_b == 2 && t.n_a == 1 && t.zeros == 2);
	check_near(t.ratio, sqrt(2), 1e-12);
	t = stats_two(none, 1, y, 2);
	assert_true(t.n_b == 0 && isnan(t.ratio) && isnan(t.test.p));
	assert_true(t.interval.rank == 0 && isnan(t.interval.low));
}

/* -------------------------------------------------------------------- verdicts */

static struct band wide(double high)
{
	return (struct band){ .rank = 1, .low = 1 / high, .high = high };
}

/* Six values around 1 against six around `ratio` */
static struct two six(double ratio)
{
	static const double noise[] = { 0.99, 0.995, 1, 1.002, 1.004, 1.01 };
	double a[6], b[6];

	for (int i = 0; i < 6; i++) {
		a[i] = noise[i];
		b[i] = ratio * noise[i] * 1.0001;
	}
	return stats_two(b, 6, a, 6);
}

static void every_verdict(void **state)
{
	struct band narrow = wide(1.02), broad = wide(1.3), no = { 0 };
	struct two t = six(1.2);
	double p = t.test.p;

	(void)state;
	check_near(p, 0.002164502165, 1e-11);
	assert_int_equal(stats_two_verdict(&t, &narrow, &narrow, p, 1),
			 VERDICT_DIFFERENT);
	/* The wider band decides, whichever run has it. */
	assert_int_equal(stats_two_verdict(&t, &narrow, &broad, p, 1),
			 VERDICT_BAND);
	assert_int_equal(stats_two_verdict(&t, &broad, &narrow, p, 1),
			 VERDICT_BAND);
	assert_int_equal(stats_two_verdict(&t, &no, &narrow, p, 1),
			 VERDICT_NO_BAND);
	assert_int_equal(stats_two_verdict(&t, &narrow, &no, p, 1),
			 VERDICT_NO_BAND);
	/* 6 and 6 values are enough for 23 comparisons, but not for 24. */
	assert_int_equal(stats_two_verdict(&t, &narrow, &narrow, 0.051, 23),
			 VERDICT_HOLM);
	assert_int_equal(stats_two_verdict(&t, &narrow, &narrow, 0.052, 24),
			 VERDICT_FAMILY);
	t = six(1);
	assert_int_equal(stats_two_verdict(&t, &narrow, &narrow, t.test.p, 1),
			 VERDICT_INTERVAL);
	t = six(1 / 1.2);
	assert_int_equal(stats_two_verdict(&t, &narrow, &narrow, t.test.p, 1),
			 VERDICT_DIFFERENT);
}

static void verdicts_with_too_few_values(void **state)
{
	static const double three[] = { 1, 2, 3 }, far[] = { 11, 12, 13 };
	static const double zero[] = { 0, 1, 1, 1 }, none[] = { NAN };
	struct band narrow = wide(1.02);
	struct two t = stats_two(far, 3, three, 3);

	(void)state;
	assert_int_equal(stats_two_verdict(&t, &narrow, &narrow, t.test.p, 1),
			 VERDICT_FEW_BLOCKS);
	t = stats_two(zero, 4, three, 3);
	assert_int_equal(stats_two_verdict(&t, &narrow, &narrow, t.test.p, 1),
			 VERDICT_NO_RATIO);
	t = stats_two(none, 1, three, 3);
	assert_int_equal(stats_two_verdict(&t, &narrow, &narrow, t.test.p, 1),
			 VERDICT_NOTHING);
}

/* ----------------------------------------------------------------- simulations */

/* A run of 9 blocks; its A/A band */
static struct band simulate(double x[9], double mean, double (*kind)(void))
{
	double first[9], second[9];

	for (int i = 0; i < 9; i++) {
		x[i] = mean * exp(0.05 * kind());
		first[i] = exp(0.05 * kind());
		second[i] = exp(0.05 * kind());
	}
	return stats_band(first, second, 9, 9);
}

/* The shares called different, and with `slower` inside the interval */
static double called(double slower, double (*kind)(void), double *covered)
{
	size_t found = 0, in = 0;

	for (size_t run = 0; run < runs(1000); run++) {
		double a[9], b[9];
		struct band of_a = simulate(a, 1, kind);
		struct band of_b = simulate(b, slower, kind);
		struct two t = stats_two(b, 9, a, 9);

		found += stats_two_verdict(&t, &of_a, &of_b, t.test.p, 1) ==
			 VERDICT_DIFFERENT;
		in += t.interval.low <= slower && slower <= t.interval.high;
	}
	*covered = in / (double)runs(1000);
	return found / (double)runs(1000);
}

static void what_two_runs_detect(void **state)
{
	double in[4];
	double same = called(1, normal, &in[0]),
	       tails = called(1, heavy, &in[1]);
	double fifth = called(1.2, normal, &in[2]);
	double fifth_tails = called(1.2, heavy, &in[3]);

	(void)state;
	print_message("9 and 9 blocks, called different: the same %.1f and "
		      "%.1f %%, 20 %% slower %.1f and %.1f (normal, "
		      "heavy-tailed); in the interval %.1f, %.1f, %.1f, %.1f\n",
		      100 * same, 100 * tails, 100 * fifth, 100 * fifth_tails,
		      100 * in[0], 100 * in[1], 100 * in[2], 100 * in[3]);
	assert_true(same <= 0.05 && tails <= 0.05);
	assert_true(fifth >= 0.9 && fifth_tails >= 0.7);
	for (size_t i = 0; i < LENGTH(in); i++) /* 96.0, and 4 errors */
		check_near(in[i], 0.96, 4 * sqrt(0.04 * 0.96 / runs(1000)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_textbook_example),
		cmocka_unit_test(scipy_examples),
		cmocka_unit_test(missing_or_equal_values),
		cmocka_unit_test(p_is_exact),
		cmocka_unit_test(ranks_of_an_interval),
		cmocka_unit_test(the_textbook_interval),
		cmocka_unit_test(the_same_as_sorting),
		cmocka_unit_test(values_without_a_ratio),
		cmocka_unit_test(every_verdict),
		cmocka_unit_test(verdicts_with_too_few_values),
		cmocka_unit_test(what_two_runs_detect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
