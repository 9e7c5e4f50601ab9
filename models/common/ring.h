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

#endif
