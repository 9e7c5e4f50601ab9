/* SPDX-License-Identifier: MIT */
/*
 * bout.h - one setting in one block: all its servers are alive, and take turns
 *
 *	start all servers, each with a generator, which connects and is silent
 *	a warm-up round
 *	read the probes
 *	rounds: each server has one slice, in shuffled order
 *	read the probes
 *	stop the generators and the servers, compare their counts
 *
 * A slice is load from rest to rest: no request is in flight before and after it. So
 * all is measured at rest, and no reading has to hit a moment. This process sleeps
 * during a slice, and the other servers use no CPU time: those that spin are frozen.
 *
 * A round that the machine disturbed is dropped for all servers, and another takes its
 * place. A server that fails loses its own cell; the rest go on.
 *
 * Counting and idle repetitions are bouts of one server with one slice.
 */
#ifndef MEASURE_BOUT_H
#define MEASURE_BOUT_H

#include "harness/plan/cpus.h"
#include "harness/store/record.h"

#include "harness/probe/syscalls.h"

#include <signal.h>

/* What all bouts of a run share */
struct run_context {
	const struct plan *plan;
	const struct cpus *cpus;
	const char *bin;               /* folder of the models and loadgen */
	enum syscalls_method counting; /* how system calls are counted */
	const char *uncounted;         /* why they cannot be; "" */
	/* Called with the current step, such as "round 3 of 8"; never during a
	 * slice */
	void (*step)(void *data, const struct entry *e, const char *step);
	void *data;
	const volatile int *interrupted; /* see wait.h */
	const volatile int *continued; /* number of SIGCONT: after each stop */
	const sigset_t *mask;
};

/*
 * Measures the n entries of a bout and fills in the records, which record_init() made.
 * Each of `histograms` is a new reference, or NULL. slice_ns: of each, see turns.h; it
 * has no meaning for counting and idle entries. false: a signal ended the run, and the
 * records are not to be used.
 */
bool bout(const struct run_context *context, const struct entry *const *e,
	  size_t n, const int64_t *slice_ns, struct record *r,
	  json_t **histograms);

#endif
