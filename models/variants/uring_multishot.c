/* SPDX-License-Identifier: MIT */
/*
 * uring_multishot.c - one thread; io_uring entries that complete many times
 *
 * Variant of:   uring - tuned: one accept, and one receive per client, stay in
 *               force; the kernel takes a buffer when data arrives
 * Waits in:     io_uring_enter(2), which first submits the queued operations
 * Learns:       completion: data has been moved, to a buffer of a pool
 * Per request:  one io_uring_enter with one client, a small share of one with
 *               many; one entry: a send, from the buffer of the receive
 * Costs:        0.4 MiB of buffers for all clients, idle ones take none; up to
 *               160 KiB for a client that sends without reading. More than 1.5
 *               KiB at once take several completions, and most is copied
 * Limits:       Linux 6.0; sockets have no descriptors, but places in a table of
 *               the ring: RLIMIT_NOFILE, at most 65,536
 * Compare with: ../uring.c - an entry and a buffer for every receive
 * Try:          strace -c bin/uring_multishot, with 2 clients and with 1,000
 */
#include "models/common/model.h"
#include "models/common/ring.h"
#include "models/common/stream.h"

#include <liburing.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

const char model_name[] = "uring_multishot";
const char model_summary[] =
	"completion of multishot operations of an io_uring";

/* Few: then queues and pool stay in the cache. */
enum { ENTRIES = 128, BUFFERS = 256, SOCKETS_MAX = 65536 };
enum { FEAT_MIN_TIMEOUT = 1 << 15 }; /* IORING_FEAT_MIN_TIMEOUT, 6.12 */

static int64_t min_wait; /* ns */
static uint64_t no_buffer;

const struct model_option model_options[] = {
	{ "min-wait", "TIME",
	  "wait so long for requests of all clients, then for any; Linux 6.12",
	  OPTION_TIME, 0, 1000000000, &min_wait },
	{ 0 },
};
const struct model_counter model_counters[] = {
	{ "no_buffer", &no_buffer }, /* receives that found the pool empty */
	{ 0 },
};

/* user_data is the address of the client and, in its lowest bits, one of these. */
enum kind { ACCEPTED, RECEIVED, SENT, NOT_SENT, CLOSED, CANCELLED };
enum { KINDS = 7 };

struct client { /* c->model */
	struct stream stream;
	int buffer; /* of the pool, with the reply; -1: none */
	bool receiving, sending;
	int result;   /* of the send from the pool */
	size_t limit; /* of bytes waiting in the stream */
	struct conn *next_sent;
};

static struct io_uring ring;
static struct pool pool;
static bool accepting; /* an accept, or the pause before one, is in flight */
static unsigned slots, taken; /* of the ring's table of sockets */
static struct conn *sent;     /* from the pool, not known to have failed */
static bool hurry;            /* one of them has more to do */

static void mark(struct io_uring_sqe *sqe, struct conn *c, enum kind kind)
{
	sqe->user_data = (uintptr_t)c | kind;
}

static enum kind kind_of(const struct io_uring_cqe *cqe)
{
	return cqe->user_data & KINDS;
}

static struct conn *conn_of(const struct io_uring_cqe *cqe)
{
	return (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)KINDS);
}

static void start_accept(int listen_fd)
{
	static struct __kernel_timespec rest;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	int pause_ms = accept_pause();

	if (pause_ms >= 0) {
		rest.tv_nsec = pause_ms * 1000000LL;
		io_uring_prep_timeout(sqe, &rest, 0, 0);
	} else {
		io_uring_prep_multishot_accept_direct(sqe, listen_fd, NULL,
						      NULL, 0);
	}
	mark(sqe, NULL, ACCEPTED);
	accepting = true;
}

static void close_slot(int slot)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_close_direct(sqe, slot);
	mark(sqe, NULL, CLOSED);
}

static void start_receive(struct conn *c)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct client *own = c->model;

	io_uring_prep_recv_multishot(sqe, c->fd, NULL, 0, 0);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
	mark(sqe, c, RECEIVED);
	own->receiving = true;
	own->limit = CONN_SPACE;
}

/* It can be missed. Then more arrives, and this is called again. */
static void end_receive(struct conn *c)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct client *own = c->model;

	io_uring_prep_cancel64(sqe, (uintptr_t)c | RECEIVED, 0);
	mark(sqe, NULL, CANCELLED);
	own->limit = own->stream.length + CONN_SPACE;
}

