/* SPDX-License-Identifier: MIT */
/*
 * uring_sqpoll.c - one thread; an io_uring whose entries a kernel thread takes
 *
 * Variant of:   uring - IORING_SETUP_SQPOLL: a kernel thread polls for entries, and
 *               carries them out
 * Waits in:     io_uring_enter(2), only if nothing has completed
 * Learns:       completion: data has been moved, in a buffer named in advance
 * Per request:  no system call while there is always a completion to handle; one
 *               io_uring_enter, to wait or to wake the kernel thread, if not
 * Costs:        the kernel thread uses a whole CPU while there are requests, and
 *               for --idle after the last one; all receives and sends use its time.
 *               On a single CPU it takes the time of this thread
 * Limits:       Linux 5.11; descriptors (RLIMIT_NOFILE)
 * Compare with: ../uring.c - the thread that serves submits, too
 * Try:          top -H -p PID, idle and under load; taskset -c 0
 */
#include "models/common/model.h"
#include "models/common/ring.h"

#include <liburing.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

const char model_name[] = "uring_sqpoll";
const char model_summary[] =
	"completion of operations that a kernel thread takes";

static int64_t idle = 10 * 1000000;

const struct model_option model_options[] = {
	{ "idle", "TIME",
	  "how long the kernel thread polls without finding any", OPTION_TIME,
	  1000000, 10000000000, &idle },
	{ 0 },
};

/*
 * Completions that do not fit in their queue are not lost: the kernel keeps them
 * until there is room (IORING_FEAT_NODROP).
 */
enum { SQ_ENTRIES = 512 };

static struct io_uring ring;
static bool accepting; /* an accept, or the pause before one, is in flight */

/* Entries of the listening socket carry no client. */
static void start_accept(int listen_fd)
{
	static struct __kernel_timespec rest;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	int pause_ms = accept_pause();

	if (pause_ms >= 0) {
		rest.tv_nsec = pause_ms * 1000000LL;
		io_uring_prep_timeout(sqe, &rest, 0, 0);
	} else {
		io_uring_prep_accept(sqe, listen_fd, NULL, NULL, 0);
	}
	io_uring_sqe_set_data(sqe, NULL);
	accepting = true;
}

/* Until it finishes, c and its buffer belong to the kernel. */
static void start_client(struct conn *c)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (c->want == WANT_READ)
		io_uring_prep_recv(sqe, c->fd, conn_space(c), CONN_SPACE, 0);
	else
		io_uring_prep_send(sqe, c->fd, c->out, c->out_len,
				   MSG_NOSIGNAL);
	io_uring_sqe_set_data(sqe, c);
}

static void drop_client(struct conn *c)
{
	close(c->fd);
	conn_end(c);
}

static void finish_client(struct conn *c, int res)
{
	if (c->want == WANT_READ)
		conn_did_read(c, res);
	else
		conn_did_write(c, res);
	if (c->work) {
		io_uring_submit(&ring); /* others do not wait for work */
		do_work(c);
	}
	if (c->want == WANT_CLOSE || stopping)
		drop_client(c);
	else
		start_client(c);
}

static void finish_accept(int res, int listen_fd, const struct options *opt)
{
	struct conn *c;

	accepting = false;
	if (res >= 0) {
		c = admit(res, opt);
		if (c && !conn_space(c))
			turn_away(c, REFUSED_MEMORY);
		else if (c)
			start_client(c);
	} else if (res != -ETIME) { /* the end of a pause */
		accept_failed("io_uring accept", -res);
	}
	if (!stopping) {
		start_accept(listen_fd);
		return;
	}
	/* No client can be added any more: end what is in flight. */
	for (c = conn_first(); c; c = c->next)
		shutdown(c->fd, SHUT_RDWR);
}

/*
 * The kernel thread does not inherit this thread's CPU affinity. If there is one, it
 * gets the last of these CPUs, so that it stays out of the way of other programs.
 */
static void set_up_ring(void)
{
	static const unsigned features[] = {
		/* 6.0 */
		IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER,
		/* 5.18 */
		IORING_SETUP_SUBMIT_ALL,
		0,
	};
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL,
		.sq_thread_idle = idle / 1000000,
	};
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 &&
	    CPU_COUNT(&cpus) < get_nprocs()) {
		params.flags |= IORING_SETUP_SQ_AFF;
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &cpus))
				params.sq_thread_cpu = cpu;
	}
	/* SHUTDOWN came with SQPOLL for all users. */
	ring_set_up(&ring, SQ_ENTRIES, features, params, IORING_OP_SHUTDOWN,
		    "5.11");
}

int serve(int listen_fd, const struct options *opt)
{
	struct io_uring_cqe *cqes[SQ_ENTRIES / 2];
	struct conn *c;
	unsigned count;
	int res;

	set_up_ring();

	ready(listen_fd);
	start_accept(listen_fd);
	while (accepting || conn_count() > 0) {
		res = io_uring_submit_and_wait(&ring,
					       !io_uring_cq_ready(&ring));
		if (res < 0)
			wait_failed("io_uring_enter", -res);
		io_uring_sqring_wait(&ring); /* until an entry is taken */
		/* A completed accept queues two entries: leave room. */
		count = io_uring_peek_batch_cqe(
			&ring, cqes, io_uring_sq_space_left(&ring) / 2);
		for (unsigned i = 0; i < count; i++) {
			c = io_uring_cqe_get_data(cqes[i]);
			if (c)
				finish_client(c, cqes[i]->res);
			else
				finish_accept(cqes[i]->res, listen_fd, opt);
		}
		io_uring_cq_advance(&ring, count);
	}
	io_uring_queue_exit(&ring);
	return 0;
}
