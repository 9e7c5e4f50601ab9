/* SPDX-License-Identifier: MIT */
/* ratios.c - intervals over blocks, and a family of them: see ratios.h */
#include "harness/verdict/ratios.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static const double trimmed = 0.25, wrong = 0.05;

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double trimmed_mean(double *x, size_t n)
{
	size_t cut = (size_t)(trimmed * (double)n);
	double sum = 0;

	if (n == 0)
		return NAN;
	qsort(x, n, sizeof(*x), ascending);
	for (size_t i = cut; i < n - cut; i++)
		sum += x[i];
	return sum / (double)(n - 2 * cut);
}

/* ------------------------------------------------------ Student's distribution */

/* The continued fraction of the incomplete beta function, by Lentz's method */
static double beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), all = d;

	for (int m = 1; m < 1000; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x /
			     ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1 / (1 + even * d);
		c = 1 + even / c;
		all *= d * c;
		d = 1 / (1 + odd * d);
		c = 1 + odd / c;
		step = d * c;
		all *= step;
		if (fabs(step - 1) < 1e-15)
			break;
	}
	return all;
}

/* The regularized incomplete beta function; `rest` is 1 - x, without rounding */
static double incomplete_beta(double a, double b, double x, double rest)
{
	int sign;
	double front = exp(lgamma_r(a + b, &sign) - lgamma_r(a, &sign) -
			   lgamma_r(b, &sign) + a * log(x) + b * log(rest));

	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, rest) / b;
}

double student_p(double t, double df)
{
	double square = t * t;

	if (!(square > 0)) /* or NAN */
		return square == 0 ? 1 : NAN;
	if (isinf(square))
		return 0;
	return incomplete_beta(df / 2, 0.5, df / (df + square),
			       square / (df + square));
}

double student_t(double p, double df)
{
	double low = 0, high = 1;

	while (student_p(high, df) > p && isfinite(high))
		high *= 2;
	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (student_p(middle, df) > p)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* ----------------------------------------------------------------- estimates */

struct mean mean_of(const double *x, size_t n)
{
	struct mean e = { .value = NAN, .error = NAN, .df = NAN };
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		if (!isfinite(x[i]))
			continue;
		sum += x[i];
		e.n++;
	}
	if (e.n)
		e.value = sum / (double)e.n;
	if (e.n < 2)
		return e;
	for (size_t i = 0; i < n; i++)
		if (isfinite(x[i]))
			squares += (x[i] - e.value) * (x[i] - e.value);
	e.df = (double)e.n - 1;
	e.error = sqrt(squares / e.df / (double)e.n);
	return e;
}

struct mean mean_difference(const struct mean *b, const struct mean *a)
{
	double of_a = a->error * a->error, of_b = b->error * b->error;
	struct mean e = { .n = a->n < b->n ? a->n : b->n,
			  .value = b->value - a->value,
			  .error = sqrt(of_a + of_b),
			  .df = a->df + b->df };

	if (e.error > 0)
		e.df = (of_a + of_b) * (of_a + of_b) /
		       (of_a * of_a / a->df + of_b * of_b / b->df);
	return e;
}

double mean_p(const struct mean *e)
{
	if (e->error == 0)
		return e->value == 0;
	return student_p(e->value / e->error, e->df);
}

struct range mean_range(const struct mean *e, double level)
{
	double half = NAN;

	if (isfinite(e->error))
		half = e->error * student_t(1 - level, e->df);
	return (struct range){ exp(e->value - half), exp(e->value + half) };
}

/* ------------------------------------------------------------------ a family */

static size_t count(const double *p, size_t n, double most)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += p[i] <= most;
	return found;
}

struct family family_of(const double *p, size_t n)
{
	struct family f = { .n = count(p, n, 1) };
	size_t before = f.n + 1;

	/* The largest k for which k of them are at most 0.05 * k / n */
	for (f.called = f.n; f.called < before;) {
		before = f.called;
		f.called = count(p, n, wrong * (double)before / (double)f.n);
	}
	f.level = 1 - wrong * (double)(f.called ? f.called : 1) /
			      (double)(f.n ? f.n : 1);
	return f;
}
