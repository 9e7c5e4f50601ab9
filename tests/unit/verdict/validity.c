/* SPDX-License-Identifier: MIT */
/* validity.c - what makes a repetition invalid, and what is a warning */
#include "tests/unit/test.h"

#include "harness/verdict/validity.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct cell cell;
static struct entry entry;

/* A valid repetition */
static struct record sound(enum role role)
{
	struct record r;

	cell = (struct cell){ .model = "epoll",
			      .connections = 8,
			      .idle = 2,
			      .message = 64,
			      .depth = 1,
			      .burst = 1,
			      .work = "none" };
	entry = (struct entry){ .cell = &cell, .role = role };
	record_init(&r, &entry);
	r.load = json_pack("{s:b, s:[], s:b, s:i, s:i, s:i, s:i, s:i}", "valid",
			   1, "invalid_reasons", "sustained", 1,
			   "requests_total", 1000, "errors", 0, "mismatches", 0,
			   "unanswered", 0, "damaged", 0);
	r.server = json_pack("{s:i, s:i, s:i}", "accepted", 10, "requests",
			     1000, "refused", 0);
	r.window_s = 1;
	r.metric[METRIC_STEAL_SHARE] = 0;
	r.metric[METRIC_SERVER_QUEUE_SHARE] = 0.01;
	r.metric[METRIC_THREADS] = 1;
	return r;
}

static const struct circumstances plain = { .sleeps = false };

/* The verdict of a record, which is freed */
struct said {
	enum status status;
	size_t reasons, warnings;
	char first[256];
};

static struct said judged(struct record *r, const struct circumstances *c)
{
	struct said said;
	const char *first;

	judge(r, c);
	said.status = r->status;
	said.reasons = json_array_size(r->reasons);
	said.warnings = json_array_size(r->warnings);
	first = json_string_value(json_array_get(r->reasons, 0));
	snprintf(said.first, sizeof(said.first), "%s", first ? first : "");
	record_free(r);
	return said;
}

static void test_sound(void **state)
{
	struct record r = sound(ROLE_TIMING);
	struct said said = judged(&r, &plain);

	(void)state;
	assert_int_equal(said.status, STATUS_OK);
	assert_int_equal(said.reasons + said.warnings, 0);
}

static void invalidate(struct record *r)
{
	json_object_set_new(r->load, "valid", json_false());
	json_array_append_new(json_object_get(r->load, "invalid_reasons"),
			      json_string("it was late"));
}

static void test_audit(void **state)
{
	struct record r = sound(ROLE_TIMING);
	struct said said;

	(void)state;
	invalidate(&r);
	said = judged(&r, &plain);
	assert_int_equal(said.status, STATUS_INVALID);
	assert_string_equal(said.first, "it was late");
}

/* Advice about options of bin/loadgen is cut off. */
static void test_advice(void **state)
{
	static const char *const reasons[][2] = {
		{ "it waited: stop them, or say so (--cpu); or --spin never",
		  "it waited" },
		{ "by a law: it was late; give it more (--threads)",
		  "by a law: it was late" },
		{ "the server hangs: or so", "the server hangs: or so" },
		{ "--rate alone", "--rate alone" },
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct record r = sound(ROLE_TIMING);

		json_object_set_new(r.load, "valid", json_false());
		json_array_append_new(json_object_get(r.load,
						      "invalid_reasons"),
				      json_string(reasons[i][0]));
		assert_string_equal(judged(&r, &plain).first, reasons[i][1]);
	}
}

static void outgrow(struct record *r)
{
	json_object_set_new(r->load, "valid", json_false());
	json_array_append_new(json_object_get(r->load, "invalid_reasons"),
			      json_string("the generator was the bottleneck, "
					  "not the server"));
}

static void set_metric(struct record *r, enum metric metric, double value)
{
	r->metric[metric] = value;
}

static void test_baseline(void **state)
{
	static const enum role roles[] = { ROLE_TIMING, ROLE_BASELINE };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct record r = sound(roles[i]);
		struct said said;

		outgrow(&r);
		said = judged(&r, &plain);
		assert_int_equal(said.status, i ? STATUS_OK : STATUS_INVALID);
		assert_int_equal(said.warnings, i);
	}
}