/*
 * A reply in a buffer of the pool does not wait for room, as no client may keep the
 * buffer. The send ends while it is submitted, and completes only if it fails or
 * is short.
 */
static void start_send(struct conn *c)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct client *own = c->model;
	bool at_once = own->buffer >= 0;

	io_uring_prep_send(sqe, c->fd, c->out, c->out_len,
			   MSG_NOSIGNAL |
				   (at_once ? MSG_DONTWAIT | MSG_WAITALL : 0));
	sqe->flags |= IOSQE_FIXED_FILE;
	own->sending = true;
	mark(sqe, c, at_once ? NOT_SENT : SENT);
	if (at_once) {
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
		own->result = c->out_len;
		own->next_sent = sent;
		sent = c;
	}
}

static void drop_client(struct conn *c)
{
	struct client *own = c->model;

	close_slot(c->fd);
	if (own->buffer >= 0)
		pool_give_back(&pool, own->buffer);
	stream_free(&own->stream);
	conn_end(c);
}

/* Starts what c needs next, or drops it when the kernel has nothing of it. */
static void serve_client(struct conn *c)
{
	struct client *own = c->model;

	if (c->work) {
		io_uring_submit(&ring); /* others do not wait for work */
		do_work(c);
	}
	if (c->want == WANT_CLOSE || stopping) {
		if (!own->receiving && !own->sending)
			drop_client(c);
		else if (own->receiving && !stopping)
			end_receive(c);
		return;
	}
	if (c->want == WANT_WRITE && !own->sending)
		start_send(c);
	if (c->want == WANT_READ && !own->receiving)
		start_receive(c);
	if (own->buffer >= 0 &&
	    (conn_has_more(c) || own->stream.length > 0 || !own->receiving))
		hurry = true;
	if (own->receiving && own->stream.length >= own->limit)
		end_receive(c);
}

static void finish_receive(struct conn *c, int res, unsigned flags)
{
	struct client *own = c->model;
	int buffer = flags >> IORING_CQE_BUFFER_SHIFT;

	if (!(flags & IORING_CQE_F_MORE))
		own->receiving = false;
	if (res == -ENOBUFS) {
		no_buffer++;
		res = -EAGAIN;
	}
	if (res != -ECANCELED &&
	    stream_received(&own->stream, c, pool_buffer(&pool, buffer), res))
		own->buffer = buffer;
	else if (res > 0)
		pool_give_back(&pool, buffer);
	serve_client(c);
}

static void finish_send(struct conn *c, int res)
{
	struct client *own = c->model;
	int buffer = own->buffer;

	own->sending = false;
	conn_did_write(c, res);
	if (buffer >= 0) {
		if (c->want == WANT_WRITE)
			conn_keep(c, pool_buffer(&pool, buffer), POOL_SIZE);
		pool_give_back(&pool, buffer);
		own->buffer = -1;
	}
	stream_go_on(&own->stream, c);
	serve_client(c);
}

/* Those that were submitted and did not complete have sent everything. */
static void finish_sends(void)
{
	struct io_uring_cqe *cqe;
	struct client *own;
	struct conn *c;
	unsigned head;

	if (io_uring_sq_ready(&ring) || io_uring_cq_has_overflow(&ring))
		return;
	io_uring_for_each_cqe(&ring, head, cqe) {
		if (kind_of(cqe) != NOT_SENT)
			continue;
		own = conn_of(cqe)->model;
		own->result = cqe->res;
		cqe->user_data = CANCELLED; /* nothing is left to do */
	}
	while ((c = sent) && io_uring_sq_space_left(&ring) >= 2) {
		own = c->model;
		sent = own->next_sent;
		finish_send(c, own->result);
	}
	hurry = sent;
}

static void begin_client(int slot, const struct options *opt)
{
	struct conn *c = admit(-1, opt); /* there is no descriptor to close */
	struct client *own = c ? calloc(1, sizeof(*own)) : NULL;

	taken++;
	if (!own) {
		close_slot(slot);
		if (c)
			turn_away(c, REFUSED_MEMORY);
		return;
	}
	own->buffer = -1;
	c->model = own;
	c->fd = slot;
	start_receive(c);
}

