/* SPDX-License-Identifier: MIT */
/* estimate.c - time, size and precision of plans, and their summary */
#include "tests/unit/plan/plans.h"

#include <math.h>

static const int64_t ms = 1000000, second = 1000000000;

/* Frees the plan. */
static struct estimate estimated(struct plan p)
{
	struct blocks b = blocks_of(&p);
	struct estimate e = blocks_estimate(&p, &b);

	blocks_free(&b);
	plan_free(&p);
	return e;
}

static void committed_plans(void **state)
{
	struct estimate e = estimated(committed("quick"));

	(void)state;
	assert_int_equal(e.settings, 5);
	assert_int_equal(e.timed, 6 * 5);
	assert_int_equal(e.of_role[ROLE_TIMING], 6 * 35);
	assert_int_equal(e.of_role[ROLE_AA], 6 * 5);
	assert_int_equal(e.of_role[ROLE_BASELINE], 6 * 4);
	assert_int_equal(e.of_role[ROLE_COUNTING], 35);
	assert_int_equal(e.of_role[ROLE_IDLE], 7);
	assert_int_equal(e.bouts, 30 + 42);
	assert_int_equal(e.repetitions, 306);
	assert_true(e.ns > 110 * second && e.ns < 150 * second);
	e = estimated(committed("standard"));
	assert_true(e.ns > 18 * 60 * second && e.ns < 26 * 60 * second);
	e = estimated(committed("workloads"));
	assert_true(e.ns > 6 * 60 * second && e.ns < 10 * 60 * second);
	e = estimated(committed("full"));
	assert_true(e.ns > 90 * 60 * second && e.ns < 140 * 60 * second);
}

/* The time under load, and what it takes to start, stop and change turns */
static void time_of_a_bout(void **state)
{
	struct estimate one = estimated(parsed(
		"blocks 1\nslice 100ms\nbout 4s\nidle none\ncounting no\n"
		"models poll,epoll\naa no\nbaseline no\ncells"));
	struct estimate many = estimated(parsed(
		"blocks 5\nslice 100ms\nbout 4s\nidle none\ncounting no\n"
		"models poll,epoll\naa no\nbaseline no\ncells"));
	struct estimate large = estimated(parsed(
		"blocks 1\nslice 100ms\nbout 4s\nidle none\ncounting no\n"
		"models poll,epoll\naa no\nbaseline no\n"
		"cells connections 10000"));
	struct estimate counted = estimated(
		parsed("blocks 1\nslice 100ms\nbout 4s\nidle none\n"
		       "models poll,epoll\naa no\nbaseline no\ncells"));
	struct estimate idle = estimated(
		parsed("blocks 1\nslice 100ms\nbout 4s\ncounting no\n"
		       "models poll,epoll\naa no\nbaseline no\ncells"));

	(void)state;
	assert_int_equal(one.rounds_least, 20);
	assert_int_equal(one.rounds_most, 20);
	assert_true(one.ns > 4 * second && one.ns < 5 * second);
	assert_true(many.ns == 5 * one.ns && many.bytes == 5 * one.bytes);
	assert_true(large.ns > one.ns + second);
	assert_true(counted.ns > one.ns + 2 * 200 * ms);
	assert_true(idle.ns > one.ns + 2 * 500 * ms);
}

static void estimates_do_not_overflow(void **state)
{
	struct estimate e = estimated(
		parsed("blocks 1000\nbout 10min\n"
		       "cells connections 1,2,3,4,5,6,7,8,9,10,11,12,13,"
		       "14,15,16,17,18,19,20 depth 1,2,3,4,5\n"));

	(void)state;
	assert_int_equal(e.repetitions, 1000 * 9 * 100 + 700 + 7);
	assert_true(e.ns > 100000 * 600 * second);
	assert_true(e.ns < 100000 * 700 * second);
	e = estimated(parsed("bout 10min\nslice 10ms\nmodels poll\n"
			     "cells open rate 0.01 connections 1M"));
	assert_true(e.ns > 0);
	e = estimated(parsed("cells connections 1M depth 65536"));
	assert_true(e.ns > 0);
}

