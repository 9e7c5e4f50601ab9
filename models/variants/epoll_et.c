/* SPDX-License-Identifier: MIT */
/*
 * epoll_et.c - one thread; the changes of readiness from a list in the kernel
 *
 * Variant of:   epoll - which reports what is ready, not what has become ready
 * Waits in:     epoll_wait(2), edge-triggered (EPOLLET)
 * Learns:       that readiness has changed, once: it has to go on until the
 *               socket is drained, which a short read tells
 * Per request:  recv + send, and a share of one epoll_wait
 * Costs:        O(changes) per iteration; one epoll_ctl per client, and one more
 *               for every TURNS_MAX turns of a client that never pauses
 * Limits:       descriptors (RLIMIT_NOFILE), fs.epoll.max_user_watches
 * Compare with: ../epoll.c - level-triggered: the kernel looks twice at a
 *               client that is served; a socket that is not drained is
 *               reported again
 * Try:          make diff A=epoll B=epoll_et
 */
#include "models/common/model.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

const char model_name[] = "epoll_et";
const char model_summary[] = "changes of readiness, from a list in the kernel";

/* Per call; further ones are reported by the next call. */
enum { EVENTS_MAX = 256 };

/* A short read may not have drained the socket: EOF or urgent data follows. */
enum { STREAM_CUT = EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR };

/* Turns of a client that is not drained, before others have theirs */
enum { TURNS_MAX = 4 };

static int epoll_fd;
static bool connecting = true; /* the accept queue may not be empty */

/* c comes back with the event; it is NULL for the listening socket. */
static int watch(int operation, int fd, struct conn *c)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | STREAM_CUT | EPOLLET,
		.data.ptr = c,
	};

	return epoll_ctl(epoll_fd, operation, fd, &event);
}

/* At most ACCEPTS_MAX: connected clients wait meanwhile. */
static void accept_clients(int listen_fd, const struct options *opt)
{
	struct conn *c;
	int fd;

	for (int i = 0; i < ACCEPTS_MAX && connecting; i++) {
		fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);
		if (fd < 0 && errno == EAGAIN) {
			connecting = false;
		} else if (fd < 0) {
			accept_failed("accept4", errno);
			return;
		} else {
			c = admit(fd, opt);
			if (c && watch(EPOLL_CTL_ADD, fd, c) < 0)
				/* or max_user_watches */
				turn_away(c, REFUSED_MEMORY);
		}
	}
}

/* False if it waits for a change: its socket is drained, or full. */
static bool serve_client(struct conn *c, bool cut)
{
	bool again = true, none;
	ssize_t n;

	if (c->want == WANT_READ) {
		n = recv(c->fd, conn_space(c), CONN_SPACE, 0);
		none = n < 0 && errno == EAGAIN;
		again = !none && (n < 0 || n == CONN_SPACE || cut);
		if (!none)
			conn_did_read(c, result(n));
	}
	if (c->work)
		do_work(c);
	if (c->want == WANT_WRITE) {
		n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
		none = n < 0 && errno == EAGAIN;
		if (!none)
			conn_did_write(c, result(n));
		if (c->want == WANT_WRITE)
			again = !none;
	}
	conn_rest(c);
	return again;
}

static void drop_client(struct conn *c)
{
	close(c->fd); /* this also removes it from the epoll set */
	conn_end(c);
}

static void handle_client(struct conn *c, uint32_t events)
{
	uint32_t awaited = c->want == WANT_READ ? EPOLLIN : EPOLLOUT;
	/* Changes to EPOLLIN while it could not be written to were ignored. */
	bool cut = events & STREAM_CUT || c->want == WANT_WRITE;

	if (!(events & (awaited | STREAM_CUT)))
		return;
	for (int i = 0; i < TURNS_MAX; i++) {
		bool again = serve_client(c, cut);

		if (c->want == WANT_CLOSE) {
			drop_client(c);
			return;
		}
		if (!again)
			return;
	}
	/* Behind the others: the kernel looks again, and reports it again. */
	if (watch(EPOLL_CTL_MOD, c->fd, c) < 0)
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
	if (watch(EPOLL_CTL_ADD, listen_fd, NULL) < 0)
		die("epoll_ctl");

	ready(listen_fd);
	while (!stopping) {
		pause_ms = accept_pause();
		if (connecting && pause_ms < 0)
			accept_clients(listen_fd, opt);
		if (connecting && pause_ms < 0)
			pause_ms = 0;
		found = epoll_wait(epoll_fd, events, EVENTS_MAX, pause_ms);
		if (found < 0)
			wait_failed("epoll_wait", errno);
		for (int i = 0; i < found; i++) {
			c = events[i].data.ptr;
			if (c)
				handle_client(c, events[i].events);
			else
				connecting = true;
		}
	}
	while ((c = conn_first()))
		drop_client(c);
	return 0;
}
