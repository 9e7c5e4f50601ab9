/* SPDX-License-Identifier: MIT */
/* metrics.c - computes metrics from readings and reports: see metrics.h */
#include "harness/measure/metrics.h"

#include "harness/base/die.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

static double number_of(const json_t *from, const char *key)
{
	const json_t *value = json_object_get(from, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

/* ------------------------------------------------------- the generator's part */

static void take_times(struct record *r)
{
	static const struct {
		enum metric metric;
		const char *of, *key;
	} times[] = {
		{ METRIC_RESPONSE_P50, "response_ns", "p50" },
		{ METRIC_RESPONSE_P90, "response_ns", "p90" },
		{ METRIC_RESPONSE_P99, "response_ns", "p99" },
		{ METRIC_RESPONSE_P99_9, "response_ns", "p99_9" },
		{ METRIC_RESPONSE_MAX, "response_ns", "max" },
		{ METRIC_SERVICE_P50, "service_ns", "p50" },
		{ METRIC_SERVICE_P99, "service_ns", "p99" },
		{ METRIC_SEND_LAG_P99, "send_lag_ns", "p99" },
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		r->metric[times[i].metric] = number_of(
			json_object_get(r->load, times[i].of), times[i].key);
}

static double per_request(const struct record *r, double per_second)
{
	double rate = r->metric[METRIC_REQUESTS_PER_SECOND];

	return rate > 0 ? per_second / rate : NAN;
}

static void take_load(struct record *r)
{
	double *metric = r->metric;

	if (r->cell.loop != LOOP_NONE)
		metric[METRIC_REQUESTS_PER_SECOND] =
			number_of(r->load, "requests_per_second");
	metric[METRIC_OFFERED_PER_SECOND] =
		number_of(r->load, "offered_per_second");
	take_times(r);
	metric[METRIC_CLIENT_CPU_SHARE] = number_of(r->load, "client_cpu_ns") /
					  1e9 /
					  number_of(r->load, "duration_s");
	metric[METRIC_CLIENT_CPU_PER_REQUEST] =
		per_request(r, metric[METRIC_CLIENT_CPU_SHARE] * 1e9);
}

/* ---------------------------------------------------------- the server's part */

static void take_cpu(struct record *r, const struct readings *m)
{
	double *metric = r->metric;
	const char *method = "";
	int64_t ns = cpu_window(m->from, m->to, &method);

	if (ns < 0)
		return;
	snprintf(r->cpu_method, sizeof(r->cpu_method), "%s", method);
	metric[METRIC_SERVER_CPU_SHARE] = ns / 1e9 / r->window_s;
	metric[METRIC_SERVER_CPU_PER_REQUEST] =
		per_request(r, metric[METRIC_SERVER_CPU_SHARE] * 1e9);
	metric[METRIC_CPU_PER_REQUEST] = metric[METRIC_SERVER_CPU_PER_REQUEST] +
					 metric[METRIC_CLIENT_CPU_PER_REQUEST];
}

static void take_threads(struct record *r, const struct readings *m)
{
	struct threads_window w =
		threads_window(&m->from->threads, &m->to->threads);
	double voluntary = w.voluntary / r->window_s,
	       involuntary = w.involuntary / r->window_s;
	double *metric = r->metric;

	if (m->to->threads.n == 0) /* they were not read */
		return;
	if (w.lost > 0) {
		record_say(
			r->warnings,
			"%zu of the server's threads ended during the window: "
			"run-queue delay and context switches are unknown",
			w.lost);
		return;
	}
	metric[METRIC_VOLUNTARY_PER_REQUEST] = per_request(r, voluntary);
	metric[METRIC_INVOLUNTARY_PER_REQUEST] = per_request(r, involuntary);
	metric[METRIC_SWITCHES_PER_SECOND] = voluntary + involuntary;
	if (w.queue_ns < 0)
		return;
	metric[METRIC_SERVER_QUEUE_SHARE] = w.queue_ns / 1e9 / r->window_s;
	metric[METRIC_SERVER_QUEUE_PER_REQUEST] =
		per_request(r, w.queue_ns / r->window_s);
}

static int by_count(const void *a, const void *b)
{
	const struct call_count *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void take_names(struct record *r, const struct syscalls_counts *window)
{
	if (!window->by_number)
		return;
	r->calls = calloc(SYSCALLS_NUMBERS, sizeof(*r->calls));
	if (!r->calls)
		die("calloc");
	for (unsigned i = 0; i < SYSCALLS_NUMBERS; i++) {
		struct call_count *c = &r->calls[r->n_calls];
		char name[32];

		if (window->of[i] == 0)
			continue;
		snprintf(c->name, sizeof(c->name), "%s",
			 syscalls_name(i, name));
		c->count = window->of[i];
		r->n_calls++;
	}
	qsort(r->calls, r->n_calls, sizeof(*r->calls), by_count);
}

static void take_calls_per_second(struct record *r, const struct readings *m)
{
	static struct syscalls_counts window;

	if (!m->from->counted || !m->to->counted) {
		record_say(r->warnings, "system calls: %s",
			   m->from->counted ? m->to->syscalls_why :
					      m->from->syscalls_why);
		return;
	}
	window = m->to->syscalls;
	syscalls_window(&window, &m->from->syscalls);
	r->metric[METRIC_CALLS_PER_SECOND] = window.total / r->window_s;
	if (r->cell.loop == LOOP_NONE)
		take_names(r, &window);
}

static void take_calls_per_request(struct record *r, const struct readings *m)
{
	static struct syscalls_counts all;
	double requests = number_of(r->load, "requests_total");

	if (!m->rest_from || !m->rest_to) {
		record_say(r->warnings,
			   "system calls per request: the counters were not "
			   "read before the first request");
		return;
	}
	if (!(requests > 0))
		return;
	all = *m->rest_to;
	syscalls_window(&all, m->rest_from);
	r->calls_requests = requests;
	r->metric[METRIC_CALLS_PER_REQUEST] = all.total / requests;
	take_names(r, &all);
}

static void take_calls(struct record *r, const struct readings *m)
{
	if (!m->counting)
		return;
	snprintf(r->calls_method, sizeof(r->calls_method), "%s",
		 syscalls_methods[m->method]);
	if (m->method == SYSCALLS_NONE)
		return;
	take_calls_per_second(r, m);
	if (r->cell.loop != LOOP_NONE)
		take_calls_per_request(r, m);
}

static void take_uring(struct record *r, const struct readings *m)
{
	struct uring_window w;

	if (!uring_window(&m->from->uring, &m->to->uring, &w))
		return;
	r->metric[METRIC_SUBMISSIONS_PER_REQUEST] =
		per_request(r, w.submissions / r->window_s);
	r->metric[METRIC_COMPLETIONS_PER_REQUEST] =
		per_request(r, w.completions / r->window_s);
	if (!w.sq_known)
		return;
	r->metric[METRIC_SQ_BUSY_SHARE] = w.sq_total_ns / 1e9 / r->window_s;
	r->metric[METRIC_SQ_WORK_SHARE] = w.sq_work_ns / 1e9 / r->window_s;
}

static void take_memory(struct record *r, const struct readings *m)
{
	const struct memory *memory = &m->to->memory;
	unsigned clients = r->cell.connections + r->cell.idle;

	if (!m->to->memory_known)
		return;
	r->metric[METRIC_RESIDENT] = memory->resident_bytes;
	r->metric[METRIC_THREADS] = memory->threads;
	if (memory->descriptors >= 0)
		r->metric[METRIC_DESCRIPTORS] = memory->descriptors;
	if (m->resident_before >= 0 && clients > 0 &&
	    r->cell.pattern != PATTERN_CONNECT)
		r->metric[METRIC_RESIDENT_PER_CONNECTION] =
			(double)(memory->resident_bytes - m->resident_before) /
			clients;
}

static void take_machine(struct record *r, const struct readings *m)
{
	int64_t steal = m->to->steal_ns - m->from->steal_ns;

	if (m->from->steal_ns >= 0 && m->to->steal_ns >= 0)
		r->metric[METRIC_STEAL_SHARE] =
			steal / 1e9 / r->window_s / get_nprocs();
}

void compute_metrics(struct record *r, const struct readings *m)
{
	if (r->load)
		take_load(r);
	if (!m->from || !m->to)
		return;
	r->window_s = (m->to->time_ns - m->from->time_ns) / 1e9;
	take_cpu(r, m);
	take_threads(r, m);
	take_calls(r, m);
	take_uring(r, m);
	take_memory(r, m);
	take_machine(r, m);
}
