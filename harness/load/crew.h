/* SPDX-License-Identifier: MIT */
/*
 * crew.h - the threads of a run: one worker each
 *
 * Between loads they are blocked and use no CPU. They wake up for a load, and the
 * main thread waits until all are at rest again.
 */
#ifndef CREW_H
#define CREW_H

#include "result.h"
#include "run.h"
#include "worker.h"

#include <pthread.h>
#include <signal.h>

struct seat;

struct crew {
	struct run run;
	struct target target;
	const struct engine_kind *kind;
	struct seat *seats;
	struct worker *workers;
	pthread_barrier_t
		step; /* with the main thread: the next load, or the end */
	pthread_barrier_t line; /* of the threads alone: all are awake */
	pthread_t main_thread;
	atomic_uint busy; /* threads that are not at rest */
	bool closing;
	struct http http; /* with --service http */
};

/* Starts the threads, and connects. Ends the program if not a single connection was
 * established. */
void crew_open(struct crew *crew, const struct load_options *opt,
	       struct target target);

/* The number of open connections, idle ones included */
unsigned crew_connections(const struct crew *crew);

/* One load, from rest to rest: `head` from `start` on, then `window`. A slice starts
 * later if its threads woke up later: their delay is no part of it. */
void crew_run(struct crew *crew, uint64_t slice, int64_t start, int64_t head,
	      int64_t window);

/* What it measured. The tally is the crew's, and lasts until the next load. */
struct result crew_result(struct crew *crew);

/* Empties the tallies. */
void crew_clear(struct crew *crew);

/* Disconnects; the threads end. Adds what the slow readers took, in all. */
void crew_close(struct crew *crew, struct result *r);

/* SIGINT and SIGTERM, which are blocked; one that came is pending. */
const sigset_t *crew_signals(void);

/* Ends the run because of a signal; the next one ends the program. */
void crew_interrupt(struct crew *crew);

/* Whether a signal has ended it */
bool crew_interrupted(void);

int64_t crew_clock(void);

#endif
