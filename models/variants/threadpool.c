/* SPDX-License-Identifier: MIT */
/*
 * threadpool.c - a fixed number of threads, and a queue of ready clients
 *
 * Variant of:   thread - a thread serves whichever client is ready, not one for all
 *               its life (with that, as many idle clients as threads stop a pool)
 * Waits in:     epoll_wait(2) in the main thread, for all clients; the workers in
 *               pthread_cond_wait(3), for the queue
 * Learns:       readiness: the main thread queues a client on which recv or send
 *               would not block; epoll reports it once, until a worker re-arms it
 * Per request:  recv + send, epoll_ctl (re-arms), epoll_wait, futex: wake a worker,
 *               wait in it, release of the queue; under load, shares of the last two
 * Costs:        two changes of thread per request, to the main one and to a worker;
 *               a buffer per client
 * Limits:       --workers: as many requests that block at once (--work sleep);
 *               descriptors (RLIMIT_NOFILE), fs.epoll.max_user_watches
 * Compare with: ../thread.c - no queue; ../epoll.c - no workers
 * Try:          strace -f -c bin/threadpool --workers 1, with 1 and 64 clients
 */
#include "models/common/model.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

const char model_name[] = "threadpool";
const char model_summary[] = "N threads, a queue of ready clients";

static int64_t workers = 4;

const struct model_option model_options[] = {
	{ "workers", "N", "threads that serve clients", OPTION_COUNT, 1, 1024,
	  &workers },
	{ 0 }
};

enum { EVENTS_MAX = 256, STACK_SIZE = 256 * 1024 };

static int epoll_fd;

/* Protects the queue, the list of clients and the totals. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;

/* While a client is in the queue, its c->model is the next one. */
static struct conn *first, *last;

/*
 * Once: c is then its worker's, until that arms it again. So a client is in the
 * queue once, and one worker serves it. c is NULL for the listening socket.
 */
static bool arm(int operation, int fd, struct conn *c)
{
	bool writes = c && c->want == WANT_WRITE;
	struct epoll_event event = { .data.ptr = c };

	event.events = EPOLLONESHOT | (writes ? EPOLLOUT : EPOLLIN);
	return epoll_ctl(epoll_fd, operation, fd, &event) == 0;
}

static void accept_client(int listen_fd, const struct options *opt)
{
	struct conn *c;
	int fd;

	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);
	if (fd < 0) {
		accept_failed("accept4", errno);
		return;
	}
	c = admit(fd, opt);
	if (c && (!conn_space(c) || !arm(EPOLL_CTL_ADD, fd, c)))
		turn_away(c, REFUSED_MEMORY); /* or max_user_watches */
}

static void enqueue(struct conn *c)
{
	if (first)
		last->model = c;
	else
		first = c;
	last = c;
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
}

static void drop_client(struct conn *c)
{
	close(c->fd);    /* this also removes it from the epoll set */
	c->model = NULL; /* at the stop it may still be in the queue */
	conn_end(c);
}

static void *worker_thread(void *unused)
{
	struct conn *c;

	pthread_mutex_lock(&lock);
	while (first || !stopping) {
		if (!first) {
			pthread_cond_wait(&not_empty, &lock);
			continue;
		}
		c = first;
		first = c->model;
		c->model = NULL;
		pthread_mutex_unlock(&lock);
		serve_client(c);
		pthread_mutex_lock(&lock);
		if (c->want == WANT_CLOSE || !arm(EPOLL_CTL_MOD, c->fd, c))
			drop_client(c);
	}
	pthread_mutex_unlock(&lock);
	return unused;
}

/* Queues the clients that are ready, and accepts one. */
static void look(int listen_fd, const struct options *opt)
{
	struct epoll_event events[EVENTS_MAX];
	static bool armed = true; /* the listening socket */
	int found, pause_ms = accept_pause(), queued = 0;

	armed = armed || (pause_ms < 0 && arm(EPOLL_CTL_MOD, listen_fd, NULL));
	found = epoll_wait(epoll_fd, events, EVENTS_MAX, armed ? -1 : 10);
	if (found < 0)
		wait_failed("epoll_wait", errno);
	pthread_mutex_lock(&lock);
	for (int i = 0; i < found; i++)
		if (events[i].data.ptr) {
			enqueue(events[i].data.ptr);
			queued++;
		} else {
			armed = false;
			accept_client(listen_fd, opt);
		}
	pthread_mutex_unlock(&lock);
	while (queued-- > 0)
		pthread_cond_signal(&not_empty);
}

int serve(int listen_fd, const struct options *opt)
{
	pthread_t threads[workers];
	pthread_attr_t small;
	struct conn *c;
	int error;

	if (fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create1");
	if (!arm(EPOLL_CTL_ADD, listen_fd, NULL))
		die("epoll_ctl");
	pthread_attr_init(&small);
	error = pthread_attr_setstacksize(&small, STACK_SIZE);
	if (error)
		die_of(error, "pthread_attr_setstacksize");
	for (int i = 0; i < workers; i++) {
		error = pthread_create(&threads[i], &small, worker_thread,
				       NULL);
		if (error)
			die_of(error, "pthread_create (try fewer --workers)");
	}

	ready(listen_fd);
	while (!stopping)
		look(listen_fd, opt);
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&not_empty);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < workers; i++)
		pthread_join(threads[i], NULL);
	while ((c = conn_first()))
		drop_client(c);
	return 0;
}
