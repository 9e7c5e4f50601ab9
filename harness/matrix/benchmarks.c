/* SPDX-License-Identifier: MIT */
/* benchmarks.c - each repetition as a benchmark: see session_internal.h */
#include "harness/matrix/session_internal.h"

#include "harness/gbench.h"

#include "harness/base/die.h"
#include "harness/base/grow.h"
#include "harness/measure/turns.h"

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
static bool store_bout(struct session *s, struct record *r, size_t n,
		       json_t **histograms)
{
	char why[WHY_SIZE];

	for (size_t i = 0; i < n; i++)
		note_differences(s, &r[i]);
	s->stopped = !store_append_bout(&s->store, r, n, histograms, why);
	if (s->stopped)
		progress_say(s->progress, "%s", why);
	return !s->stopped;
}

/* Measures the bout of this entry, which is its first. */
static void measure_bout(struct session *s, const struct entry *first)
{
	size_t n = bout_length(&s->blocks, first->index);
	const struct entry **e = grow(NULL, n, sizeof(*e));
	struct record *r = grow(NULL, n, sizeof(*r));
	json_t **histograms = grow(NULL, n, sizeof(*histograms));
	int64_t slice = slice_length(&s->plan, s->store.records, s->store.n,
				     first->cell);

	for (size_t i = 0; i < n; i++) {
		e[i] = first + i;
		record_init(&r[i], e[i]);
	}
	if (!bout(&s->context, e, n, slice, r, histograms) ||
	    !store_bout(s, r, n, histograms))
		for (size_t i = 0; i < n; i++)
			record_free(&r[i]);
	for (size_t i = 0; i < n; i++)
		json_decref(histograms[i]);
	free(histograms);
	free(r);
	free(e);
}

/* The record of an entry, measured now or before; NULL: none */
static const struct record *measure(struct session *s, const struct entry *e)
{
	bool first = e->index == 0 || e[-1].bout != e->bout;
	const struct record *last = store_find(&s->store, e->index);
	bool old = last != NULL;

	if (!old && first && !s->stopped && !was_interrupted())
		measure_bout(s, e);
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