/* A server that was saturated was not kept waiting by the generator. */
static void test_both_saturated(void **state)
{
	static const struct {
		const char *what;
		double share;
		unsigned threads;
		const char *cpus;
		enum loop loop;
		bool sleeps;
		enum status status;
	} cases[] = {
		{ "one thread", 0.99, 1, "0-3", LOOP_CLOSED, true, STATUS_OK },
		{ "one CPU", 0.97, 65, "4", LOOP_CLOSED, true, STATUS_OK },
		{ "it waited", 0.96, 1, "0", LOOP_CLOSED, true,
		  STATUS_INVALID },
		{ "it spins", 1, 1, "0", LOOP_CLOSED, false, STATUS_INVALID },
		{ "unknown CPU time", NAN, 1, "0", LOOP_CLOSED, true,
		  STATUS_INVALID },
		{ "one of two CPUs", 1, 65, "0,2", LOOP_CLOSED, true,
		  STATUS_INVALID },
		{ "of all CPUs", 1, 65, "", LOOP_CLOSED, true, STATUS_INVALID },
		{ "open loop", 1, 1, "0", LOOP_OPEN, true, STATUS_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct circumstances c = plain;
		struct record r = sound(ROLE_TIMING);
		struct said said;

		r.cell.loop = cases[i].loop;
		c.sleeps = cases[i].sleeps;
		strcpy(r.server_cpus, cases[i].cpus);
		set_metric(&r, METRIC_THREADS, cases[i].threads);
		set_metric(&r, METRIC_SERVER_CPU_SHARE, cases[i].share);
		outgrow(&r);
		said = judged(&r, &c);
		if (said.status != cases[i].status)
			fail_msg("%s: %d", cases[i].what, said.status);
		assert_int_equal(said.warnings, said.status == STATUS_OK);
	}
}

static void test_audit_without_reason(void **state)
{
	struct record r = sound(ROLE_TIMING);

	(void)state;
	json_object_set_new(r.load, "valid", json_false());
	assert_int_equal(judged(&r, &plain).status, STATUS_INVALID);
}

/* For a counting repetition late times are a warning; lost requests are not. */
static void test_counting_is_spared(void **state)
{
	static const enum role spared[] = { ROLE_COUNTING, ROLE_IDLE };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct record r = sound(spared[i]);
		struct said said;

		invalidate(&r);
		said = judged(&r, &plain);
		assert_int_equal(said.status, STATUS_OK);
		assert_int_equal(said.warnings, 1);
	}
}

static void test_counting_is_not_spared_losses(void **state)
{
	static const char *const losses[] = { "errors", "mismatches",
					      "unanswered", "damaged" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct record r = sound(ROLE_COUNTING);

		invalidate(&r);
		json_object_set_new(r.load, losses[i], json_integer(1));
		assert_int_equal(judged(&r, &plain).status, STATUS_INVALID);
	}
}

static void test_nothing_counted(void **state)
{
	static const struct {
		enum role role;
		const char *method;
		double calls;
		enum status status;
	} cases[] = {
		{ ROLE_COUNTING, "bpf", NAN, STATUS_INVALID },
		{ ROLE_COUNTING, "bpf", 3, STATUS_OK },
		{ ROLE_COUNTING, "none", NAN, STATUS_OK },
		{ ROLE_IDLE, "bpf", NAN, STATUS_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record r = sound(cases[i].role);

		strcpy(r.calls_method, cases[i].method);
		set_metric(&r, METRIC_CALLS_PER_REQUEST, cases[i].calls);
		assert_int_equal(judged(&r, &plain).status, cases[i].status);
	}
}

static void test_counts_differ(void **state)
{
	static const char *const counts[] = { "requests", "accepted" };
	static const enum role roles[] = { ROLE_TIMING, ROLE_COUNTING };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct record r = sound(roles[i / 2]);

		json_object_set_new(r.server, counts[i % 2], json_integer(9));
		assert_int_equal(judged(&r, &plain).status, STATUS_INVALID);
	}
}

