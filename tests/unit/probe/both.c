/* SPDX-License-Identifier: MIT */
/*
 * both.c - bpf and strace count the same in the same execution
 *
 * The program forks processes that wait for each other, one of which is killed. If it
 * is killed while it enters a call, strace counts that call and the kernel does not.
 * There is no other difference.
 */
#include "tests/unit/test.h"

#include "harness/base/program.h"
#include "harness/probe/child.h"
#include "harness/probe/syscalls.h"

#include <poll.h>
#include <stdio.h>

static char script[] =
	"for i in 1 2 3 4 5 6 7 8 9 10 11 12; do ls / >/dev/null & done; "
	"sleep 60 & sleeping=$!; echo a b c | tr a-z A-Z | cat >/dev/null; "
	"kill -9 $sleeping; wait; exit 0";

static struct cgroup cgroup = NO_CGROUP;
static struct child child;
static struct syscalls bpf, strace;

static bool start(char why[WHY_SIZE])
{
	static char *argv[] = { "sh", "-c", script, NULL };
	char path[PATH_MAX];
	sigset_t none;
	struct child_plan plan = {
		.path = path, .argv = argv, .cgroup = &cgroup, .signals = &none
	};

	sigemptyset(&none);
	return cgroup_make(&cgroup, why) && program_find(argv[0], path) &&
	       child_start(&child, &plan, why);
}

enum { KILLED = 1 };

static void compare(void)
{
	static struct syscalls_counts by_bpf, by_strace;
	char why[WHY_SIZE], name[32];
	unsigned more = 0, others = 0;

	assert_true(syscalls_read(&bpf, &by_bpf, why));
	assert_true(syscalls_read(&strace, &by_strace, why));
	for (unsigned i = 0; i < SYSCALLS_NUMBERS; i++) {
		if (by_bpf.of[i] == by_strace.of[i])
			continue;
		print_message("%s: bpf %ju, strace %ju\n",
			      syscalls_name(i, name), (uintmax_t)by_bpf.of[i],
			      (uintmax_t)by_strace.of[i]);
		if (by_strace.of[i] == by_bpf.of[i] + 1)
			more++;
		else
			others++;
	}
	assert_true(more <= KILLED && others == 0);
	assert_true(by_strace.total == by_bpf.total + more);
	assert_true(by_bpf.total > 1000);
}

static void test_both(void **state)
{
	struct child_end end;
	char why[WHY_SIZE];
	struct pollfd ended;

	(void)state;
	if (!start(why)) {
		print_message("%s\n", why);
		skip();
	}
	if (!syscalls_open(&bpf, SYSCALLS_BPF, &cgroup, child.pid, why) ||
	    !syscalls_open(&strace, SYSCALLS_STRACE, &cgroup, child.pid, why)) {
		print_message("%s\n", why);
		child_reap(&child, &cgroup, &end);
		skip();
	}
	assert_true(syscalls_try(SYSCALLS_BPF, why));
	assert_true(syscalls_try(SYSCALLS_STRACE, why));
	assert_true(child_go(&child));
	ended = (struct pollfd){ .fd = child.fd, .events = POLLIN };
	assert_int_equal(poll(&ended, 1, 60000), 1);
	compare();
	syscalls_close(&bpf);
	syscalls_close(&strace);
	child_reap(&child, &cgroup, &end);
	assert_int_equal(end.status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_both) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
