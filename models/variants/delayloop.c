/* SPDX-License-Identifier: MIT */
/*
 * delayloop.c - one thread, non-blocking calls on every socket, then a fixed sleep
 *
 * Variant of:   busypoll - which does not sleep between two looks
 * Waits in:     nanosleep(2), for --delay, whether there is work or not
 * Learns:       by trying every client, once per iteration
 * Per request:  send, and one recv per iteration until one succeeds; one
 *               accept and one nanosleep per iteration
 * Costs:        O(clients) calls per iteration, idle or not; a request waits
 *               half a --delay on average
 * Limits:       descriptors (RLIMIT_NOFILE); a client gets one reply per
 *               --delay
 * Compare with: ../busypoll.c - the same loop without the sleep
 * Try:          strace -c bin/delayloop --delay 1ms, without a client
 */
#include "models/common/model.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

const char model_name[] = "delayloop";
const char model_summary[] = "non-blocking calls on every client, then a sleep";

static int64_t delay = 10 * 1000 * 1000;

const struct model_option model_options[] = {
	{ "delay", "TIME", "sleep between two looks at all clients",
	  OPTION_TIME, 100 * 1000, 100 * 1000 * 1000, &delay },
	{ 0 }
};

/* All that wait: the next look is a --delay later. */
static void accept_clients(int listen_fd, const struct options *opt)
{
	int fd;

	for (;;) {
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
	const struct timespec rest = { .tv_nsec = delay };
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
		/* If a stop signal comes just before, this sleep is the last. */
		nanosleep(&rest, NULL);
	}
	while ((c = conn_first()))
		drop_client(c);
	return 0;
}
