/* SPDX-License-Identifier: MIT */
/*
 * epoll.c - one thread; readiness from a list that the kernel keeps
 *
 * Waits in:     epoll_wait(2), level-triggered
 * Learns:       readiness: recv or send on these clients would not block
 * Per request:  recv + send, and a share of one epoll_wait
 * Costs:        O(ready clients) per iteration; one epoll_ctl per client, and
 *               two more per reply that does not fit the socket buffer
 * Limits:       descriptors (RLIMIT_NOFILE), fs.epoll.max_user_watches
 * Compare with: poll.c - the same loop, but every call passes the list in
 * Try:          strace -c bin/epoll, with 2 clients and with 1,000: usecs/call
 */
#include "common/model.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

const char model_name[] = "epoll";
const char model_summary[] = "readiness from a list that the kernel keeps";

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
		if (c && watch(EPOLL_CTL_ADD, fd, EPOLLIN, c) < 0)
			turn_away(c, REFUSED_MEMORY); /* or max_user_watches */
	}
}

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
	close(c->fd); /* this also removes it from the epoll set */
	conn_end(c);
}

static void handle_client(struct conn *c)
{
	enum want waited_for = c->want;

	serve_client(c);
	if (c->want == WANT_CLOSE)
		drop_client(c);
	else if (c->want != waited_for &&
		 watch(EPOLL_CTL_MOD, c->fd,
		       c->want == WANT_READ ? EPOLLIN : EPOLLOUT, c) < 0)
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
				handle_client(c);
			else
				accept_clients(listen_fd, opt);
		}
	}
	while ((c = conn_first()))
		drop_client(c);
	return 0;
}
