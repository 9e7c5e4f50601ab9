/* SPDX-License-Identifier: MIT */
/* validity.c - what is a failure, a warning, or a limit */
#include "tests/unit/test.h"

#include "harness/verdict/validity.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct cell cell;
static struct entry entry;

/* Of a server that answered everything */
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
	r.metric[METRIC_SERVER_CPU_SHARE] = 0.5;
	r.metric[METRIC_THREADS] = 1;
	return r;
}

static const struct circumstances plain = {
	.queued = 0.1, .busy = 0.5, .achieved = 1, .cpus = 1, .trouble = ""
};

/* The verdict of a record, which is freed */
struct said {
	enum status status;
	size_t reasons, warnings;
	bool bound, saturated;
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
	said.bound = r->bound;
	said.saturated = r->saturated;
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
	assert_false(said.bound || said.saturated);
}

static void say(struct record *r, const char *reason)
{
	json_array_append_new(json_object_get(r->load, "invalid_reasons"),
			      json_string(reason));
}

static void lose(struct record *r, const char *what)
{
	json_object_set_new(r->load, what, json_integer(1));
}

/* The audit does not decide, but its sentences say what happened. */
static void test_lost(void **state)
{
	static const char *const what[] = { "errors", "mismatches", "damaged",
					    "unanswered" };

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		struct record r = sound(i % 2 ? ROLE_COUNTING : ROLE_TIMING);
		struct said said;

		lose(&r, what[i / 2]);
		said = judged(&r, &plain);
		assert_int_equal(said.status, STATUS_FAILED);
		assert_int_equal(said.reasons, 1);
		r = sound(ROLE_TIMING);
		lose(&r, what[i / 2]);
		say(&r, "it was reset");
		assert_string_equal(judged(&r, &plain).first, "it was reset");
	}
}

/* A slice that was dropped is not in the report. */
static void test_trouble(void **state)
{
	struct record r = sound(ROLE_TIMING);
	struct circumstances c = plain;
	struct said said;

	(void)state;
	c.trouble = "it hung";
	json_object_set_new(r.server, "requests", json_integer(1001));
	said = judged(&r, &c);
	assert_int_equal(said.status, STATUS_FAILED);
	assert_string_equal(said.first, "it hung");
	r = sound(ROLE_TIMING);
	lose(&r, "errors");
	say(&r, "it was reset");
	said = judged(&r, &c);
	assert_string_equal(said.first, "it was reset");
	assert_int_equal(said.reasons, 1);
	c.overwhelmed = true;
	r = sound(ROLE_TIMING);
	assert_int_equal(judged(&r, &c).status, STATUS_OK);
}

static void test_no_request(void **state)
{
	struct record r = sound(ROLE_TIMING);

	(void)state;
	json_object_set_new(r.load, "requests_total", json_integer(0));
	json_object_set_new(r.server, "requests", json_integer(0));
	assert_int_equal(judged(&r, &plain).status, STATUS_FAILED);
	r = sound(ROLE_IDLE);
	r.cell.connections = 0;
	r.cell.idle = 10;
	json_object_set_new(r.load, "requests_total", json_integer(0));
	json_object_set_new(r.server, "requests", json_integer(0));
	assert_int_equal(judged(&r, &plain).status, STATUS_OK);
}

/* Nothing was lost: what else the audit found is a warning. */
static void test_audit(void **state)
{
	struct record r = sound(ROLE_TIMING);
	struct said said;

	(void)state;
	say(&r, "it was odd");
	say(&r, "the generator was the bottleneck, not the server");
	said = judged(&r, &plain);
	assert_int_equal(said.status, STATUS_OK);
	assert_int_equal(said.warnings, 1);
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

		lose(&r, "errors");
		say(&r, reasons[i][0]);
		assert_string_equal(judged(&r, &plain).first, reasons[i][1]);
	}
}

