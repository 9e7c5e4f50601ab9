/* SPDX-License-Identifier: MIT */
/*
 * ratios.c - intervals and families against published tables and simulations
 *
 *   STATS_RUNS=20000 build/release/unit/verdict/ratios
 *
 * prints the figures of ratios.h from more simulated runs than the test has.
 * References are published tables, or the python3 code above them.
 */
#include "tests/unit/noise.h"

#include "harness/verdict/ratios.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static void near_share(double is, double wanted, double share)
{
	check_near(is, wanted, share * fabs(wanted));
}

/* ------------------------------------------------------------------ one ratio */

static void trimmed_means(void **state)
{
	double few[] = { 1000, 1, 2, 3 };
	double five[] = { 3, 1000, 1, -1000, 2 };
	double ten[] = { 9, 1, 8, 2, 7, 3, 6, 4, 1e9, -1e9 };

	(void)state;
	assert_true(isnan(trimmed_mean(few, 0)));
	assert_true(trimmed_mean(few, 1) == 1000);
	check_near(trimmed_mean(few, 4), 2.5, 1e-12);
	check_near(trimmed_mean(five, 5), 2, 1e-12);
	check_near(trimmed_mean(ten, 10), 5, 1e-12);
}

/* Critical values as in every textbook, such as Fisher and Yates, table III; p by
 * python3 -c 'from scipy.stats import t; print(2 * t.sf(6.5, 5), ...)' */
