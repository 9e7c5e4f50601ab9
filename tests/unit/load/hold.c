/* SPDX-License-Identifier: MIT */
/* hold.c - which lines are orders */
#include "tests/unit/test.h"

#include "harness/load/hold.h"

static void orders(void **state)
{
	struct order o;

	(void)state;
	assert_true(order_parse("keep", &o));
	assert_int_equal(o.kind, ORDER_KEEP);
	assert_true(order_parse("drop", &o));
	assert_int_equal(o.kind, ORDER_DROP);
	assert_true(order_parse("slice 12 5000000 40000000", &o));
	assert_int_equal(o.kind, ORDER_SLICE);
	assert_int_equal(o.slice, 12);
	assert_int_equal(o.head, 5000000);
	assert_int_equal(o.window, 40000000);
	assert_true(order_parse("slice 18446744073709551615 0 1", &o));
	assert_true(o.slice == UINT64_MAX);
	assert_true(order_parse("slice 0 86400000000000 86400000000000", &o));
	assert_int_equal(o.head, INT64_C(86400) * 1000000000);
}

static void no_orders(void **state)
{
	static const char *const lines[] = {
		"",
		" ",
		"k",
		"keep ",
		" keep",
		"KEEP",
		"keepdrop",
		"drop 1",
		"slice",
		"slice ",
		"slice 1",
		"slice 1 2",
		"slice 1 2 ",
		"slice 1 2 0",
		"slice 1 2 3 ",
		"slice 1 2 3 4",
		"slice 1  2 3",
		"slice1 2 3",
		"slices 1 2 3",
		"slice 1 2 3s",
		"slice -1 2 3",
		"slice 1 +2 3",
		"slice 1 2.5 3",
		"slice 0x1 2 3",
		"slice 18446744073709551616 2 3",
		"slice 1 86400000000001 3",
		"slice 1 2 86400000000001",
		"slice 1 2 184467440737095516160000000000000001"
	};
	struct order o;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (order_parse(lines[i], &o))
			fail_msg("'%s'", lines[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders),
		cmocka_unit_test(no_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
