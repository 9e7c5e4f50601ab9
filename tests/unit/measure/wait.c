/* SPDX-License-Identifier: MIT */
/* wait.c - waits, signals during waits, and bounded streams */
#include "tests/unit/test.h"

#include "harness/measure/wait.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile int interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* A stream that reads a pipe; SIGUSR1 is blocked except during waits. */
struct piped {
	struct wait_set wait_set;
	struct stream stream;
	sigset_t mask;
	int write_end;
};

static void open_piped(struct piped *w, size_t most)
{
	sigset_t blocked;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	stream_open(&w->stream, ends[0], most);
	w->write_end = ends[1];
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, &w->mask);
	signal(SIGUSR1, interrupt);
	interrupted = 0;
	w->wait_set = (struct wait_set){ .interrupted = &interrupted,
					 .mask = &w->mask };
	wait_add_stream(&w->wait_set, &w->stream);
}

static void close_piped(struct piped *w)
{
	wait_set_free(&w->wait_set);
	stream_close(&w->stream);
	close(w->write_end);
	sigprocmask(SIG_SETMASK, &w->mask, NULL);
}

static bool has_text(void *data)
{
	const struct piped *w = data;

	return w->stream.n > 0;
}

static int64_t in_ms(int64_t ms)
{
	return monotonic_ns() + ms * 1000000;
}

static void test_reads_a_stream(void **state)
{
	struct piped w;

	(void)state;
	open_piped(&w, 1000);
	assert_int_equal(wait_until(&w.wait_set, in_ms(20), has_text, &w),
			 WAIT_TIMED_OUT);
	assert_int_equal(write(w.write_end, "one\ntwo\n\n", 9), 9);
	assert_int_equal(wait_until(&w.wait_set, in_ms(10000), has_text, &w),
			 WAIT_DONE);
	assert_string_equal(w.stream.text, "one\ntwo\n\n");
	assert_string_equal(last_line(w.stream.text), "two");
	close_piped(&w);
}

/* Ctrl-C also ends servers: their end must not hide the signal. */
static void test_signal_wins_over_event(void **state)
{
	struct piped w;

	(void)state;
	open_piped(&w, 1000);
	assert_int_equal(write(w.write_end, "dead\n", 5), 5);
	raise(SIGUSR1);
	assert_int_equal(wait_until(&w.wait_set, in_ms(10000), has_text, &w),
			 WAIT_INTERRUPTED);
	close_piped(&w);
}

static void test_blocked_signal_is_seen(void **state)
{
	struct piped w;

	(void)state;
	open_piped(&w, 1000);
	assert_false(wait_interrupted(&w.wait_set));
	raise(SIGUSR1);
	assert_int_equal(interrupted, 0);
	assert_true(wait_interrupted(&w.wait_set));
	close_piped(&w);
}

/* Begin and end are kept. */
static void test_stream_is_bounded(void **state)
{
	enum { MOST = 4096, MUCH = 1 << 20 };
	static char much[MUCH];
	struct piped w;
	size_t written = 0;

	(void)state;
	open_piped(&w, MOST);
	memset(much, 'x', sizeof(much));
	memcpy(much, "begin", 5);
	memcpy(much + MUCH - 3, "end", 3);
	much[MUCH / 2] = '\0';
	while (written < MUCH) {
		ssize_t n =
			write(w.write_end, much + written,
			      MUCH - written < 1000 ? MUCH - written : 1000);

		assert_true(n > 0);
		written += (size_t)n;
		stream_take(&w.stream);
	}
	assert_true(w.stream.n <= 2 * MOST);
	assert_int_equal(w.stream.n + w.stream.lost, MUCH);
	assert_int_equal(strlen(w.stream.text), w.stream.n);
	assert_memory_equal(w.stream.text, "begin", 5);
	assert_string_equal(w.stream.text + w.stream.n - 3, "end");
	close_piped(&w);
}

/* Any number of streams is read in one wait. */
static void test_many_streams(void **state)
{
	enum { MANY = 50 };
	static struct stream stream[MANY];
	struct piped w;
	int ends[MANY][2];

	(void)state;
	open_piped(&w, 1000);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(pipe(ends[i]), 0);
		stream_open(&stream[i], ends[i][0], 1000);
		wait_add_stream(&w.wait_set, &stream[i]);
		assert_int_equal(write(ends[i][1], "x", 1), 1);
	}
	assert_int_equal(wait_until(&w.wait_set, in_ms(20), has_text, &w),
			 WAIT_TIMED_OUT);
	for (int i = 0; i < MANY; i++)
		assert_string_equal(stream[i].text, "x");
	close_piped(&w);
	for (int i = 0; i < MANY; i++) {
		stream_close(&stream[i]);
		close(ends[i][1]);
	}
}

static void test_lines(void **state)
{
	struct piped w;
	char line[8];

	(void)state;
	open_piped(&w, 1000);
	assert_false(stream_line(&w.stream, line, sizeof(line)));
	assert_int_equal(write(w.write_end, "one\n\nlong line\nrest", 19), 19);
	stream_take(&w.stream);
	assert_true(stream_line(&w.stream, line, sizeof(line)));
	assert_string_equal(line, "one");
	assert_true(stream_line(&w.stream, line, sizeof(line)));
	assert_string_equal(line, "");
	assert_true(stream_line(&w.stream, line, sizeof(line)));
	assert_string_equal(line, "long li");
	assert_false(stream_line(&w.stream, line, sizeof(line)));
	assert_string_equal(w.stream.text, "rest");
	assert_int_equal(w.stream.n, 4);
	close_piped(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_a_stream),
		cmocka_unit_test(test_signal_wins_over_event),
		cmocka_unit_test(test_blocked_signal_is_seen),
		cmocka_unit_test(test_stream_is_bounded),
		cmocka_unit_test(test_many_streams),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
