/* SPDX-License-Identifier: MIT */
/* stats_two.c - statistics of two runs: see stats_two.h */
#include "harness/verdict/stats_two.h"

#include <math.h>
#include <string.h>

static const double wanted = 0.95;

/* ------------------------------------------------------------- the rank-sum test */

/*
 * How many orders of n and m values give each u: the coefficients of a Gaussian
 * binomial, the product of (1 - q^(m+i)) / (1 - q^i) for i from 1 to n. All are
 * integers below 2^53, which a double holds exactly.
 */
static void count_ways(double ways[STATS_EXACT * STATS_EXACT + 1], size_t n,
		       size_t m)
{
	size_t top = n * m;

	memset(ways, 0, (top + 1) * sizeof(*ways));
	ways[0] = 1;
	for (size_t i = 1; i <= n; i++) {
		for (size_t u = top; u >= m + i; u--)
			ways[u] -= ways[u - m - i];
		for (size_t u = i; u <= top; u++)
			ways[u] += ways[u - i];
	}
}

static double normal_below(double z)
{
	return erfc(-z / M_SQRT2) / 2;
}

static double variance(size_t n, size_t m)
{
	return (double)n * m * (n + m + 1) / 12;
}

/* The probability that u is at most this, without ties */
static double below(size_t n, size_t m, size_t u)
{
	double ways[STATS_EXACT * STATS_EXACT + 1], some = 0, all = 0;

	if (n > STATS_EXACT || m > STATS_EXACT)
		return normal_below((u + 0.5 - n * m / 2.0) /
				    sqrt(variance(n, m)));
	count_ways(ways, n, m);
	for (size_t i = 0; i <= n * m; i++) {
		all += ways[i];
		some += i <= u ? ways[i] : 0;
	}
	return some / all;
}

double stats_least_p(size_t n, size_t m)
{
	return n && m ? fmin(1, 2 * below(n, m, 0)) : NAN;
}

static double count_larger(const double *x, size_t n, const double *y, size_t m)
{
	double u = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < m; j++)
			u += x[i] > y[j] ? 1 : x[i] == y[j] ? 0.5 : 0;
	return u;
}

/* The sum of t^3 - t over all groups of t equal values; 0: there are no ties */
static double ties(const double *x, size_t n, const double *y, size_t m)
{
	double sum = 0;

	for (size_t i = 0, j = 0; i < n || j < m;) {
		double least = i == n || (j < m && y[j] < x[i]) ? y[j] : x[i];
		double t = 0;

		for (; i < n && x[i] == least; i++)
			t++;
		for (; j < m && y[j] == least; j++)
			t++;
		sum += t * t * t - t;
	}
	return sum;
}

/* Of sorted values */
static struct rank_sum test(const double *x, size_t n, const double *y,
			    size_t m)
{
	double tied = ties(x, n, y, m), all = (double)(n + m), off;
	struct rank_sum r = { NAN, NAN, false };

	if (!n || !m)
		return r;
	r.u = count_larger(x, n, y, m);
	r.exact = tied == 0 && n <= STATS_EXACT && m <= STATS_EXACT;
	off = fabs(r.u - n * m / 2.0);
	if (r.exact)
		r.p = fmin(1, 2 * below(n, m, fmin(r.u, n * m - r.u)));
	else if (off <= 0.5)
		r.p = 1;
	else
		r.p = 2 *
		      normal_below((0.5 - off) /
				   sqrt(variance(n, m) -
					n * m * tied / (12 * all * (all - 1))));
	return r;
}

/* ------------------------------------------------------------------ the ratio */

/* Sorted logarithms */
struct logs {
	double x[STATS_MAX];
	size_t n;
};

/* Returns how many values have no logarithm. */
static size_t take_logs(struct logs *to, const double *x, size_t n)
{
	size_t taken = stats_sorted(to->x, x, n), zeros = 0;

	while (zeros < taken && to->x[zeros] <= 0)
		zeros++;
	to->n = taken - zeros;
	for (size_t i = 0; i < to->n; i++)
		to->x[i] = log(to->x[i + zeros]);
	return zeros;
}

