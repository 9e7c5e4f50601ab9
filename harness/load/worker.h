/* SPDX-License-Identifier: MIT */
/*
 * worker.h - one thread of the generator: its connections and its schedule
 *
 * worker_set_up() connects. worker_run() is the load of a run or of one slice: it
 * follows the schedule until the window has ended, and waits for the last replies,
 * so it begins and ends at rest. Connections stay open until worker_close(). In an open loop a request that is due is assigned to a connection
 * whether or not earlier ones were answered; in a closed loop a reply triggers the
 * next request. The engine makes all system calls of a request, and is the clock.
 */
#ifndef WORKER_H
#define WORKER_H

#include "engine.h"
#include "options.h"
#include "schedule.h"
#include "tally.h"
#include "watch.h"

#include <stdatomic.h>
#include <stdbool.h>

/* What all workers of a run share. All but `opt` is of the current slice. */
struct run {
	const struct load_options *opt;
	struct http *http;       /* NULL: echo */
	uint64_t slice;          /* its number; alone: 0 */
	int64_t start, from, to; /* warm-up from `start`, window from `from` */
	atomic_bool stop;        /* end now */
	atomic_bool gave_up;     /* no reply for --timeout */
	atomic_bool flooded;     /* too many requests were outstanding */
};

struct worker {
	struct run *run;
	unsigned part; /* its number, below opt->threads */
	struct engine *engine;
	struct tally *tally;

	/* The busy ones, then the idle ones, then the slow readers */
	struct channel *channels;
	unsigned busy, idle, clients; /* clients: all of them */
	unsigned connecting;
	unsigned open; /* busy ones; if there are none, idle ones */

	struct channel **to_send;
	unsigned n_to_send;
	unsigned turn; /* the channel that gets the next request */

	struct schedule schedule;
	int64_t due; /* when the next request is */

	/* pattern connect: unused channels, and requests that wait for one */
	struct channel **resting;
	unsigned n_resting;
	int64_t *waiting; /* a ring of intended times */
	uint64_t waiting_first, waiting_end, waiting_capacity;

	struct tally *slow_tally; /* of the slow readers, of all loads */
	unsigned slow_turn;
	int64_t slow_next; /* when the next of them reads */
	bool slow_ends;    /* they take all that is left */

	bool over;    /* no new requests */
	int64_t news; /* the last time with a reply, or with none outstanding */
	int64_t set_up_ns;
	unsigned set_up_open; /* `open` after setting up */

	bool spin;
	struct watch watch;
	int64_t ended; /* the end of the window: `to`, or earlier */
	int64_t rest;  /* when the last reply had come, or was given up */
};

void worker_init(struct worker *w, struct run *run, unsigned part,
		 struct engine *engine);
void worker_set_up(struct worker *w);
void worker_run(struct worker *w);

/* The number of open connections, idle ones included */
unsigned worker_connections(const struct worker *w);
void worker_close(struct worker *w);
void worker_free(struct worker *w);

#endif
