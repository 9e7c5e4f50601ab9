/* SPDX-License-Identifier: MIT */
/*
 * engine_uring.c - the generator waits with io_uring: see engine.h
 *
 * A receive is armed once per connection (multishot) and uses buffers of a pool
 * that the ring shares (provided buffers): the kernel takes one when bytes arrive,
 * so idle connections hold none. Sends are submitted in small batches, with the
 * system call that also waits. The bytes of a send must not move until it has
 * completed, so each send has a parcel of its own until then.
 */
#include "engine.h"

#include "harness/base/die.h"
#include "harness/base/grow.h"

#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SQES = 256,
	PARCEL_MIN = 4096,           /* bytes */
	PARCEL_MAX = 64 * 1024,      /* bytes */
	SPACE_MIN = 2 * 1024,        /* bytes, of a receive buffer */
	SPACE_MAX = 64 * 1024,       /* bytes */
	SPACE_ALL = 8 * 1024 * 1024, /* bytes, of all of them */
	SPACES_MAX = 1024,
	GROUP = 0
};

enum kind { CONNECT, RECEIVE, SEND };

struct parcel {
	struct channel *c;
	uint32_t generation;
	uint32_t next; /* in the list of free ones */
	size_t made;
	char *bytes;
};

struct uring_engine {
	struct engine engine;
	struct io_uring ring;

	struct io_uring_buf_ring *spaces;
	char *space; /* all of them */
	unsigned n_spaces;
	size_t space_size;

	struct parcel *parcels;
	uint32_t n_parcels, free_parcel; /* n_parcels: none */
	size_t parcel_size;

	struct channel *to_send[ENGINE_BATCH];
	unsigned n_to_send;
};

static struct uring_engine *of(struct engine *e)
{
	return (struct uring_engine *)e;
}

/*
 * Identifies an operation: its kind, its channel or parcel, and the generation of
 * the channel, by which completions of an earlier connection are recognized.
 */
static uint64_t name_of(enum kind kind, uint32_t index, uint32_t generation)
{
	return (uint64_t)generation << 34 | (uint64_t)index << 2 | kind;
}

static struct io_uring_sqe *next_sqe(struct uring_engine *e)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&e->ring);

	while (!sqe) { /* the queue is full: submitting empties it */
		int n = io_uring_submit(&e->ring);

		if (n < 0 && n != -EBUSY && n != -EAGAIN && n != -EINTR)
			die_of(-n, "io_uring_submit");
		sqe = io_uring_get_sqe(&e->ring);
	}
	return sqe;
}

/* ----------------------------------------------------------------- opening */

static size_t between(size_t low, size_t n, size_t high)
{
	size_t power = low;

	while (power < n && power < high)
		power *= 2;
	return power;
}

static void add_space(struct uring_engine *e, unsigned i)
{
	io_uring_buf_ring_add(e->spaces, e->space + i * e->space_size,
			      e->space_size, i,
			      io_uring_buf_ring_mask(e->n_spaces), 0);
	io_uring_buf_ring_advance(e->spaces, 1);
}

