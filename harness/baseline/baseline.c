/* SPDX-License-Identifier: MIT */
/*
 * baseline.c - a minimal echo server: the limit of kernel and load generator
 *
 * Not a model: it only does what every server must do, and so shows the highest
 * rate that can be measured.
 *
 * Waits in:     epoll_wait(2), edge-triggered: a client is reported again only
 *               when new data arrives
 * Per request:  recv + send, and a share of epoll_wait
 * Leaves out:   a buffer for each client, so a client that does not read
 *               blocks all others; --work
 * Limits:       descriptors, fs.epoll.max_user_watches
 * Compare with: models/epoll.c - the difference is the cost of a robust server;
 *               models/busypoll.c - it never sleeps, so with few clients it can
 *               respond faster than a server that must be woken
 */
#include "models/common/model.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

const char model_name[] = "baseline";
const char model_summary[] =
	"a minimal echo server: the ceiling for all models";

enum { EVENTS_MAX = 256, SPACE = 64 * 1024 };

static char buffer[CONN_MARGIN + SPACE]; /* shared: no data stays in it */
static int epoll_fd;

static int watch(int fd, uint32_t events, struct conn *c)
{
	struct epoll_event event = { .events = events, .data.ptr = c };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

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
		if (c && watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLET, c) < 0)
			turn_away(c, REFUSED_MEMORY);
	}
}

/* The socket buffer is full: no other client is served until there is space or
 * a stop signal arrives (see stop.h). */
static void wait_for_space(int fd, int listen_fd)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLOUT },
				{ .fd = listen_fd } };

	if (poll(fds, 2, -1) < 0 && errno != EINTR)
		die("poll");
}

static void send_reply(struct conn *c, int listen_fd)
{
	while (c->want == WANT_WRITE && !stopping) {
		ssize_t sent = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN)
			wait_for_space(c->fd, listen_fd);
		else
			conn_did_write(c, result(sent));
	}
}

/* Reads until the socket is empty: a short read was the last one, unless the
 * client has closed, as its end must still be read. */
static void serve_client(struct conn *c, bool ended, int listen_fd)
{
	ssize_t n;

	do {
		n = recv(c->fd, buffer + CONN_MARGIN, SPACE, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		conn_did_read_to(c, buffer + CONN_MARGIN, result(n));
		send_reply(c, listen_fd);
	} while (c->want == WANT_READ && (n == SPACE || ended));
}

static void drop_client(struct conn *c)
{
	close(c->fd);
	conn_end(c);
}

int serve(int listen_fd, const struct options *opt)
{
	const uint32_t end = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
	struct epoll_event events[EVENTS_MAX];
	struct conn *c;

	if (opt->work.kind != WORK_NONE)
		die_usage("--work: not supported by baseline");
	if (fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create1");
	if (watch(listen_fd, EPOLLIN, NULL) < 0)
		die("epoll_ctl");

	ready(listen_fd);
	while (!stopping) {
		int found = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);

		if (found < 0)
			wait_failed("epoll_wait", errno);
		for (int i = 0; i < found; i++) {
			c = events[i].data.ptr;
			if (!c) {
				accept_clients(listen_fd, opt);
				continue;
			}
			serve_client(c, events[i].events & end, listen_fd);
			if (c->want == WANT_CLOSE)
				drop_client(c);
		}
	}
	while ((c = conn_first()))
		drop_client(c);
	return 0;
}
