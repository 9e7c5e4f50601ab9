/* SPDX-License-Identifier: MIT */
/* metrics.h - computes metrics from probe readings and the generator's report */
#ifndef MEASURE_METRICS_H
#define MEASURE_METRICS_H

#include "harness/store/record.h"

#include "harness/probe/reading.h"

struct readings {
	const struct reading *from, *to; /* NULL: the window is not complete */
	int64_t wanted_from;             /* planned begin of the window */
	int64_t resident_before;         /* before any client; -1: unknown */
	bool counting;                   /* whether to count system calls */
	enum syscalls_method method;
	/* Before the first request and after the last reply, with all clients
	 * connected; NULL: not taken, or not in time */
	const struct syscalls_counts *rest_from, *rest_to;
};

/*
 * Fills in r->metric and the fields around it. Metrics of the generator, and all
 * that are per request, need r->load.
 *
 * CPU time is divided by the time between its own two readings, then by the
 * generator's request rate: a reading that is slightly late does no harm. Calls per
 * request are counted from rest to rest, warm-up included: no request is in flight
 * at either end, so calls and requests match exactly. Calls per second are those of
 * the window.
 */
void compute_metrics(struct record *r, const struct readings *m);

#endif
