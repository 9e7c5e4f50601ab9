/* SPDX-License-Identifier: MIT */
/*
 * libevent.c - one thread; libevent waits, and calls a function per ready client
 *
 * Waits in:     event_base_dispatch(3), which calls epoll_wait(2)
 * Learns:       readiness: recv or send on this client would not block
 * Per request:  recv + send, a call through a pointer, and a share of one epoll_wait
 * Costs:        a struct event per client; two epoll_ctl per reply that does not fit
 *               the socket buffer
 * Limits:       descriptors (RLIMIT_NOFILE), fs.epoll.max_user_watches
 * Compare with: ../epoll.c - the same calls, in a loop of its own
 * Try:          EVENT_NOEPOLL=1 strace -c bin/libevent: the same server on poll
 */
#include "models/common/model.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

const char model_name[] = "libevent";
const char model_summary[] = "libevent: a function called per ready client";

static struct event_base *base;
static struct event listener, pause_end;

static void serve_client(struct conn *c)
{
	ssize_t n;

	if (c->want == WANT_READ) {
		n = recv(c->fd, conn_space(c), CONN_SPACE, 0);
		conn_did_read(c, result(n));
	}
	if (c->work)
		do_work(c);
	if (c->want == WANT_WRITE) {
		n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
		conn_did_write(c, result(n));
	}
	conn_rest(c);
}

static void drop_client(struct conn *c)
{
	event_del(c->model);
	close(c->fd);
	conn_end(c);
}

static void on_client(evutil_socket_t fd, short events, void *data);

/* An event that is added cannot be changed: it is deleted, and added again. */
static int watch(struct conn *c, short events)
{
	struct event *event = c->model;

	if (event_initialized(event))
		event_del(event);
	event_assign(event, base, c->fd, events | EV_PERSIST, on_client, c);
	return event_add(event, NULL);
}

static void on_client(evutil_socket_t fd, short events, void *data)
{
	struct conn *c = data;
	enum want waited_for = c->want;

	(void)fd;
	(void)events;
	serve_client(c);
	if (c->want == WANT_CLOSE)
		drop_client(c);
	else if (c->want != waited_for &&
		 watch(c, c->want == WANT_READ ? EV_READ : EV_WRITE) < 0)
		drop_client(c);
}

static void pause_accepting(int pause_ms)
{
	struct timeval pause = { .tv_usec = pause_ms * 1000 };

	event_del(&listener);
	event_add(&pause_end, &pause);
}

static void on_pause_end(evutil_socket_t fd, short events, void *data)
{
	(void)fd;
	(void)events;
	(void)data;
	event_add(&listener, NULL);
}

/* At most ACCEPTS_MAX: connected clients wait meanwhile. */
static void accept_clients(evutil_socket_t listen_fd, short events, void *opt)
{
	struct conn *c;
	int fd;

	(void)events;
	if (stopping) /* the signal's handler has shut the socket down */
		event_base_loopbreak(base);
	for (int i = 0; i < ACCEPTS_MAX && !stopping; i++) {
		fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);
		if (fd < 0) {
			accept_failed("accept4", errno);
			if (accept_pause() >= 0)
				pause_accepting(accept_pause());
			return;
		}
		c = admit(fd, opt);
		if (!c)
			continue;
		c->model = calloc(1, sizeof(struct event));
		if (!c->model || watch(c, EV_READ) < 0)
			turn_away(c, REFUSED_MEMORY); /* or max_user_watches */
	}
}

int serve(int listen_fd, const struct options *opt)
{
	struct conn *c;

	if (fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");
	base = event_base_new();
	if (!base)
		die("event_base_new");
	event_assign(&listener, base, listen_fd, EV_READ | EV_PERSIST,
		     accept_clients, (void *)opt);
	evtimer_assign(&pause_end, base, on_pause_end, NULL);
	if (event_add(&listener, NULL) < 0)
		die("event_add");

	ready(listen_fd);
	while (!stopping)
		if (event_base_dispatch(base) < 0)
			wait_failed("event_base_dispatch", errno);
	while ((c = conn_first()))
		drop_client(c);
	event_base_free(base);
	return 0;
}
