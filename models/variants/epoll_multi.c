/* SPDX-License-Identifier: MIT */
/*
 * epoll_multi.c - a thread per CPU, each with a list of clients in the kernel
 *
 * Variant of:   epoll - the same loop, once per CPU
 * Waits in:     epoll_wait(2), in every thread
 * Learns:       readiness: recv or send on these clients would not block
 * Per request:  recv + send, and a share of one epoll_wait
 * Costs:        as epoll; a lock for a new client and for its end, but not for
 *               a request
 * Limits:       as epoll. Listening sockets of the same port (SO_REUSEPORT): the
 *               kernel spreads clients by a hash, not by load
 * Compare with: ../epoll.c - one thread: on one CPU, the two are the same
 * Try:          taskset -c 0,1 bin/epoll_multi; bin/epoll_multi --threads 8
 */
#include "models/common/model.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

const char model_name[] = "epoll_multi";
const char model_summary[] = "one epoll loop for each CPU";

static int64_t threads;

const struct model_option model_options[] = {
	{ "threads", "N", "loops; 0: one for each CPU that it may use",
	  OPTION_COUNT, 0, 1024, &threads },
	{ 0 }
};

/* Per call; further ones are reported by the next call. */
enum { EVENTS_MAX = 256 };

enum { STACK_SIZE = 256 * 1024 };

struct loop {
	pthread_t thread;
	int listen_fd, epoll_fd;
	const struct options *opt;
};

static _Thread_local int epoll_fd;

/* Protects the list of clients, the totals, and what listener.c remembers. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* c comes back with the event; it is NULL for the listening socket. */
static int watch(int operation, int fd, uint32_t events, struct conn *c)
{
	struct epoll_event event = { .events = events, .data.ptr = c };

	return epoll_ctl(epoll_fd, operation, fd, &event);
}

/* Without events EPOLLHUP is still reported: the stop signal (stop.h). */
static int rest_listener(int listen_fd, bool rest)
{
	static _Thread_local bool resting;

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
	int fd = 0;

	for (int i = 0; i < ACCEPTS_MAX && fd >= 0; i++) {
		fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);
		pthread_mutex_lock(&lock);
		if (fd < 0)
			accept_failed("accept4", errno);
		else if ((c = admit(fd, opt)) &&
			 watch(EPOLL_CTL_ADD, fd, EPOLLIN, c) < 0)
			turn_away(c, REFUSED_MEMORY); /* or max_user_watches */
		pthread_mutex_unlock(&lock);
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
	pthread_mutex_lock(&lock);
	close(c->fd); /* this also removes it from the epoll set */
	conn_end(c);
	pthread_mutex_unlock(&lock);
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

static void set_up_loop(int listen_fd)
{
	if (fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create1");
	if (watch(EPOLL_CTL_ADD, listen_fd, EPOLLIN, NULL) < 0)
		die("epoll_ctl");
}

static void run_loop(int listen_fd, const struct options *opt)
{
	struct epoll_event events[EVENTS_MAX];
	struct conn *c;
	int found, pause_ms;

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
}

static void *loop_thread(void *arg)
{
	const struct loop *loop = arg;

	epoll_fd = loop->epoll_fd;
	run_loop(loop->listen_fd, loop->opt);
	conn_thread_ends();
	return NULL;
}

int serve(int listen_fd, const struct options *opt)
{
	pthread_attr_t small;
	cpu_set_t allowed;
	struct loop *loops;
	struct conn *c;
	int error;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		die("sched_getaffinity");
	if (threads == 0)
		threads = CPU_COUNT(&allowed);
	loops = calloc(threads, sizeof(*loops));
	if (!loops)
		die("calloc");
	pthread_attr_init(&small);
	error = pthread_attr_setstacksize(&small, STACK_SIZE);
	if (error)
		die_of(error, "pthread_attr_setstacksize");
	for (int i = 1; i < threads; i++) {
		loops[i].listen_fd = listen_beside(listen_fd);
		loops[i].opt = opt;
		/* Now: at the limit a thread would take the reserve of listener.c. */
		set_up_loop(loops[i].listen_fd);
		loops[i].epoll_fd = epoll_fd;
		error = pthread_create(&loops[i].thread, &small, loop_thread,
				       &loops[i]);
		if (error)
			die_of(error, "pthread_create");
	}
	set_up_loop(listen_fd);

	ready(listen_fd);
	run_loop(listen_fd, opt);
	for (int i = 1; i < threads; i++) {
		shutdown(loops[i].listen_fd, SHUT_RDWR);
		pthread_join(loops[i].thread, NULL);
	}
	while ((c = conn_first()))
		drop_client(c);
	free(loops);
	return 0;
}
