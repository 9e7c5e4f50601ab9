/* SPDX-License-Identifier: MIT */
/* print.c - numbers for people */
#include "tests/unit/test.h"

#include "harness/base/print.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void check_time(double ns, const char *wanted)
{
	char text[PRINT_SIZE];

	assert_ptr_equal(print_time(text, ns), text);
	assert_string_equal(text, wanted);
}

static void times(void **state)
{
	(void)state;
	check_time(-1, "-");
	check_time(0, "0 ns");
	check_time(1, "1 ns");
	check_time(999, "999 ns");
	check_time(999.4, "999 ns");
	check_time(999.5, "1.00 us");
	check_time(1000, "1.00 us");
	check_time(1004, "1.00 us");
	check_time(1006, "1.01 us");
	check_time(9994, "9.99 us");
	check_time(9995, "10.0 us");
	check_time(9996, "10.0 us");
	check_time(10000, "10.0 us");
	check_time(81200, "81.2 us");
	check_time(99940, "99.9 us");
	check_time(99950, "100 us");
	check_time(99960, "100 us");
	check_time(100000, "100 us");
	check_time(999499, "999 us");
	check_time(999500, "1.00 ms");
	check_time(999999, "1.00 ms");
	check_time(1000000, "1.00 ms");
	check_time(9994999, "9.99 ms");
	check_time(9995000, "10.0 ms");
	check_time(99949999, "99.9 ms");
	check_time(99950000, "100 ms");
	check_time(999499999, "999 ms");
	check_time(999500000, "1.00 s");
	check_time(999999999, "1.00 s");
	check_time(9995000000, "10.0 s");
	check_time(99950000000, "100 s");
	check_time(999999999999, "1000 s");
	check_time(3600e9, "3600 s");
	check_time(31557600e9, "31557600 s");
	check_time(9.2e18, "9200000000 s");
}

/* Three digits, rounded once: at most half of the last digit off */
static void times_are_rounded_once(void **state)
{
	(void)state;
	for (double ns = 1; ns < 1e14; ns *= 1.0003) {
		static const char *const units[] = { "ns", "us", "ms", "s" };
		char text[PRINT_SIZE], unit[3];
		double shown, back;
		size_t digits = 0;

		print_time(text, floor(ns));
		assert_int_equal(sscanf(text, "%lf %2s", &shown, unit), 2);
		back = shown;
		for (int i = 0; strcmp(unit, units[i]) != 0; i++)
			back *= 1000;
		assert_true(fabs(back - floor(ns)) <= 0.005001 * floor(ns));
		for (const char *c = text; *c != ' '; c++)
			digits += *c != '.';
		if (ns >= 100 && ns < 999e9)
			assert_int_equal(digits, 3);
		assert_true(strcmp(unit, "s") == 0 || shown < 1000);
	}
}

static void check_count(double n, const char *wanted)
{
	char text[PRINT_SIZE];

	assert_ptr_equal(print_count(text, n), text);
	assert_string_equal(text, wanted);
}

static void counts(void **state)
{
	(void)state;
	check_count(0, "0");
	check_count(1, "1");
	check_count(0.5, "0.50");
	check_count(2.5, "2.50");
	check_count(9.99, "9.99");
	check_count(9.994, "9.99");
	check_count(9.996, "10.0");
	check_count(10, "10");
	check_count(99.94, "99.9");
	check_count(99.96, "100.0");
	check_count(999, "999");
	check_count(999.5, "999.5");
	check_count(999.94, "999.9");
	check_count(999.96, "1,000");
	check_count(1000, "1,000");
	check_count(1000.4, "1,000");
	check_count(1234.5678, "1,235");
	check_count(9999.5, "10,000");
	check_count(99999.7, "100,000");
	check_count(999999, "999,999");
	check_count(999999.4, "999,999");
	check_count(999999.6, "1,000,000");
	check_count(1234567, "1,234,567");
	check_count(123456789012, "123,456,789,012");
	check_count(9e15, "9,000,000,000,000,000");
}

/* No overflow */
static void huge_numbers(void **state)
{
	struct {
		char text[PRINT_SIZE], guard[8];
	} t;

	(void)state;
	memcpy(t.guard, "guarded", 8);
	print_count(t.text, 1.8e19);
	assert_string_equal(t.text, "18,000,000,000,000,000,000");
	print_count(t.text, 1e300);
	assert_true(strlen(t.text) < PRINT_SIZE);
	print_time(t.text, 1e300);
	assert_true(strlen(t.text) < PRINT_SIZE);
	assert_string_equal(t.guard, "guarded");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),
		cmocka_unit_test(times_are_rounded_once),
		cmocka_unit_test(counts),
		cmocka_unit_test(huge_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
