/* SPDX-License-Identifier: MIT */
/*
 * record.c - writing and reading lines of repetitions.jsonl
 *
 * With a folder as its argument it writes samples.jsonl and metrics.json there,
 * which test_record.py compares with the schema and results/README.md.
 */
#include "tests/unit/test.h"

#include "harness/store/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static char why[WHY_SIZE];

#define TIMES                                                                  \
	"{\"count\": 2000, \"min\": 21000, \"mean\": 50000.5, \"p50\": 49000," \
	" \"p90\": 60000, \"p99\": 80000, \"p99_9\": 90000, \"max\": 95000}"

/* Output of bin/loadgen, shortened */
static const char load[] =
	"{\"schema\": 1, \"requests\": 2000, \"requests_total\": 2500,"
	" \"answered_in_window\": 2000, \"unanswered\": 0, \"errors\": 0,"
	" \"mismatches\": 0, \"duration_s\": 0.8,"
	" \"requests_per_second\": 2500.0, \"offered_per_second\": null,"
	" \"response_ns\": " TIMES ", \"service_ns\": " TIMES ","
	" \"send_lag_ns\": null, \"client_cpu_ns\": 790000000,"
	" \"sustained\": true, \"valid\": true, \"invalid_reasons\": [],"
	" \"engine\": \"uring\"}";

static json_t *parsed(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);

	if (!json)
		fail_msg("%s: %s", text, error.text);
	return json;
}

/* A record before the measurement */
static struct record fresh(const char *name, enum role role)
{
	struct cell cell;
	struct entry e = {
		.index = 7, .block = 3, .cell = &cell, .role = role
	};
	struct record r;

	assert_true(cell_parse(name, &cell));
	if (role == ROLE_COUNTING || role == ROLE_IDLE)
		e.block = 0;
	record_init(&r, &e);
	r.bout_size = 1;
	snprintf(r.started, sizeof(r.started), "2026-11-21T15:00:00Z");
	snprintf(r.server_cpus, sizeof(r.server_cpus), "0");
	snprintf(r.client_cpus, sizeof(r.client_cpus), "2-3");
	r.took_s = 1.25;
	return r;
}

/* A complete record */
static struct record measured(const char *name, enum role role)
{
	struct record r = fresh(name, role);

	for (int i = 0; i < METRICS; i++)
		r.metric[i] = i + 0.1;
	r.metric[METRIC_OFFERED_PER_SECOND] = NAN;
	if (role != ROLE_COUNTING)
		r.metric[METRIC_CALLS_PER_REQUEST] =
			r.metric[METRIC_CALLS_PER_SECOND] = NAN;
	r.window_s = 0.800123;
	if (role != ROLE_COUNTING && role != ROLE_IDLE) {
		r.bout_size = 9;
		r.slice_ns = 45000000;
		r.rounds = (struct rounds){ .counted = 20,
					    .dropped = 3,
					    .why = { 2, 0, 1 } };
	}
	snprintf(r.cpu_method, sizeof(r.cpu_method), "process");
	snprintf(r.histograms, sizeof(r.histograms), "histograms/0007.json.gz");
	r.load = parsed(load);
	r.server = parsed("{\"model\": \"epoll\", \"requests\": 2500}");
	return r;
}

static void add_calls(struct record *r, const char *method)
{
	static const struct call_count calls[] = { { "recvfrom", 5000 },
						   { "sendto", 5000 },
						   { "epoll_wait", 4999 } };

	snprintf(r->calls_method, sizeof(r->calls_method), "%s", method);
	r->calls = malloc(sizeof(calls));
	assert_non_null(r->calls);
	memcpy(r->calls, calls, sizeof(calls));
	r->n_calls = LENGTH(calls);
	if (r->cell.loop != LOOP_NONE)
		r->calls_requests = 2500;
}

/* The line after it was written to a file and read */
static json_t *written(const struct record *r)
{
	json_t *json = record_json(r), *again;
	char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));

	assert_non_null(text);
	assert_null(strchr(text, '\n'));
	again = parsed(text);
	free(text);
	json_decref(json);
	return again;
}

/* Writing, reading and writing again gives the same line. */
static void check_round_trip(struct record *r)
{
	json_t *line = written(r), *again;
	struct record copy;

	if (!record_read(&copy, line, why))
		fail_msg("%s", why);
	assert_true(cell_same(&copy.cell, &r->cell));
	assert_memory_equal(&copy.rounds, &r->rounds, sizeof(r->rounds));
	assert_int_equal(copy.slice_ns, r->slice_ns);
	assert_int_equal(copy.bound, r->bound);
	assert_int_equal(copy.saturated, r->saturated);
	for (int i = 0; i < METRICS; i++)
		assert_true(copy.metric[i] == r->metric[i] ||
			    (isnan(copy.metric[i]) && isnan(r->metric[i])));
	again = written(&copy);
	assert_true(json_equal(line, again));
	json_decref(again);
	json_decref(line);
	record_free(&copy);
	record_free(r);
}

