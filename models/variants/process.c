/* SPDX-License-Identifier: MIT */
/*
 * process.c - one process per client, blocking calls
 *
 * Variant of:   thread - a process instead of a thread: no memory to lock, and a
 *               crash ends one client only
 * Waits in:     recv(2), or send(2) while a reply does not fit the socket buffer:
 *               each process blocks for its own client, the first one in ppoll(2)
 *               for clients and for ends of processes
 * Learns:       completion: the call returns when data has been moved
 * Per request:  recv + send
 * Costs:        a fork and an exit per client, a page table and copies of the
 *               pages written to; a sleep and a wake-up per request, with a change
 *               of the address space
 * Limits:       processes (RLIMIT_NPROC, counted as threads), memory
 * Compare with: ../thread.c - the same calls; prefork.c - forks in advance
 * Try:          strace -f -c bin/process; pstree -c $(pidof process)
 */
#include "models/common/model.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char model_name[] = "process";
const char model_summary[] = "blocking calls, one process per client";

/* Of processes that have ended; in memory that all share */
static struct totals *shared;

static pid_t server;
static volatile sig_atomic_t child_ended;

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

static _Noreturn void client_process(struct conn *c, int listen_fd)
{
	totals = (struct totals){ .accepted = 1 };
	stop_on_signals(c->fd); /* its shutdown ends recv and send */
	close(listen_fd);
	stop_with(server);
	while (c->want != WANT_CLOSE && !stopping)
		serve_client(c);
	close(c->fd);
	conn_end(c);
	totals_move(shared);
	_exit(EXIT_SUCCESS);
}

static void accept_client(int listen_fd, const struct options *opt)
{
	struct conn *c;
	pid_t pid = -1;
	int fd;

	fd = accept(listen_fd, NULL, NULL);
	if (fd < 0) {
		accept_failed("accept", errno);
		return;
	}
	c = admit(fd, opt);
	if (!c)
		return;
	c->model = malloc(sizeof(pid));
	if (c->model)
		pid = fork();
	if (pid == 0)
		client_process(c, listen_fd);
	if (pid < 0) {
		turn_away(c,
			  errno == ENOMEM ? REFUSED_MEMORY : REFUSED_THREADS);
		return;
	}
	*(pid_t *)c->model = pid;
	close(fd); /* the process has its own */
}

/* Forgets the client of a process that has ended; false if none has. */
static bool reap(int flags)
{
	struct conn *c = conn_first();
	int status;
	pid_t pid;

	pid = waitpid(-1, &status, flags);
	if (pid <= 0)
		return false;
	while (c && *(pid_t *)c->model != pid)
		c = c->next;
	if (c && WIFEXITED(status))
		conn_cancel(c); /* the process has counted it */
	else if (c)
		conn_end(c); /* it was killed */
	return true;
}

static void drop_all_clients(void)
{
	for (struct conn *c = conn_first(); c; c = c->next)
		kill(*(pid_t *)c->model, SIGTERM);
	while (conn_count() > 0)
		reap(0);
	totals_move(shared);
	totals = *shared;
}

static void note_end(int signo)
{
	(void)signo;
	child_ended = true;
}

int serve(int listen_fd, const struct options *opt)
{
	struct pollfd polled = { .fd = listen_fd };
	struct timespec rest = { 0 };
	int found, pause_ms;
	sigset_t chld, mask;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	server = getpid();
	/* SIGCHLD is blocked except in the wait: no end of a process is missed. */
	signal(SIGCHLD, note_end);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &mask);
	sigdelset(&mask, SIGCHLD);

	ready(listen_fd);
	while (!stopping) {
		pause_ms = accept_pause();
		rest.tv_nsec = pause_ms * 1000000L;
		polled.events = pause_ms < 0 ? POLLIN : 0;
		found = ppoll(&polled, 1, pause_ms < 0 ? NULL : &rest, &mask);
		if (found < 0 && !child_ended)
			wait_failed("ppoll", errno);
		child_ended = false;
		while (reap(WNOHANG))
			;
		if (found > 0)
			accept_client(listen_fd, opt);
	}
	drop_all_clients();
	return 0;
}