/* How many differences are at most this */
static size_t at_most(const struct logs *b, const struct logs *a, double limit)
{
	size_t count = 0, first = 0; /* the first of a that is near enough */

	for (size_t i = 0; i < b->n; i++) {
		while (first < a->n && b->x[i] - a->x[first] > limit)
			first++;
		count += a->n - first;
	}
	return count;
}

/* The rank-th smallest of all differences, by bisection: there may be a million of
 * them, too many to store. */
static double difference(const struct logs *b, const struct logs *a,
			 size_t rank)
{
	double low = b->x[0] - a->x[a->n - 1];
	double high = b->x[b->n - 1] - a->x[0];

	if (at_most(b, a, low) >= rank)
		return low;
	for (;;) {
		double middle = low + (high - low) / 2;

		if (middle <= low || middle >= high)
			return high;
		if (at_most(b, a, middle) >= rank)
			high = middle;
		else
			low = middle;
	}
}

/* The interval from rank on misses if u is below the rank, on either side. */
static double level_of(size_t n, size_t m, size_t rank)
{
	return 1 - 2 * below(n, m, rank - 1);
}

/* The largest rank whose level is at least 95 %; 0: none */
static size_t find_rank(size_t n, size_t m)
{
	size_t good = 0, bad = n * m / 2 + 1;

	while (bad - good > 1) {
		size_t middle = (good + bad) / 2;

		if (level_of(n, m, middle) >= wanted)
			good = middle;
		else
			bad = middle;
	}
	return good;
}

static struct interval interval_of(const struct logs *b, const struct logs *a)
{
	struct interval i = { .low = NAN, .high = NAN };

	i.rank = find_rank(b->n, a->n);
	i.level = level_of(b->n, a->n, i.rank ? i.rank : 1);
	if (i.rank) {
		i.low = exp(difference(b, a, i.rank));
		i.high = exp(difference(b, a, b->n * a->n + 1 - i.rank));
	}
	return i;
}

struct two stats_two(const double *b, size_t n_b, const double *a, size_t n_a)
{
	struct two t = { .ratio = NAN,
			 .interval = { .low = NAN, .high = NAN },
			 .test = { NAN, NAN, false } };
	struct logs of_a, of_b;
	size_t all;

	t.zeros = take_logs(&of_a, a, n_a) + take_logs(&of_b, b, n_b);
	t.n_a = of_a.n;
	t.n_b = of_b.n;
	all = t.n_a * t.n_b;
	if (!all)
		return t;
	t.ratio = exp((difference(&of_b, &of_a, (all + 1) / 2) +
		       difference(&of_b, &of_a, (all + 2) / 2)) /
		      2);
	t.interval = interval_of(&of_b, &of_a);
	t.test = test(of_b.x, of_b.n, of_a.x, of_a.n);
	return t;
}

/* ----------------------------------------------------------------- the verdict */

const struct band *stats_wider(const struct band *a, const struct band *b)
{
	if (!a->rank)
		return a;
	return !b->rank || b->high > a->high ? b : a;
}

enum verdict_reason stats_two_verdict(const struct two *t,
				      const struct band *of_a,
				      const struct band *of_b,
				      double adjusted_p, size_t family)
{
	const struct band *band = stats_wider(of_a, of_b);

	if (t->zeros)
		return VERDICT_NO_RATIO;
	if (!t->n_a || !t->n_b)
		return VERDICT_NOTHING;
	if (!t->interval.rank)
		return VERDICT_FEW_BLOCKS;
	if (!(t->interval.low > 1 || t->interval.high < 1))
		return VERDICT_INTERVAL;
	if (!(adjusted_p <= 1 - wanted))
		return family * stats_least_p(t->n_a, t->n_b) > 1 - wanted ?
			       VERDICT_FAMILY :
			       VERDICT_HOLM;
	if (!band->rank)
		return VERDICT_NO_BAND;
	if (!(fmax(t->ratio, 1 / t->ratio) > band->high))
		return VERDICT_BAND;
	return VERDICT_DIFFERENT;
}