#define CLOSED                                                                 \
	"model:epoll/loop:closed/connections:64/message:64/placement:split"
#define OPEN                                                                   \
	"model:my-poll_2/loop:open/connections:64/rate:2500.5/message:64/"     \
	"pattern:burst:100/work:sleep:20ms@0.5%/placement:shared"
#define IDLE "model:busypoll/loop:none/idle:1000/message:64/placement:split"

static void round_trips(void **state)
{
	struct record r = measured(CLOSED, ROLE_TIMING);

	(void)state;
	check_round_trip(&r);
	r = measured(OPEN, ROLE_AA);
	r.metric[METRIC_OFFERED_PER_SECOND] = 2500.5;
	r.status = STATUS_FAILED;
	r.saturated = true;
	record_say(r.reasons, "%s \"and\"\n\\ %d %%", "of all kinds", 5);
	record_say(r.warnings, "a warning");
	check_round_trip(&r);
	r = measured(CLOSED, ROLE_COUNTING);
	add_calls(&r, "bpf");
	check_round_trip(&r);
	r = fresh(IDLE, ROLE_IDLE);
	r.status = STATUS_FAILED;
	check_round_trip(&r);
}

/* NAN is written as null, never as 0. */
static void nan_is_null(void **state)
{
	struct record r = fresh(CLOSED, ROLE_TIMING);
	json_t *line, *values;
	const char *name;
	json_t *value;

	(void)state;
	r.metric[METRIC_THREADS] = INFINITY;
	line = written(&r);
	values = json_object_get(line, "metrics");
	assert_int_equal(json_object_size(values), METRICS);
	json_object_foreach(values, name, value) {
		assert_true(json_is_null(value));
	}
	assert_true(json_is_null(json_object_get(line, "window_s")));
	assert_true(json_is_null(json_object_get(line, "cpu_method")));
	assert_true(json_is_null(json_object_get(line, "calls")));
	assert_true(json_is_null(json_object_get(line, "load")));
	assert_true(json_is_null(json_object_get(line, "rate")));
	json_decref(line);
	record_free(&r);
}

/* Parts that the name leaves out are written, too. */
static void all_parts_of_a_cell(void **state)
{
	struct record r = fresh(CLOSED, ROLE_TIMING);
	json_t *line = written(&r);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(line, "pattern")),
			    "steady");
	assert_string_equal(json_string_value(json_object_get(line, "work")),
			    "none");
	assert_int_equal(json_integer_value(json_object_get(line, "depth")), 1);
	assert_int_equal(json_integer_value(json_object_get(line, "idle")), 0);
	assert_true(json_is_integer(json_object_get(line, "idle")));
	json_decref(line);
	record_free(&r);
}

/* No calls; calls without names; unknown */
static void calls_by_name(void **state)
{
	static const struct {
		const char *method;
		double calls;
		bool names;
	} kinds[] = { { "bpf", 0, true },
		      { "perf", 5000, false },
		      { "bpf", NAN, false },
		      { "none", NAN, false } };

	(void)state;
	for (size_t i = 0; i < LENGTH(kinds); i++) {
		struct record r = measured(CLOSED, ROLE_COUNTING);
		json_t *line, *names;

		snprintf(r.calls_method, sizeof(r.calls_method), "%s",
			 kinds[i].method);
		r.metric[METRIC_CALLS_PER_REQUEST] = kinds[i].calls;
		line = written(&r);
		names = json_object_get(json_object_get(line, "calls"),
					"by_name");
		assert_true(kinds[i].names ? json_is_object(names) :
					     json_is_null(names));
		json_decref(line);
		check_round_trip(&r);
	}
}

/* A reason may quote any output of a server. */
static void invalid_utf8_in_reasons(void **state)
{
	struct record r = fresh(CLOSED, ROLE_TIMING);
	json_t *line;

	(void)state;
	record_say(r.reasons, "it said '\xff\xfe\x1b[2J ready'");
	line = written(&r);
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(line, "reasons"), 0)),
			    "it said '??\x1b[2J ready'");
	json_decref(line);
	record_free(&r);
}

/* ------------------------------------------------------------ invalid lines */

