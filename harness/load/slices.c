/* SPDX-License-Identifier: MIT */
/* slices.c - a run in slices, as an observer commands: see slices.h */
#include "slices.h"

#include "hold.h"

#include "harness/base/die.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct session {
	struct crew *crew;
	struct hold hold;
	struct result sum;
	struct result last; /* not kept or dropped yet: */
	bool undecided;
};

/* ---------------------------------------------------------------- what it says */

static uint64_t sum_of(const uint64_t *counts, int n)
{
	uint64_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += counts[i];
	return sum;
}

static json_t *or_null(bool known, int64_t n)
{
	return known ? json_integer(n) : json_null();
}

static json_t *percentile(const struct histogram *h, double share)
{
	return or_null(h->count > 0, histogram_percentile(h, share, NULL));
}

static json_t *generator_json(const struct result *r,
			      const struct load_options *opt)
{
	return json_pack("{s:I,s:I,s:o,s:o,s:f}", "elapsed_ns",
			 (json_int_t)r->elapsed_ns, "client_cpu_ns",
			 (json_int_t)r->load.cpu, "delay_ns",
			 or_null(r->load.delay >= 0, r->load.delay), "queued",
			 r->sampled ? json_real(result_queued(r)) : json_null(),
			 "busy", result_busy(r, opt));
}

static json_t *times_json(const struct tally *t, const struct load_options *opt)
{
	bool lag = result_has_lag(opt);
	const struct histogram *service = lag ? &t->service : &t->response;

	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "response_p50_ns",
			 percentile(&t->response, 0.5), "response_p99_ns",
			 percentile(&t->response, 0.99), "service_p50_ns",
			 percentile(service, 0.5), "service_p99_ns",
			 percentile(service, 0.99), "send_lag_p99_ns",
			 lag ? percentile(&t->send_lag, 0.99) : json_null());
}

static json_t *slice_json(const struct result *r,
			  const struct load_options *opt)
{
	const struct tally *t = r->tally;
	json_t *generator = generator_json(r, opt), *times = times_json(t, opt);
	json_t *json = json_pack(
		"{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "requests",
		(json_int_t)t->total, "answered", (json_int_t)t->in_window,
		"window_ns", (json_int_t)r->window_ns, "due",
		(json_int_t)result_due(r), "unanswered", (json_int_t)t->never,
		"errors", (json_int_t)sum_of(t->failures, FAILURES),
		"mismatches", (json_int_t)sum_of(t->damages, DAMAGES),
		"gave_up", r->gave_up);

	json_object_update(json, generator);
	json_object_update(json, times);
	json_decref(generator);
	json_decref(times);
	return json;
}

static void say_slice(struct session *s, uint64_t number)
{
	json_t *json = slice_json(&s->last, s->crew->run.opt);
	char *text = json_dumps(json, JSON_COMPACT), *line;

	if (!text ||
	    asprintf(&line, "slice %" PRIu64 " %s\n", number, text) < 0)
		die("asprintf");
	hold_say(&s->hold, line);
	free(line);
	free(text);
	json_decref(json);
}

/* ---------------------------------------------------------------- what it does */

static _Noreturn void refuse(const char *what)
{
	warn("--hold: %s", what);
	exit(EXIT_FAILED);
}

/* False: a signal came meanwhile. */
static bool run_slice(struct session *s, const struct order *order)
{
	if (s->undecided)
		refuse("slice: the last one was neither kept nor dropped");
	crew_run(s->crew, order->slice, crew_clock(), order->head,
		 order->window);
	s->last = crew_result(s->crew);
	s->undecided = true;
	if (crew_interrupted())
		return false;
	say_slice(s, order->slice);
	return true;
}

static void decide(struct session *s, bool keep)
{
	if (!s->undecided)
		refuse("keep, drop: there is no slice");
	s->undecided = false;
	if (keep)
		result_keep(&s->sum, &s->last);
	else
		result_drop(&s->sum, &s->last);
	crew_clear(s->crew);
}

/* False: it has ended. */
static bool obey(struct session *s)
{
	struct order order = hold_next(&s->hold);

	switch (order.kind) {
	case ORDER_SLICE:
		return run_slice(s, &order);
	case ORDER_KEEP:
	case ORDER_DROP:
		decide(s, order.kind == ORDER_KEEP);
		hold_say(&s->hold, "ok\n");
		return true;
	case ORDER_SIGNAL:
		sigwaitinfo(crew_signals(), NULL);
		crew_interrupt(s->crew);
		return false;
	case ORDER_END:
		break;
	}
	return false;
}

/* Connecting is no slice, and always counts. */
static void begin(struct session *s)
{
	s->sum = crew_result(s->crew);
	s->sum.tally = tally_copy(s->sum.tally);
	crew_clear(s->crew);
}

struct result slices_run(struct crew *crew)
{
	struct session s = { .crew = crew };
	char ready[32];

	begin(&s);
	hold_open(&s.hold, crew->run.opt->hold, crew_signals());
	snprintf(ready, sizeof(ready), "ready %u\n", crew_connections(crew));
	hold_say(&s.hold, ready);
	while (!crew_interrupted() && obey(&s))
		continue;
	if (s.undecided)
		decide(&s, false);
	hold_close(&s.hold);
	s.sum.interrupted = crew_interrupted();
	return s.sum;
}
