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

static double quotient(double part, double of)
{
	return of > 0 ? part / of : NAN;
}

static void take_load(struct record *r, const struct readings *m)
{
	double *metric = r->metric;

	take_times(r);
	if (r->cell.loop == LOOP_OPEN)
		metric[METRIC_OFFERED_PER_SECOND] = r->cell.rate;
	if (r->cell.loop != LOOP_NONE)
		metric[METRIC_REQUESTS_PER_SECOND] =
			quotient(m->answered, m->window_ns / 1e9);
	metric[METRIC_CLIENT_CPU_SHARE] =
		quotient(m->client_cpu_ns, m->elapsed_ns);
	metric[METRIC_CLIENT_CPU_PER_REQUEST] =
		quotient(m->client_cpu_ns, m->requests);
}

/* ---------------------------------------------------------- the server's part */

static void take_cpu(struct record *r, const struct readings *m)
{
	double *metric = r->metric;

	metric[METRIC_SERVER_CPU_SHARE] = quotient(m->cpu_ns, m->elapsed_ns);
	metric[METRIC_SERVER_CPU_PER_REQUEST] =
		quotient(m->cpu_ns, m->requests);
	metric[METRIC_CPU_PER_REQUEST] = metric[METRIC_SERVER_CPU_PER_REQUEST] +
					 metric[METRIC_CLIENT_CPU_PER_REQUEST];
}

static void take_threads(struct record *r, const struct readings *m)
{
	struct threads_window w =
		threads_window(&m->from->threads, &m->to->threads);
	double requests = m->requests_between;
	double *metric = r->metric;

	if (m->to->threads.n == 0) /* they were not read */
		return;
	if (w.lost > 0) {
		record_say(r->warnings,
			   "%zu of the server's threads ended under load: "
			   "run-queue delay and context switches are unknown",
			   w.lost);
		return;
	}
	metric[METRIC_VOLUNTARY_PER_REQUEST] = quotient(w.voluntary, requests);
	metric[METRIC_INVOLUNTARY_PER_REQUEST] =
		quotient(w.involuntary, requests);
	metric[METRIC_SWITCHES_PER_SECOND] = quotient(
		w.voluntary + w.involuntary, m->elapsed_between_ns / 1e9);
	if (w.queue_ns < 0)
		return;
	metric[METRIC_SERVER_QUEUE_SHARE] =
		quotient(w.queue_ns, m->elapsed_between_ns);
	metric[METRIC_SERVER_QUEUE_PER_REQUEST] =
		quotient(w.queue_ns, requests);
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

static double seconds_between(const struct readings *m)
{
	return (m->to->time_ns - m->from->time_ns) / 1e9;
}

static void take_calls(struct record *r, const struct readings *m)
{
	static struct syscalls_counts calls;

	if (!m->counting)
		return;
	snprintf(r->calls_method, sizeof(r->calls_method), "%s",
		 syscalls_methods[m->method]);
	if (m->method == SYSCALLS_NONE)
		return;
	if (!m->from->counted || !m->to->counted) {
		record_say(r->warnings, "system calls: %s",
			   m->from->counted ? m->to->syscalls_why :
					      m->from->syscalls_why);
		return;
	}
	calls = m->to->syscalls;
	syscalls_window(&calls, &m->from->syscalls);
	r->metric[METRIC_CALLS_PER_SECOND] =
		quotient(calls.total, seconds_between(m));
	if (r->cell.loop != LOOP_NONE) {
		if (!(m->requests_between > 0))
			return;
		r->calls_requests = m->requests_between;
		r->metric[METRIC_CALLS_PER_REQUEST] =
			calls.total / m->requests_between;
	}
	take_names(r, &calls);
}

static void take_uring(struct record *r, const struct readings *m)
{
	double s = seconds_between(m);
	struct uring_window w;

	if (!uring_window(&m->from->uring, &m->to->uring, &w))
		return;
	r->metric[METRIC_SUBMISSIONS_PER_REQUEST] =
		quotient(w.submissions, m->requests_between);
	r->metric[METRIC_COMPLETIONS_PER_REQUEST] =
		quotient(w.completions, m->requests_between);
	if (!w.sq_known)
		return;
	r->metric[METRIC_SQ_BUSY_SHARE] = quotient(w.sq_total_ns / 1e9, s);
	r->metric[METRIC_SQ_WORK_SHARE] = quotient(w.sq_work_ns / 1e9, s);
}

static void take_memory(struct record *r, const struct readings *m)
{
	const struct memory *memory = &m->to->memory;
	unsigned clients = cell_clients(&r->cell);

	if (!m->to->memory_known)
		return;
	r->metric[METRIC_RESIDENT] = memory->resident_bytes;
	r->metric[METRIC_THREADS] = memory->threads;
	if (memory->descriptors >= 0)
		r->metric[METRIC_DESCRIPTORS] = memory->descriptors;
	if (m->resident_before >= 0 && clients > 0 &&
	    !pattern_connects(r->cell.pattern))
		r->metric[METRIC_RESIDENT_PER_CONNECTION] =
			(double)(memory->resident_bytes - m->resident_before) /
			clients;
}

static void take_machine(struct record *r, const struct readings *m)
{
	int64_t steal = m->to->steal_ns - m->from->steal_ns;

	if (m->from->steal_ns >= 0 && m->to->steal_ns >= 0)
		r->metric[METRIC_STEAL_SHARE] = quotient(
			steal / 1e9 / get_nprocs(), seconds_between(m));
}

void compute_metrics(struct record *r, const struct readings *m)
{
	r->window_s = m->window_ns > 0 ? m->window_ns / 1e9 : NAN;
	if (r->load)
		take_load(r, m);
	take_cpu(r, m);
	if (!m->from || !m->to)
		return;
	take_threads(r, m);
	take_calls(r, m);
	take_uring(r, m);
	take_memory(r, m);
	take_machine(r, m);
}
