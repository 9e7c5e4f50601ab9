/* SPDX-License-Identifier: MIT */
/* strace.c - each call in strace's output is counted once */
#include "tests/unit/test.h"

#include "harness/probe/syscalls_strace.h"

#include <string.h>
#include <sys/syscall.h>

static const char lines[] =
	"20770 1796085844.120017706 recvfrom(0x5, 0x7fce48000b70, 0x4000, 0, 0, 0) = 0x40 <0.000000306>\n"
	"20770 1796085844.120027706 sendto(0x5, 0x7fce48000b70, 0x40, 0x4000, 0, 0) = 0x40\n"
	"20707 1796085844.120037706 accept(0x3, 0, 0 <unfinished ...>\n"
	"7 1796085844.120047706 recvfrom(0x5, 0x7fce48000b70, 0x4000, 0, 0, 0 <unfinished ...>\n"
	"20707 1796085844.120057706 <... accept resumed>)             = 0x6\n"
	"20707 1796085844.120067706 futex(0x55b87f9dd280, 0x81) = -1 EAGAIN (Resource (un)available)\n"
	"20707 1796085844.120077706 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER} ---\n"
	"20707 1796085844.120087706 syscall_0x3e8(0, 0, 0) = -1 ENOSYS (Function not implemented)\n"
	"20707 1796085844.120097706 syscall_0x1e240(0, 0, 0) = -1 ENOSYS (not implemented)\n"
	"7 1796085844.120107706 <... recvfrom resumed>)            = ?\n"
	"7 1796085844.120117706 +++ exited with 0 +++\n"
	"20707 1796085844.120127706 exit_group(0)                     = ?\n";

static void check(const struct strace *s)
{
	assert_int_equal(s->counts.of[SYS_recvfrom], 2);
	assert_int_equal(s->counts.of[SYS_sendto], 1);
	assert_int_equal(s->counts.of[SYS_accept], 1);
	assert_int_equal(s->counts.of[SYS_futex], 1);
	assert_int_equal(s->counts.of[SYS_exit_group], 1);
	assert_int_equal(s->counts.of[1000], 1);
	assert_int_equal(s->counts.of[SYSCALLS_NUMBERS - 1], 1);
	assert_int_equal(s->counts.total, 8);
}

static void test_lines(void **state)
{
	static struct strace s;

	(void)state;
	strace_count(&s, lines, strlen(lines));
	check(&s);
	strace_count(&s, lines, strlen(lines));
	check(&s);
}

/* The output is read while strace writes it: it may end anywhere. */
static void test_ends_anywhere(void **state)
{
	(void)state;
	for (size_t first = 0; first < strlen(lines); first++) {
		struct strace s = { .lines = -1 };

		strace_count(&s, lines, first);
		strace_count(&s, lines, strlen(lines));
		check(&s);
	}
}

static void test_byte_by_byte(void **state)
{
	static struct strace s;

	(void)state;
	for (size_t n = 0; n <= strlen(lines); n++)
		strace_count(&s, lines, n);
	check(&s);
}

/* A call in progress is counted, as with bpf. */
static void test_a_call_that_has_not_returned(void **state)
{
	static const char text[] = "12 getppid() = 0x5\n12 accept(0x3, 0, 0";
	static struct strace s;

	(void)state;
	strace_count(&s, text, strlen(text));
	assert_int_equal(s.counts.of[SYS_accept], 1);
	assert_int_equal(s.counts.total, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_ends_anywhere),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_a_call_that_has_not_returned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
