/* SPDX-License-Identifier: MIT */
/* result.c - slices that count add up, and of the others only what went wrong */
#include "tests/unit/test.h"

#include "harness/load/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const int64_t us = 1000, ms = 1000000;

static struct load_options opt = { .connections = 4, .threads = 2, .hold = 3 };

/* A slice with a different number of everything */
static struct result slice_of(unsigned n)
{
	struct result r = { .tally = tally_new(0, 40 * ms),
			    .window_ns = 40 * ms,
			    .window = { .cpu = n * ms, .delay = n * us },
			    .sampled = 10 * n,
			    .unread = n,
			    .spun = true };
	struct tally *t = r.tally;

	t->total = 1000 * n; /* with those of the head */
	t->right = 999 * n;
	for (unsigned i = 0; i < 100 * n; i++)
		tally_answer(t, 0, 10, n * ms + i * us, 10);
	t->unanswered = 2 * n;
	t->never = 3 * n;
	t->damaged = n;
	t->held = n;
	histogram_record(&t->connect, n * us);
	tally_failure(t, FAILURE_RESET);
	tally_damage(t, DAMAGE_LOSS, &(struct evidence){ .connection = n });
	t->other_error = EMFILE;
	return r;
}

static struct result nothing(void)
{
	return (struct result){ .tally = tally_new(0, 0), .spun = true };
}

static void same(const struct histogram *a, const struct histogram *b)
{
	assert_memory_equal(a, b, sizeof(*a));
}

/* As if both had been one */
static void kept_slices_add_up(void **state)
{
	struct result sum = nothing(), one = slice_of(3), two = slice_of(5);
	struct tally *both = tally_new(0, 40 * ms);

	(void)state;
	result_keep(&sum, &one);
	result_keep(&sum, &two);
	tally_merge(both, one.tally);
	tally_merge(both, two.tally);
	same(&sum.tally->response, &both->response);
	same(&sum.tally->service, &both->service);
	same(&sum.tally->send_lag, &both->send_lag);
	same(&sum.tally->connect, &both->connect);
	assert_int_equal(sum.tally->response.count, 800);
	assert_int_equal(histogram_percentile(&sum.tally->response, 1, NULL),
			 5 * ms + 499 * us);
	assert_int_equal(sum.tally->total, 8800);
	assert_int_equal(result_due(&sum), 800 + 8 + 16);
	assert_int_equal(sum.tally->failures[FAILURE_RESET], 2);
	assert_int_equal(sum.tally->damages[DAMAGE_LOSS], 2);
	assert_int_equal(sum.tally->evidence.connection, 3);
	assert_int_equal(sum.kept, 2);
	assert_int_equal(sum.dropped, 0);
	assert_true(result_duration(&sum) == 0.08);
	assert_true(result_busy(&sum, &opt) == 0.05);
	assert_true(result_queued(&sum) == 0.1);
	assert_int_equal(sum.window.delay, 8 * us);
	assert_true(sum.spun);
	result_free(&sum);
	result_free(&one);
	result_free(&two);
	free(both);
}

static void a_dropped_slice_is_in_no_histogram(void **state)
{
	struct result sum = nothing(), empty = nothing(), one = slice_of(3);

	(void)state;
	one.gave_up = true;
	one.others = 0.5;
	result_drop(&sum, &one);
	same(&sum.tally->response, &empty.tally->response);
	same(&sum.tally->service, &empty.tally->service);
	same(&sum.tally->send_lag, &empty.tally->send_lag);
	same(&sum.tally->connect, &empty.tally->connect);
	assert_int_equal(result_due(&sum), 0);
	assert_int_equal(sum.window_ns, 0);
	assert_int_equal(sum.window.cpu, 0);
	assert_int_equal(sum.sampled, 0);
	assert_int_equal(sum.kept, 0);
	assert_int_equal(sum.dropped, 1);
	/* What went wrong counts, and what the server counted as well. */
	assert_int_equal(sum.tally->total, 3300);
	assert_int_equal(sum.tally->failures[FAILURE_RESET], 1);
	assert_int_equal(sum.tally->damages[DAMAGE_LOSS], 1);
	assert_int_equal(sum.tally->troubles, 2);
	assert_int_equal(sum.tally->other_error, EMFILE);
	assert_true(sum.tally->evidence.found);
	assert_true(sum.gave_up);
	assert_true(sum.others == 0.5);
	result_free(&sum);
	result_free(&empty);
	result_free(&one);
}

static void what_is_unknown_stays_unknown(void **state)
{
	struct result sum = nothing(), one = slice_of(1), two = slice_of(2);

	(void)state;
	one.window.delay = -1;
	one.spun = false;
	result_keep(&sum, &one);
	result_keep(&sum, &two);
	assert_int_equal(sum.window.delay, -1);
	assert_true(result_delay(&sum, &opt) == 0);
	assert_false(sum.spun);
	result_free(&sum);
	result_free(&one);
	result_free(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_slices_add_up),
		cmocka_unit_test(a_dropped_slice_is_in_no_histogram),
		cmocka_unit_test(what_is_unknown_stays_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
