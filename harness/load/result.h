/* SPDX-License-Identifier: MIT */
/* result.h - what a run or a slice measured, and the verdict of the audit */
#ifndef RESULT_H
#define RESULT_H

#include "options.h"
#include "tally.h"
#include "watch.h"

#include <stdbool.h>
#include <stdint.h>

enum { REASONS_MAX = 24 };

struct result {
	struct tally *tally; /* of all threads */
	const char *engine;
	double warmup_s, set_up_s;
	int64_t window_ns; /* its length as measured; of all slices that count */
	int64_t elapsed_ns; /* from rest to rest */
	struct usage window,
		load;           /* of all threads, in window and elapsed time */
	unsigned kept, dropped; /* slices; alone: 0 */
	unsigned connected;     /* busy connections at the start */
	bool spun;     /* the threads busy-polled on CPUs of their own */
	double others; /* share of the time that they waited for these CPUs, so that
			* they stopped busy-polling; 0: they did not stop */
	bool interrupted, gave_up, flooded;
	uint64_t sampled; /* closed loop: connections that were looked at, */
	uint64_t unread;  /* and of these had a reply that was not read yet */

	/* set by audit() */
	bool coarse;    /* open loop without busy-polling: sends are late */
	bool late;      /* the generator did not keep its schedule */
	bool sustained; /* the offered load was achieved */
	bool valid;
	unsigned n_reasons;
	char *reason[REASONS_MAX];
};

/* Adds a slice that counts, or what counts of any slice. */
void result_keep(struct result *sum, const struct result *slice);
void result_drop(struct result *sum, const struct result *slice);

/* Length of the window in seconds */
double result_duration(const struct result *r);

/* Replies per second within the window */
double result_rate(const struct result *r);

/* How many requests were due in the window */
uint64_t result_due(const struct result *r);

/* Closed loop: the average number in flight, by Little's law */
double result_in_flight(const struct result *r);

/* Closed loop: share of the connections with a reply that was not read yet */
double result_queued(const struct result *r);

/* CPU time of the generator in the window, as a share of one CPU per thread; its
 * run-queue delay likewise, 0 also where it is unknown */
double result_busy(const struct result *r, const struct load_options *opt);
double result_delay(const struct result *r, const struct load_options *opt);

/* "other programs used CPU 1 (the generator waited for it 48 % of the time)"; to be
 * freed */
char *result_others(const struct result *r, const struct load_options *opt);

/* Whether there is a send lag; otherwise the service time is the response time. */
bool result_has_lag(const struct load_options *opt);

void result_free(struct result *r);

/* Decides whether the result is valid, and why not. */
void audit(struct result *r, const struct load_options *opt);

#endif
