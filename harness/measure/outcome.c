/* SPDX-License-Identifier: MIT */
/* outcome.c - what a bout recorded of a contender: see outcome.h */
#include "harness/measure/outcome.h"

#include "harness/base/grow.h"
#include "harness/measure/metrics.h"
#include "harness/verdict/validity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------- the reports */

/* Moves what goes into a file of its own from the report to c->histograms. */
static void take_report(struct contender *c)
{
	static const char *const large[] = { "histograms", "series" };
	json_t *report = c->generator.report;

	if (!json_is_object(report))
		return;
	c->r->load = json_incref(report);
	c->histograms = json_object();
	for (size_t i = 0; i < sizeof(large) / sizeof(*large); i++) {
		json_t *part = json_object_get(report, large[i]);

		if (!part)
			continue;
		json_object_set(c->histograms, large[i], part);
		json_object_del(report, large[i]);
	}
	json_object_del(report, "target"); /* the port differs in every run */
}

static void take_closing(struct contender *c)
{
	json_t *closing = c->server.closing;

	if (contender_is_foreign(c))
		return;
	if (!json_is_object(closing))
		record_say(c->r->warnings,
			   "the server printed no counters when it ended");
	else
		c->r->server = json_incref(closing);
}

static void note_missing(struct contender *c)
{
	const char *uncounted = *c->server.uncounted ? c->server.uncounted :
				contender_counts(c)  ? c->context->uncounted :
						       "";

	if (contender_is_foreign(c))
		record_say(c->r->warnings,
			   "it was up already: not started, pinned or stopped "
			   "by this run%s",
			   c->command.pid ?
				   "" :
				   "; without pid=N its CPU time, system calls "
				   "and memory are unknown");
	if (contender_is_foreign(c) && c->spins)
		record_say(c->r->warnings,
			   "it uses CPU time while other servers are measured");
	if (*c->server.no_cgroup)
		record_say(c->r->warnings,
			   "CPU time of forked children is not included: %s",
			   c->server.no_cgroup);
	if (*uncounted)
		record_say(c->r->warnings, "system calls were not counted: %s",
			   uncounted);
}

/* ----------------------------------------------------------------- the slices */

/* A counting or idle bout has one slice, which counts. */
static void add_up(const struct contender *c, struct readings *m)
{
	for (size_t i = 0; i < c->n_turns; i++) {
		const struct slice *s = &c->turns[i].slice;

		if (i >= c->from_turn && i < c->to_turn) {
			m->requests_between += s->requests;
			m->elapsed_between_ns += s->elapsed_ns;
		}
		if (!s->counted)
			continue;
		m->requests += s->requests;
		m->answered += s->answered;
		m->window_ns += s->window_ns;
		m->elapsed_ns += s->elapsed_ns;
		m->cpu_ns += s->cpu_ns;
		m->client_cpu_ns += s->client_cpu_ns;
	}
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double queued(const struct turn *t)
{
	return t->got.queued;
}

static double busy(const struct turn *t)
{
	return t->got.busy;
}

/* Of the slices that count; NAN: unknown */
static double median(const struct contender *c,
		     double (*value)(const struct turn *))
{
	double *values = grow(NULL, c->n_turns + 1, sizeof(*values));
	double middle = NAN;
	size_t n = 0;

	for (size_t i = 0; i < c->n_turns; i++)
		if (c->turns[i].slice.counted && isfinite(value(&c->turns[i])))
			values[n++] = value(&c->turns[i]);
	qsort(values, n, sizeof(*values), ascending);
	if (n > 0)
		middle = (values[(n - 1) / 2] + values[n / 2]) / 2;
	free(values);
	return middle;
}

static double achieved(const struct contender *c)
{
	double due = 0, answered = 0;

	for (size_t i = 0; i < c->n_turns; i++)
		if (c->turns[i].slice.counted) {
			due += c->turns[i].got.due;
			answered += c->turns[i].got.answered;
		}
	return due > 0 ? answered / due : NAN;
}

static void take_metrics(struct contender *c)
{
	struct readings m = {
		.from = c->has_from ? &c->from : NULL,
		.to = c->has_to ? &c->to : NULL,
		.resident_before = c->resident_before,
		.counting = contender_counts(c),
		.method = c->server.method,
	};

	add_up(c, &m);
	compute_metrics(c->r, &m);
	if (!isfinite(c->r->metric[METRIC_SERVER_CPU_SHARE]))
		*c->r->cpu_method = '\0';
}

static void judge_it(struct contender *c)
{
	struct circumstances circumstances = {
		.queued = median(c, queued),
		.busy = median(c, busy),
		.achieved = achieved(c),
		.cpus = contender_is_foreign(c) ?
				0 :
				(unsigned)CPU_COUNT(&c->place->server),
		.spins = c->spins,
		.overwhelmed = c->overwhelmed,
		.trouble = c->trouble,
	};

	if (!c->r->load &&
	    json_integer_value(json_object_get(c->r->server, "refused")) <= 0) {
		c->r->status = STATUS_FAILED;
		record_say(c->r->reasons, "the generator: %s",
			   c->generator.why);
		return;
	}
	judge(c->r, &circumstances);
}

static void take_slices(struct contender *c)
{
	struct record *r = c->r;

	r->slices = grow(NULL, c->n_turns, sizeof(*r->slices));
	for (size_t i = 0; i < c->n_turns; i++) {
		r->slices[i] = c->turns[i].slice;
		r->rounds.counted += r->slices[i].counted;
	}
	r->n_slices = c->n_turns;
}

void outcome(struct contender *c)
{
	if (!c->r->load)
		take_report(c);
	note_missing(c);
	take_metrics(c);
	if (c->n_turns > 0 && !contender_counts(c))
		take_slices(c);
	if (c->out)
		return;
	take_closing(c);
	judge_it(c);
}
