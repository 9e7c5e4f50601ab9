/* SPDX-License-Identifier: MIT */
/*
 * engine.h - how the generator itself waits
 *
 * An engine moves bytes between channels and the kernel. It is one thread's, and
 * knows nothing of schedules: a worker tells it what to send, and it tells the
 * worker what happened, from within `wait` and, if it happens at once, from
 * within `connect` and `send`. It also is the clock, so that a test can let time
 * pass as it likes.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "channel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

struct worker;

/*
 * How many replies an engine takes, or requests it hands over, before the rest
 * has its turn: whoever has got a reply is not to wait until all the others have
 * got theirs before it sends again, and the time of sending is to be right for
 * the last that is handed over.
 */
enum { ENGINE_BATCH = 8 };

struct engine {
	const struct engine_kind *kind;
	struct worker *worker;
	struct channel *channels; /* all of this thread */
	struct sockaddr_storage server;
	socklen_t server_length;
};

struct engine_kind {
	const char *name;

	/*
	 * An engine for so many channels that are to have so many bytes under way
	 * each. NULL if it cannot work here; then errno says why.
	 */
	struct engine *(*open)(unsigned channels, size_t bytes);

	int64_t (*now)(struct engine *e);

	/* Begins to connect: worker_connected() or worker_failed() follows. */
	void (*connect)(struct engine *e, struct channel *c);

	/* Begins to send what the channel has to send. */
	void (*send)(struct engine *e, struct channel *c);

	/*
	 * Waits until something happened or `until` has come. With `spin`, the
	 * CPU is this thread's own: it stays awake, and sees what happens at
	 * once.
	 */
	void (*wait)(struct engine *e, int64_t until, bool spin);

	void (*disconnect)(struct engine *e, struct channel *c);
	void (*close)(struct engine *e);
};

extern const struct engine_kind engine_uring, engine_epoll;

/* The clock of both, in ns */
static inline int64_t engine_clock(struct engine *e)
{
	struct timespec t;

	(void)e;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ---------------------------------------------------- told to the worker */

/* These two hold for connecting, too: it takes an errno. */
void worker_connected(struct worker *w, struct channel *c);
void worker_failed(struct worker *w, struct channel *c, int error);

/* Of the bytes made last, so many are sent. */
void worker_sent(struct worker *w, struct channel *c, size_t made, size_t sent);

/* Bytes came; n = 0: the server has closed the connection. */
void worker_received(struct worker *w, struct channel *c, const char *bytes,
		     size_t n);

#endif
