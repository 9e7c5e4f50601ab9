/* SPDX-License-Identifier: MIT */
/*
 * aio.c - asynchronous calls of POSIX, each of which tells its end by a signal
 *
 * Waits in:     sigtimedwait(2), for queued signals
 * Learns:       that data was moved, into the buffer named in advance
 * Per request:  aio_read + aio_write, each made by a thread of glibc that blocks
 *               in our place: pread or pwrite, which fails (a socket has no
 *               offset); read or write; a signal, which we take. Many futexes
 *               hand the work over, and now and then a thread is made
 * Costs:        a thread and a buffer for every client, also for a silent one;
 *               a search through all operations under way for each new one
 * Limits:       threads, memory for stacks; signals that may be queued
 *               (RLIMIT_SIGPENDING)
 * Compare with: uring.c - where no thread is needed
 * Try:          strace -f -c bin/aio; ls /proc/$(pidof aio)/task | wc -l
 */
#include "common/limits.h"
#include "common/model.h"

#include <aio.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

const char model_name[] = "aio";
const char model_summary[] = "POSIX asynchronous I/O, completion by signals";

/* Waited for. The lowest number comes first: no load may keep it waiting. */
#define CONNECTING SIGIO  /* somebody wants to connect */
#define PATROL SIGRTMIN   /* every second */
#define FINISHED SIGRTMAX /* the operation of the client it carries */

/* What a client has under way; if the last patrol took its result for lost */
struct operation {
	struct aiocb block;
	bool suspect;
};

static long signals; /* that can be queued: one for each client */
static sigset_t waited;

static void drop_client(struct conn *c)
{
	close(c->fd);
	conn_end(c);
}

/* Until it is finished, c and its buffer belong to the thread that does it. */
static void start_client(struct conn *c)
{
	struct operation *op = c->model;
	bool reading = c->want == WANT_READ;

	*op = (struct operation){
		.block.aio_fildes = c->fd,
		.block.aio_buf = reading ? conn_space(c) : (char *)c->out,
		.block.aio_nbytes = reading ? CONN_SPACE : c->out_len,
		.block.aio_sigevent.sigev_notify = SIGEV_SIGNAL,
		.block.aio_sigevent.sigev_signo = FINISHED,
		.block.aio_sigevent.sigev_value.sival_ptr = c,
	};
	if ((reading ? aio_read(&op->block) : aio_write(&op->block)) < 0)
		drop_client(c);
}

static int take_result(struct conn *c)
{
	struct operation *op = c->model;
	int error = aio_error(&op->block);
	ssize_t n = aio_return(&op->block);

	if (c->want == WANT_READ)
		conn_did_read(c, error ? -error : n);
	else
		conn_did_write(c, error ? -error : n);
	return error;
}

static void finish_client(struct conn *c)
{
	int error = take_result(c);

	if (c->work)
		do_work(c);
	if (error == ECANCELED && c->bytes_in == 0) /* by the patrol, below */
		turn_away(c, REFUSED_THREADS);
	else if (c->want == WANT_CLOSE)
		drop_client(c);
	else
		start_client(c);
}

/* False when nobody is left in the queue: the next to come will signal. */
static bool accept_client(int listen_fd, const struct options *opt)
{
	struct conn *c;
	int fd;

	/* Its socket blocks: the thread that reads it is to wait. */
	fd = accept(listen_fd, NULL, NULL);
	if (fd < 0 && errno == EAGAIN)
		return false;
	if (fd < 0) {
		accept_failed("accept", errno);
		return true;
	}
	c = admit(fd, opt);
	if (!c)
		return true;
	if (conn_count() > signals)
		turn_away(c, REFUSED_SIGNALS);
	else if (!can_have_threads(conn_count()))
		turn_away(c, REFUSED_THREADS);
	else if (!conn_space(c) ||
		 !(c->model = calloc(1, sizeof(struct operation))))
		turn_away(c, REFUSED_MEMORY);
	else
		start_client(c);
	return true;
}

