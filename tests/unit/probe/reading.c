/* SPDX-License-Identifier: MIT */
/* reading.c - a reading is taken at its time, slow parts before or after it */
#include "tests/unit/test.h"

#include "harness/base/program.h"
#include "harness/probe/reading.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>

static const int64_t ms = 1000000;

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

/* Slow parts are read before: the program is still running then. */
static void test_begin(void **state)
{
	static struct reading r;
	int64_t at = now() + 1000 * ms;

	reading_take(&r, *state, EDGE_BEGIN, at);
	assert_true(r.time_ns >= at);
	assert_true(r.memory_known && r.memory.threads == 1);
	assert_true(r.threads.n == 1);
	reading_free(&r);
}

/* ... or after: the program has ended, but its CPU time is known. */
static void test_end(void **state)
{
	static struct reading r;
	int64_t at = now() + 1000 * ms;

	reading_take(&r, *state, EDGE_END, at);
	assert_true(r.time_ns >= at);
	assert_true(r.cpu_process_ns > 0);
	assert_false(r.memory_known);
	reading_free(&r);
}

static void test_at_once(void **state)
{
	static struct reading r;
	int64_t before = now();

	reading_take(&r, *state, EDGE_BEGIN, 0);
	assert_true(r.time_ns >= before && r.time_ns <= now());
	reading_free(&r);
	reading_take(&r, *state, EDGE_END, before);
	assert_true(r.time_ns >= before && r.time_ns <= now());
	reading_free(&r);
}

static void take_note(int signo)
{
	(void)signo;
}

static void test_a_signal(void **state)
{
	struct sigaction note = { .sa_handler = take_note };
	struct itimerval soon = { .it_value.tv_usec = 100000 };
	static struct reading r;
	int64_t at = now() + 60000 * ms;

	sigaction(SIGALRM, &note, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	reading_take(&r, *state, EDGE_BEGIN, at);
	assert_true(r.time_ns < at);
	reading_free(&r);
}

/* Child processes would inherit the timer slack. */
static void test_timer_slack(void **state)
{
	static struct reading r;
	int before = prctl(PR_GET_TIMERSLACK);

	assert_int_equal(prctl(PR_SET_TIMERSLACK, 12345UL), 0);
	reading_take(&r, *state, EDGE_BEGIN, now() + ms);
	assert_int_equal(prctl(PR_GET_TIMERSLACK), 12345);
	prctl(PR_SET_TIMERSLACK, (unsigned long)before);
	reading_free(&r);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_begin),    TEST(test_end),         TEST(test_at_once),
		TEST(test_a_signal), TEST(test_timer_slack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
