/* SPDX-License-Identifier: MIT */
/* clients.c - the connections of a worker, and what its engine reports: clients.h */
#include "clients.h"

#include "harness/base/grow.h"

#include <errno.h>
#include <stdlib.h>

/* Connections being established at a time: fewer than any server's backlog */
enum { CONNECTING_MAX = 64 };

/* -------------------------------------------------------------- connections */

/* Whether the run is about this connection: without busy ones, about the idle ones */
static bool matters(const struct worker *w, const struct channel *c)
{
	return w->busy == 0 || !(c->idle || c->slow);
}

static void begin_to_connect(struct worker *w, struct channel *c)
{
	c->state = CHANNEL_CONNECTING;
	c->generation++;
	c->connect_began = now_of(w);
	w->connecting++;
	w->engine->kind->connect(w->engine, c);
}

void worker_disconnect(struct worker *w, struct channel *c, bool by_us)
{
	channel_end(c, now_of(w), by_us);
	if (c->fd >= 0)
		w->engine->kind->disconnect(w->engine, c);
	if (c->state == CHANNEL_CONNECTING)
		w->connecting--;
	else if (c->state == CHANNEL_OPEN && matters(w, c))
		w->open--;
	c->state = CHANNEL_UNUSED;
}

void worker_want_to_send(struct worker *w, struct channel *c)
{
	if (c->queued || c->sending || c->state != CHANNEL_OPEN)
		return;
	c->queued = true;
	w->to_send[w->n_to_send++] = c;
}

void worker_connected(struct worker *w, struct channel *c)
{
	int64_t now = now_of(w);

	c->state = CHANNEL_OPEN;
	w->connecting--;
	w->open += matters(w, c);
	w->news = now;
	if (!connects(w) || tally_counts(w->tally, c->connect_began))
		histogram_record(&w->tally->connect, now - c->connect_began);
	if (channel_to_send(c) > 0)
		worker_want_to_send(w, c);
}

static enum failure failure_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return FAILURE_REFUSED;
	case ETIMEDOUT:
		return FAILURE_TIMEOUT;
	case ECONNRESET:
	case EPIPE:
		return FAILURE_RESET;
	}
	return FAILURE_OTHER;
}

/* ------------------------------------------------------------ pattern connect */

/* Takes the next request that waits for a connection. */
bool worker_next_waiting(struct worker *w, int64_t *intended)
{
	if (w->waiting_first == w->waiting_end)
		return false;
	*intended = w->waiting[w->waiting_first++ & (w->waiting_capacity - 1)];
	w->tally->outstanding--; /* the channel counts it from now on */
	return true;
}

void worker_add_waiting(struct worker *w, int64_t intended)
{
	uint64_t n = w->waiting_end - w->waiting_first;

	if (n == w->waiting_capacity) {
		int64_t *old = w->waiting;

		w->waiting = grow(NULL, n ? 2 * n : 64, sizeof(*old));
		for (uint64_t i = 0; i < n; i++)
			w->waiting[i] = old[(w->waiting_first + i) & (n - 1)];
		free(old);
		w->waiting_capacity = n ? 2 * n : 64;
		w->waiting_first = 0;
		w->waiting_end = n;
	}
	w->waiting[w->waiting_end++ & (w->waiting_capacity - 1)] = intended;
	w->tally->outstanding++;
	w->tally->held++;
}

/* Connects for one request. */
void worker_connect_for(struct worker *w, struct channel *c, int64_t intended)
{
	channel_release(c, intended);
	begin_to_connect(w, c);
}

/* Connects this channel for the next request, or marks it unused. */
void worker_connect_again(struct worker *w, struct channel *c)
{
	int64_t intended;

	if (worker_next_waiting(w, &intended))
		worker_connect_for(w, c, intended);
	else if (!open_loop(w) && !w->over && now_of(w) < w->run->to)
		worker_connect_for(w, c, now_of(w));
	else
		w->resting[w->n_resting++] = c;
}

/* -------------------------------------------- what the engine reports */

static void lose(struct worker *w, struct channel *c, enum failure failure)
{
	tally_failure(c->tally, failure);
	worker_disconnect(w, c, false);
	if (connects(w) && open_loop(w) && !c->idle)
		w->resting[w->n_resting++] = c;
}

void worker_failed(struct worker *w, struct channel *c, int error)
{
	if (error == EINPROGRESS || error == EINTR)
		return;
	if (failure_of(error) == FAILURE_OTHER)
		c->tally->other_error = error;
	lose(w, c, failure_of(error));
}

void worker_sent(struct worker *w, struct channel *c, size_t made, size_t sent)
{
	channel_did_send(c, made, sent);
	/* If the send buffer is full, the engine reports when it is not. */
	if (channel_to_send(c) > 0 && !c->watched)
		worker_want_to_send(w, c);
}

void worker_received(struct worker *w, struct channel *c, const char *bytes,
		     size_t n)
{
	int64_t now = now_of(w);
	unsigned answered;

	if (n == 0) {
		lose(w, c, FAILURE_CLOSED);
		return;
	}
	answered = channel_did_receive(c, bytes, n, now);
	if (answered > 0 && !c->slow)
		w->news = now;
	if (c->reply && c->reply->fault) {
		c->tally->fault = c->reply->fault;
		c->tally->fault_value = c->reply->value;
		lose(w, c, FAILURE_REPLY);
		return;
	}
	if (c->slow) {
		for (unsigned i = 0; i < answered && !w->over; i++)
			channel_release(c, now);
		if (channel_to_send(c) > 0 && !c->watched)
			worker_want_to_send(w, c);
		return;
	}
	if (connects(w)) {
		if (answered > 0) {
			worker_disconnect(w, c, true);
			worker_connect_again(w, c);
		}
		return;
	}
	if (open_loop(w) || w->over || now >= w->run->to)
		return;
	for (unsigned i = 0; i < answered; i++)
		channel_release(c, now);
	if (answered > 0)
		worker_want_to_send(w, c);
}

/* -------------------------------------------------------------------- set-up */

static bool all_connected(struct worker *w, unsigned next)
{
	return w->connecting == 0 && next == w->clients;
}

static void time_out(struct worker *w, int64_t now)
{
	for (unsigned i = 0; i < w->clients; i++) {
		struct channel *c = &w->channels[i];

		if (c->state == CHANNEL_CONNECTING &&
		    now - c->connect_began > w->run->opt->timeout) {
			tally_failure(c->tally, FAILURE_TIMEOUT);
			worker_disconnect(w, c, false);
		}
	}
}

/* Connects all channels, with pattern connect only the idle ones. Failures are
 * counted. */
void worker_set_up(struct worker *w)
{
	int64_t began = now_of(w), now = began;
	unsigned next = connects(w) ? w->busy : 0;

	while (!all_connected(w, next) && !atomic_load(&w->run->stop)) {
		while (next < w->clients && w->connecting < CONNECTING_MAX)
			begin_to_connect(w, &w->channels[next++]);
		w->engine->kind->wait(w->engine, now + look_ns, false);
		now = now_of(w);
		time_out(w, now);
	}
	w->set_up_ns = now - began;
	w->set_up_open = w->open;
}
