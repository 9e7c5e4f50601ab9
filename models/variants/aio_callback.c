/* SPDX-License-Identifier: MIT */
/*
 * aio_callback.c - POSIX AIO: asynchronous calls, completion by callbacks
 *
 * Variant of:   aio - SIGEV_THREAD in place of signals: no thread waits for results,
 *               glibc creates one for each and calls a function in it
 * Waits in:     nothing for clients; the main thread in poll(2), for new ones
 * Learns:       completion: data has been moved, in a buffer named in advance
 * Per request:  aio_read + aio_write, each executed by a thread of glibc: a pread
 *               or pwrite that fails (ESPIPE), a read or write, a clone3 for the
 *               callback, whose thread sets itself up and exits; futex calls
 * Costs:        a thread created per operation; a thread and a buffer per client,
 *               idle ones included
 * Limits:       threads (RLIMIT_NPROC), memory for stacks
 * Compare with: ../aio.c - one thread takes all results
 * Try:          strace -f -c bin/aio_callback
 */
#include "models/common/limits.h"
#include "models/common/model.h"

#include <aio.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

const char model_name[] = "aio_callback";
const char model_summary[] = "POSIX asynchronous I/O, completion by callbacks";

/* Threads beside one per client. If more are lacking, patrol() calls back. */
enum { CALLBACKS = 16 };

struct operation {
	struct aiocb block;
	bool in_flight; /* nobody has taken its result */
	int overdue;    /* how often patrol() has seen that it is to be taken */
};

/* Protects the clients and the totals; released while a request works. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/*
 * By descriptor, which a callback is given: when glibc is late with it, the client
 * may have gone.
 */
static struct conn **clients;
static int room;

static void call_back(union sigval value);

static struct operation *operation(struct conn *c)
{
	return c->model;
}

/* False without memory */
static bool begin_client(struct conn *c)
{
	int wanted = 2 * c->fd + 64;
	struct conn **p;

	if (c->fd >= room) {
		p = realloc(clients, wanted * sizeof(*p));
		if (!p)
			return false;
		memset(p + room, 0, (wanted - room) * sizeof(*p));
		clients = p;
		room = wanted;
	}
	clients[c->fd] = c;
	c->model = calloc(1, sizeof(struct operation));
	return c->model && conn_space(c);
}

static void drop_client(struct conn *c)
{
	clients[c->fd] = NULL;
	close(c->fd);
	conn_end(c);
}

/* Until it has ended, c and its buffer belong to the thread that executes it. */
static void start_client(struct conn *c)
{
	struct operation *op = c->model;
	bool reading = c->want == WANT_READ;

	*op = (struct operation){
		.block.aio_fildes = c->fd,
		.block.aio_buf = reading ? conn_space(c) : (char *)c->out,
		.block.aio_nbytes = reading ? CONN_SPACE : c->out_len,
		.block.aio_sigevent.sigev_notify = SIGEV_THREAD,
		.block.aio_sigevent.sigev_notify_function = call_back,
		.block.aio_sigevent.sigev_value.sival_int = c->fd,
	};
	op->in_flight =
		(reading ? aio_read(&op->block) : aio_write(&op->block)) == 0;
	if (!op->in_flight)
		drop_client(c);
}

static bool has_ended(struct conn *c)
{
	return operation(c)->in_flight &&
	       aio_error(&operation(c)->block) != EINPROGRESS;
}

/* Takes the result. Locked, except while it works. */
static void finish_client(struct conn *c)
{
	struct operation *op = c->model;
	int error = aio_error(&op->block);
	ssize_t n = aio_return(&op->block);

	op->in_flight = false;
	if (c->want == WANT_READ)
		conn_did_read(c, error ? -error : n);
	else
		conn_did_write(c, error ? -error : n);
	if (c->work) {
		pthread_mutex_unlock(&lock);
		do_work(c);
		pthread_mutex_lock(&lock);
	}
	if (error == ECANCELED && c->bytes_in == 0) { /* by patrol() */
		clients[c->fd] = NULL;
		turn_away(c, REFUSED_THREADS);
	} else if (c->want == WANT_CLOSE || stopping) {
		drop_client(c);
	} else {
		start_client(c);
	}
}

