/* SPDX-License-Identifier: MIT */
/* measure.h - from readings of the probes and the generator's report to numbers */
#ifndef RUN_MEASURE_H
#define RUN_MEASURE_H

#include "harness/run/record.h"

#include "harness/probe/reading.h"

struct measured {
	const struct reading *from, *to; /* NULL: there was no whole window */
	int64_t wanted_from;             /* when it should have begun */
	int64_t resident_before;         /* before any client; -1: unknown */
	bool counting;                   /* the calls are wanted */
	enum syscalls_method method;
};

/*
 * Fills in r->metric and what goes with it. r->load has to be there for what
 * comes from the generator and for all that is given for each request.
 *
 * CPU time and calls are divided by their own window, and then by the requests a
 * second of the generator's: that a reading was late by a moment does not matter.
 */
void measure(struct record *r, const struct measured *m);

#endif
