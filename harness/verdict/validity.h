/* SPDX-License-Identifier: MIT */
/*
 * validity.h - whether what a bout measured of a server is valid
 *
 * A server or the generator failed if
 *	- a reply was wrong or never came, or a connection failed
 *	- the counts of server and generator differ, over all slices
 *
 * A server that turned clients away at a limit of its own is refused, not failed. The
 * record keeps what was measured; no median includes it.
 *
 * Nothing that depends on the machine is judged here: rounds that it disturbed were
 * dropped (turns.h). Other findings of the generator's audit become warnings.
 *
 * Two states are no fault of anybody:
 *	bound		the generator was at its limit, and the server was not: replies
 *			waited for it, and it used all of its CPU. A faster generator
 *			would have measured a higher rate, and shorter response times.
 *	saturated	open loop: the server used all of its CPU, or did not keep up
 *			with the offered load.
 */
#ifndef VERDICT_VALIDITY_H
#define VERDICT_VALIDITY_H

#include "harness/store/record.h"

struct circumstances {
	/* Of the median slice that counts; NAN: unknown */
	double queued; /* share of the connections whose reply waits to be read */
	double busy;   /* share of its CPUs that the generator used */
	double achieved; /* answered requests of those that were due */
	unsigned cpus;   /* of the server; 0: unknown */
	bool spins;      /* uses its CPU also without requests */
	/* Open loop: it answered, but not all requests within 2 s after a slice */
	bool overwhelmed;
	const char *trouble; /* why the bout gave it up; "": it did not */
};

/* Sets r->status, r->bound and r->saturated of a server that was measured to the end. */
void judge(struct record *r, const struct circumstances *c);

/* Decides the exit status of a run. A refused client or an unsupported model is not a
 * failure. */
bool judge_failed(const struct record *r);

#endif
