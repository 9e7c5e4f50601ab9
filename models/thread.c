/* SPDX-License-Identifier: MIT */
/*
 * thread.c - one thread per client, blocking calls
 *
 * Waits in:     recv(2), or send(2) while a reply does not fit the socket
 *               buffer: each thread blocks for its own client, the main
 *               thread in accept(2)
 * Learns:       completion: the call returns when data has been moved
 * Per request:  recv + send
 * Costs:        a kernel thread and a stack per client; a sleep and a wake-up
 *               per request, however many clients are active
 * Limits:       threads (RLIMIT_NPROC), memory for stacks
 * Compare with: busypoll.c - the same calls, but none of them blocks
 * Try:          strace -f -c bin/thread; grep -r ctxt /proc/PID/task
 */
#include "common/model.h"

#include <limits.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

const char model_name[] = "thread";
const char model_summary[] = "blocking calls, one thread per client";

/* Enough: call chains are short. */
enum { STACK_SIZE = 64 * 1024 };

/* Protects the list of clients and the totals. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t client_gone = PTHREAD_COND_INITIALIZER;

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
	pthread_mutex_lock(&lock);
	close(c->fd);
	conn_end(c);
	pthread_cond_signal(&client_gone);
	pthread_mutex_unlock(&lock);
}

static void *client_thread(void *arg)
{
	struct conn *c = arg;

	while (c->want != WANT_CLOSE && !stopping)
		serve_client(c);
	drop_client(c);
	return NULL;
}

static void refuse_client(struct conn *c, enum refusal why)
{
	pthread_mutex_lock(&lock);
	turn_away(c, why);
	pthread_mutex_unlock(&lock);
}

static void accept_client(int listen_fd, const struct options *opt,
			  const pthread_attr_t *detached)
{
	struct conn *c;
	pthread_t thread;
	int fd;

	fd = accept(listen_fd, NULL, NULL);
	if (fd < 0) {
		accept_failed("accept", errno);
		return;
	}
	pthread_mutex_lock(&lock);
	c = admit(fd, opt);
	pthread_mutex_unlock(&lock);
	if (!c)
		return;
	if (!conn_space(c))
		refuse_client(c, REFUSED_MEMORY);
	else if (pthread_create(&thread, detached, client_thread, c) != 0)
		refuse_client(c, REFUSED_THREADS);
}

/* Unblocks all threads; returns when the last client is gone. */
static void drop_all_clients(void)
{
	pthread_mutex_lock(&lock);
	for (struct conn *c = conn_first(); c; c = c->next)
		shutdown(c->fd, SHUT_RDWR);
	while (conn_count() > 0)
		pthread_cond_wait(&client_gone, &lock);
	pthread_mutex_unlock(&lock);
}

int serve(int listen_fd, const struct options *opt)
{
	size_t least = PTHREAD_STACK_MIN; /* can exceed STACK_SIZE */
	struct timespec rest = { 0 };
	pthread_attr_t detached;
	int error;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	error = pthread_attr_setstacksize(
		&detached, least > STACK_SIZE ? least : STACK_SIZE);
	if (error)
		die_of(error, "pthread_attr_setstacksize");

	ready(listen_fd);
	while (!stopping) {
		int pause_ms = accept_pause();

		rest.tv_nsec = pause_ms * 1000000L;
		if (pause_ms >= 0)
			nanosleep(&rest, NULL);
		else
			accept_client(listen_fd, opt, &detached);
	}
	drop_all_clients();
	return 0;
}
