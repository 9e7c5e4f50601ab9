/* SPDX-License-Identifier: MIT */
/*
 * repetition.h - one cell measured once: a fresh server, a warm-up, a window
 *
 *	are the CPUs as fast as usual? wait for it, a while
 *	start the server     is it the one that listens?
 *	start the generator  it connects, and says when the window will be
 *	warm-up
 *	probes ─┐
 *	        │ the window: this process sleeps
 *	probes ─┘            all clients are still connected
 *	let the generator report, stop the server, compare their counts
 *	are the CPUs still as fast?
 *
 * Whatever goes wrong is said in the record; the run goes on.
 */
#ifndef MEASURE_REPETITION_H
#define MEASURE_REPETITION_H

#include "harness/plan/cpus.h"
#include "harness/store/record.h"
#include "harness/measure/wait.h"
#include "harness/measure/yardstick.h"

#include "harness/probe/syscalls.h"

/* What is the same for all repetitions of a run */
struct run_context {
	const struct plan *plan;
	const struct cpus *cpus;
	const char *bin;               /* folder of our programs */
	enum syscalls_method counting; /* how, where calls are counted */
	const char *uncounted;         /* why they cannot be; "" */
	/* Told what happens, such as "warm-up"; about four times a second */
	void (*step)(void *data, const struct entry *e, const char *step);
	void *data;
	struct speed_history
		*history; /* of the CPUs so far; NULL: nobody looks at it */
	const volatile int *interrupted; /* see wait.h */
	const volatile int *continued; /* how often: all were stopped before */
	const sigset_t *mask;
};

/*
 * Measures e, and fills in r, which record_init() made. *histograms is a new
 * reference, or NULL. `sleeps`: the model is known to, with silent clients. false:
 * the user wants no more, and r says nothing.
 */
bool repetition(const struct run_context *context, const struct entry *e,
		bool sleeps, struct record *r, json_t **histograms);

#endif
