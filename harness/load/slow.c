/* SPDX-License-Identifier: MIT */
/* slow.c - clients that read at a trickle: see clients.h */
#include "clients.h"

/* Of each of them: bytes per second, and of a read; and bytes in flight: more than its
 * sockets and those of the server hold */
enum { RATE = 256 * 1024, READ = 1024, IN_FLIGHT = 512 * 1024 };

static const int64_t second = 1000000000, millisecond = 1000000;

void slow_begin(struct worker *w)
{
	uint64_t requests = IN_FLIGHT / w->run->opt->message + 2;

	w->slow_next = w->run->start;
	for (unsigned i = w->busy + w->idle; i < w->clients; i++) {
		struct channel *c = &w->channels[i];

		if (c->state != CHANNEL_OPEN)
			continue;
		while (c->released - c->oldest < requests)
			channel_release(c, w->run->start);
		if (!c->watched)
			worker_want_to_send(w, c);
	}
}

static bool receive(struct worker *w, struct channel *c, size_t n)
{
	return c->state == CHANNEL_OPEN &&
	       w->engine->kind->receive(w->engine, c, n);
}

/* One after another, so that each reads RATE / READ times a second */
int64_t slow_read(struct worker *w, int64_t now)
{
	struct channel *slow = w->channels + w->busy + w->idle;
	unsigned n = w->clients - w->busy - w->idle;

	if (n == 0)
		return INT64_MAX;
	if (w->slow_ends) {
		for (unsigned i = 0; i < n; i++)
			while (receive(w, &slow[i], SLOW_READ_MAX))
				continue;
		return now + millisecond;
	}
	while (w->slow_next <= now) {
		receive(w, &slow[w->slow_turn++ % n], READ);
		w->slow_next += second * READ / RATE / n;
	}
	return w->slow_next;
}
