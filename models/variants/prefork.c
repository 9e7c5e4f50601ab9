/* SPDX-License-Identifier: MIT */
/*
 * prefork.c - processes created before their clients; each accepts its own
 *
 * Variant of:   thread - processes instead of threads, none of them created for a
 *               client: each accepts one, serves it to its end, accepts again
 * Waits in:     accept(2), all idle workers on one listening socket, of which a
 *               client wakes one; then recv(2) or send(2) for this client only
 * Learns:       completion: the call returns when data has been moved
 * Per request:  recv + send
 * Costs:        --workers processes, with or without clients; a sleep and a wake-up
 *               per request, with a change of the address space
 * Limits:       --workers clients at once (another one would wait until one leaves:
 *               it is refused, and counted as by threads); RLIMIT_NPROC
 * Compare with: ../thread.c - the same calls; process.c - a fork for each client
 * Try:          strace -f -c bin/prefork --workers 2, with 2 and 3 clients
 */
#include "models/common/model.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char model_name[] = "prefork";
const char model_summary[] = "blocking calls, processes created in advance";

static int64_t workers = 256;

const struct model_option model_options[] = {
	{ "workers", "N", "processes: how many clients at once", OPTION_COUNT,
	  1, 4096, &workers },
	{ 0 }
};

struct worker {
	pid_t pid;
	atomic_bool serves;
};

/* In memory that all processes share */
static struct shared {
	struct totals totals;
	atomic_long clients, workers;
	_Atomic uint64_t last_number; /* of a client */
	struct worker worker[];
} * shared;

static struct worker *last;
static pid_t server;

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

/* There is one worker more than clients, to refuse others. */
static void serve_connection(struct worker *me, struct conn *c)
{
	long clients = ++shared->clients;

	me->serves = true;
	if (c->opt->max_clients && clients > c->opt->max_clients) {
		turn_away(c, REFUSED_LIMIT);
	} else if (clients >= shared->workers) {
		turn_away(c, REFUSED_THREADS);
	} else {
		stop_on_signals(c->fd); /* its shutdown ends recv and send */
		c->number = ++shared->last_number;
		while (c->want != WANT_CLOSE && !stopping)
			serve_client(c);
		close(c->fd);
		conn_end(c);
	}
	me->serves = false;
	shared->clients--;
}

static _Noreturn void worker_process(struct worker *me, int listen_fd,
				     const struct options *opt)
{
	struct timespec rest = { 0 };
	struct conn *c;
	int fd;

	stop_on_signals(-1); /* not to shut down the socket of all */
	stop_with(server);
	while (!stopping) {
		rest.tv_nsec = (accept_pause() + 1) * 1000000L;
		if (rest.tv_nsec > 0)
			nanosleep(&rest, NULL);
		fd = accept(listen_fd, NULL, NULL);
		if (fd < 0 && errno == EINVAL) /* the server knows why */
			_exit(EINVAL);
		if (fd < 0)
			accept_failed("accept", errno);
		else if ((c = admit(fd, opt)))
			serve_connection(me, c);
		totals_move(&shared->totals);
	}
	_exit(EXIT_SUCCESS);
}

static bool fork_worker(struct worker *w, int listen_fd,
			const struct options *opt)
{
	pid_t pid = fork();

	if (pid == 0)
		worker_process(w, listen_fd, opt);
	if (pid < 0)
		return false;
	w->pid = pid;
	shared->workers++;
	return true;
}

/* Waits until a worker has ended; returns it, or NULL. */
static struct worker *reap(void)
{
	struct worker *w = shared->worker;
	int status;
	pid_t pid;

	pid = waitpid(-1, &status, 0);
	while (w <= last && w->pid != pid)
		w++;
	if (pid <= 0 || w > last)
		return NULL;
	w->pid = 0;
	shared->workers--;
	if (w->serves) { /* it was killed */
		w->serves = false;
		shared->clients--;
		totals.accepted++;
		totals.closed[CLOSED_ERROR]++;
	}
	status = stopping || !WIFEXITED(status) ? 0 : WEXITSTATUS(status);
	if (status == EINVAL)
		die_of(EINVAL, "accept");
	if (status)
		exit(status); /* it has said why */
	return w;
}

int serve(int listen_fd, const struct options *opt)
{
	size_t size = sizeof(*shared) + (workers + 1) * sizeof(*last);
	struct worker *w;

	shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	server = getpid();
	last = shared->worker + workers;
	for (w = shared->worker; w <= last; w++)
		if (!fork_worker(w, listen_fd, opt))
			die("fork (try fewer --workers)");

	ready(listen_fd);
	while (!stopping) { /* a stop ends workers: they see the shutdown */
		w = reap();
		if (w && !stopping && !fork_worker(w, listen_fd, opt) &&
		    shared->workers == 0)
			die("fork");
	}
	for (w = shared->worker; w <= last; w++)
		if (w->pid)
			kill(w->pid, SIGTERM);
	while (shared->workers > 0)
		reap();
	totals_move(&shared->totals);
	totals = shared->totals;
	return 0;
}