/* No client can be added any more. */
static void end_all(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_cancel(sqe, NULL, IORING_ASYNC_CANCEL_ANY);
	mark(sqe, NULL, CANCELLED);
}

static void finish_accept(int res, unsigned flags, int listen_fd,
			  const struct options *opt)
{
	accepting = flags & IORING_CQE_F_MORE;
	if (res >= 0)
		begin_client(res, opt);
	else if (res == -ENFILE && taken == slots) /* the kernel closed it */
		totals.refused[REFUSED_DESCRIPTORS]++;
	else if (res != -ETIME) /* the end of a pause */
		accept_failed("io_uring accept", -res);
	if (!accepting && stopping)
		end_all();
	else if (!accepting)
		start_accept(listen_fd);
}

static void finish(const struct io_uring_cqe *cqe, int listen_fd,
		   const struct options *opt)
{
	struct conn *c = conn_of(cqe);

	switch (kind_of(cqe)) {
	case ACCEPTED:
		finish_accept(cqe->res, cqe->flags, listen_fd, opt);
		break;
	case RECEIVED:
		finish_receive(c, cqe->res, cqe->flags);
		break;
	case SENT:
		finish_send(c, cqe->res);
		break;
	case NOT_SENT: /* finish_sends() could not look yet */
		((struct client *)c->model)->result = cqe->res;
		break;
	case CLOSED:
		taken--;
		break;
	case CANCELLED: /* it can miss some */
		if (stopping && !accepting && conn_count() > 0)
			end_all();
		break;
	}
}

/* As many sockets as the process may have descriptors */
static void set_up_sockets(void)
{
	struct rlimit limit;
	int res;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("getrlimit");
	slots = limit.rlim_cur < SOCKETS_MAX ? limit.rlim_cur : SOCKETS_MAX;
	res = io_uring_register_files_sparse(&ring, slots);
	if (res < 0)
		die_of(-res, "io_uring_register of sockets");
}

static void set_up_ring(void)
{
	static const unsigned flags[] = {
		/* 6.1 */
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		/* 5.19 */
		IORING_SETUP_COOP_TASKRUN,
		0,
	};
	/* SEND_ZC came with multishot receives. */
	unsigned has = ring_set_up(&ring, ENTRIES, flags,
				   (struct io_uring_params){ 0 },
				   IORING_OP_SEND_ZC, "6.0");

	if (min_wait && !(has & FEAT_MIN_TIMEOUT))
		die_unsupported("this kernel has no minimum wait: --min-wait "
				"needs Linux 6.12");
	set_up_sockets();
	pool_set_up(&ring, &pool, BUFFERS, 0);
}

/* Submits, and waits for `count` completions; for any one after --min-wait. */
static int wait_for(unsigned count)
{
	/* Without a longer timeout, it would end with ETIME after --min-wait. */
	static const struct __kernel_timespec longer = { .tv_sec = 3600 };
	struct { /* io_uring_getevents_arg, as of 6.12 */
		uint64_t sigmask;
		uint32_t sigmask_sz, min_wait_usec;
		uint64_t ts;
	} arg = { .min_wait_usec = min_wait / 1000, .ts = (uintptr_t)&longer };
	int res = io_uring_submit(&ring);

	if (res < 0)
		return res;
	res = io_uring_enter2(ring.ring_fd, 0, count,
			      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
			      (void *)&arg, sizeof(arg));
	return res == -ETIME ? 0 : res;
}

int serve(int listen_fd, const struct options *opt)
{
	struct io_uring_cqe *cqes[ENTRIES / 2];
	unsigned count;
	int res;

	set_up_ring();

	ready(listen_fd);
	start_accept(listen_fd);
	while (accepting || conn_count() > 0) {
		if (min_wait && !hurry)
			res = wait_for(conn_count() ?: 1);
		else
			res = io_uring_submit_and_wait(&ring, !hurry);
		if (res < 0)
			wait_failed("io_uring_enter", -res);
		finish_sends();
		/* A completion queues at most two entries: leave room. */
		count = io_uring_peek_batch_cqe(
			&ring, cqes, io_uring_sq_space_left(&ring) / 2);
		for (unsigned i = 0; i < count; i++)
			finish(cqes[i], listen_fd, opt);
		io_uring_cq_advance(&ring, count);
	}
	io_uring_queue_exit(&ring);
	pool_free(&pool);
	return 0;
}
