/* SPDX-License-Identifier: MIT */
/*
 * uring_bundle.c - one thread; an io_uring that moves several buffers at once
 *
 * Variant of:   uring - a receive fills as many small buffers of a pool as there
 *               are data, a send takes several of them: IORING_RECVSEND_BUNDLE
 * Waits in:     io_uring_enter(2), which first submits the queued operations
 * Learns:       completion: data has been moved; the first buffer is named, others
 *               follow in the order in which they were given to the kernel
 * Per request:  two entries, of any size, and two io_uring_enter with one client,
 *               a small share of one with many
 * Costs:        1.6 MiB of buffers for all clients; a page for a client that has
 *               sent more than one buffer at once, and two system calls for it
 * Limits:       Linux 6.10; descriptors (RLIMIT_NOFILE)
 * Compare with: ../uring.c - a buffer of 16 KiB per client
 * Try:          bin/matrix run --models uring,uring_bundle --message 8KiB
 */
#include "models/common/model.h"
#include "models/common/ring.h"
#include "models/common/service.h"

#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char model_name[] = "uring_bundle";
const char model_summary[] =
	"completion of operations that move several buffers";

/*
 * Completions that do not fit in their queue are not lost: the kernel keeps them
 * until there is room (IORING_FEAT_NODROP).
 */
enum { SQ_ENTRIES = 512, BUFFERS = 1024, BUNDLE_MAX = 256, GROUP = 0 };
/* IORING_RECVSEND_BUNDLE, IORING_FEAT_RECVSEND_BUNDLE: 6.10 */
enum { RECVSEND_BUNDLE = 1 << 4, FEAT_BUNDLE = 1 << 14 };

static uint64_t no_buffer;

const struct model_counter model_counters[] = {
	{ "no_buffer", &no_buffer }, /* receives that found the pool empty */
	{ 0 },
};

struct client {           /* c->model */
	int first, count; /* buffers of the pool, with the reply */
	char *copy;       /* of what was in them */
	struct io_uring_buf_ring *bundle; /* group c->fd: to send */
};

static struct pool pool;
static int after[BUFFERS], last; /* the order in which the kernel has them */

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

static void start_receive(struct conn *c)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_recv(sqe, c->fd, NULL, CONN_SPACE, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->ioprio |= RECVSEND_BUNDLE;
	sqe->buf_group = GROUP;
	io_uring_sqe_set_data(sqe, c);
}

static void give_back(int id)
{
	pool_give_back(&pool, id);
	after[last] = id;
	last = id;
}

static void give_all_back(struct client *own)
{
	for (; own->count > 0; own->count--) {
		int id = own->first;

		own->first = after[id];
		give_back(id);
	}
}

/* `n` bytes of the buffers, behind the first `skip`; NULL without memory */
static char *copy_rest(const struct client *own, size_t skip, size_t n)
{
	char *copy = malloc(CONN_MARGIN + n), *to;

	if (!copy)
		return NULL;
	to = copy + CONN_MARGIN;
	for (int id = own->first; n > 0; id = after[id]) {
		size_t part = POOL_SIZE - skip % POOL_SIZE;

		if (skip >= POOL_SIZE) {
			skip -= POOL_SIZE;
			continue;
		}
		part = part < n ? part : n;
		memcpy(to, pool_buffer(&pool, id) + skip, part);
		to += part;
		n -= part;
		skip = 0;
	}
	return copy;
}

/* What a send left in it can be removed only with the whole bundle. */
static void end_bundle(struct conn *c)
{
	struct client *own = c->model;

	if (own->bundle)
		io_uring_unregister_buf_ring(&ring, c->fd);
	free(own->bundle);
	own->bundle = NULL;
}

static bool begin_bundle(struct conn *c)
{
	struct io_uring_buf_reg reg = { .ring_entries = BUNDLE_MAX,
					.bgid = c->fd };
	struct client *own = c->model;

	if (own->bundle || c->fd > UINT16_MAX)
		return own->bundle;
	own->bundle = aligned_alloc(4096, 4096);
	reg.ring_addr = (uintptr_t)own->bundle;
	if (!own->bundle)
		return false;
	io_uring_buf_ring_init(own->bundle);
	if (io_uring_register_buf_ring(&ring, &reg, 0) == 0)
		return true;
	free(own->bundle);
	own->bundle = NULL;
	return false;
}

static void fill_bundle(struct client *own, size_t n)
{
	int id = own->first;

	for (int i = 0; i < own->count; i++, id = after[id]) {
		size_t part = n < POOL_SIZE ? n : POOL_SIZE;

		io_uring_buf_ring_add(own->bundle, pool_buffer(&pool, id), part,
				      i, io_uring_buf_ring_mask(BUNDLE_MAX), i);
		n -= part;
	}
	io_uring_buf_ring_advance(own->bundle, own->count);
}

