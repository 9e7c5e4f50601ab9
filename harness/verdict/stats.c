/* SPDX-License-Identifier: MIT */
/* stats.c - medians over blocks, and their intervals: see stats.h */
#include "harness/verdict/stats.h"

#include <math.h>

static const double wanted = 0.95;

/* Shell's, with Ciura's gaps: qsort() may allocate. */
static void sort(double *x, size_t n)
{
	static const size_t gaps[] = { 301, 132, 57, 23, 10, 4, 1 };

	for (size_t g = 0; g < sizeof(gaps) / sizeof(*gaps); g++)
		for (size_t i = gaps[g]; i < n; i++) {
			double moved = x[i];
			size_t to = i;

			for (; to >= gaps[g] && x[to - gaps[g]] > moved;
			     to -= gaps[g])
				x[to] = x[to - gaps[g]];
			x[to] = moved;
		}
}

/* Those of x that are finite, ascending, and how many */
static size_t sorted(double to[STATS_MAX], const double *x, size_t n)
{
	size_t taken = 0;

	if (n > STATS_MAX)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (isfinite(x[i]))
			to[taken++] = x[i];
	sort(to, taken);
	return taken;
}

static double sorted_median(const double *x, size_t n)
{
	return n ? (x[(n - 1) / 2] + x[n / 2]) / 2 : NAN;
}

/*
 * The interval from rank r misses the median if fewer than r values lie on one side
 * of it. That number is binomial with p = 1/2.
 */
static struct interval ranks(size_t n)
{
	struct interval i = { .low = NAN, .high = NAN };
	double exactly = pow(0.5, n), fewer = exactly;

	if (!n || n > STATS_MAX)
		return i;
	i.level = 1 - 2 * fewer;
	for (size_t r = 1; 1 - 2 * fewer >= wanted; r++) {
		i.rank = r;
		i.level = 1 - 2 * fewer;
		exactly *= (double)(n - r + 1) / r;
		fewer += exactly;
	}
	return i;
}

static struct interval sorted_interval(const double *x, size_t n)
{
	struct interval i = ranks(n);

	if (i.rank) {
		i.low = x[i.rank - 1];
		i.high = x[n - i.rank];
	}
	return i;
}

struct summary stats_summary(const double *x, size_t n)
{
	struct summary s = { .lowest = NAN, .highest = NAN };
	double all[STATS_MAX];

	s.n = sorted(all, x, n);
	s.missing = n - s.n;
	s.median = sorted_median(all, s.n);
	s.interval = sorted_interval(all, s.n);
	if (s.n) {
		s.lowest = all[0];
		s.highest = all[s.n - 1];
	}
	return s;
}
