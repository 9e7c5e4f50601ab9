/* SPDX-License-Identifier: MIT */
/*
 * conn.h - a client, without system calls
 *
 * A struct conn says what its client wants next; the model does that in its
 * own way and tells what came of it:
 *
 *	WANT_READ	read up to CONN_SPACE bytes to conn_space(c),
 *			tell conn_did_read()
 *	WANT_WRITE	send c->out_len bytes from c->out,
 *			tell conn_did_write()
 *	WANT_CLOSE	close c->fd, tell conn_end()
 *
 * "What came of it" is a number of bytes or a negative errno: what an io_uring
 * completion carries, and what result() makes of a system call's -1.
 *
 * There is never more than one operation under way for a client, and nothing
 * is read from it while it still has a reply to take. That bounds its memory
 * to one buffer, and lets an asynchronous model lend that buffer to the kernel.
 */
#ifndef CONN_H
#define CONN_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct options;

enum { CONN_SPACE = 16 * 1024 };

enum want { WANT_READ, WANT_WRITE, WANT_CLOSE };

enum closing { CLOSED_EOF, CLOSED_RESET, CLOSED_ERROR, CLOSED_STOP, CLOSINGS };

enum refusal {
	REFUSED_LIMIT,       /* --max-clients */
	REFUSED_DESCRIPTORS, /* RLIMIT_NOFILE, or the whole system's */
	REFUSED_FD_SETSIZE,  /* what select(2) can name */
	REFUSED_THREADS,
	REFUSED_SIGNALS, /* RLIMIT_SIGPENDING */
	REFUSED_MEMORY,
	REFUSALS
};

struct conn {
	int fd;
	enum want want;
	const char *out; /* the reply, or what is left of it */
	size_t out_len;
	unsigned work;   /* requests just read that ask for do_work() */
	uint64_t number; /* the first client that is admitted is 1 */
	void *model;     /* the model's own, from malloc, freed with it */

	const struct options *opt;
	char *buffer;
	size_t partial;     /* bytes of a request that is not complete yet */
	unsigned fruitless; /* operations in a row that moved nothing */
	enum closing closing;
	uint64_t requests, bytes_in, bytes_out;
	struct conn *next, *prev;
};

struct totals {
	uint64_t accepted, refused[REFUSALS], closed[CLOSINGS];
	uint64_t requests, bytes_in, bytes_out;
	uint64_t aio_result_lost;
};

/*
 * Of all clients that have ended. Neither this nor the list of clients is
 * locked: a model with several threads locks around conn_begin() (in admit()),
 * conn_cancel() (in turn_away()), conn_end() and its walks over the list.
 */
extern struct totals totals;

struct conn *conn_begin(int fd, const struct options *opt);
void conn_cancel(struct conn *c); /* as if it had never begun */
void conn_end(struct conn *c);    /* adds its counters to the totals */
struct conn *conn_first(void);    /* of the living; on by c->next */
long conn_count(void);

/*
 * Where the next bytes are to go. NULL without memory: reading to NULL fails
 * with EFAULT, and so this client ends and no other. A model that reads ahead
 * of the data asks when it admits a client, and turns it away then.
 */
char *conn_space(struct conn *c);

void conn_did_read(struct conn *c, ssize_t n);
void conn_did_write(struct conn *c, ssize_t n);

/*
 * Lets the client rest: its buffer goes back, unless a reply is in it. Only
 * for a model that asks for space when there is something to read: one that
 * reads ahead of the data has its buffer in use while the client is silent.
 */
void conn_rest(struct conn *c);

static inline ssize_t result(ssize_t n)
{
	return n < 0 ? -errno : n;
}

#endif
