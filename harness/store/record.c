/* SPDX-License-Identifier: MIT */
/* record.c - a repetition as a line of JSON: see record.h */
#include "harness/store/record.h"

#include "harness/base/die.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const status_names[STATUSES] = { "ok", "refused", "unsupported",
					     "failed" };

const char *const drop_names[DROPS] = { "steal", "suspended", "foreign" };

/* results/README.md says what each means. */
/* clang-format off */
const struct metric_kind metrics[METRICS] = {
	[METRIC_REQUESTS_PER_SECOND] = { "requests_per_second", "1/s", BETTER_MORE },
	[METRIC_OFFERED_PER_SECOND] = { "offered_per_second", "1/s", BETTER_NEITHER },
	[METRIC_RESPONSE_P50] = { "response_p50_ns", "ns", BETTER_LESS },
	[METRIC_RESPONSE_P90] = { "response_p90_ns", "ns", BETTER_LESS },
	[METRIC_RESPONSE_P99] = { "response_p99_ns", "ns", BETTER_LESS },
	[METRIC_RESPONSE_P99_9] = { "response_p99_9_ns", "ns", BETTER_LESS },
	[METRIC_RESPONSE_MAX] = { "response_max_ns", "ns", BETTER_LESS },
	[METRIC_SERVICE_P50] = { "service_p50_ns", "ns", BETTER_LESS },
	[METRIC_SERVICE_P99] = { "service_p99_ns", "ns", BETTER_LESS },
	[METRIC_SEND_LAG_P99] = { "send_lag_p99_ns", "ns", BETTER_NEITHER },
	[METRIC_SERVER_CPU_PER_REQUEST] = { "server_cpu_per_request_ns", "ns", BETTER_LESS },
	[METRIC_CLIENT_CPU_PER_REQUEST] = { "client_cpu_per_request_ns", "ns", BETTER_NEITHER },
	[METRIC_CPU_PER_REQUEST] = { "cpu_per_request_ns", "ns", BETTER_NEITHER },
	[METRIC_SERVER_CPU_SHARE] = { "server_cpu_share", "1", BETTER_LESS },
	[METRIC_CLIENT_CPU_SHARE] = { "client_cpu_share", "1", BETTER_NEITHER },
	[METRIC_SERVER_QUEUE_PER_REQUEST] = { "server_queue_per_request_ns", "ns", BETTER_LESS },
	[METRIC_SERVER_QUEUE_SHARE] = { "server_queue_share", "1", BETTER_LESS },
	[METRIC_VOLUNTARY_PER_REQUEST] = { "voluntary_switches_per_request", "1", BETTER_LESS },
	[METRIC_INVOLUNTARY_PER_REQUEST] = { "involuntary_switches_per_request", "1", BETTER_LESS },
	[METRIC_SWITCHES_PER_SECOND] = { "switches_per_second", "1/s", BETTER_LESS },
	[METRIC_CALLS_PER_REQUEST] = { "calls_per_request", "1", BETTER_LESS },
	[METRIC_CALLS_PER_SECOND] = { "calls_per_second", "1/s", BETTER_LESS },
	[METRIC_SUBMISSIONS_PER_REQUEST] = { "submissions_per_request", "1", BETTER_NEITHER },
	[METRIC_COMPLETIONS_PER_REQUEST] = { "completions_per_request", "1", BETTER_NEITHER },
	[METRIC_SQ_BUSY_SHARE] = { "sq_busy_share", "1", BETTER_LESS },
	[METRIC_SQ_WORK_SHARE] = { "sq_work_share", "1", BETTER_NEITHER },
	[METRIC_RESIDENT] = { "resident_bytes", "bytes", BETTER_LESS },
	[METRIC_RESIDENT_PER_CONNECTION] = { "resident_per_connection_bytes", "bytes", BETTER_LESS },
	[METRIC_THREADS] = { "threads", "1", BETTER_LESS },
	[METRIC_DESCRIPTORS] = { "descriptors", "1", BETTER_NEITHER },
	[METRIC_STEAL_SHARE] = { "steal_share", "1", BETTER_LESS },
};
/* clang-format on */

void record_init(struct record *r, const struct entry *e)
{
	*r = (struct record){ .index = e->index,
			      .block = e->block,
			      .bout = e->bout,
			      .role = e->role,
			      .cell = *e->cell,
			      .reasons = json_array(),
			      .warnings = json_array(),
			      .calls_requests = NAN,
			      .window_s = NAN };
	for (int i = 0; i < METRICS; i++)
		r->metric[i] = NAN;
}

void record_free(struct record *r)
{
	json_decref(r->reasons);
	json_decref(r->warnings);
	json_decref(r->load);
	json_decref(r->server);
	free(r->calls);
	free(r->slices);
	*r = (struct record){ 0 };
}

/* A sentence may quote output of a server: replaces bytes if it is not
 * UTF-8. */
