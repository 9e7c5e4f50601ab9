/* SPDX-License-Identifier: MIT */
/*
 * uring.c - one thread; completion of operations queued in an io_uring
 *
 * Waits in:     io_uring_enter(2), which first submits the queued operations
 * Learns:       completion: data has been moved, in a buffer named in advance
 * Per request:  two io_uring_enter with one client, a small share of one with
 *               many; recv and send are queue entries, not system calls
 * Costs:        two entries per request; a buffer per client, idle ones
 *               included: of its 16 KiB, the pages that were touched
 * Limits:       descriptors (RLIMIT_NOFILE); io_uring must be allowed (kernel,
 *               sysctl, seccomp)
 * Compare with: aio.c - completion by threads and signals
 * Try:          strace -c bin/uring, with 2 clients and with 1,000
 */
#include "common/model.h"
#include "common/ring.h"

#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

const char model_name[] = "uring";
const char model_summary[] = "completion of operations queued in an io_uring";

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

/* Requests the features that make completions cheaper, as far as supported. */
static void set_up_ring(void)
{
	static const unsigned features[] = {
		/* 6.1 */
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		/* 5.19 */
		IORING_SETUP_COOP_TASKRUN,
		0,
	};

	ring_set_up(&ring, SQ_ENTRIES, features, (struct io_uring_params){ 0 },
		    IORING_OP_RECV, "5.6");
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
		res = io_uring_submit_and_wait(&ring, 1);
		if (res < 0)
			wait_failed("io_uring_enter", -res);
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
