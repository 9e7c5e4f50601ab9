/* SPDX-License-Identifier: MIT */
/*
 * clients.h - the connections of a worker, for worker.c
 *
 * They are connected before a load or, with pattern connect, for each request. The
 * engine reports here what happened to them.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "worker.h"

/* Between looks at run->stop */
static const int64_t look_ns = 100 * 1000000;

static inline int64_t now_of(struct worker *w)
{
	return w->engine->kind->now(w->engine);
}

static inline bool open_loop(const struct worker *w)
{
	return w->run->opt->rate > 0;
}

static inline bool connects(const struct worker *w)
{
	return pattern_connects(w->run->opt->pattern);
}

/* Ends a connection. `by_us`: the server did not. */
void worker_disconnect(struct worker *w, struct channel *c, bool by_us);

/* Adds it to those that can send. */
void worker_want_to_send(struct worker *w, struct channel *c);

/* Patterns connect and storm: connects for one request; for the next one if there is one. */
void worker_connect_for(struct worker *w, struct channel *c, int64_t intended);
void worker_connect_again(struct worker *w, struct channel *c);

/* The same: requests that wait for a channel */
void worker_add_waiting(struct worker *w, int64_t intended);
bool worker_next_waiting(struct worker *w, int64_t *intended);

/*
 * Pattern slow-read: clients that always have requests in flight, more bytes than the
 * sockets hold, and read at a trickle. The server has to wait for them with part of a
 * reply unsent; what is measured are the other clients. The slow ones do not read
 * between loads, so the server is at rest although their requests are in flight.
 */
void slow_begin(struct worker *w);
/* Reads what is due; returns when the next read is. */
int64_t slow_read(struct worker *w, int64_t now);

#endif