void record_say(json_t *sentences, const char *format, ...)
{
	va_list args;
	char *text;
	json_t *sentence;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		die("vasprintf");
	va_end(args);
	sentence = json_string(text);
	if (!sentence) {
		for (char *at = text; *at; at++)
			if (*at & 0x80)
				*at = '?';
		sentence = json_string(text);
	}
	if (json_array_append_new(sentences, sentence) < 0)
		die("json_array_append_new");
	free(text);
}

/* -------------------------------------------------------------------- writing */

static json_t *number(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

static json_t *text_or_null(const char *s)
{
	return *s ? json_string(s) : json_null();
}

/* All parts of the cell, including those that its name leaves out */
static void put_cell(json_t *to, const struct cell *c)
{
	for (const struct part *p = cell_parts; p->name; p++) {
		char value[CELL_NAME_SIZE];

		p->print(c, value, sizeof(value));
		json_object_set_new(to, p->name, text_or_null(value));
	}
	if (c->pattern == PATTERN_STEADY)
		json_object_set_new(to, "pattern", json_string("steady"));
	json_object_set_new(to, "work", json_string(c->work));
	if (c->service == SERVICE_ECHO)
		json_object_set_new(to, "service", json_string("echo"));
	json_object_set_new(to, "connections", json_integer(c->connections));
	json_object_set_new(to, "idle", json_integer(c->idle));
	json_object_set_new(to, "message",
			    json_integer((json_int_t)c->message));
	json_object_set_new(to, "depth", json_integer(c->depth));
	json_object_set_new(to, "rate",
			    c->loop == LOOP_OPEN ? json_real(c->rate) :
						   json_null());
}

static json_t *metrics_json(const struct record *r)
{
	json_t *to = json_object();

	for (int i = 0; i < METRICS; i++)
		json_object_set_new(to, metrics[i].name, number(r->metric[i]));
	return to;
}

/* perf only has the total, and a failed repetition nothing: then by_name is
 * null, not empty. */
static bool has_names(const struct record *r)
{
	enum metric sum = r->cell.loop == LOOP_NONE ? METRIC_CALLS_PER_SECOND :
						      METRIC_CALLS_PER_REQUEST;

	return isfinite(r->metric[sum]) && strcmp(r->calls_method, "perf") != 0;
}

static json_t *calls_json(const struct record *r)
{
	json_t *by_name;

	if (!*r->calls_method)
		return json_null();
	by_name = has_names(r) ? json_object() : json_null();
	for (size_t i = 0; i < r->n_calls; i++)
		json_object_set_new(
			by_name, r->calls[i].name,
			json_integer((json_int_t)r->calls[i].count));
	return json_pack("{s:s, s:o, s:o}", "method", r->calls_method,
			 "requests",
			 isfinite(r->calls_requests) ?
				 json_integer((json_int_t)r->calls_requests) :
				 json_null(),
			 "by_name", by_name);
}

static json_t *rounds_json(const struct rounds *rounds)
{
	json_t *why = json_object();

	for (int i = 0; i < DROPS; i++)
		if (rounds->why[i])
			json_object_set_new(why, drop_names[i],
					    json_integer(rounds->why[i]));
	return json_pack("{s:i, s:i, s:o}", "counted", rounds->counted,
			 "dropped", rounds->dropped, "why", why);
}

json_t *record_json(const struct record *r)
{
	char name[CELL_NAME_SIZE];
	json_t *to = json_pack("{s:i, s:i, s:i, s:i, s:i, s:s, s:s}", "schema",
			       RECORD_SCHEMA, "index", r->index, "block",
			       r->block, "bout", r->bout, "bout_size",
			       r->bout_size, "role", role_names[r->role],
			       "cell", cell_name(&r->cell, name));
	json_t *rest;

	put_cell(to, &r->cell);
	rest = json_pack(
		"{s:s, s:O, s:O, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, "
		"s:o, s:o, s:o, s:O?, s:O?, s:o}",
		"status", status_names[r->status], "reasons", r->reasons,
		"warnings", r->warnings, "started", r->started, "took_s",
		number(r->took_s), "server_cpus", text_or_null(r->server_cpus),
		"client_cpus", text_or_null(r->client_cpus), "slice_ns",
		r->slice_ns ? json_integer(r->slice_ns) : json_null(), "rounds",
		rounds_json(&r->rounds), "window_s", number(r->window_s),
		"bound", r->bound, "saturated", r->saturated, "cpu_method",
		text_or_null(r->cpu_method), "metrics", metrics_json(r),
		"calls", calls_json(r), "load", r->load, "server", r->server,
		"histograms", text_or_null(r->histograms));
	if (!rest)
		die("json_pack");
	json_object_update(to, rest);
	json_decref(rest);
	return to;
}

/* -------------------------------------------------------------------- reading */

static double read_number(const json_t *from, const char *key)
{
	const json_t *value = json_object_get(from, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Drops text that is too long: a truncated one might end within a character. */
static void read_text(const json_t *from, const char *key, char *to,
		      size_t size)
{
	const char *value = json_string_value(json_object_get(from, key));

	snprintf(to, size, "%s", value && strlen(value) < size ? value : "");
}

static bool read_count(const json_t *from, const char *key, unsigned *to,
		       char why[WHY_SIZE])
{
	const json_t *value = json_object_get(from, key);
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || n > 1000000000)
		return why_not(why, "%s: not a count", key);
	*to = (unsigned)n;
	return true;
}

/* The index of the value in `names`; -1: none */
static int read_word(const json_t *from, const char *key,
		     const char *const *names, int n)
{
	const char *value = json_string_value(json_object_get(from, key));

	for (int i = 0; value && i < n; i++)
		if (strcmp(value, names[i]) == 0)
			return i;
	return -1;
}

static bool read_rounds(struct rounds *to, const json_t *from,
			char why[WHY_SIZE])
{
	const json_t *of = json_object_get(from, "why");

	for (int i = 0; i < DROPS; i++)
		if (json_object_get(of, drop_names[i]) &&
		    !read_count(of, drop_names[i], &to->why[i], why))
			return false;
	return read_count(from, "counted", &to->counted, why) &&
	       read_count(from, "dropped", &to->dropped, why);
}

static bool read_head(struct record *r, const json_t *line, char why[WHY_SIZE])
{
	const char *name = json_string_value(json_object_get(line, "cell"));
	int status = read_word(line, "status", status_names, STATUSES);
	int role = read_word(line, "role", role_names, ROLES);
	unsigned schema = 0;

	if (!json_is_object(line))
		return why_not(why, "not a JSON object");
	if (!read_count(line, "schema", &schema, why))
		return false;
	if (schema < RECORD_SCHEMA)
		return why_not(why, "schema %u: made by an older version",
			       schema);
	if (schema > RECORD_SCHEMA)
		return why_not(why,
			       "schema %u is newer than this program, which "
			       "supports %d; use a newer version",
			       schema, RECORD_SCHEMA);
	if (!name || !cell_parse(name, &r->cell))
		return why_not(why, "'%.100s': not the name of a cell",
			       name ? name : "");
	if (status < 0 || role < 0)
		return why_not(why, "unknown %s",
			       status < 0 ? "status" : "role");
	r->status = (enum status)status;
	r->role = (enum role)role;
	return read_count(line, "index", &r->index, why) &&
	       read_count(line, "block", &r->block, why) &&
	       read_count(line, "bout", &r->bout, why) &&
	       read_count(line, "bout_size", &r->bout_size, why) &&
	       read_rounds(&r->rounds, json_object_get(line, "rounds"), why);
}

static json_t *array_of(const json_t *line, const char *key)
{
	json_t *value = json_object_get(line, key);

	return json_is_array(value) ? json_incref(value) : json_array();
}

static json_t *object_of(const json_t *line, const char *key)
{
	json_t *value = json_object_get(line, key);

	return json_is_object(value) ? json_incref(value) : NULL;
}

static int by_count(const void *a, const void *b)
{
	const struct call_count *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void read_calls(struct record *r, const json_t *calls)
{
	json_t *by_name = json_object_get(calls, "by_name");
	const char *name;
	json_t *count;

	read_text(calls, "method", r->calls_method, sizeof(r->calls_method));
	r->calls_requests = read_number(calls, "requests");
	if (!(r->calls_requests > 0 && r->calls_requests < 1e15))
		r->calls_requests = NAN;
	if (json_object_size(by_name) == 0)
		return;
	r->calls = calloc(json_object_size(by_name), sizeof(*r->calls));
	if (!r->calls)
		die("calloc");
	json_object_foreach(by_name, name, count) {
		struct call_count *c = &r->calls[r->n_calls];

		if (strlen(name) >= sizeof(c->name))
			continue;
		memcpy(c->name, name, strlen(name) + 1);
		c->count = (uint64_t)json_integer_value(count);
		r->n_calls++;
	}
	qsort(r->calls, r->n_calls, sizeof(*r->calls), by_count);
}

bool record_read(struct record *r, const json_t *line, char why[WHY_SIZE])
{
	const json_t *values = json_object_get(line, "metrics");

	*r = (struct record){ 0 };
	if (!read_head(r, line, why))
		return false;
	if (!json_is_object(values))
		return why_not(why, "no metrics");
	for (int i = 0; i < METRICS; i++)
		r->metric[i] = read_number(values, metrics[i].name);
	r->reasons = array_of(line, "reasons");
	r->warnings = array_of(line, "warnings");
	r->load = object_of(line, "load");
	r->server = object_of(line, "server");
	r->took_s = read_number(line, "took_s");
	r->window_s = read_number(line, "window_s");
	r->slice_ns = json_integer_value(json_object_get(line, "slice_ns"));
	r->bound = json_is_true(json_object_get(line, "bound"));
	r->saturated = json_is_true(json_object_get(line, "saturated"));
	read_text(line, "started", r->started, sizeof(r->started));
	read_text(line, "server_cpus", r->server_cpus, sizeof(r->server_cpus));
	read_text(line, "client_cpus", r->client_cpus, sizeof(r->client_cpus));
	read_text(line, "cpu_method", r->cpu_method, sizeof(r->cpu_method));
	read_text(line, "histograms", r->histograms, sizeof(r->histograms));
	read_calls(r, json_object_get(line, "calls"));
	return true;
}
