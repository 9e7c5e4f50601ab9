/* SPDX-License-Identifier: MIT */
/* metrics.c - what is divided by what */
#include "tests/unit/test.h"

#include "harness/measure/metrics.h"

#include <math.h>
#include <string.h>

static const double ms = 1e6;

static struct cell cell;
static struct entry entry;
static struct reading from, to;

static struct record empty(enum role role, enum loop loop)
{
	struct record r;

	cell = (struct cell){ .model = "epoll",
			      .loop = loop,
			      .connections = loop == LOOP_NONE ? 0 : 8,
			      .idle = 2,
			      .rate = loop == LOOP_OPEN ? 5000 : 0,
			      .message = 64,
			      .depth = 1,
			      .burst = 1,
			      .work = "none" };
	entry = (struct entry){ .cell = &cell, .role = role };
	record_init(&r, &entry);
	r.load = json_pack("{s:{s:i}}", "response_ns", "p50", 70);
	return r;
}

/* Two slices count, of 40 ms each; a third lies between the readings, too. */
static struct readings measured(void)
{
	from = (struct reading){ .time_ns = 1000000000, .steal_ns = 0 };
	to = (struct reading){ .time_ns = 2000000000, .steal_ns = 0 };
	return (struct readings){ .requests = 1000,
				  .answered = 700,
				  .window_ns = 70 * ms,
				  .elapsed_ns = 80 * ms,
				  .cpu_ns = 20 * ms,
				  .client_cpu_ns = 40 * ms,
				  .from = &from,
				  .to = &to,
				  .requests_between = 1500,
				  .elapsed_between_ns = 120 * ms,
				  .resident_before = -1 };
}

static void check(const struct record *r, enum metric metric, double value)
{
	double is = r->metric[metric];

	if (!(fabs(is - value) <= 1e-9 * fabs(value)))
		fail_msg("%s: %g, not %g", metrics[metric].name, is, value);
}

static void check_unknown(const struct record *r, enum metric metric)
{
	assert_true(isnan(r->metric[metric]));
}

/* Rates are of the windows, CPU time is of whole slices. */
static void test_of_slices(void **state)
{
	struct record r = empty(ROLE_TIMING, LOOP_CLOSED);
	struct readings m = measured();

	(void)state;
	compute_metrics(&r, &m);
	assert_true(r.window_s == 0.07);
	check(&r, METRIC_REQUESTS_PER_SECOND, 10000);
	check(&r, METRIC_SERVER_CPU_PER_REQUEST, 20000);
	check(&r, METRIC_CLIENT_CPU_PER_REQUEST, 40000);
	check(&r, METRIC_CPU_PER_REQUEST, 60000);
	check(&r, METRIC_SERVER_CPU_SHARE, 0.25);
	check(&r, METRIC_CLIENT_CPU_SHARE, 0.5);
	check(&r, METRIC_RESPONSE_P50, 70);
	check_unknown(&r, METRIC_OFFERED_PER_SECOND);
	check_unknown(&r, METRIC_CALLS_PER_REQUEST);
	record_free(&r);
}

static void test_offered(void **state)
{
	struct record r = empty(ROLE_TIMING, LOOP_OPEN);
	struct readings m = measured();

	(void)state;
	compute_metrics(&r, &m);
	check(&r, METRIC_OFFERED_PER_SECOND, 5000);
	record_free(&r);
}

/* Of all slices between the readings */
static void test_of_readings(void **state)
{
	struct thread_counts first[] = { { 7, 1000, 10, 20 } };
	struct thread_counts last[] = { { 7, 13 * 1000000, 310, 23 } };
	struct record r = empty(ROLE_TIMING, LOOP_CLOSED);
	struct readings m = measured();

	(void)state;
	from.threads = (struct threads){ first, 1, true };
	to.threads = (struct threads){ last, 1, true };
	to.memory = (struct memory){ .resident_bytes = 5000,
				     .threads = 1,
				     .descriptors = -1 };
	to.memory_known = true;
	m.resident_before = 3000;
	compute_metrics(&r, &m);
	check(&r, METRIC_VOLUNTARY_PER_REQUEST, 0.2);
	check(&r, METRIC_INVOLUNTARY_PER_REQUEST, 0.002);
	check(&r, METRIC_SWITCHES_PER_SECOND, 303 / 0.12);
	check(&r, METRIC_SERVER_QUEUE_SHARE, 12999000.0 / (120 * ms));
	check(&r, METRIC_SERVER_QUEUE_PER_REQUEST, 12999000.0 / 1500);
	check(&r, METRIC_RESIDENT, 5000);
	check(&r, METRIC_RESIDENT_PER_CONNECTION, 200);
	check_unknown(&r, METRIC_DESCRIPTORS);
	record_free(&r);
}

static void test_calls(void **state)
{
	struct record r = empty(ROLE_COUNTING, LOOP_CLOSED);
	struct readings m = measured();

	(void)state;
	m.counting = true;
	m.method = SYSCALLS_PERF;
	from.counted = to.counted = true;
	from.syscalls.total = 500;
	to.syscalls.total = 5000;
	compute_metrics(&r, &m);
	assert_string_equal(r.calls_method, "perf");
	check(&r, METRIC_CALLS_PER_REQUEST, 3);
	check(&r, METRIC_CALLS_PER_SECOND, 4500);
	assert_true(r.calls_requests == 1500);
	record_free(&r);
}

static void test_calls_of_idle_clients(void **state)
{
	struct record r = empty(ROLE_IDLE, LOOP_NONE);
	struct readings m = measured();

	(void)state;
	m.counting = true;
	m.method = SYSCALLS_PERF;
	m.requests = m.requests_between = m.answered = 0;
	from.counted = to.counted = true;
	to.syscalls.total = 30;
	compute_metrics(&r, &m);
	check(&r, METRIC_CALLS_PER_SECOND, 30);
	check(&r, METRIC_SERVER_CPU_SHARE, 0.25);
	check_unknown(&r, METRIC_CALLS_PER_REQUEST);
	check_unknown(&r, METRIC_REQUESTS_PER_SECOND);
	check_unknown(&r, METRIC_SERVER_CPU_PER_REQUEST);
	record_free(&r);
}

/* Nothing is known of a server that failed at once, or of an address. */
static void test_nothing(void **state)
{
	struct record r = empty(ROLE_TIMING, LOOP_CLOSED);
	struct readings m = { .resident_before = -1 };

	(void)state;
	json_decref(r.load);
	r.load = NULL;
	compute_metrics(&r, &m);
	assert_true(isnan(r.window_s));
	for (int i = 0; i < METRICS; i++)
		check_unknown(&r, i);
	m = measured();
	m.cpu_ns = NAN;
	compute_metrics(&r, &m);
	check_unknown(&r, METRIC_SERVER_CPU_SHARE);
	check_unknown(&r, METRIC_SERVER_CPU_PER_REQUEST);
	record_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_slices),
		cmocka_unit_test(test_offered),
		cmocka_unit_test(test_of_readings),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_calls_of_idle_clients),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
