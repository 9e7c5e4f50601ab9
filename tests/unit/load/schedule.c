/* SPDX-License-Identifier: MIT */
/* schedule.c - due times are exact to the ns */
#include "tests/unit/test.h"

#include "harness/load/schedule.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A clock that has been running for a month */
static const int64_t start = INT64_C(2592000000000000);

static struct schedule uniform(double rate, unsigned part, unsigned parts)
{
	return schedule_of(ARRIVALS_UNIFORM, rate, 1, 1, part, parts, start);
}

static void check_near(int64_t got, long double wanted)
{
	/* To the ns below, and what a double can tell apart */
	assert_true(fabsl(got + 0.5L - wanted) <= 1.01L);
}

static void uniform_is_exact(void **state)
{
	static const int64_t gaps[] = { 10,      100,       1000,      20000,
					1000000, 250000000, 4000000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(gaps) / sizeof(*gaps); i++) {
		struct schedule s = uniform(1e9 / gaps[i], 0, 1);

		for (int64_t n = 0; n < 10000; n++)
			assert_int_equal(schedule_next(&s),
					 start + n * gaps[i]);
	}
}

static void uniform_does_not_drift(void **state)
{
	static const double rates[] = { 50000, 30000, 7, 999983 };
	const int64_t many = 10000000;

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		struct schedule s = uniform(rates[i], 0, 1);
		int64_t at = 0;

		for (int64_t n = 0; n <= many; n++)
			at = schedule_next(&s);
		check_near(at, start + many * 1e9L / rates[i]);
	}
}

