/* SPDX-License-Identifier: MIT */
/* result.h - what a run measured, and the verdict of the audit */
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
	double duration_s; /* of the window, as measured */
	double warmup_s, set_up_s;
	int64_t cpu_ns;     /* of the generator's threads, in the window */
	int64_t delay_ns;   /* run-queue delay of these threads; -1: unknown */
	unsigned connected; /* busy connections at the start */
	bool spun;          /* the threads busy-polled on CPUs of their own */
	double others; /* share of the time that they waited for these CPUs, so that
			* they stopped busy-polling; 0: they did not stop */
	bool interrupted, gave_up, flooded;
	double queued; /* closed loop: share of the connections with a reply that
			* the generator had not read yet */

	/* set by audit() */
	bool coarse;    /* open loop without busy-polling: sends are late */
	bool late;      /* the generator did not keep its schedule */
	bool sustained; /* the offered load was achieved */
	bool valid;
	unsigned n_reasons;
	char *reason[REASONS_MAX];
};

/* Replies per second within the window */
double result_rate(const struct result *r);

/* How many requests were due in the window */
uint64_t result_due(const struct result *r);

/* Closed loop: the average number in flight, by Little's law */
double result_in_flight(const struct result *r);

/* CPU time of the generator, as a share of one CPU per thread */
double result_busy(const struct result *r, const struct load_options *opt);

/* "other programs used CPU 1 (the generator waited for it 48 % of the time)"; to be
 * freed */
char *result_others(const struct result *r, const struct load_options *opt);

void result_free(struct result *r);

/* Decides whether the result is valid, and why not. */
void audit(struct result *r, const struct load_options *opt);

#endif
