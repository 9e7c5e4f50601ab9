/* SPDX-License-Identifier: MIT */
/*
 * stats.c - medians and their intervals against published tables and simulations
 *
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

static void medians(void **state)
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
}

/* Of the values 0, 1, 2 ... */
static struct interval of_length(size_t n)
{
	static double x[STATS_MAX + 1];

	for (size_t i = 0; i < LENGTH(x); i++)
		x[i] = (double)i;
	return stats_summary(x, n).interval;
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
		struct interval is = of_length(table[i].n);

		assert_int_equal(is.rank, table[i].rank);
		check_near(is.level, table[i].level, 1e-12);
	}
	assert_in_range(of_length(STATS_MAX).rank, 469, 469);
	assert_int_equal(of_length(STATS_MAX + 1).rank, 0);
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
		double level = of_length(ns[i]).level;

		check_near(coverage(ns[i], normal), level,
			   margin(level, runs(2000)));
		check_near(coverage(ns[i], heavy), level,
			   margin(level, runs(2000)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(medians),
		cmocka_unit_test(intervals_of_a_median),
		cmocka_unit_test(fewer_than_six_have_no_interval),
		cmocka_unit_test(intervals_cover_the_median),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
