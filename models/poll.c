/* SPDX-License-Identifier: MIT */
/*
 * poll.c - one thread; readiness of a list, which every call passes in
 *
 * Waits in:     poll(2)
 * Learns:       readiness: recv or send on these clients would not block
 * Per request:  recv + send, and a share of one poll
 * Costs:        the whole list is copied in and scanned in every iteration:
 *               O(clients)
 * Limits:       descriptors (RLIMIT_NOFILE, which also bounds the list: EINVAL)
 * Compare with: epoll.c - the same loop, but the kernel keeps the list
 * Try:          strace -c bin/poll, with 2 clients and with 1,000: usecs/call
 */
#include "common/model.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

const char model_name[] = "poll";
const char model_summary[] = "readiness of a list of descriptors";

/* polled[i] belongs to clients[i]; polled[0] is the listening socket. */
static struct pollfd *polled;
static struct conn **clients;
static nfds_t count = 1, room = 64;

/* Adds c to the list; false without memory. */
static bool watch(struct conn *c)
{
	nfds_t wanted = 2 * room;
	void *p;

	if (count == room) {
		if (!(p = realloc(polled, wanted * sizeof(*polled))))
			return false;
		polled = p;
		if (!(p = realloc(clients, wanted * sizeof(*clients))))
			return false;
		clients = p;
		room = wanted;
	}
	polled[count] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
	clients[count] = c;
	count++;
	return true;
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
		if (c && !watch(c))
			turn_away(c, REFUSED_MEMORY);
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

/* The last entry moves into the gap. */
static void drop_client(nfds_t i)
{
	close(polled[i].fd);
	conn_end(clients[i]);
	count--;
	polled[i] = polled[count];
	clients[i] = clients[count];
}

int serve(int listen_fd, const struct options *opt)
{
	int found, pause_ms;

	if (fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");
	polled = calloc(room, sizeof(*polled));
	clients = calloc(room, sizeof(*clients));
	if (!polled || !clients)
		die("calloc");
	polled[0].fd = listen_fd;

	ready(listen_fd);
	while (!stopping) {
		pause_ms = accept_pause();
		polled[0].events = pause_ms < 0 ? POLLIN : 0;
		found = poll(polled, count, pause_ms);
		if (found < 0) {
			wait_failed("poll", errno);
			continue;
		}
		/* Backwards: the entry moved into a gap has been handled. */
		for (nfds_t i = count - 1; i > 0 && found > 0; i--) {
			if (!polled[i].revents)
				continue;
			found--;
			serve_client(clients[i]);
			if (clients[i]->want == WANT_CLOSE)
				drop_client(i);
			else if (clients[i]->want == WANT_READ)
				polled[i].events = POLLIN;
			else
				polled[i].events = POLLOUT;
		}
		if (polled[0].revents)
			accept_clients(listen_fd, opt);
	}
	while (count > 1)
		drop_client(count - 1);
	return 0;
}