/* The generator was the limit, unless the server was at its own. */
static void test_bound(void **state)
{
	static const struct {
		const char *what;
		double queued, busy, share;
		unsigned threads, cpus;
		bool spins, bound;
	} cases[] = {
		{ "both", 0.6, 0.95, 0.5, 1, 1, false, true },
		{ "no queue", 0.4, 0.95, 0.5, 1, 1, false, false },
		{ "not busy", 0.6, 0.85, 0.5, 1, 1, false, false },
		{ "unknown", NAN, NAN, 0.5, 1, 1, false, false },
		{ "server full", 0.6, 0.95, 0.96, 1, 1, false, false },
		{ "one thread of two CPUs", 0.6, 0.95, 0.96, 1, 2, false,
		  false },
		{ "one of two CPUs", 0.6, 0.95, 0.96, 65, 2, false, true },
		{ "it spins", 0.6, 0.95, 1, 1, 1, true, true },
		{ "CPU time unknown", 0.6, 0.95, NAN, 1, 1, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct circumstances c = plain;
		struct record r = sound(ROLE_TIMING);
		struct said said;

		c.queued = cases[i].queued;
		c.busy = cases[i].busy;
		c.spins = cases[i].spins;
		c.cpus = cases[i].cpus;
		r.metric[METRIC_THREADS] = cases[i].threads;
		r.metric[METRIC_SERVER_CPU_SHARE] = cases[i].share;
		said = judged(&r, &c);
		assert_int_equal(said.status, STATUS_OK);
		if (said.bound != cases[i].bound || said.saturated)
			fail_msg("%s: %d", cases[i].what, said.bound);
	}
}

static void test_saturated(void **state)
{
	static const struct {
		const char *what;
		double achieved, share;
		bool spins, saturated;
	} cases[] = {
		{ "as offered", 1, 0.5, false, false },
		{ "full", 1, 0.96, false, true },
		{ "it spins", 1, 1, true, false },
		{ "too slow", 0.94, 0.5, false, true },
		{ "spins, too slow", 0.94, 1, true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct circumstances c = plain;
		struct record r = sound(ROLE_TIMING);
		struct said said;

		r.cell.loop = LOOP_OPEN;
		c.achieved = cases[i].achieved;
		c.spins = cases[i].spins;
		r.metric[METRIC_SERVER_CPU_SHARE] = cases[i].share;
		said = judged(&r, &c);
		assert_int_equal(said.status, STATUS_OK);
		if (said.saturated != cases[i].saturated || said.bound)
			fail_msg("%s: %d", cases[i].what, said.saturated);
	}
}

/* Its last requests are neither lost nor counted. */
static void test_overwhelmed(void **state)
{
	struct circumstances c = plain;
	struct record r = sound(ROLE_TIMING);
	struct said said;

	(void)state;
	c.overwhelmed = true;
	r.cell.loop = LOOP_OPEN;
	lose(&r, "unanswered");
	json_object_set_new(r.server, "requests", json_integer(1500));
	said = judged(&r, &c);
	assert_int_equal(said.status, STATUS_OK);
	assert_true(said.saturated);
	r = sound(ROLE_TIMING);
	lose(&r, "mismatches");
	assert_int_equal(judged(&r, &c).status, STATUS_FAILED);
}

/* Only rates and times have limits. */
static void test_counting_has_no_limit(void **state)
{
	struct circumstances c = {
		.queued = 1, .busy = 1, .cpus = 1, .trouble = ""
	};
	struct record r = sound(ROLE_COUNTING);

	(void)state;
	assert_false(judged(&r, &c).bound);
}

static void test_nothing_counted(void **state)
{
	static const struct {
		enum role role;
		const char *method;
		double calls;
		size_t warnings;
	} cases[] = {
		{ ROLE_COUNTING, "bpf", NAN, 1 },
		{ ROLE_COUNTING, "bpf", 3, 0 },
		{ ROLE_COUNTING, "none", NAN, 0 },
		{ ROLE_IDLE, "bpf", NAN, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record r = sound(cases[i].role);
		struct said said;

		strcpy(r.calls_method, cases[i].method);
		r.metric[METRIC_CALLS_PER_REQUEST] = cases[i].calls;
		said = judged(&r, &plain);
		assert_int_equal(said.status, STATUS_OK);
		assert_int_equal(said.warnings, cases[i].warnings);
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
		assert_int_equal(judged(&r, &plain).status, STATUS_FAILED);
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
	lose(&r, "errors");
	json_object_set_new(r.server, "refused", json_integer(3));
	json_object_set_new(r.server, "refused_by",
			    json_pack("{s:i, s:i}", "limit", 0, "fd_setsize",
				      3));
	said = judged(&r, &plain);
	assert_int_equal(said.status, STATUS_REFUSED);
	assert_int_equal(said.reasons, 2);
	assert_string_equal(said.first, "the server refused 3 of 13 clients");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_no_request),
		cmocka_unit_test(test_audit),
		cmocka_unit_test(test_advice),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_saturated),
		cmocka_unit_test(test_overwhelmed),
		cmocka_unit_test(test_counting_has_no_limit),
		cmocka_unit_test(test_nothing_counted),
		cmocka_unit_test(test_counts_differ),
		cmocka_unit_test(test_no_counts),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