/* The schedules of several threads add up to that of one thread. */
static void threads_take_turns(void **state)
{
	static const double rates[] = { 1000, 30000, 2.5 };
	static const unsigned parts[] = { 1, 2, 3, 7, 16 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		for (size_t j = 0; j < sizeof(parts) / sizeof(*parts); j++) {
			struct schedule s[16];

			for (unsigned p = 0; p < parts[j]; p++)
				s[p] = uniform(rates[i], p, parts[j]);
			for (int64_t n = 0; n < 5000; n++)
				check_near(schedule_next(&s[n % parts[j]]),
					   start + n * 1e9L / rates[i]);
		}
}

/* ------------------------------------------------------------------- poisson */

enum { GAPS = 200000 };

static struct schedule poisson(double rate, uint64_t seed, unsigned part,
			       unsigned parts)
{
	return schedule_of(ARRIVALS_POISSON, rate, 1, seed, part, parts, start);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * Whether these are gaps of a Poisson process: by mean, deviation, distribution
 * (Kolmogorov-Smirnov: 1.95 / sqrt(n) is exceeded by chance for one in a thousand
 * seeds) and correlation of successive gaps.
 */
static void check_exponential(double *gap, unsigned n, double mean)
{
	double sum = 0, squares = 0, products = 0, farthest = 0;

	for (unsigned i = 0; i < n; i++) {
		sum += gap[i];
		squares += (gap[i] - mean) * (gap[i] - mean);
		if (i > 0)
			products += (gap[i] - mean) * (gap[i - 1] - mean);
	}
	assert_true(fabs(sum / n / mean - 1) < 3.3 / sqrt(n));
	assert_true(fabs(squares / n / mean / mean - 1) < 3.3 * sqrt(8.0 / n));
	assert_true(fabs(products / n / mean / mean) < 3.3 / sqrt(n));
	qsort(gap, n, sizeof(*gap), ascending);
	for (unsigned i = 0; i < n; i++) {
		double below = 1 - exp(-gap[i] / mean);
		double d = fmax(fabs(below - (double)i / n),
				fabs(below - (i + 1.0) / n));

		farthest = fmax(farthest, d);
	}
	assert_true(farthest < 1.95 / sqrt(n));
}

static void poisson_is_poisson(void **state)
{
	static double gap[GAPS];
	static const double rates[] = { 100, 20000, 1000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		for (uint64_t seed = 0; seed < 4; seed++) {
			struct schedule s = poisson(rates[i], seed, 0, 1);
			int64_t before = start;

			for (int n = 0; n < GAPS; n++) {
				int64_t at = schedule_next(&s);

				assert_true(at >= before);
				gap[n] = at - before;
				before = at;
			}
			check_exponential(gap, GAPS, 1e9 / rates[i]);
		}
}

static void threads_add_up_to_the_rate(void **state)
{
	enum { PARTS = 5 };
	static double gap[GAPS];
	struct schedule s[PARTS];
	int64_t next[PARTS], before = start;
	const double rate = 20000;

	(void)state;
	for (unsigned p = 0; p < PARTS; p++) {
		s[p] = poisson(rate, 1, p, PARTS);
		next[p] = schedule_next(&s[p]);
	}
	for (int n = 0; n < GAPS; n++) {
		unsigned first = 0;

		for (unsigned p = 1; p < PARTS; p++)
			if (next[p] < next[first])
				first = p;
		gap[n] = next[first] - before;
		before = next[first];
		next[first] = schedule_next(&s[first]);
	}
	check_exponential(gap, GAPS, 1e9 / rate);
}

/* How many of the first thousand times are the same */
static int same(struct schedule a, struct schedule b)
{
	int n = 0;

	for (int i = 0; i < 1000; i++)
		n += schedule_next(&a) == schedule_next(&b);
	return n;
}

static void a_seed_makes_it_again(void **state)
{
	(void)state;
	assert_int_equal(same(poisson(1000, 7, 0, 2), poisson(1000, 7, 0, 2)),
			 1000);
	assert_in_range(same(poisson(1000, 7, 0, 2), poisson(1000, 7, 1, 2)), 0,
			1);
	assert_in_range(same(poisson(1000, 7, 0, 1), poisson(1000, 8, 0, 1)), 0,
			1);
	assert_in_range(same(poisson(1000, 0, 1, 2), poisson(1000, 1, 0, 2)), 0,
			1);
	assert_in_range(same(poisson(1000, UINT64_MAX, 0, 1),
			     poisson(1000, 0, 0, 1)),
			0, 1);
}

/* Every gap is finite and not negative. */
static void no_gap_is_odd(void **state)
{
	struct schedule s = poisson(1000, 3, 0, 1);
	int64_t before = start;

	(void)state;
	for (int i = 0; i < 3000000; i++) {
		int64_t at = schedule_next(&s);

		assert_true(at >= before);
		assert_true(at - before < 37 * INT64_C(1000000));
		before = at;
	}
}

/* --------------------------------------------------------------------- bursts */

static void check_burst(enum arrivals arrivals, unsigned burst, double rate,
			unsigned parts)
{
	unsigned all = 0, least = burst, most = 0;

	for (unsigned p = 0; p < parts; p++) {
		struct schedule s =
			schedule_of(arrivals, rate, burst, 1, p, parts, start);
		unsigned mine = s.burst;

		all += mine;
		least = mine < least ? mine : least;
		most = mine > most ? mine : most;
		if (mine == 0) {
			for (int i = 0; i < 3; i++)
				assert_true(schedule_next(&s) == INT64_MAX);
			continue;
		}
		for (int64_t n = 0; n < 200; n++)
			for (unsigned i = 0; i < mine; i++)
				check_near(schedule_next(&s),
					   start + n * burst * 1e9L / rate);
	}
	assert_int_equal(all, burst);
	assert_true(most - least <= 1);
}

static void bursts_come_at_once(void **state)
{
	static const unsigned bursts[] = { 2, 3, 10, 100, 101 };
	static const unsigned parts[] = { 1, 2, 3, 4, 7, 16 };

	(void)state;
	for (size_t i = 0; i < sizeof(bursts) / sizeof(*bursts); i++)
		for (size_t j = 0; j < sizeof(parts) / sizeof(*parts); j++) {
			check_burst(ARRIVALS_UNIFORM, bursts[i], 1000,
				    parts[j]);
			/* At regular times, whatever the arrivals are to be */
			check_burst(ARRIVALS_POISSON, bursts[i], 30000,
				    parts[j]);
		}
}

static void bursts_are_exact(void **state)
{
	struct schedule s =
		schedule_of(ARRIVALS_POISSON, 10000, 10, 1, 0, 1, start);

	(void)state;
	for (int64_t n = 0; n < 100000; n++)
		for (int i = 0; i < 10; i++)
			assert_int_equal(schedule_next(&s),
					 start + n * 1000000);
}

/* -------------------------------------------------------------------- slices */

/* Up to n times since the start, of one part */
static void slice_times(int64_t *times, int n, enum arrivals arrivals,
			unsigned burst, uint64_t seed, uint64_t number,
			int64_t from)
{
	struct schedule s = schedule_of_slice(arrivals, 1000, burst, seed, 0, 1,
					      from, number);

	for (int i = 0; i < n; i++)
		times[i] = schedule_next(&s) - from;
}

/* Seed and number make the arrivals, whenever the slice starts. */
static void a_slice_is_made_again(void **state)
{
	enum { N = 1000 };
	static int64_t first[N], other[N];

	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		enum arrivals a = kind ? ARRIVALS_UNIFORM : ARRIVALS_POISSON;
		unsigned burst = kind == 2 ? 10 : 1;

		slice_times(first, N, a, burst, 1, 7, start);
		slice_times(other, N, a, burst, 1, 7, 3 * start);
		assert_memory_equal(first, other, sizeof(first));
		slice_times(other, N, a, burst, 1, 8, start);
		assert_memory_not_equal(first, other, sizeof(first));
		slice_times(other, N, a, burst, 2, 7, start);
		assert_memory_not_equal(first, other, sizeof(first));
	}
}

/* At equal intervals, the first is due at a random time; threads still take turns. */
static void a_slice_begins_anywhere(void **state)
{
	const double gap = 1e9 / 1000;
	double sum = 0;

	(void)state;
	for (uint64_t number = 0; number < 1000; number++) {
		struct schedule s[3];
		int64_t first;

		for (unsigned p = 0; p < 3; p++)
			s[p] = schedule_of_slice(ARRIVALS_UNIFORM, 1000, 1, 1,
						 p, 3, start, number);
		first = schedule_next(&s[0]);
		assert_in_range(first - start, 0, gap);
		sum += first - start;
		for (unsigned n = 1; n < 20; n++)
			check_near(schedule_next(&s[n % 3]),
				   first + n * (int64_t)gap);
	}
	assert_true(fabs(sum / 1000 / gap - 0.5) < 3.3 * sqrt(1 / 12e3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uniform_is_exact),
		cmocka_unit_test(uniform_does_not_drift),
		cmocka_unit_test(threads_take_turns),
		cmocka_unit_test(poisson_is_poisson),
		cmocka_unit_test(threads_add_up_to_the_rate),
		cmocka_unit_test(a_seed_makes_it_again),
		cmocka_unit_test(no_gap_is_odd),
		cmocka_unit_test(bursts_come_at_once),
		cmocka_unit_test(bursts_are_exact),
		cmocka_unit_test(a_slice_is_made_again),
		cmocka_unit_test(a_slice_begins_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
