/* SPDX-License-Identifier: MIT */
/*
 * engine.h - how the generator itself waits
 *
 * An engine moves bytes between channels and the kernel. It belongs to one thread
 * and knows no schedule. A worker tells it what to send; it reports what happened
 * from within `wait`, or from within `connect` and `send` if that is known at once.
 * It is also the clock, so that tests control the time.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "channel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

struct worker;

/*
 * How many replies an engine takes, or requests it submits, at a time. With more, a
 * connection would wait for the replies of all others before it sends again, and
 * `sent` would be too early for the last request of a batch.
 */
enum { ENGINE_BATCH = 8 };

/* The socket of a slow channel is as small as on a real network: or it would take a
 * megabyte before the server has to wait. */
enum { SLOW_SOCKET = 4 * 1024, SLOW_SEGMENT = 1460, SLOW_READ_MAX = 16 * 1024 };

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
	 * An engine for this number of channels with `bytes` in flight each. NULL
	 * and errno: it does not work here.
	 */
	struct engine *(*open)(unsigned channels, size_t bytes);

	int64_t (*now)(struct engine *e);

	/* Starts connecting; worker_connected() or worker_failed() follows. */
	void (*connect)(struct engine *e, struct channel *c);

	/* Starts sending what the channel has to send. */
	void (*send)(struct engine *e, struct channel *c);

	/* Reads up to `n` bytes, SLOW_READ_MAX at most, on a slow channel; false: there
	 * are none. */
	bool (*receive)(struct engine *e, struct channel *c, size_t n);

	/*
	 * Waits for an event, or until the time `until`. With `spin`, does not
	 * sleep: the caller busy-polls. Returns how many events there were: with 0,
	 * there are no more.
	 */
	unsigned (*wait)(struct engine *e, int64_t until, bool spin);

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

static inline void engine_set_up(struct channel *c)
{
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (!c->slow)
		return;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &(int){ SLOW_SOCKET },
		   sizeof(int));
	setsockopt(c->fd, IPPROTO_TCP, TCP_MAXSEG, &(int){ SLOW_SEGMENT },
		   sizeof(int));
}

/* ------------------------------------------------- reported to the worker */

/* `error` is an errno, of connecting or of a connection. */
void worker_connected(struct worker *w, struct channel *c);
void worker_failed(struct worker *w, struct channel *c, int error);

/* `sent` of the `made` bytes were sent. */
void worker_sent(struct worker *w, struct channel *c, size_t made, size_t sent);

/* Bytes were received; n = 0: the server closed the connection. */
void worker_received(struct worker *w, struct channel *c, const char *bytes,
		     size_t n);

/* One recv(2), which does not wait. Returns whether it took bytes. */
static inline bool engine_receive(struct engine *e, struct channel *c,
				  char *buffer, size_t size)
{
	ssize_t n = recv(c->fd, buffer, size, MSG_DONTWAIT);

	if (n >= 0)
		worker_received(e->worker, c, buffer, n);
	else if (errno != EAGAIN && errno != EINTR)
		worker_failed(e->worker, c, errno);
	return n > 0;
}

#endif
