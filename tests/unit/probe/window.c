/* SPDX-License-Identifier: MIT */
/* window.c - differences of two readings */
#include "tests/unit/test.h"

#include "harness/probe/uring.h"

/* ------------------------------------------------------------------- io_uring */

static const char fdinfo[] = "pos:\t0\nflags:\t02000002\nino:\t71433\n"
			     "SqMask:\t0x1ff\nSqHead:\t9\nSqTail:\t9\n"
			     "CachedSqHead:\t4294967290\nCqMask:\t0xfff\n"
			     "CqHead:\t0\nCqTail:\t0\nCachedCqTail:\t7\n"
			     "SQEs:\t0\nCQEs:\t0\nSqThread:\t77\n"
			     "SqThreadCpu:\t1\nSqTotalTime:\t300\n"
			     "SqWorkTime:\t20\nUserFiles:\t0\n";

static void test_ring(void **state)
{
	struct uring_ring r = { .pid = 1 };

	(void)state;
	assert_true(uring_take(&r, fdinfo));
	assert_true(r.submissions == 4294967290 && r.completions == 7);
	assert_true(r.thread == 77 && r.total_us == 300 && r.work_us == 20);
	assert_false(uring_take(&r, "pos:\t0\nflags:\t02\nino:\t71433\n"));
}

static void test_ring_of_an_older_kernel(void **state)
{
	struct uring_ring r = { .pid = 1 };

	(void)state;
	assert_true(uring_take(&r, "\nCachedSqHead:\t5\nCachedCqTail:\t4\n"
				   "SqThread:\t-1\nSqThreadCpu:\t-1\n"));
	assert_true(r.thread == -1 && r.total_us == -1 && r.work_us == -1);
}

/* The kernel counts modulo 2^32. */
static void test_ring_wraps_around(void **state)
{
	struct uring_ring r = { .pid = 1 };
	uint64_t before;

	(void)state;
	assert_true(uring_take(&r, fdinfo));
	before = r.submissions;
	assert_true(uring_take(&r, "\nCachedSqHead:\t4\nCachedCqTail:\t8\n"));
	assert_true(r.submissions - before == 10 && r.completions == 8);
}

static void test_uring_window(void **state)
{
	struct uring_counts none = { .rings = 0 };
	struct uring_counts from = { .rings = 2,
				     .known = true,
				     .submissions = 10,
				     .completions = 9,
				     .threads = 1,
				     .sq_total_ns = 5,
				     .sq_work_ns = 2 };
	struct uring_counts to = from, gone = from;
	struct uring_window w;

	(void)state;
	to.submissions = 110;
	to.completions = 99;
	to.sq_total_ns = 1005;
	to.sq_work_ns = 102;
	assert_true(uring_window(&from, &to, &w));
	assert_true(w.submissions == 100 && w.completions == 90);
	assert_true(w.sq_known && w.sq_total_ns == 1000 && w.sq_work_ns == 100);
	assert_true(uring_window(&none, &to, &w) && w.submissions == 110);
	gone.known = false;
	assert_false(uring_window(&none, &none, &w));
	assert_false(uring_window(&from, &gone, &w));
	assert_false(uring_window(&gone, &to, &w));
	assert_false(uring_window(&to, &none, &w));
	to.sq_total_ns = to.sq_work_ns = -1;
	assert_true(uring_window(&from, &to, &w) && !w.sq_known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_ring_of_an_older_kernel),
		cmocka_unit_test(test_ring_wraps_around),
		cmocka_unit_test(test_uring_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
