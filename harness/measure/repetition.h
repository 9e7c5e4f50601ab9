/* SPDX-License-Identifier: MIT */
/*
 * repetition.h - one cell measured once: a fresh server, a warm-up, a window
 *
 *	start the server     check that it is the process that listens
 *	start the generator  it connects and announces the window
 *	warm-up
 *	read the probes ─┐
 *	                 │   window: this process sleeps
 *	read the probes ─┘   all clients are still connected
 *	stop the generator and the server, compare their counts
 *
 * A failure goes into the record; the run continues.
 */
#ifndef MEASURE_REPETITION_H
#define MEASURE_REPETITION_H

#include "harness/plan/cpus.h"
#include "harness/store/record.h"
#include "harness/measure/wait.h"

#include "harness/probe/syscalls.h"

/* What all repetitions of a run share */
struct run_context {
	const struct plan *plan;
	const struct cpus *cpus;
	const char *bin;               /* folder of the models and loadgen */
	enum syscalls_method counting; /* how system calls are counted */
	const char *uncounted;         /* why they cannot be; "" */
	/* Called with the current step, such as "warm-up", about four times a
	 * second */
	void (*step)(void *data, const struct entry *e, const char *step);
	void *data;
	const volatile int *interrupted; /* see wait.h */
	const volatile int *continued; /* number of SIGCONT: after each stop */
	const sigset_t *mask;
};

/*
 * Measures e and fills in r, which record_init() made. *histograms is a new
 * reference, or NULL. `sleeps`: the model is known to use no CPU for idle clients.
 * false: a signal ended the run, and r is not to be used.
 */
bool repetition(const struct run_context *context, const struct entry *e,
		bool sleeps, struct record *r, json_t **histograms);

#endif