/* Called by glibc in a thread of its own */
static void call_back(union sigval value)
{
	struct conn *c;

	pthread_mutex_lock(&lock);
	c = clients[value.sival_int];
	if (c && has_ended(c))
		finish_client(c);
	pthread_mutex_unlock(&lock);
}

static void accept_client(int listen_fd, const struct options *opt)
{
	struct conn *c;
	int fd;

	/* A blocking socket: the thread that reads from it is to sleep. */
	fd = accept(listen_fd, NULL, NULL);
	if (fd < 0) {
		accept_failed("accept", errno);
		return;
	}
	c = admit(fd, opt);
	if (!c)
		return;
	if (!can_have_threads(conn_count() + CALLBACKS))
		turn_away(c, REFUSED_THREADS);
	else if (!begin_client(c))
		turn_away(c, REFUSED_MEMORY);
	else
		start_client(c);
}

/* A client whose result patrol() has seen so often, or NULL */
static struct conn *find_ended(int overdue)
{
	struct conn *c = conn_first();
	const struct aiocb *list[1];

	while (c && !(has_ended(c) && operation(c)->overdue >= overdue))
		c = c->next;
	if (c) { /* returns when glibc has tried to create the thread */
		list[0] = &operation(c)->block;
		aio_suspend(list, 1, NULL);
	}
	return c;
}

/*
 * Finds two failures that glibc does not report; each is acted on when it is
 * seen twice, a second apart.
 *
 * Too few threads: an operation waits for a thread that serves another client.
 * If a thread can be created now, any new operation makes glibc create it. If
 * not, the operations still waiting are cancelled, which ends their clients.
 * No thread for a callback: this thread takes the result.
 */
static void patrol(void)
{
	static struct aiocb prompt = { .aio_fildes = -1,
				       .aio_sigevent.sigev_notify =
					       SIGEV_NONE };
	static bool were_short;
	bool are_short = thread_count() - 1 < conn_count();
	struct conn *c;

	if (are_short && can_have_threads(conn_count())) {
		are_short = false;
		if (aio_error(&prompt) != EINPROGRESS)
			aio_read(&prompt);
	}
	for (c = conn_first(); c; c = c->next) {
		if (are_short && were_short && operation(c)->in_flight)
			aio_cancel(c->fd, &operation(c)->block);
		operation(c)->overdue += has_ended(c);
	}
	were_short = are_short;
	while ((c = find_ended(2)))
		finish_client(c);
}

static void drop_all_clients(void)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	struct conn *c;

	for (c = conn_first(); c; c = c->next)
		shutdown(c->fd, SHUT_RDWR);
	while (conn_count() > 0) {
		while ((c = find_ended(0)))
			finish_client(c);
		pthread_mutex_unlock(&lock); /* for callbacks that do work */
		nanosleep(&moment, NULL);
		pthread_mutex_lock(&lock);
	}
}

int serve(int listen_fd, const struct options *opt)
{
	/* One per client: with fewer, idle clients would starve others. */
	const struct aioinit pool = { .aio_threads = sysconf(_SC_OPEN_MAX) };
	struct pollfd polled = { .fd = listen_fd };
	time_t patrolled = 0;
	struct timespec now;
	int found, pause_ms;

	if (fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");
	set_small_stacks();
	aio_init(&pool);

	ready(listen_fd);
	while (!stopping) {
		pause_ms = accept_pause();
		polled.events = pause_ms < 0 ? POLLIN : 0;
		found = poll(&polled, 1, pause_ms < 0 ? 1000 : pause_ms);
		if (found < 0)
			wait_failed("poll", errno);
		clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
		pthread_mutex_lock(&lock);
		if (found > 0)
			accept_client(listen_fd, opt);
		if (now.tv_sec != patrolled)
			patrol();
		pthread_mutex_unlock(&lock);
		patrolled = now.tv_sec;
	}
	pthread_mutex_lock(&lock);
	drop_all_clients();
	pthread_mutex_unlock(&lock);
	return 0;
}
