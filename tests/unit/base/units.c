/* SPDX-License-Identifier: MIT */
/* units.c - numbers with units */
#include "tests/unit/test.h"

#include "harness/base/units.h"

static const char *const nonsense[] = {
	"",     " ",   "x",      "-1",
	"+1",   " 1",  "1 ",     "1x",
	"0x10", "1e3", "nan",    "inf",
	"1,5",  "..",  "1.2.3s", "99999999999999999999999"
};

enum { NONSENSE = sizeof(nonsense) / sizeof(*nonsense) };

static void numbers(void **state)
{
	uint64_t n;

	(void)state;
	assert_true(parse_number("0", &n) && n == 0);
	assert_true(parse_number("65535", &n) && n == 65535);
	assert_true(parse_number("18446744073709551615", &n));
	assert_true(n == UINT64_MAX);
	assert_false(parse_number("18446744073709551616", &n));
	assert_false(parse_number("1k", &n));
	for (int i = 0; i < NONSENSE; i++)
		assert_false(parse_number(nonsense[i], &n));
}

static void counts(void **state)
{
	uint64_t n;

	(void)state;
	assert_true(parse_count("500", &n) && n == 500);
	assert_true(parse_count("10k", &n) && n == 10000);
	assert_true(parse_count("2M", &n) && n == 2000000);
	assert_false(parse_count("18446744073709551615k", &n));
	assert_false(parse_count("1K", &n));
	assert_false(parse_count("1.5k", &n));
	for (int i = 0; i < NONSENSE; i++)
		assert_false(parse_count(nonsense[i], &n));
}

static void bytes(void **state)
{
	uint64_t n;

	(void)state;
	assert_true(parse_bytes("64", &n) && n == 64);
	assert_true(parse_bytes("64B", &n) && n == 64);
	assert_true(parse_bytes("16K", &n) && n == 16384);
	assert_true(parse_bytes("16k", &n) && n == 16384);
	assert_true(parse_bytes("16KiB", &n) && n == 16384);
	assert_true(parse_bytes("16kB", &n) && n == 16000);
	assert_true(parse_bytes("1MiB", &n) && n == 1 << 20);
	assert_true(parse_bytes("1GiB", &n) && n == 1 << 30);
	assert_false(parse_bytes("17179869184GiB", &n));
	assert_false(parse_bytes("1TiB", &n));
	for (int i = 0; i < NONSENSE; i++)
		assert_false(parse_bytes(nonsense[i], &n));
}

static void times(void **state)
{
	int64_t ns;

	(void)state;
	assert_true(parse_time("100us", &ns) && ns == 100000);
	assert_true(parse_time("1.5ms", &ns) && ns == 1500000);
	assert_true(parse_time("2s", &ns) && ns == 2000000000);
	assert_true(parse_time("1min", &ns) && ns == 60000000000);
	assert_true(parse_time("1ns", &ns) && ns == 1);
	assert_true(parse_time(".5s", &ns) && ns == 500000000);
	assert_true(parse_time("0s", &ns) && ns == 0);
	assert_false(parse_time("5", &ns)); /* no unit */
	assert_false(parse_time("5sec", &ns));
	assert_false(parse_time("s", &ns));
	assert_false(parse_time("999999999999999999s", &ns));
	for (int i = 0; i < NONSENSE; i++)
		assert_false(parse_time(nonsense[i], &ns));
}

static void percentages(void **state)
{
	double percent;

	(void)state;
	assert_true(parse_percent("1%", &percent) && percent == 1);
	assert_true(parse_percent("0.5%", &percent) && percent == 0.5);
	assert_false(parse_percent("1", &percent));
	assert_false(parse_percent("%", &percent));
	assert_false(parse_percent("1%%", &percent));
	for (int i = 0; i < NONSENSE; i++)
		assert_false(parse_percent(nonsense[i], &percent));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),     cmocka_unit_test(counts),
		cmocka_unit_test(bytes),       cmocka_unit_test(times),
		cmocka_unit_test(percentages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
