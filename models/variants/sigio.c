/* SPDX-License-Identifier: MIT */
/*
 * sigio.c - one thread; readiness by signals that the kernel queues
 *
 * Variant of:   epoll - which keeps a set of ready clients, not a queue
 * Waits in:     sigtimedwait(2)
 * Learns:       that data or space has come, once (O_ASYNC): it has to go on
 *               until the socket is drained, which a short read tells
 * Per request:  sigtimedwait + recv + send
 * Costs:        three fcntl per client; a signal, and so a call, per event,
 *               however many wait; after an overflow, a turn for every client
 * Limits:       queued signals (RLIMIT_SIGPENDING): beyond, the kernel says with
 *               SIGIO that some were lost; descriptors (RLIMIT_NOFILE)
 * Compare with: ../epoll.c - one call returns the events of many clients
 * Try:          strace -c bin/sigio; prlimit --sigpending=8 bin/sigio
 */
#include "models/common/model.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

const char model_name[] = "sigio";
const char model_summary[] = "readiness by queued signals (O_ASYNC)";

/* SIGIO, for an overflow, has the lower number: it is delivered first. */
#define CHANGED SIGRTMIN

static uint64_t overflows;

const struct model_counter model_counters[] = {
	{ "signal_overflows", &overflows }, { 0 }
};

static struct conn **clients; /* by descriptor */
static int room;              /* in `clients` */

static bool map_client(struct conn *c)
{
	enum { MORE = 1024 };
	void *p;

	while (c->fd >= room) {
		p = reallocarray(clients, room + MORE, sizeof(*clients));
		if (!p)
			return false;
		clients = p;
		memset(clients + room, 0, MORE * sizeof(*clients));
		room += MORE;
	}
	clients[c->fd] = c;
	return true;
}

/* From now on, its changes are signalled. */
static int watch(int fd)
{
	if (fcntl(fd, F_SETOWN, getpid()) < 0 ||
	    fcntl(fd, F_SETSIG, CHANGED) < 0)
		return -1;
	return fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC);
}

/*
 * False if it waits for a signal: its socket is drained, or full. After a short
 * read more can be there and not be signalled if this turn is not due to a signal:
 * `unsure`.
 */
static bool serve_client(struct conn *c, bool unsure)
{
	bool again = true, none;
	ssize_t n;

	if (c->want == WANT_READ) {
		n = recv(c->fd, conn_space(c), CONN_SPACE, 0);
		none = n < 0 && errno == EAGAIN;
		again = !none && (n < 0 || n == CONN_SPACE || unsure);
		if (!none)
			conn_did_read(c, result(n));
	}
	if (c->work)
		do_work(c);
	if (c->want == WANT_WRITE) {
		n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
		none = n < 0 && errno == EAGAIN;
		if (!none)
			conn_did_write(c, result(n));
		if (c->want == WANT_WRITE)
			again = !none;
	}
	conn_rest(c);
	return again;
}

static void drop_client(struct conn *c)
{
	close(c->fd);
	conn_end(c);
}

/* One recv and send; then it is queued behind the others, or it waits. */
static void handle_client(struct conn *c, bool unsure)
{
	const union sigval fd = { .sival_int = c->fd };
	bool again = serve_client(c, unsure);

	if (c->want == WANT_CLOSE) {
		clients[c->fd] = NULL; /* its signals may still be queued */
		drop_client(c);
	} else if (again && sigqueue(getpid(), CHANGED, fd) < 0) {
		raise(SIGIO); /* as the kernel, if the queue is full */
	}
}

/* False if the queue is empty: the next client raises a signal. */
static bool accept_client(int listen_fd, const struct options *opt)
{
	struct conn *c;
	int fd;

	fd = accept(listen_fd, NULL, NULL);
	if (fd < 0 && errno == EAGAIN)
		return false;
	if (fd < 0)
		accept_failed("accept", errno);
	else if ((c = admit(fd, opt)) && (watch(fd) < 0 || !map_client(c)))
		turn_away(c, REFUSED_MEMORY);
	else if (c) /* what came before is not signalled */
		handle_client(c, true);
	return true;
}

/* Signals were lost: drops the others as well, and gives each client a turn. */
static void handle_all(void)
{
	struct conn *c, *next;

	overflows++;
	signal(CHANGED, SIG_IGN);
	signal(CHANGED, SIG_DFL);
	for (c = conn_first(); c; c = next) {
		next = c->next;
		handle_client(c, true);
	}
}

/* False if it is not from a client. */
static bool take_signal(const siginfo_t *info)
{
	bool ours = info->si_code == SI_QUEUE; /* from handle_client() */
	int fd = ours ? info->si_value.sival_int : info->si_fd;
	struct conn *c = fd >= 0 && fd < room ? clients[fd] : NULL;

	if (c) /* while it could not be written to, nothing was read */
		handle_client(c, ours || c->want == WANT_WRITE);
	return c;
}

int serve(int listen_fd, const struct options *opt)
{
	bool more = true; /* the accept queue may not be empty */
	struct timespec rest = { 0 };
	struct conn *c;
	siginfo_t info;
	sigset_t waited;
	int signo, pause_ms;

	sigemptyset(&waited);
	sigaddset(&waited, CHANGED);
	sigaddset(&waited, SIGIO);
	sigprocmask(SIG_BLOCK, &waited, NULL);
	if (watch(listen_fd) < 0)
		die("fcntl");

	ready(listen_fd);
	while (!stopping) {
		pause_ms = accept_pause();
		if (more && pause_ms < 0)
			more = accept_client(listen_fd, opt);
		rest.tv_nsec = pause_ms < 0 ? 0 : pause_ms * 1000000L;
		signo = sigtimedwait(&waited, &info, more ? &rest : NULL);
		if (signo < 0 && errno != EAGAIN)
			wait_failed("sigtimedwait", errno);
		if (signo == SIGIO)
			handle_all();
		if (signo != CHANGED || !take_signal(&info))
			more = true;
	}
	while ((c = conn_first()))
		drop_client(c);
	return 0;
}
