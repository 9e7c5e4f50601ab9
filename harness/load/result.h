/* SPDX-License-Identifier: MIT */
/* result.h - what a run measured, and what the audit says of it */
#ifndef RESULT_H
#define RESULT_H

#include "options.h"
#include "tally.h"

#include <stdbool.h>
#include <stdint.h>

enum { REASONS_MAX = 24 };

struct result {
	struct tally *tally; /* of all threads */
	const char *engine;
	double duration_s; /* of the window, as it came to be */
	double warmup_s, set_up_s;
	int64_t cpu_ns;   /* of the generator's threads, in the window */
	int64_t delay_ns; /* of it they had to wait for their CPU; -1: unknown */
	unsigned connected; /* of the busy ones, when it began */
	bool spun;          /* the threads had their own CPUs, and used them */
	double others; /* they were to have, but had to wait for them for this
			* share of the time, and then slept; 0: not so */
	bool interrupted, gave_up, flooded;
	double queued; /* closed loop: share of the connections in which a reply
			* lay that the generator had not taken yet */

	/* from here on: the audit's */
	bool coarse;    /* open loop, and to the accuracy of a sleep only */
	bool late;      /* the generator could not keep to its schedule */
	bool sustained; /* what was offered was done */
	bool valid;
	unsigned n_reasons;
	char *reason[REASONS_MAX];
};

/* Answered requests a second, as they came within the window */
double result_rate(const struct result *r);

/* How many requests were due in the window */
uint64_t result_due(const struct result *r);

/* Closed loop: the average number under way, by Little's law */
double result_in_flight(const struct result *r);

/* The share of one CPU for each thread that the generator used */
double result_busy(const struct result *r, const struct load_options *opt);

/* "other programs used CPU 1 (the generator waited for it 48 % of the time)", of
 * the CPUs that it was given; to be freed */
char *result_others(const struct result *r, const struct load_options *opt);

void result_free(struct result *r);

/* Judges a result: sets what is below "the audit's" above. */
void audit(struct result *r, const struct load_options *opt);

/* How late the generator may send at the 99th percentile, in ns */
int64_t audit_lag_limit(const struct result *r, const struct load_options *opt);

#endif
