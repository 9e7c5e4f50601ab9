/* SPDX-License-Identifier: MIT */
/* benchmarks.c - each repetition as a benchmark: see session_internal.h */
#include "harness/matrix/session_internal.h"

#include "harness/gbench.h"

#include "harness/base/die.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct benchmark {
	struct session *session;
	const struct entry *entry;
};

static void skip_with_reason(struct gbench_state *state, const struct record *r)
{
	const char *reason = json_string_value(json_array_get(r->reasons, 0));
	char text[512];

	snprintf(text, sizeof(text), "%s: %s", status_names[r->status],
		 reason ? reason : "no reason was recorded");
	gbench_skip(state, text);
}

/* Its two times are of a request: the median response time and the server's CPU time.
 * Where the generator had no CPU of its own, the response time contains its own delay:
 * then the service time is used. */
static void report(struct gbench_state *state, const struct record *r)
{
	bool coarse = json_is_true(json_object_get(r->load, "coarse"));
	double time = r->metric[coarse ? METRIC_SERVICE_P50 :
					 METRIC_RESPONSE_P50],
	       cpu = r->metric[METRIC_SERVER_CPU_PER_REQUEST];

	if (r->status != STATUS_OK) {
		skip_with_reason(state, r);
		return;
	}
	if (!isfinite(time) || !isfinite(cpu)) {
		gbench_skip(state, "no response time or no CPU time");
		return;
	}
	gbench_result(state, time / 1e9, cpu / 1e9);
	for (int i = 0; i < METRICS; i++)
		if (isfinite(r->metric[i]))
			gbench_counter(state, metrics[i].name, r->metric[i]);
}

/* Share of a CPU with idle clients only: of a server that sleeps */
static const double sleeps_below = 0.1;

/* The largest CPU share of a model with idle clients; NAN: not measured yet */
static double idle_cpu_share(const struct session *s, const char *model)
{
	double most = NAN;

	for (size_t i = 0; i < s->store.n; i++) {
		const struct record *r = &s->store.records[i];

		if (r->role == ROLE_IDLE && strcmp(r->cell.model, model) == 0)
			most = fmax(most, r->metric[METRIC_SERVER_CPU_SHARE]);
	}
	return most;
}

static void note_differences(const struct session *s, struct record *r)
{
	json_t *difference;
	size_t i;

	json_array_foreach(s->differences, i, difference) {
		record_say(r->warnings, RECORD_FORCED "%s",
			   json_string_value(difference));
	}
}

/* false: the run ends. */
static bool measure_once(struct session *s, const struct entry *e)
{
	char why[WHY_SIZE];
	bool sleeps = idle_cpu_share(s, e->cell->model) < sleeps_below;
	json_t *histograms = NULL;
	struct record r;

	record_init(&r, e);
	if (!repetition(&s->context, e, sleeps, &r, &histograms)) {
		json_decref(histograms);
		record_free(&r);
		return false;
	}
	note_differences(s, &r);
	if (!store_append_bout(&s->store, &r, 1, &histograms, why)) {
		progress_say(s->progress, "%s", why);
		record_free(&r);
		s->stopped = true;
	}
	json_decref(histograms);
	return !s->stopped;
}

/* The record of an entry, measured now or before; NULL: none */
static const struct record *measure(struct session *s, const struct entry *e)
{
	const struct record *last = store_find(&s->store, e->index);
	bool old = last != NULL;

	if (!old && !s->stopped && !was_interrupted() && measure_once(s, e))
		last = store_find(&s->store, e->index);
	if (last && !was_interrupted())
		progress_done(s->progress, last, old);
	return last;
}

static void run_benchmark(struct gbench_state *state, void *data)
{
	const struct benchmark *step = data;
	struct session *s = step->session;
	const struct record *r =
		s->only_reads ? store_find(&s->store, step->entry->index) :
				measure(s, step->entry);

	if (!r || was_interrupted())
		gbench_skip(state, s->only_reads ? "no repetition is recorded" :
						   "interrupted");
	else
		report(state, r);
}

struct benchmark *register_benchmarks(struct session *s)
{
	struct benchmark *steps = calloc(s->blocks.n, sizeof(*steps));

	if (!steps)
		die("calloc");
	for (size_t i = 0; i < s->blocks.n; i++) {
		char name[ENTRY_NAME_SIZE];

		steps[i] = (struct benchmark){ s, &s->blocks.entry[i] };
		gbench_register(entry_name(steps[i].entry, name), run_benchmark,
				&steps[i]);
	}
	return steps;
}
