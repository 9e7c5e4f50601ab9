/* SPDX-License-Identifier: MIT */
/* metrics.h - computes metrics from slices, probe readings and the generator's report */
#ifndef MEASURE_METRICS_H
#define MEASURE_METRICS_H

#include "harness/store/record.h"

#include "harness/probe/reading.h"

struct readings {
	/* Sums over the slices that count, from rest to rest; their windows */
	double requests, answered, window_ns, elapsed_ns;
	double cpu_ns, client_cpu_ns; /* NAN: unknown */

	/* Both at rest, with all clients connected; NULL: not taken */
	const struct reading *from, *to;
	/* Between the two: all requests, and the time under load */
	double requests_between, elapsed_between_ns;

	int64_t resident_before; /* before any client; -1: unknown */
	bool counting;           /* whether to count system calls */
	enum syscalls_method method;
};

/*
 * Fills in r->metric and the fields around it. Percentiles need r->load.
 *
 * Rates are those of the windows. CPU time is counted from rest to rest and divided by
 * all requests of the same slices, so that none is in flight at either end. What the
 * two readings differ by is divided by all requests between them.
 */
void compute_metrics(struct record *r, const struct readings *m);

#endif