/* More blocks and longer bouts give narrower intervals. */
static void precision(void **state)
{
	struct estimate few = estimated(parsed("cells connections 1,64")),
			blocks = estimated(parsed("blocks 24\n"
						  "cells connections 1,64")),
			longer = estimated(parsed("bout 30s\n"
						  "cells connections 1,64")),
			two = estimated(parsed("blocks 2\ncells")),
			one = estimated(parsed("blocks 1\ncells"));

	(void)state;
	assert_true(few.best.half_width > 0.001 && few.best.half_width < 0.1);
	assert_true(few.worst.half_width > few.best.half_width);
	assert_int_equal(few.best.connections, 1);
	assert_int_equal(few.worst.connections, 64);
	assert_true(blocks.best.half_width < few.best.half_width / 2);
	assert_true(longer.best.half_width < few.best.half_width);
	assert_true(two.best.half_width > 5 * few.best.half_width);
	assert_true(isnan(one.best.half_width));
}

static void check_summary(const struct plan *p, const char *const *facts)
{
	struct blocks b = blocks_of(p);
	struct estimate e = blocks_estimate(p, &b);
	char *text = blocks_summary(p, &e);

	for (; *facts; facts++)
		if (!strstr(text, *facts))
			fail_msg("'%s' is not in: %s", *facts, text);
	free(text);
	blocks_free(&b);
}

static void summaries(void **state)
{
	struct plan p = committed("quick");
	char some[] = "poll/";

	(void)state;
	check_summary(
		&p,
		(const char *[]){
			"plan quick, seed 1: 5 settings, 35 cells, 6 blocks\n",
			"  models  thread, busypoll, select, poll, epoll "
			"(the reference), aio, uring\n",
			"  cells   closed split message 64 connections "
			"1,64,1000\n",
			"  cells   open split connections 16 rate 2000 idle 900 "
			"message 64\n",
			"  idle    1000 clients\n",
			"  30 bouts of about 2.3 s, in 4 to ",
			"306 repetitions: 210 timing, 30 aa, 35 counting, "
			"7 idle, 24 baseline\n",
			"  expected intervals of CPU per request: +-",
			" % (1 connection) to +-", " connections)\n",
			"  about 2 min ", " MB\n", NULL });
	plan_keep(&p, named, some);
	check_summary(&p, (const char *[]){ " busypoll, poll, epoll (the",
					    "90 timing, 30 aa, 15 counting, 3 "
					    "idle\n",
					    NULL });
	plan_keep(&p, named, "loop:none");
	check_summary(&p,
		      (const char *[]){ ": 0 settings, 0 cells, 6 blocks\n",
					"  3 repetitions: 3 idle\n", NULL });
	plan_free(&p);
}

static void summaries_of_other_plans(void **state)
{
	struct plan p = committed("standard");

	(void)state;
	check_summary(&p, (const char *[]){ " idle 0,100,900,5000\n",
					    " rate 5000,20000,40000,", NULL });
	plan_free(&p);
	p = parsed("models poll,aio\nidle none\nbout 10min\nblocks 500\n"
		   "slice 1s\naa no\nbaseline no\ncounting no\n"
		   "cells connections 1,2\ncells open rate 2.5,5 idle 7\n"
		   "cells open rate 5 idle 0\n"
		   "cells connections 2 depth 4 message 1,64\n");
	check_summary(
		&p, (const char *[]){
			    "poll (the reference), aio\n",
			    "closed split message 64 connections 1,2\n",
			    "open split connections 64 idle 7 message 64 rate "
			    "2.5,5\n",
			    "open split connections 64 rate 5 message 64\n",
			    "closed split connections 2 depth 4 message "
			    "1,64\n",
			    "  3500 bouts of about 600 s, in 300 rounds\n",
			    "7000 repetitions: 7000 timing\n", " h ", NULL });
	assert_true(plan_override(&p, "blocks", "1", error));
	check_summary(&p, (const char *[]){ "one block has no intervals\n",
					    "about 1 h 1", NULL });
	plan_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(committed_plans),
		cmocka_unit_test(time_of_a_bout),
		cmocka_unit_test(estimates_do_not_overflow),
		cmocka_unit_test(precision),
		cmocka_unit_test(summaries),
		cmocka_unit_test(summaries_of_other_plans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
