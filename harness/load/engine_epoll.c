/* SPDX-License-Identifier: MIT */
/* engine_epoll.c - the generator waits with epoll: see engine.h */
#include "engine.h"

#include "harness/base/die.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { SPACE = 256 * 1024 };

struct epoll_engine {
	struct engine engine;
	int epfd;
	struct epoll_event events[ENGINE_BATCH];
	char buffer[SPACE]; /* received bytes are checked, not kept */
};

static struct engine *epoll_open(unsigned channels, size_t bytes)
{
	struct epoll_engine *e = malloc(sizeof(*e));

	(void)channels;
	(void)bytes;
	if (!e)
		return NULL;
	e->epfd = epoll_create1(EPOLL_CLOEXEC);
	/* Linux 5.11: timeouts in ns. Milliseconds are too coarse. */
	if (e->epfd < 0 || epoll_pwait2(e->epfd, e->events, 1,
					&(struct timespec){ 0, 0 }, NULL) < 0) {
		int error = errno;

		if (e->epfd >= 0)
			close(e->epfd);
		free(e);
		errno = error;
		return NULL;
	}
	e->engine.kind = &engine_epoll;
	return &e->engine;
}

/* A slow channel is not read when bytes are there. */
static void watch(struct epoll_engine *e, struct channel *c, int op,
		  uint32_t events)
{
	struct epoll_event event = { .events = c->slow ? events & ~EPOLLIN :
							 events,
				     .data.ptr = c };

	c->watched = events & EPOLLOUT;
	if (epoll_ctl(e->epfd, op, c->fd, &event) < 0)
		worker_failed(e->engine.worker, c, errno);
}

static void epoll_connect(struct engine *engine, struct channel *c)
{
	struct epoll_engine *e = (struct epoll_engine *)engine;

	c->fd = socket(engine->server.ss_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		worker_failed(engine->worker, c, errno);
		return;
	}
	engine_set_up(c);
	if (connect(c->fd, (struct sockaddr *)&engine->server,
		    engine->server_length) < 0 &&
	    errno != EINPROGRESS)
		worker_failed(engine->worker, c, errno);
	else
		watch(e, c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void connect_ended(struct epoll_engine *e, struct channel *c)
{
	int error = 0;
	socklen_t length = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error) {
		worker_failed(e->engine.worker, c, error);
		return;
	}
	watch(e, c, EPOLL_CTL_MOD, EPOLLIN);
	if (c->fd >= 0)
		worker_connected(e->engine.worker, c);
}

static void epoll_send(struct engine *engine, struct channel *c)
{
	struct epoll_engine *e = (struct epoll_engine *)engine;
	size_t made = channel_send(c, e->buffer, SPACE, engine_clock(engine));
	ssize_t n = send(c->fd, e->buffer, made, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		worker_failed(engine->worker, c, errno);
		return;
	}
	/* A partial send: wait for space in the send buffer. */
	if (n < (ssize_t)made && !c->watched)
		watch(e, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	if (c->fd >= 0)
		worker_sent(engine->worker, c, made, n < 0 ? 0 : n);
}

static bool epoll_receive(struct engine *engine, struct channel *c, size_t n)
{
	struct epoll_engine *e = (struct epoll_engine *)engine;

	return engine_receive(engine, c, e->buffer, n);
}

static void handle(struct epoll_engine *e, const struct epoll_event *event)
{
	struct channel *c = event->data.ptr;

	if (c->fd < 0) /* closed by an earlier event */
		return;
	if (c->state == CHANNEL_CONNECTING) {
		connect_ended(e, c);
		return;
	}
	if (event->events & EPOLLOUT) {
		watch(e, c, EPOLL_CTL_MOD, EPOLLIN);
		if (c->fd >= 0)
			worker_sent(e->engine.worker, c, 0, 0);
	}
	if (c->fd >= 0 && (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		engine_receive(&e->engine, c, e->buffer, SPACE);
}

static unsigned epoll_wait_until(struct engine *engine, int64_t until,
				 bool spin)
{
	struct epoll_engine *e = (struct epoll_engine *)engine;
	struct timespec timeout = { 0, 0 };
	int64_t left = spin ? 0 : until - engine_clock(engine);
	int ready;

	if (left > 0) {
		timeout.tv_sec = left / 1000000000;
		timeout.tv_nsec = left % 1000000000;
	}
	ready = epoll_pwait2(e->epfd, e->events, ENGINE_BATCH, &timeout, NULL);
	if (ready < 0 && errno != EINTR)
		die("epoll_pwait2");
	for (int i = 0; i < ready; i++)
		handle(e, &e->events[i]);
	return ready < 0 ? 0 : ready;
}

static void epoll_disconnect(struct engine *engine, struct channel *c)
{
	(void)engine;
	close(c->fd); /* also removes it from the epoll set */
	c->fd = -1;
}

static void epoll_close(struct engine *engine)
{
	struct epoll_engine *e = (struct epoll_engine *)engine;

	close(e->epfd);
	free(e);
}

const struct engine_kind engine_epoll = {
	.name = "epoll",
	.open = epoll_open,
	.now = engine_clock,
	.connect = epoll_connect,
	.send = epoll_send,
	.receive = epoll_receive,
	.wait = epoll_wait_until,
	.disconnect = epoll_disconnect,
	.close = epoll_close,
};