static void change(json_t *line, const char *key, const char *value)
{
	if (value)
		json_object_set_new(line, key,
				    json_loads(value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(line, key);
}

static void invalid_lines(void **state)
{
	static const struct {
		const char *key, *value, *says;
	} wrong[] = {
		{ "schema", "1", "older" },
		{ "schema", "3", "newer" },
		{ "schema", NULL, "schema" },
		{ "cell", "\"model:epoll\"", "name of a cell" },
		{ "cell", "5", "name of a cell" },
		{ "role", "\"boss\"", "role" },
		{ "status", "\"fine\"", "status" },
		{ "status", "1", "status" },
		{ "index", "-1", "index" },
		{ "index", "1.5", "index" },
		{ "bout", "99999999999", "bout" },
		{ "bout_size", "null", "bout_size" },
		{ "rounds", "5", "counted" },
		{ "rounds", "{\"counted\": 1, \"dropped\": -1}", "dropped" },
		{ "rounds", "{\"why\": {\"steal\": \"x\"}}", "steal" },
		{ "block", NULL, "block" },
		{ "metrics", "[]", "metrics" },
	};
	struct record r = measured(CLOSED, ROLE_TIMING), copy;
	json_t *array = json_array();

	(void)state;
	for (size_t i = 0; i < LENGTH(wrong); i++) {
		json_t *line = written(&r);

		change(line, wrong[i].key, wrong[i].value);
		assert_false(record_read(&copy, line, why));
		if (!strstr(why, wrong[i].says))
			fail_msg("%s: '%s'", wrong[i].key, why);
		json_decref(line);
	}
	assert_false(record_read(&copy, array, why));
	json_decref(array);
	record_free(&r);
}

/* Unexpected values in optional keys are dropped. */
static void odd_lines(void **state)
{
	static const char *const odd[][2] = {
		{ "reasons", "5" },
		{ "load", "[1]" },
		{ "took_s", "\"long\"" },
		{ "slice_ns", "\"long\"" },
		{ "bound", "1" },
		{ "started", "\"a text that is far too long for the time of a "
			     "beginning\"" },
		{ "calls",
		  "{\"method\": \"bpf\", \"by_name\": {\"x\": \"y\"}}" },
		{ "calls", "[]" },
		{ "histograms", "{}" },
	};
	struct record r = measured(CLOSED, ROLE_TIMING), copy;

	(void)state;
	for (size_t i = 0; i < LENGTH(odd); i++) {
		json_t *line = written(&r);

		change(line, odd[i][0], odd[i][1]);
		assert_true(record_read(&copy, line, why));
		json_decref(line);
		check_round_trip(&copy);
	}
	record_free(&r);
}

/* ---------------------------------------------------------------- samples */

static void put(FILE *to, struct record *r)
{
	json_t *line = record_json(r);

	json_dumpf(line, to, JSON_COMPACT | JSON_REAL_PRECISION(15));
	fputc('\n', to);
	json_decref(line);
	record_free(r);
}

static void put_measured(FILE *to)
{
	struct record r = measured(CLOSED, ROLE_TIMING);

	put(to, &r);
	r = measured(OPEN, ROLE_AA);
	r.saturated = true;
	r.metric[METRIC_OFFERED_PER_SECOND] = 2500.5;
	r.status = STATUS_FAILED;
	record_say(r.reasons, "the hypervisor gave 2 %% to others");
	put(to, &r);
	r = measured(CLOSED, ROLE_COUNTING);
	add_calls(&r, "bpf");
	put(to, &r);
	r = measured(CLOSED, ROLE_COUNTING);
	snprintf(r.calls_method, sizeof(r.calls_method), "perf");
	record_say(r.warnings, "only their total is known");
	put(to, &r);
	r = measured("model:baseline/loop:closed/connections:1/message:64/"
		     "placement:split",
		     ROLE_BASELINE);
	r.bound = true;
	put(to, &r);
}

static void put_failed_and_idle(FILE *to)
{
	struct record r = fresh(CLOSED, ROLE_TIMING);

	r.status = STATUS_FAILED;
	record_say(r.reasons, "the server: it never said that it is ready");
	put(to, &r);
	r = measured(IDLE, ROLE_IDLE);
	r.metric[METRIC_REQUESTS_PER_SECOND] = NAN;
	r.metric[METRIC_CALLS_PER_SECOND] = 1.25e6;
	json_object_set_new(r.load, "requests", json_integer(0));
	add_calls(&r, "bpf");
	put(to, &r);
}

static int write_samples(const char *folder)
{
	static const char *const better[] = { "less", "more", "neither" };
	char path[4096];
	json_t *all = json_array();
	FILE *file;

	snprintf(path, sizeof(path), "%s/samples.jsonl", folder);
	file = fopen(path, "we");
	if (!file)
		return 1;
	put_measured(file);
	put_failed_and_idle(file);
	fclose(file);
	for (int i = 0; i < METRICS; i++)
		json_array_append_new(
			all, json_pack("{s:s,s:s,s:s}", "name", metrics[i].name,
				       "unit", metrics[i].unit, "better",
				       better[metrics[i].better]));
	snprintf(path, sizeof(path), "%s/metrics.json", folder);
	json_dump_file(all, path, JSON_INDENT(1));
	json_decref(all);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(nan_is_null),
		cmocka_unit_test(all_parts_of_a_cell),
		cmocka_unit_test(calls_by_name),
		cmocka_unit_test(invalid_utf8_in_reasons),
		cmocka_unit_test(invalid_lines),
		cmocka_unit_test(odd_lines),
	};

	if (argc > 1)
		return write_samples(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