/*
 * What glibc does not tell; what is seen twice, a second apart, will not pass.
 *
 * Others of this user took a thread's place: an operation waits for the thread
 * of somebody else. If there can be one now, any new operation brings it about;
 * if not, what waits is cancelled, which ends its client.
 * Or they took a signal's place: EAGAIN, which no call on a blocking socket
 * gives, is where the result was. That is lost, and its client cannot go on.
 */
static void patrol(void)
{
	static struct aiocb prompt = { .aio_fildes = -1,
				       .aio_sigevent.sigev_notify =
					       SIGEV_NONE };
	static bool were_short;
	bool are_short = thread_count() - 1 < conn_count();
	struct conn *c, *next;

	if (are_short && can_have_threads(conn_count())) {
		are_short = false;
		if (aio_error(&prompt) != EINPROGRESS)
			aio_read(&prompt);
	}
	for (c = conn_first(); c; c = next) {
		struct operation *op = c->model;

		next = c->next;
		if (are_short && were_short)
			aio_cancel(c->fd, &op->block);
		if (aio_error(&op->block) == EAGAIN && op->suspect) {
			totals.aio_result_lost++;
			drop_client(c);
		} else {
			op->suspect = aio_error(&op->block) == EAGAIN;
		}
	}
	were_short = are_short;
}

static void drop_all_clients(void)
{
	struct conn *c;

	for (c = conn_first(); c; c = c->next)
		shutdown(c->fd, SHUT_RDWR);
	while ((c = conn_first())) {
		struct operation *op = c->model;
		const struct aiocb *list[] = { &op->block };

		do /* at least once: glibc may still be about to signal */
			aio_suspend(list, 1, NULL);
		while (aio_error(&op->block) == EINPROGRESS);
		totals.aio_result_lost += aio_error(&op->block) == EAGAIN;
		take_result(c);
		drop_client(c);
	}
}

static void set_up_signals(int listen_fd)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = PATROL };
	struct itimerspec every_second = { .it_value.tv_sec = 1,
					   .it_interval.tv_sec = 1 };
	timer_t timer;

	sigemptyset(&waited);
	sigaddset(&waited, FINISHED);
	sigaddset(&waited, CONNECTING);
	sigaddset(&waited, PATROL);
	sigprocmask(SIG_BLOCK, &waited, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 ||
	    timer_settime(timer, 0, &every_second, NULL) < 0)
		die("timer_create");
	if (fcntl(listen_fd, F_SETOWN, getpid()) < 0 ||
	    fcntl(listen_fd, F_SETFL, O_NONBLOCK | O_ASYNC) < 0)
		die("fcntl");
}

int serve(int listen_fd, const struct options *opt)
{
	/* A thread for every client: with fewer, silent ones starve the rest. */
	const struct aioinit pool = { .aio_threads = sysconf(_SC_OPEN_MAX) };
	bool more = true; /* clients may be waiting to be accepted */
	struct timespec rest = { 0 };
	siginfo_t info;
	int signo, pause_ms;

	set_up_signals(listen_fd);
	signals = signals_to_spare() - 1; /* CONNECTING takes one */
	set_stack_size(64 * 1024);        /* glibc's threads would have 8 MiB */
	aio_init(&pool);

	ready(listen_fd);
	while (!stopping) {
		pause_ms = accept_pause();
		if (more && pause_ms < 0)
			more = accept_client(listen_fd, opt);
		rest.tv_nsec = pause_ms < 0 ? 0 : pause_ms * 1000000L;
		signo = sigtimedwait(&waited, &info, more ? &rest : NULL);
		if (signo == FINISHED && info.si_code == SI_ASYNCIO)
			finish_client(info.si_value.sival_ptr);
		else if (signo < 0 && errno != EAGAIN)
			wait_failed("sigtimedwait", errno);
		else /* CONNECTING, the end of a rest, or just to be sure */
			more = true;
		if (signo == PATROL)
			patrol();
	}
	drop_all_clients();
	return 0;
}
