/* SPDX-License-Identifier: MIT */
/*
 * coro.c - one thread; a coroutine per client, resumed when its await is over
 *
 * Variant of:   epoll - the same calls; the loop does not know what a client does
 * Waits in:     epoll_wait(2), level-triggered, while every coroutine awaits
 * Learns:       readiness: the coroutine that awaits it can make its call
 * Per request:  recv + send, and a share of one epoll_wait
 * Costs:        as epoll; an await is a return and a jump, not a context switch,
 *               and a client has no stack but a line number
 * Limits:       as epoll. An await blocks its coroutine, never the thread; any
 *               other call that blocks (--work) blocks the thread, and so every
 *               client
 * Compare with: ../epoll.c - a handler per event, and the state between in c->want
 * Try:          make diff A=thread B=coro: serve_client() reads alike
 */
#include "models/common/model.h"
#include "models/variants/coro.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

const char model_name[] = "coro";
const char model_summary[] =
	"async and await: a coroutine per client, over epoll";

/* Per call; further ones are reported by the next call. */
enum { EVENTS_MAX = 256 };

static int epoll_fd;

/* c comes back with the event; it is NULL for the listening socket. */
static int watch(int operation, int fd, uint32_t events, struct conn *c)
{
	struct epoll_event event = { .events = events, .data.ptr = c };

	return epoll_ctl(epoll_fd, operation, fd, &event);
}

/* Without events EPOLLHUP is still reported: the stop signal (stop.h). */
static int rest_listener(int listen_fd, bool rest)
{
	static bool resting;

	if (rest == resting)
		return 0;
	if (watch(EPOLL_CTL_MOD, listen_fd, rest ? 0 : EPOLLIN, NULL) < 0)
		return -1;
	resting = rest;
	return 0;
}

/* A coroutine: it returns at each await, and goes on there. */
static void serve_client(struct conn *c)
{
	struct coro *me = c->model;
	ssize_t n;

	CORO_BEGIN(me);
	while (c->want != WANT_CLOSE) {
		if (c->want == WANT_READ) {
			AWAIT(me, EPOLLIN);
			n = recv(c->fd, conn_space(c), CONN_SPACE, 0);
			conn_did_read(c, result(n));
		}
		if (c->work)
			do_work(c);
		if (c->want == WANT_WRITE) {
			n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
			conn_did_write(c, result(n));
		}
		if (c->want == WANT_WRITE)
			AWAIT(me, EPOLLOUT);
		conn_rest(c);
	}
	CORO_END(me);
}

/* Creates its coroutine, which runs up to the first await. */
static bool start_client(struct conn *c)
{
	struct coro *me = c->model = calloc(1, sizeof(*me));

	if (!me)
		return false;
	serve_client(c);
	return watch(EPOLL_CTL_ADD, c->fd, me->awaits, c) == 0;
}

/* At most ACCEPTS_MAX: connected clients wait meanwhile. */
static void accept_clients(int listen_fd, const struct options *opt)
{
	struct conn *c;
	int fd;

	for (int i = 0; i < ACCEPTS_MAX; i++) {
		fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);
		if (fd < 0) {
			accept_failed("accept4", errno);
			return;
		}
		c = admit(fd, opt);
		if (c && !start_client(c))
			turn_away(c, REFUSED_MEMORY); /* or max_user_watches */
	}
}

static void drop_client(struct conn *c)
{
	close(c->fd); /* this also removes it from the epoll set */
	conn_end(c);
}

/* What it awaited has happened. */
static void resume_client(struct conn *c)
{
	struct coro *me = c->model;
	uint32_t awaited = me->awaits;

	serve_client(c);
	if (!me->awaits || (me->awaits != awaited &&
			    watch(EPOLL_CTL_MOD, c->fd, me->awaits, c) < 0))
		drop_client(c);
}

int serve(int listen_fd, const struct options *opt)
{
	struct epoll_event events[EVENTS_MAX];
	struct conn *c;
	int found, pause_ms;

	if (fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create1");
	if (watch(EPOLL_CTL_ADD, listen_fd, EPOLLIN, NULL) < 0)
		die("epoll_ctl");

	ready(listen_fd);
	while (!stopping) {
		pause_ms = accept_pause();
		if (rest_listener(listen_fd, pause_ms >= 0) < 0) {
			wait_failed("epoll_ctl", errno);
			continue;
		}
		found = epoll_wait(epoll_fd, events, EVENTS_MAX, pause_ms);
		if (found < 0)
			wait_failed("epoll_wait", errno);
		for (int i = 0; i < found; i++) {
			c = events[i].data.ptr;
			if (c)
				resume_client(c);
			else
				accept_clients(listen_fd, opt);
		}
	}
	while ((c = conn_first()))
		drop_client(c);
	return 0;
}
