/* SPDX-License-Identifier: MIT */
/*
 * busypoll.c - one thread, non-blocking calls on every socket in turn
 *
 * Waits in:     nothing: a call with nothing to do fails with EAGAIN and is
 *               repeated in the next iteration
 * Learns:       by trying every client
 * Per request:  send, and one recv per iteration until one succeeds; one
 *               accept per iteration
 * Costs:        a whole CPU, busy or idle; O(clients) calls per iteration
 * Limits:       descriptors (RLIMIT_NOFILE)
 * Compare with: select.c - one call covers all clients, and sleeps
 * Try:          strace -c bin/busypoll, without a client
 */
#include "common/model.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

const char model_name[] = "busypoll";
const char model_summary[] = "non-blocking calls on every client in turn";

/* At most ACCEPTS_MAX: connected clients wait meanwhile. */
static void accept_clients(int listen_fd, const struct options *opt)
{
	int fd;

	for (int i = 0; i < ACCEPTS_MAX; i++) {
		fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);
		if (fd < 0) {
			if (errno != EAGAIN) /* the queue is empty */
				accept_failed("accept4", errno);
			return;
		}
		admit(fd, opt);
	}
}

static void serve_client(struct conn *c)
{
	ssize_t n;

	if (c->want == WANT_READ) {
		n = recv(c->fd, conn_space(c), CONN_SPACE, 0);
		if (n >= 0 || errno != EAGAIN) /* nothing has arrived */
			conn_did_read(c, result(n));
	}
	if (c->work)
		do_work(c);
	if (c->want == WANT_WRITE) {
		n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
		if (n >= 0 || errno != EAGAIN)
			conn_did_write(c, result(n));
	}
	conn_rest(c);
}

static void drop_client(struct conn *c)
{
	close(c->fd);
	conn_end(c);
}

int serve(int listen_fd, const struct options *opt)
{
	struct conn *c, *next;

	if (fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");

	ready(listen_fd);
	while (!stopping) {
		if (accept_pause() < 0)
			accept_clients(listen_fd, opt);
		for (c = conn_first(); c; c = next) {
			next = c->next;
			serve_client(c);
			if (c->want == WANT_CLOSE)
				drop_client(c);
		}
	}
	while ((c = conn_first()))
		drop_client(c);
	return 0;
}
