/* SPDX-License-Identifier: MIT */
/*
 * aio.c - POSIX AIO: asynchronous calls, completion by queued signals
 *
 * Waits in:     sigtimedwait(2)
 * Learns:       completion: data has been moved, in a buffer named in advance
 * Per request:  aio_read + aio_write, each executed by a thread of glibc: a
 *               pread or pwrite that fails (ESPIPE: a socket has no offset), a
 *               blocking read or write, a signal, which sigtimedwait takes;
 *               futex calls in between, and now and then a new thread
 * Costs:        a thread and a buffer per client, idle ones included; each new
 *               operation searches the list of all operations in flight
 * Limits:       threads (RLIMIT_NPROC), memory for stacks, queued signals
 *               (RLIMIT_SIGPENDING)
 * Compare with: uring.c - completion without threads
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

/* The lowest number is delivered first: FINISHED cannot starve the others. */
#define CONNECTING SIGIO  /* the listening socket is readable */
#define PATROL SIGRTMIN   /* every second */
#define FINISHED SIGRTMAX /* carries the client whose operation ended */

struct operation {
	struct aiocb block;
	bool suspect; /* the last patrol saw EAGAIN in place of a result */
};

static long signals; /* that can be queued; each client needs one */
static sigset_t waited;

static void drop_client(struct conn *c)
{
	close(c->fd);
	conn_end(c);
}

/* Until it finishes, c and its buffer belong to the thread that executes it. */
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
	if (error == ECANCELED && c->bytes_in == 0) /* by patrol() */
		turn_away(c, REFUSED_THREADS);
	else if (c->want == WANT_CLOSE)
		drop_client(c);
	else
		start_client(c);
}

/* False if the queue is empty: the next client raises CONNECTING. */
static bool accept_client(int listen_fd, const struct options *opt)
{
	struct conn *c;
	int fd;

	/* A blocking socket: the thread that reads from it is to sleep. */
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
 * Finds two failures that glibc does not report; each is acted on when it is
 * seen twice, a second apart. Other processes of this user cause both.
 *
 * Too few threads: an operation waits for a thread that serves another client.
 * If a thread can be created now, any new operation makes glibc create it. If
 * not, the operations still waiting are cancelled, which ends their clients.
 * No signal could be queued: the operation's result becomes EAGAIN, which no
 * call on a blocking socket returns. It is lost, and its client is dropped.
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

		do /* at least once: it returns after glibc has signalled */
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
	/* One per client: with fewer, idle clients would starve others. */
	const struct aioinit pool = { .aio_threads = sysconf(_SC_OPEN_MAX) };
	bool more = true; /* the accept queue may not be empty */
	struct timespec rest = { 0 };
	siginfo_t info;
	int signo, pause_ms;

	set_up_signals(listen_fd);
	signals = signals_to_spare() - 1; /* CONNECTING takes one */
	set_small_stacks();
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
		else /* CONNECTING, PATROL, or the end of a pause */
			more = true;
		if (signo == PATROL)
			patrol();
	}
	drop_all_clients();
	return 0;
}
