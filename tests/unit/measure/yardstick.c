/* SPDX-License-Identifier: MIT */
/* yardstick.c - timing of the CPUs, and how much slower than usual they are */
#include "tests/unit/test.h"

#include "harness/measure/yardstick.h"

#include <math.h>

static void add_values(struct speed_history *p, unsigned times, double server)
{
	const struct yardstick y = { server, NAN };

	for (unsigned i = 0; i < times; i++)
		speed_history_add(p, &y);
}

static double slower(const struct speed_history *p, double server,
		     double client)
{
	const struct yardstick y = { server, client };

	return speed_history_slowdown(p, &y);
}

static void without_history_it_is_1(void **state)
{
	const struct speed_history p = { .n_server = 0 };

	(void)state;
	assert_float_equal(slower(&p, 1000, 1000), 1, 0);
}

static void first_quartile_is_usual(void **state)
{
	struct speed_history p = { .n_server = 0 };

	(void)state;
	add_values(&p, 28, 1800);
	add_values(&p, 12, 1000);
	assert_float_equal(slower(&p, 1800, NAN), 1.8, 1e-9);
	assert_float_equal(slower(&p, 1000, NAN), 1, 0);
}

static void outliers_are_not_usual(void **state)
{
	struct speed_history p = { .n_server = 0 };

	(void)state;
	add_values(&p, 2, 500);
	add_values(&p, 30, 1000);
	assert_float_equal(slower(&p, 1100, NAN), 1.1, 1e-9);
}

static void lasting_change_becomes_usual(void **state)
{
	struct speed_history p = { .n_server = 0 };

	(void)state;
	add_values(&p, 100, 1000);
	assert_float_equal(slower(&p, 1500, NAN), 1.5, 1e-9);
	add_values(&p, 31, 1500);
	assert_float_equal(slower(&p, 1500, NAN), 1, 0);
}

static void larger_slowdown_counts(void **state)
{
	const struct yardstick usual = { 1000, 2000 };
	struct speed_history p = { .n_server = 0 };

	(void)state;
	speed_history_add(&p, &usual);
	assert_float_equal(slower(&p, 1200, 2000), 1.2, 1e-9);
	assert_float_equal(slower(&p, 1200, 2800), 1.4, 1e-9);
	assert_float_equal(slower(&p, 900, 1000), 1, 0);
}

static void nan_is_ignored(void **state)
{
	const struct yardstick none = { NAN, NAN };
	struct speed_history p = { .n_server = 0 };

	(void)state;
	add_values(&p, 4, 1000);
	for (int i = 0; i < 2 * SPEED_HISTORY_SIZE; i++)
		speed_history_add(&p, &none);
	assert_float_equal(slower(&p, 1300, NAN), 1.3, 1e-9);
	assert_float_equal(slower(&p, NAN, NAN), 1, 0);
}

/* On any machine it is more than 10 ns and less than a second. */
static void measures_on_both_cpus(void **state)
{
	struct cpu_pair place;
	struct yardstick y;
	cpu_set_t before, after;
	int first = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	while (!CPU_ISSET(first, &before))
		first++;
	CPU_ZERO(&place.server);
	CPU_SET(first, &place.server);
	place.client = before;
	y = yardstick_take(&place);
	assert_true(y.server > 10 && y.server < 1e9);
	assert_true(CPU_COUNT(&before) == 1 ||
		    (y.client > 10 && y.client < 1e9));
	place.client = place.server;
	y = yardstick_take(&place);
	assert_true(y.server > 10 && y.server < 1e9);
	assert_true(isnan(y.client));
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
}

static void missing_cpu_gives_nan(void **state)
{
	struct cpu_pair place;

	(void)state;
	CPU_ZERO(&place.server);
	CPU_SET(CPU_SETSIZE - 1, &place.server);
	place.client = place.server;
	assert_true(isnan(yardstick_take(&place).server));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_history_it_is_1),
		cmocka_unit_test(first_quartile_is_usual),
		cmocka_unit_test(outliers_are_not_usual),
		cmocka_unit_test(lasting_change_becomes_usual),
		cmocka_unit_test(larger_slowdown_counts),
		cmocka_unit_test(nan_is_ignored),
		cmocka_unit_test(measures_on_both_cpus),
		cmocka_unit_test(missing_cpu_gives_nan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