/* Counters are optional. */
static void test_no_counts(void **state)
{
	struct record r = sound(ROLE_TIMING);

	(void)state;
	json_decref(r.server);
	r.server = NULL;
	assert_int_equal(judged(&r, &plain).status, STATUS_OK);
}

/* With pattern connect there is a client per request. */
static void test_connect(void **state)
{
	struct record r = sound(ROLE_TIMING);

	(void)state;
	r.cell.pattern = PATTERN_CONNECT;
	json_object_set_new(r.server, "accepted", json_integer(1002));
	assert_int_equal(judged(&r, &plain).status, STATUS_OK);
}

static void test_refused(void **state)
{
	struct record r = sound(ROLE_TIMING);
	struct said said;

	(void)state;
	invalidate(&r);
	json_object_set_new(r.server, "refused", json_integer(3));
	json_object_set_new(r.server, "refused_by",
			    json_pack("{s:i, s:i}", "limit", 0, "fd_setsize",
				      3));
	said = judged(&r, &plain);
	assert_int_equal(said.status, STATUS_REFUSED);
	assert_int_equal(said.reasons, 2);
	assert_string_equal(said.first, "the server refused 3 of 13 clients");
}

static void test_steal(void **state)
{
	struct record r = sound(ROLE_TIMING);

	(void)state;
	set_metric(&r, METRIC_STEAL_SHARE, 0.01);
	assert_int_equal(judged(&r, &plain).status, STATUS_OK);
	r = sound(ROLE_TIMING);
	set_metric(&r, METRIC_STEAL_SHARE, 0.011);
	assert_int_equal(judged(&r, &plain).status, STATUS_INVALID);
	r = sound(ROLE_TIMING);
	set_metric(&r, METRIC_STEAL_SHARE, 35.6); /* a tick is 10 ms */
	assert_non_null(strstr(judged(&r, &plain).first, "took 100.0 %"));
}

static void test_suspended(void **state)
{
	const struct circumstances slept = { .suspended_ns = 6000000 };
	struct record r = sound(ROLE_TIMING);

	(void)state;
	assert_int_equal(judged(&r, &slept).status, STATUS_INVALID);
}

/* A part of the window is missing, also for rates of idle clients. */
static void test_stopped(void **state)
{
	static const enum role roles[] = { ROLE_TIMING, ROLE_IDLE };
	const struct circumstances stopped = { .was_stopped = true };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct record r = sound(roles[i]);

		assert_int_equal(judged(&r, &stopped).status, STATUS_INVALID);
	}
}

/* Threads of one server may wait for each other. */
static void test_held_up(void **state)
{
	struct record r = sound(ROLE_TIMING);

	(void)state;
	set_metric(&r, METRIC_SERVER_QUEUE_SHARE, 0.06);
	assert_int_equal(judged(&r, &plain).status, STATUS_INVALID);
	r = sound(ROLE_TIMING);
	set_metric(&r, METRIC_SERVER_QUEUE_SHARE, 0.06);
	set_metric(&r, METRIC_THREADS, 2);
	assert_int_equal(judged(&r, &plain).status, STATUS_OK);
	r = sound(ROLE_TIMING);
	set_metric(&r, METRIC_SERVER_QUEUE_SHARE, 0.06);
	r.cell.placement = PLACEMENT_SHARED;
	assert_int_equal(judged(&r, &plain).status, STATUS_OK);
}

static void test_no_readings(void **state)
{
	struct record r = sound(ROLE_COUNTING);

	(void)state;
	r.window_s = NAN;
	assert_int_equal(judged(&r, &plain).status, STATUS_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_audit),
		cmocka_unit_test(test_advice),
		cmocka_unit_test(test_baseline),
		cmocka_unit_test(test_both_saturated),
		cmocka_unit_test(test_audit_without_reason),
		cmocka_unit_test(test_counting_is_spared),
		cmocka_unit_test(test_counting_is_not_spared_losses),
		cmocka_unit_test(test_nothing_counted),
		cmocka_unit_test(test_counts_differ),
		cmocka_unit_test(test_no_counts),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_steal),
		cmocka_unit_test(test_suspended),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_held_up),
		cmocka_unit_test(test_no_readings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