static void students_distribution(void **state)
{
	static const struct {
		double p, df, t;
	} table[] = {
		{ 0.05, 1, 12.7062 },   { 0.01, 1, 63.6567 },
		{ 0.001, 1, 636.6192 }, { 0.05, 2, 4.30265 },
		{ 0.05, 5, 2.57058 },   { 0.01, 5, 4.03214 },
		{ 0.001, 5, 6.86883 },  { 0.05, 13, 2.16037 },
		{ 0.05, 60, 2.00030 },  { 0.001, 120, 3.37345 },
		{ 0.05, 1e6, 1.95997 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(table); i++) {
		near_share(student_t(table[i].p, table[i].df), table[i].t,
			   2e-6);
		near_share(student_p(table[i].t, table[i].df), table[i].p,
			   2e-5);
		near_share(student_p(-table[i].t, table[i].df), table[i].p,
			   2e-5);
	}
	near_share(student_p(6.5, 5), 0.00128665310, 1e-8);
	near_share(student_p(40, 5), 1.84119622e-07, 1e-8);
	near_share(student_p(0.1, 7.3), 0.92303550, 1e-8);
	near_share(student_t(0.05 / 120, 5), 8.29126175, 1e-8);
	assert_true(student_p(0, 5) == 1 && student_p(INFINITY, 5) == 0);
	assert_true(isnan(student_p(NAN, 5)));
}

/* scipy.stats.ttest_1samp([.02, .03, .01, .04], 0), and ttest_ind(b, a,
 * equal_var=False) with confidence_interval() */
static void intervals(void **state)
{
	static const double b[] = { 0.02, NAN, 0.03, 0.01, 0.04, INFINITY };
	static const double a[] = { -0.01, 0.002, 0 };
	static const double same[] = { 0.5, 0.5 };
	struct mean e = mean_of(b, 6), f = mean_of(a, 3), d;
	struct range r = mean_range(&e, 0.95);

	(void)state;
	assert_int_equal(e.n, 4);
	near_share(mean_p(&e), 0.0304662917, 1e-8);
	near_share(log(r.low), 0.00445739743, 1e-7);
	near_share(log(r.high), 0.0455426026, 1e-7);
	d = mean_difference(&e, &f);
	near_share(d.value, 0.0276666667, 1e-8);
	near_share(d.df, 4.56355039, 1e-8);
	near_share(mean_p(&d), 0.0162395275, 1e-8);
	e = mean_of(b, 2); /* one value */
	assert_true(e.n == 1 && e.value == 0.02 && isnan(mean_p(&e)));
	r = mean_range(&e, 0.95);
	assert_true(isnan(r.low) && isnan(r.high));
	assert_true(isnan(mean_of(b, 0).value));
	e = mean_of(same, 2);
	r = mean_range(&e, 0.95);
	assert_true(mean_p(&e) == 0 && r.low == exp(0.5) && r.high == r.low);
	e = mean_of((double[]){ 0, 0 }, 2);
	assert_true(mean_p(&e) == 1);
}

/* The example of Benjamini and Hochberg (1995), table 1: at 5 %, four of 15 */
static void families(void **state)
{
	static const double p[] = { 0.0001, 0.0004, 0.0019, 0.0095, 0.0201,
				    0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
				    0.4262, 0.5719, 0.6528, 0.7590, 1.0000 };
	static const double none[] = { NAN, 0.03, 0.5, NAN };
	static const double all[] = { 0, 0.04, NAN, 0.05 };
	struct family f = family_of(p, LENGTH(p));

	(void)state;
	assert_true(f.n == 15 && f.called == 4);
	check_near(f.level, 1 - 0.05 * 4 / 15, 1e-12);
	f = family_of(none, LENGTH(none));
	assert_true(f.n == 2 && f.called == 0);
	check_near(f.level, 0.975, 1e-12);
	f = family_of(all, LENGTH(all));
	assert_true(f.n == 3 && f.called == 3);
	check_near(f.level, 0.95, 1e-12);
	f = family_of(none, 0);
	assert_true(f.n == 0 && f.called == 0 && f.level == 0.95);
}

/* ---------------------------------------------------------------- simulations */

enum { BLOCKS = 6, ROUNDS = 8, MODELS = 60 };

/* How a family was judged */
struct outcome {
	size_t called, wrongly, missed;
};

/*
 * A run of six blocks. In each, every model starts at a speed of its own (the ratio of
 * two has noise of 1 %), to which its rounds add heavy-tailed noise of 1 %; all are compared with one reference. `effect`:
 * the logarithm of each model's true ratio.
 */
static struct outcome simulate(double (*noise)(void), size_t models,
			       const double effect[MODELS])
{
	static const double start = 0.007;
	double value[MODELS][BLOCKS], round[ROUNDS], reference[ROUNDS];
	double p[MODELS];
	struct mean e[MODELS];
	struct outcome o = { 0 };
	struct family f;

	for (int b = 0; b < BLOCKS; b++) {
		double settled = start * noise();

		for (int k = 0; k < ROUNDS; k++)
			reference[k] = settled + 0.01 * heavy();
		for (size_t m = 0; m < models; m++) {
			settled = effect[m] + start * noise();
			for (int k = 0; k < ROUNDS; k++)
				round[k] =
					settled + 0.01 * heavy() - reference[k];
			value[m][b] = trimmed_mean(round, ROUNDS);
		}
	}
	for (size_t m = 0; m < models; m++) {
		e[m] = mean_of(value[m], BLOCKS);
		p[m] = mean_p(&e[m]);
	}
	f = family_of(p, models);
	o.called = f.called;
	for (size_t m = 0; m < models; m++) {
		struct range r;

		if (p[m] > 1 - f.level)
			continue;
		r = mean_range(&e[m], f.level);
		o.wrongly += effect[m] == 0;
		o.missed += r.low > exp(effect[m]) || r.high < exp(effect[m]);
	}
	return o;
}

static const struct {
	const char *name;
	double (*noise)(void);
} noises[] = { { "normal", normal }, { "heavy-tailed", heavy } };

static void say(const char *what, const char *noise, double share)
{
	printf("%-42s %-13s %5.2f %%\n", what, noise, 100 * share);
}

static void identical_models(void **state)
{
	static const double effect[MODELS];

	(void)state;
	for (size_t k = 0; k < LENGTH(noises); k++) {
		size_t any = 0;

		for (size_t run = 0; run < runs(1000); run++)
			any += simulate(noises[k].noise, MODELS, effect)
				       .called > 0;
		say("identical models: any called", noises[k].name,
		    any / (double)runs(1000));
		assert_true(any <= 0.05 * (double)runs(1000));
	}
}

static void different_models(void **state)
{
	double effect[MODELS] = { 0 };

	(void)state;
	for (int m = 0; m < MODELS / 2; m++)
		effect[m] = 0.01 * (1 + m % 10);
	for (size_t k = 0; k < LENGTH(noises); k++) {
		double wrongly = 0, missed = 0;

		for (size_t run = 0; run < runs(1000); run++) {
			struct outcome o =
				simulate(noises[k].noise, MODELS, effect);

			if (o.called == 0)
				continue;
			wrongly += (double)o.wrongly / (double)o.called;
			missed += (double)o.missed / (double)o.called;
		}
		wrongly /= (double)runs(1000);
		missed /= (double)runs(1000);
		say("half of them differ: called wrongly", noises[k].name,
		    wrongly);
		say("intervals of those called that miss", noises[k].name,
		    missed);
		assert_true(wrongly <= 0.05 && missed <= 0.05);
	}
}

static void five_percent_slower(void **state)
{
	static const size_t family[] = { 2, MODELS };
	double effect[MODELS] = { log(1.05) };
	char text[64];

	(void)state;
	for (size_t k = 0; k < LENGTH(noises); k++)
		for (size_t i = 0; i < LENGTH(family); i++) {
			size_t called = 0;

			for (size_t run = 0; run < runs(1000); run++) {
				struct outcome o = simulate(noises[k].noise,
							    family[i], effect);

				called += o.called > o.wrongly;
			}
			snprintf(text, sizeof(text),
				 "one of %zu is 5 %% slower: called",
				 family[i]);
			say(text, noises[k].name, called / (double)runs(1000));
			if (family[i] == 2)
				assert_true(called >= 0.9 * (double)runs(1000));
		}
}

/* One comparison alone, at 95 % */
static void coverage(void **state)
{
	(void)state;
	for (size_t k = 0; k < LENGTH(noises); k++) {
		size_t covered = 0;

		for (size_t run = 0; run < runs(4000); run++) {
			double x[BLOCKS];
			struct mean e;
			struct range r;

			for (int b = 0; b < BLOCKS; b++)
				x[b] = noises[k].noise() - noises[k].noise();
			e = mean_of(x, BLOCKS);
			r = mean_range(&e, 0.95);
			covered += r.low <= 1 && r.high >= 1;
		}
		say("95 % intervals that cover", noises[k].name,
		    covered / (double)runs(4000));
		assert_true(covered >= 0.945 * (double)runs(4000));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trimmed_means),
		cmocka_unit_test(students_distribution),
		cmocka_unit_test(intervals),
		cmocka_unit_test(families),
		cmocka_unit_test(identical_models),
		cmocka_unit_test(different_models),
		cmocka_unit_test(five_percent_slower),
		cmocka_unit_test(coverage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
