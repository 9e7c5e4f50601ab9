/* SPDX-License-Identifier: MIT */
/* freeze.c - a program that spins, and its children, stand still and go on */
#include "tests/unit/test.h"

#include "harness/base/program.h"
#include "harness/measure/freeze.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

static const int64_t ms = 1000000;

/* Two processes that spin, and start others that end at once */
static char script[] = "trap '' CONT; while :; do (:); done & "
		       "while :; do (:); done";

static int start(void **state, bool in_cgroup)
{
	static struct probed p;
	static char *argv[] = { "sh", "-c", script, NULL };
	char path[PATH_MAX], why[WHY_SIZE];
	sigset_t none;
	struct child_plan plan = { .path = path,
				   .argv = argv,
				   .cgroup = &p.cgroup,
				   .signals = &none };

	p = (struct probed){ .cgroup = NO_CGROUP };
	sigemptyset(&none);
	*state = &p;
	if (in_cgroup && !cgroup_make(&p.cgroup, why))
		p.cgroup = (struct cgroup)NO_CGROUP;
	return !program_find(argv[0], path) ||
	       !child_start(&p.child, &plan, why) || !child_go(&p.child);
}

static int start_without_cgroup(void **state)
{
	return start(state, false);
}

static int start_in_cgroup(void **state)
{
	return start(state, true);
}

static int end(void **state)
{
	struct probed *p = *state;
	struct child_end ended;

	child_reap(&p->child, &p->cgroup, &ended);
	return 0;
}

static void pause_ms(int64_t n)
{
	nanosleep(&(struct timespec){ .tv_nsec = n * ms }, NULL);
}

/* Of the first process, and of all in the cgroup */
static int64_t cpu_of(const struct probed *p)
{
	int64_t all = cpu_of_cgroup(&p->cgroup);

	return cpu_of_process(p->child.pid) + (all > 0 ? all : 0);
}

static void wait_for_more(const struct probed *p, int64_t than)
{
	for (int i = 0; cpu_of(p) <= than; i++) {
		if (i == 2000)
			fail_msg("it does not run");
		pause_ms(10);
	}
}

static void test_stands_still(void **state)
{
	struct probed *p = *state;

	wait_for_more(p, 0);
	for (int i = 0; i < 20; i++) {
		int64_t cpu;

		if (!freeze(p))
			skip(); /* for a second, on a busy machine */
		cpu = cpu_of(p);
		pause_ms(20);
		assert_int_equal(cpu_of(p), cpu);
		assert_true(freeze(p)); /* again */
		assert_int_equal(cpu_of(p), cpu);
		thaw(p);
		wait_for_more(p, cpu);
	}
}

/* It can be killed while it is frozen. */
static void test_is_killed(void **state)
{
	struct probed *p = *state;
	struct child_end ended;
	size_t n;

	wait_for_more(p, 0);
	if (!freeze(p))
		skip();
	child_reap(&p->child, &p->cgroup, &ended);
	assert_int_equal(ended.status, SIGKILL);
	assert_null(cgroup_processes(&p->cgroup, &n));
}

static void test_that_is_gone(void **state)
{
	struct probed *p = *state;

	kill(p->child.pid, SIGKILL);
	assert_true(freeze(p));
	thaw(p);
}

#define IN_CGROUP(function)                                                    \
	cmocka_unit_test_setup_teardown(function, start_in_cgroup, end)
#define WITHOUT(function)                                                      \
	cmocka_unit_test_setup_teardown(function, start_without_cgroup, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_CGROUP(test_stands_still),
		WITHOUT(test_stands_still),
		cmocka_unit_test_setup(test_is_killed, start_in_cgroup),
		cmocka_unit_test_setup(test_is_killed, start_without_cgroup),
		WITHOUT(test_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
