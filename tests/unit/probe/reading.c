/* SPDX-License-Identifier: MIT */
/* reading.c - a reading of a program that runs, and of one that has ended */
#include "tests/unit/test.h"

#include "harness/base/program.h"
#include "harness/probe/reading.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Starts a program that ends after half a second. */
static int start(void **state)
{
	static struct probed p = { .cgroup = NO_CGROUP };
	static char *argv[] = { "sleep", "0.5", NULL };
	char path[PATH_MAX], why[WHY_SIZE];
	sigset_t none;
	struct child_plan plan = { .path = path,
				   .argv = argv,
				   .cgroup = &p.cgroup,
				   .signals = &none };

	sigemptyset(&none);
	*state = &p;
	return !program_find(argv[0], path) ||
	       !child_start(&p.child, &plan, why) || !child_go(&p.child);
}

static int end(void **state)
{
	struct probed *p = *state;
	struct child_end ended;

	child_reap(&p->child, &p->cgroup, &ended);
	return 0;
}

static void test_running(void **state)
{
	static const enum edge edges[] = { EDGE_BEGIN, EDGE_END };
	static struct reading r;

	for (int i = 0; i < 2; i++) {
		int64_t before = now();

		reading_take(&r, *state, edges[i]);
		assert_true(r.time_ns >= before && r.time_ns <= now());
		assert_true(r.memory_known && r.memory.threads == 1);
		assert_true(r.threads.n == 1);
		reading_free(&r);
	}
}

/* The program has ended, and is a zombie: its CPU time is known. */
static void test_ended(void **state)
{
	static struct reading r;
	struct probed *p = *state;
	struct pollfd ended = { .fd = p->child.fd, .events = POLLIN };

	assert_int_equal(poll(&ended, 1, -1), 1);
	reading_take(&r, p, EDGE_END);
	assert_true(r.cpu_process_ns > 0);
	assert_false(r.memory_known);
	reading_free(&r);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_running),
		TEST(test_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
