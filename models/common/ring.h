/* SPDX-License-Identifier: MIT */
/* ring.h - set-up of an io_uring, and its pool of buffers */
#ifndef RING_H
#define RING_H

#include "conn.h"

#include <liburing.h>

/*
 * Sets up a ring for `entries` submissions and eight times as many completions, as
 * `params` say, with the first of the sets of flags that this kernel knows; the
 * last one is 0. Ends the program with the cause and the remedy if io_uring is not
 * allowed, or lacks the operation `opcode`, which came with Linux `version`.
 * Returns its features.
 */
unsigned ring_set_up(struct io_uring *ring, unsigned entries,
		     const unsigned *flags, struct io_uring_params params,
		     int opcode, const char *version);

/*
 * Sockets of the ring instead of the process: a table of as many as the process may
 * have descriptors, at most RING_SOCKETS. Returns how many.
 */
enum { RING_SOCKETS = 65536 };
unsigned ring_sockets(struct io_uring *ring);

/*
 * Buffers from which the kernel takes one when data arrives (5.19). A receive can
 * fill 100 of them before the server gets to see one.
 */
struct pool {
	struct io_uring_buf_ring *ring;
	char *bytes;
	unsigned count;
};
enum { POOL_SIZE = 1536, POOL_STEP = POOL_SIZE + CONN_MARGIN };

/* Registers a pool of `count` buffers, a power of two, as this group. */
void pool_set_up(struct io_uring *ring, struct pool *pool, unsigned count,
		 int group);
void pool_free(struct pool *pool);

static inline char *pool_buffer(const struct pool *pool, unsigned id)
{
	return pool->bytes + (size_t)id * POOL_STEP + CONN_MARGIN;
}

static inline void pool_give_back(struct pool *pool, unsigned id)
{
	io_uring_buf_ring_add(pool->ring, pool_buffer(pool, id), POOL_SIZE, id,
			      io_uring_buf_ring_mask(pool->count), 0);
	io_uring_buf_ring_advance(pool->ring, 1);
}

/* Later than liburing 2.3 */
enum {
	RING_BUNDLE = 1 << 14,  /* IORING_FEAT_RECVSEND_BUNDLE: Linux 6.10 */
	RING_MIN_WAIT = 1 << 15 /* IORING_FEAT_MIN_TIMEOUT: Linux 6.12 */
};

/*
 * The tuned forms: a ring for one thread, with a table of sockets (returns how
 * many) and a pool of `buffers` as group 0. Ends the program if the kernel has not
 * these features.
 */
unsigned ring_set_up_tuned(struct io_uring *ring, unsigned entries,
			   struct pool *pool, unsigned buffers,
			   unsigned features);

/* Submits, and waits for `count` completions; for any one after `ns`. */
int ring_wait(struct io_uring *ring, unsigned count, int64_t ns);

/* user_data is the address of the client and, in its lowest bits, a kind. */
enum { RING_KINDS = 7 };

static inline void ring_mark(struct io_uring_sqe *sqe, struct conn *c, int kind)
{
	sqe->user_data = (uintptr_t)c | kind;
}

static inline int ring_kind(const struct io_uring_cqe *cqe)
{
	return cqe->user_data & RING_KINDS;
}

static inline struct conn *ring_conn(const struct io_uring_cqe *cqe)
{
	return (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)RING_KINDS);
}

#endif
