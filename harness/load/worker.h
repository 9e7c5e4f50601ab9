/* SPDX-License-Identifier: MIT */
/*
 * worker.h - one thread of the generator: its connections, its schedule
 *
 * It first connects (worker_set_up), then is told when to start, and keeps to
 * the schedule until the window has ended and the last replies were awaited
 * (worker_run). Its connections stay as they are until worker_close. In an open loop a request
 * that is due is given to a connection whether or not earlier ones were answered;
 * in a closed loop a reply leads to the next request. The engine makes every
 * system call that a request costs, and is the clock.
 */
#ifndef WORKER_H
#define WORKER_H

#include "engine.h"
#include "options.h"
#include "schedule.h"
#include "tally.h"

#include <stdatomic.h>
#include <stdbool.h>

/* What all workers of a run share */
struct run {
	const struct load_options *opt;
	int64_t start, from, to; /* of warm-up and window; ns of the clock */
	atomic_bool stop;        /* end now, with what there is */
	atomic_bool gave_up;     /* nothing came for too long */
	atomic_bool flooded;     /* too much could not be answered */
};

struct worker {
	struct run *run;
	unsigned part; /* which of opt->threads */
	struct engine *engine;
	struct tally *tally;

	struct channel *channels; /* first the busy ones, then the idle ones */
	unsigned busy, idle;
	unsigned connecting;
	unsigned open; /* of the busy ones; if there are none, of the idle */

	struct channel **to_send;
	unsigned n_to_send;
	unsigned turn; /* whose turn the next request is */

	struct schedule schedule;
	int64_t due; /* when the next request is */

	/* pattern connect: channels at rest, and requests waiting for one */
	struct channel **resting;
	unsigned n_resting;
	int64_t *waiting; /* a ring of intended times */
	uint64_t waiting_first, waiting_end, waiting_capacity;

	bool over;    /* no new requests */
	int64_t news; /* when something was answered, or nothing awaited */
	int64_t set_up_ns;
	unsigned set_up_open; /* so many were, then */

	bool spin;
	double others; /* that stopped it: share of the time it had to wait */
	int schedstat; /* descriptor of this thread's run-queue times */
	int64_t watched_from, looked, delay_before;
	int64_t cpu_from, cpu_to, delay_from, delay_to;
	int64_t sample_next;
	uint64_t sampled, queued; /* connections; replies that waited in them */
	int64_t ended; /* when the window did: `to`, if nothing went wrong */
};

void worker_init(struct worker *w, struct run *run, unsigned part,
		 struct engine *engine);
void worker_set_up(struct worker *w);
void worker_run(struct worker *w);
void worker_close(struct worker *w);
void worker_free(struct worker *w);

#endif
