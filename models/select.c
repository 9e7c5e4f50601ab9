/* SPDX-License-Identifier: MIT */
/*
 * select.c - one thread; readiness of a set of descriptor numbers
 *
 * Waits in:     select(2)
 * Learns:       readiness: recv or send on these clients would not block
 * Per request:  recv + send, and a share of one select
 * Costs:        both sets are built, copied in, scanned and copied out in
 *               every iteration: O(highest descriptor)
 * Limits:       descriptor numbers below FD_SETSIZE (1024)
 * Compare with: poll.c - a list of clients instead of a set of numbers
 * Try:          strace -c bin/select, with 2 clients and with 500
 */
#include "common/model.h"

#include <fcntl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

const char model_name[] = "select";
const char model_summary[] = "readiness of a set of descriptors below 1024";

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
		if (c && fd >= FD_SETSIZE) /* FD_SET would overflow */
			turn_away(c, REFUSED_FD_SETSIZE);
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
	close(c->fd);
	conn_end(c);
}

/* Leaves in the sets the descriptors that are ready. */
static int wait_for_clients(int listen_fd, fd_set *readable, fd_set *writable)
{
	int pause_ms = accept_pause(); /* no accepting until then */
	struct timeval timeout = { .tv_usec = pause_ms * 1000 };
	int highest = listen_fd;

	FD_ZERO(readable);
	FD_ZERO(writable);
	if (pause_ms < 0)
		FD_SET(listen_fd, readable);
	for (struct conn *c = conn_first(); c; c = c->next) {
		FD_SET(c->fd, c->want == WANT_READ ? readable : writable);
		if (c->fd > highest)
			highest = c->fd;
	}
	return select(highest + 1, readable, writable, NULL,
		      pause_ms < 0 ? NULL : &timeout);
}

int serve(int listen_fd, const struct options *opt)
{
	fd_set readable, writable;
	struct conn *c, *next;

	if (fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");
	if (listen_fd >= FD_SETSIZE)
		die_of(EMFILE, "listen");

	ready(listen_fd);
	while (!stopping) {
		if (wait_for_clients(listen_fd, &readable, &writable) < 0) {
			wait_failed("select", errno);
			continue; /* the sets are undefined */
		}
		for (c = conn_first(); c; c = next) {
			next = c->next;
			if (!FD_ISSET(c->fd, &readable) &&
			    !FD_ISSET(c->fd, &writable))
				continue;
			serve_client(c);
			if (c->want == WANT_CLOSE)
				drop_client(c);
		}
		/* Last: a new client can get the number of one dropped above. */
		if (FD_ISSET(listen_fd, &readable))
			accept_clients(listen_fd, opt);
	}
	while ((c = conn_first()))
		drop_client(c);
	return 0;
}
