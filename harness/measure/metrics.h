/* SPDX-License-Identifier: MIT */
/* metrics.h - from readings of the probes and the generator's report to numbers */
#ifndef MEASURE_METRICS_H
#define MEASURE_METRICS_H

#include "harness/store/record.h"

#include "harness/probe/reading.h"

struct measured {
	const struct reading *from, *to; /* NULL: there was no whole window */
	int64_t wanted_from;             /* when it should have begun */
	int64_t resident_before;         /* before any client; -1: unknown */
	bool counting;                   /* the calls are wanted */
	enum syscalls_method method;
	/* Before the first request and after the last reply, with all clients
	 * connected; NULL: not taken, or not in time */
	const struct syscalls_counts *rest_from, *rest_to;
};

/*
 * Fills in r->metric and what goes with it. r->load has to be there for what
 * comes from the generator and for all that is given for each request.
 *
 * CPU time is divided by its own window, and then by the requests a second of the
 * generator's: that a reading was late by a moment does not matter. Calls for each
 * request are counted from rest to rest, warm-up included: nothing is under way
 * then, so that not one call or request is counted without the other. Calls a
 * second are of the window.
 */
void measure(struct record *r, const struct measured *m);

#endif