static void *map(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int open_spaces(struct uring_engine *e, size_t bytes)
{
	struct io_uring_buf_reg reg = { .bgid = GROUP };
	int error;

	e->space_size = between(SPACE_MIN, bytes, SPACE_MAX);
	e->n_spaces = SPACE_ALL / e->space_size;
	if (e->n_spaces > SPACES_MAX)
		e->n_spaces = SPACES_MAX;
	e->space = map(e->n_spaces * e->space_size);
	e->spaces = map(e->n_spaces * sizeof(struct io_uring_buf));
	if (!e->space || !e->spaces)
		return ENOMEM;
	reg.ring_addr = (uintptr_t)e->spaces;
	reg.ring_entries = e->n_spaces;
	error = -io_uring_register_buf_ring(&e->ring, &reg, 0);
	if (error)
		return error;
	io_uring_buf_ring_init(e->spaces);
	for (unsigned i = 0; i < e->n_spaces; i++)
		add_space(e, i);
	return 0;
}

/* Prefers the newest setup: completions run only when this thread asks for them. */
static int open_ring(struct uring_engine *e, unsigned channels)
{
	static const unsigned flags[] = { IORING_SETUP_SINGLE_ISSUER |
						  IORING_SETUP_DEFER_TASKRUN,
					  IORING_SETUP_COOP_TASKRUN, 0 };
	int error = 0;

	for (unsigned i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		struct io_uring_params params = {
			.flags = flags[i] | IORING_SETUP_CQSIZE |
				 IORING_SETUP_CLAMP,
			.cq_entries = between(1024, 4 * channels, 65536),
		};

		error = -io_uring_queue_init_params(SQES, &e->ring, &params);
		if (error != EINVAL)
			break;
	}
	if (error)
		return error;
	io_uring_register_ring_fd(&e->ring); /* cheaper, where it exists */
	return e->ring.features & IORING_FEAT_EXT_ARG ? 0 : ENOSYS;
}

static void arm(struct uring_engine *e, int fd, uint64_t name)
{
	struct io_uring_sqe *sqe = next_sqe(e);

	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	sqe->user_data = name;
}

/* Whether multishot receive works. The kernel does not announce it, so this tries
 * it with a pair of sockets. */
static int try_multishot(struct uring_engine *e)
{
	struct io_uring_cqe *cqe;
	int pair[2], error = ENOSYS;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return errno;
	arm(e, pair[0], 0);
	if (write(pair[1], "", 1) == 1 &&
	    io_uring_submit_and_wait(&e->ring, 1) >= 0 &&
	    io_uring_peek_cqe(&e->ring, &cqe) == 0) {
		if (cqe->flags & IORING_CQE_F_BUFFER)
			add_space(e, cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		if (cqe->res == 1 && (cqe->flags & IORING_CQE_F_MORE))
			error = 0;
		io_uring_cqe_seen(&e->ring, cqe);
	}
	close(pair[1]); /* ends the armed receive */
	if (error == 0 && io_uring_wait_cqe(&e->ring, &cqe) == 0)
		io_uring_cqe_seen(&e->ring, cqe);
	close(pair[0]);
	return error;
}

static void uring_close(struct engine *engine)
{
	struct uring_engine *e = of(engine);

	if (e->ring.ring_fd > 0)
		io_uring_queue_exit(&e->ring);
	if (e->space)
		munmap(e->space, e->n_spaces * e->space_size);
	if (e->spaces)
		munmap(e->spaces, e->n_spaces * sizeof(struct io_uring_buf));
	for (uint32_t i = 0; i < e->n_parcels; i++)
		free(e->parcels[i].bytes);
	free(e->parcels);
	free(e);
}

static struct engine *uring_open(unsigned channels, size_t bytes)
{
	struct uring_engine *e = calloc(1, sizeof(*e));
	int error;

	if (!e)
		return NULL;
	e->engine.kind = &engine_uring;
	e->parcel_size = between(PARCEL_MIN, bytes, PARCEL_MAX);
	error = open_ring(e, channels);
	if (!error)
		error = open_spaces(e, bytes);
	if (!error)
		error = try_multishot(e);
	if (error) {
		uring_close(&e->engine);
		errno = error;
		return NULL;
	}
	return &e->engine;
}

/* ----------------------------------------------------------------- sending */

static struct parcel *take_parcel(struct uring_engine *e)
{
	struct parcel *p;

	if (e->free_parcel == e->n_parcels) { /* none is free */
		e->parcels = grow(e->parcels, e->n_parcels + 1, sizeof(*p));
		p = &e->parcels[e->n_parcels++];
		p->bytes = grow(NULL, e->parcel_size, 1);
		p->next = e->n_parcels;
		e->free_parcel = e->n_parcels - 1;
	}
	p = &e->parcels[e->free_parcel];
	e->free_parcel = p->next;
	return p;
}

static void give_back(struct uring_engine *e, struct parcel *p)
{
	p->next = e->free_parcel;
	e->free_parcel = p - e->parcels;
}

/* Queues the sends of a batch, which all count as sent now. */
static void queue_sends(struct uring_engine *e)
{
	int64_t now = engine_clock(&e->engine);

	for (unsigned i = 0; i < e->n_to_send; i++) {
		struct channel *c = e->to_send[i];
		struct io_uring_sqe *sqe;
		struct parcel *p;

		if (!c) /* closed meanwhile */
			continue;
		sqe = next_sqe(e);
		p = take_parcel(e);
		p->c = c;
		p->generation = c->generation;
		p->made = channel_send(c, p->bytes, e->parcel_size, now);
		io_uring_prep_send(sqe, c->fd, p->bytes, p->made, MSG_NOSIGNAL);
		sqe->user_data = name_of(SEND, p - e->parcels, 0);
	}
	e->n_to_send = 0;
}

static void submit(struct uring_engine *e)
{
	int n;

	queue_sends(e);
	n = io_uring_submit(&e->ring);
	if (n < 0 && n != -EBUSY && n != -EAGAIN && n != -EINTR)
		die_of(-n, "io_uring_submit");
}

static void uring_send(struct engine *engine, struct channel *c)
{
	struct uring_engine *e = of(engine);

	c->sending = true;
	e->to_send[e->n_to_send++] = c;
	if (e->n_to_send == ENGINE_BATCH)
		submit(e);
}

static void sent(struct uring_engine *e, struct parcel *p, int n)
{
	struct channel *c = p->c;
	size_t made = p->made;
	bool ended = c->fd < 0 || p->generation != c->generation;

	give_back(e, p);
	if (ended)
		return;
	c->sending = false;
	if (n == -EINTR || n == -EAGAIN)
		n = 0;
	if (n < 0)
		worker_failed(e->engine.worker, c, -n);
	else
		worker_sent(e->engine.worker, c, made, n);
}

/* --------------------------------------------------- connecting, receiving */

static void uring_connect(struct engine *engine, struct channel *c)
{
	struct uring_engine *e = of(engine);
	struct io_uring_sqe *sqe;

	/* Not O_NONBLOCK: operations would fail with EAGAIN instead of waiting. */
	c->fd = socket(engine->server.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		worker_failed(engine->worker, c, errno);
		return;
	}
	c->sending = false;
	engine_set_up(c);
	sqe = next_sqe(e);
	io_uring_prep_connect(sqe, c->fd, (struct sockaddr *)&engine->server,
			      engine->server_length);
	sqe->user_data = name_of(CONNECT, c->index, c->generation);
}

static void connected(struct uring_engine *e, struct channel *c, int result)
{
	if (result < 0) {
		worker_failed(e->engine.worker, c, -result);
		return;
	}
	if (!c->slow)
		arm(e, c->fd, name_of(RECEIVE, c->index, c->generation));
	worker_connected(e->engine.worker, c);
}

static void received(struct uring_engine *e, struct channel *c, bool current,
		     const struct io_uring_cqe *cqe)
{
	if (cqe->flags & IORING_CQE_F_BUFFER) {
		unsigned i = cqe->flags >> IORING_CQE_BUFFER_SHIFT;

		if (current)
			worker_received(e->engine.worker, c,
					e->space + i * e->space_size, cqe->res);
		add_space(e, i);
		current = current && c->fd >= 0 &&
			  name_of(RECEIVE, c->index, c->generation) ==
				  cqe->user_data;
	} else if (current && cqe->res == 0) {
		worker_received(e->engine.worker, c, NULL, 0);
		return;
	} else if (current && cqe->res != -ENOBUFS && cqe->res != -EINTR &&
		   cqe->res != -EAGAIN) {
		worker_failed(e->engine.worker, c, -cqe->res);
		return;
	}
	if (current && !(cqe->flags & IORING_CQE_F_MORE))
		arm(e, c->fd, cqe->user_data);
}

static bool uring_receive(struct engine *engine, struct channel *c, size_t n)
{
	char bytes[SLOW_READ_MAX];

	return engine_receive(engine, c, bytes, n);
}

static void handle(struct uring_engine *e, const struct io_uring_cqe *cqe)
{
	enum kind kind = cqe->user_data & 3;
	uint32_t index = cqe->user_data >> 2;
	struct channel *c;
	bool current;

	if (kind == SEND) {
		sent(e, &e->parcels[index], cqe->res);
		return;
	}
	c = &e->engine.channels[index];
	current = c->fd >= 0 &&
		  cqe->user_data == name_of(kind, index, c->generation);
	if (kind == RECEIVE)
		received(e, c, current, cqe);
	else if (current)
		connected(e, c, cqe->res);
}

/* ----------------------------------------------------------------- waiting */

static void wait_until(struct uring_engine *e, int64_t until)
{
	int64_t left = until - engine_clock(&e->engine);
	struct __kernel_timespec timeout = { 0, 0 };
	struct io_uring_cqe *cqe;
	int error;

	if (left > 0)
		timeout =
			(struct __kernel_timespec){ .tv_sec = left / 1000000000,
						    .tv_nsec =
							    left % 1000000000 };
	error = -io_uring_submit_and_wait_timeout(&e->ring, &cqe, 1, &timeout,
						  NULL);
	if (error > 0 && error != ETIME && error != EINTR && error != EBUSY &&
	    error != EAGAIN)
		die_of(error, "io_uring_enter");
}

/* Asks for no new completions while there are some to handle: waiting replies are
 * then in the sockets, where look_at_queue() of worker.c sees them. */
static unsigned uring_wait(struct engine *engine, int64_t until, bool spin)
{
	struct uring_engine *e = of(engine);
	struct io_uring_cqe *cqe;
	unsigned head, n = 0, replies = 0;

	queue_sends(e);
	if (io_uring_cq_ready(&e->ring) > 0 || spin) {
		if (io_uring_sq_ready(&e->ring))
			submit(e);
		if (io_uring_cq_ready(&e->ring) == 0)
			io_uring_get_events(&e->ring);
	} else {
		wait_until(e, until);
	}
	io_uring_for_each_cqe(&e->ring, head, cqe) {
		if (replies == ENGINE_BATCH)
			break;
		replies += (cqe->user_data & 3) == RECEIVE;
		handle(e, cqe);
		n++;
	}
	io_uring_cq_advance(&e->ring, n);
	return n;
}

/* An armed receive keeps the socket open: shutdown() ends it. */
static void uring_disconnect(struct engine *engine, struct channel *c)
{
	struct uring_engine *e = of(engine);

	for (unsigned i = 0; i < e->n_to_send; i++)
		if (e->to_send[i] == c)
			e->to_send[i] = NULL;
	shutdown(c->fd, SHUT_RDWR);
	close(c->fd);
	c->fd = -1;
	c->sending = false;
}

const struct engine_kind engine_uring = {
	.name = "uring",
	.open = uring_open,
	.now = engine_clock,
	.connect = uring_connect,
	.send = uring_send,
	.receive = uring_receive,
	.wait = uring_wait,
	.disconnect = uring_disconnect,
	.close = uring_close,
};