/*
 * A reply in buffers of the pool does not wait for room, as no client may keep
 * them: the kernel sends at once what the socket takes. Without MSG_WAITALL it
 * would go on with the next buffer behind a short send.
 */
static void start_send(struct conn *c)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct client *own = c->model;
	int flags =
		MSG_NOSIGNAL | (own->count ? MSG_DONTWAIT | MSG_WAITALL : 0);

	if (own->count > 1) {
		fill_bundle(own, c->out_len);
		io_uring_prep_send(sqe, c->fd, NULL, 0, flags);
		sqe->flags |= IOSQE_BUFFER_SELECT;
		sqe->ioprio |= RECVSEND_BUNDLE;
		sqe->buf_group = c->fd;
	} else {
		io_uring_prep_send(sqe, c->fd, c->out, c->out_len, flags);
	}
	io_uring_sqe_set_data(sqe, c);
}

static void drop_client(struct conn *c)
{
	struct client *own = c->model;

	give_all_back(own);
	end_bundle(c);
	free(own->copy);
	close(c->fd);
	conn_end(c);
}

/* Only a service that does not look at the bytes can have them in pieces. */
static void finish_receive(struct conn *c, int n, int first)
{
	struct client *own = c->model;

	own->first = first;
	own->count = (n + POOL_SIZE - 1) / POOL_SIZE;
	if (own->count == 1 || (c->opt->service->in_place &&
				own->count <= BUNDLE_MAX && begin_bundle(c))) {
		conn_did_read_to(c, pool_buffer(&pool, first), n);
		return;
	}
	own->copy = copy_rest(own, 0, n);
	give_all_back(own);
	if (own->copy)
		conn_did_read_to(c, own->copy + CONN_MARGIN, n);
	else
		conn_did_read(c, -ENOMEM);
}

/* What the socket did not take moves out of the pool. */
static void finish_send(struct conn *c, int res)
{
	struct client *own = c->model;
	size_t sent = res > 0 ? res : 0;
	bool bundle = own->count > 1 && sent < c->out_len;

	if (bundle) {
		own->copy = copy_rest(own, sent, c->out_len - sent);
		end_bundle(c);
	}
	conn_did_write(c, bundle && !own->copy ? -ENOMEM : res);
	if (c->want == WANT_WRITE && bundle)
		c->out = own->copy + CONN_MARGIN;
	else if (c->want == WANT_WRITE && own->count == 1)
		conn_keep(c, pool_buffer(&pool, own->first), POOL_SIZE);
	give_all_back(own);
}

static void finish_client(struct conn *c, int res, unsigned flags)
{
	struct client *own = c->model;

	no_buffer += res == -ENOBUFS && c->want == WANT_READ;
	if (c->want == WANT_WRITE)
		finish_send(c, res);
	else if (res > 0)
		finish_receive(c, res, flags >> IORING_CQE_BUFFER_SHIFT);
	else
		conn_did_read(c, res == -ENOBUFS ? -EAGAIN : res);
	if (c->want != WANT_WRITE) {
		give_all_back(own);
		free(own->copy);
		own->copy = NULL;
	}
	if (c->work) {
		io_uring_submit(&ring); /* others do not wait for work */
		do_work(c);
	}
	if (c->want == WANT_CLOSE || stopping)
		drop_client(c);
	else if (c->want == WANT_WRITE)
		start_send(c);
	else
		start_receive(c);
}

static void finish_accept(int res, int listen_fd, const struct options *opt)
{
	struct conn *c;

	accepting = false;
	if (res >= 0) {
		c = admit(res, opt);
		if (c && !(c->model = calloc(1, sizeof(struct client))))
			turn_away(c, REFUSED_MEMORY);
		else if (c)
			start_receive(c);
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

	unsigned has = ring_set_up(&ring, SQ_ENTRIES, features,
				   (struct io_uring_params){ 0 },
				   IORING_OP_SEND_ZC, "6.10");

	if (!(has & FEAT_BUNDLE))
		die_unsupported("this kernel has no bundles of buffers: they "
				"need Linux 6.10");
	pool_set_up(&ring, &pool, BUFFERS, GROUP);
	for (int id = 0; id < BUFFERS - 1; id++)
		after[id] = id + 1;
	last = BUFFERS - 1;
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
				finish_client(c, cqes[i]->res, cqes[i]->flags);
			else
				finish_accept(cqes[i]->res, listen_fd, opt);
		}
		io_uring_cq_advance(&ring, count);
	}
	io_uring_queue_exit(&ring);
	pool_free(&pool);
	return 0;
}
