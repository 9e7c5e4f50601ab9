/* SPDX-License-Identifier: MIT */
/* benchmarks.c - each entry of the plan as a benchmark: see session_internal.h */
#include "harness/matrix/session_internal.h"

#include "harness/gbench.h"
#include "harness/measure/turns.h"

#include "harness/base/die.h"
#include "harness/base/grow.h"

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
 * Where the generator has no CPU of its own, the response time contains its own delay:
 * then the service time is used. */
static void report(struct gbench_state *state, const struct record *r)
{
	bool shared = r->cell.placement == PLACEMENT_SHARED;
	double time = r->metric[shared ? METRIC_SERVICE_P50 :
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
	if (s->plan.awake && *s->asleep && r->cell.loop != LOOP_NONE)
		record_say(r->warnings,
			   "idle CPUs slept: waking them is in all times, and "
			   "may be most of them");
}

/* A bout in progress: what is measured of its entries */
struct results {
	const struct entry **entry;
	int64_t *slice_ns;
	struct record *record;
	json_t **histograms;
	size_t n;
};

static void results_make(struct results *to, const struct session *s,
			 size_t first)
{
	to->n = bout_length(&s->blocks, first);
	to->entry = grow(NULL, to->n, sizeof(*to->entry));
	to->slice_ns = grow(NULL, to->n, sizeof(*to->slice_ns));
	to->record = grow(NULL, to->n, sizeof(*to->record));
	to->histograms = grow(NULL, to->n, sizeof(*to->histograms));
	for (size_t i = 0; i < to->n; i++) {
		to->entry[i] = &s->blocks.entry[first + i];
		to->slice_ns[i] = slice_length(&s->plan, s->store.records,
					       s->store.n, to->entry[i]->cell);
		to->histograms[i] = NULL;
		record_init(&to->record[i], to->entry[i]);
	}
}

/* `stored`: the store owns the contents of the records. */
static void results_free(struct results *of, bool stored)
{
	for (size_t i = 0; i < of->n; i++) {
		json_decref(of->histograms[i]);
		if (!stored)
			record_free(&of->record[i]);
	}
	free(of->entry);
	free(of->slice_ns);
	free(of->record);
	free(of->histograms);
}

static void measure_bout(struct session *s, size_t first)
{
	struct results of;
	char why[WHY_SIZE];
	bool stored = false;

	results_make(&of, s, first);
	if (bout(&s->context, of.entry, of.n, of.slice_ns, of.record,
		 of.histograms)) {
		for (size_t i = 0; i < of.n; i++)
			note_differences(s, &of.record[i]);
		stored = store_append_bout(&s->store, of.record, of.n,
					   of.histograms, why);
		s->stopped = !stored;
		if (!stored)
			progress_say(s->progress, "%s", why);
	}
	results_free(&of, stored);
}

/* Adds a bout that is recorded to the progress. */
static void show_bout(struct session *s, size_t first, bool old)
{
	size_t n = bout_length(&s->blocks, first);
	const struct record **r = grow(NULL, n, sizeof(*r));

	for (size_t i = 0; i < n; i++)
		r[i] = store_find(&s->store, s->blocks.entry[first + i].index);
	progress_done(s->progress, r, n, old);
	free(r);
}

/* The first benchmark of a bout measures all its entries, unless they are recorded. */
static void run_bout(struct session *s, const struct entry *e)
{
	size_t first = (size_t)(e - s->blocks.entry);
	bool old = store_has_bout(&s->store, &s->blocks, e->bout);

	if ((first > 0 && e[-1].bout == e->bout) || was_interrupted() ||
	    s->stopped)
		return;
	if (!old)
		measure_bout(s, first);
	if (store_has_bout(&s->store, &s->blocks, e->bout))
		show_bout(s, first, old);
	if (!old && s->bout_done)
		s->bout_done(s, e);
}

/* The record of an entry; NULL: none, or that of a bout that is not whole */
static const struct record *recorded(const struct session *s,
				     const struct entry *e)
{
	if (!s->only_reads && !store_has_bout(&s->store, &s->blocks, e->bout))
		return NULL;
	return store_find(&s->store, e->index);
}

static void run_benchmark(struct gbench_state *state, void *data)
{
	const struct benchmark *step = data;
	struct session *s = step->session;
	const struct record *r;

	if (!s->only_reads)
		run_bout(s, step->entry);
	r = recorded(s, step->entry);
	if (r)
		report(state, r);
	else
		gbench_skip(state, s->only_reads ? "nothing is recorded" :
						   "interrupted");
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
