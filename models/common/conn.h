/* SPDX-License-Identifier: MIT */
/*
 * conn.h - the state of a client, without system calls
 *
 * c->want is the operation that the client needs next. The model performs it in
 * its own way and reports the result:
 *
 *	WANT_READ	read up to CONN_SPACE bytes to conn_space(c),
 *			call conn_did_read()
 *	WANT_WRITE	send c->out_len bytes from c->out,
 *			call conn_did_write()
 *	WANT_CLOSE	close c->fd, call conn_end()
 *
 * A result is a number of bytes or a negative errno: the form of an io_uring
 * completion. result() converts the -1 of a system call.
 *
 * A client has at most one operation in flight, and is not read from while a
 * reply is pending. This bounds its memory to one buffer, which an asynchronous
 * model can lend to the kernel. What the service (service.h) has not taken yet stays
 * there: when a reply is sent, c->want can be WANT_WRITE again, for the next one.
 */
#ifndef CONN_H
#define CONN_H

#include "http.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct options;

enum {
	CONN_SPACE = 16 * 1024,
	CONN_MARGIN = 128 /* before it, for the head of a reply */
};

enum want { WANT_READ, WANT_WRITE, WANT_CLOSE };

enum closing { CLOSED_EOF, CLOSED_RESET, CLOSED_ERROR, CLOSED_STOP, CLOSINGS };

/* Of a client of --service http */
struct http_client {
	size_t unsent; /* of a fixed body, behind c->out; read for every request */
	struct http request;
	enum {
		HTTP_REPLY_NONE,
		HTTP_REPLY_HELD, /* nothing of it was sent */
		HTTP_REPLY_BEGUN
	} reply;
	size_t before;     /* held: bytes to send before it */
	bool out_is_fixed; /* c->out is not in the client's buffer */
};

enum refusal {
	REFUSED_LIMIT,       /* --max-clients */
	REFUSED_DESCRIPTORS, /* RLIMIT_NOFILE or fs.file-max */
	REFUSED_FD_SETSIZE,  /* the limit of select(2) */
	REFUSED_THREADS,
	REFUSED_SIGNALS, /* RLIMIT_SIGPENDING */
	REFUSED_MEMORY,
	REFUSALS
};

struct conn {
	int fd;
	enum want want;
	const char *out; /* what remains of the reply */
	size_t out_len;
	unsigned work;   /* requests just read that need do_work() */
	uint64_t number; /* from 1, in the order of admission */
	void *model;     /* the model's own, from malloc; freed with c */

	const struct options *opt;
	char *buffer;
	char *in; /* what the service has still to take */
	size_t in_len;
	bool last;          /* close when the reply is sent, for `closing` */
	size_t partial;     /* echo: bytes of an incomplete request */
	unsigned fruitless; /* operations in a row that moved nothing */
	enum closing closing;
	uint64_t requests, bytes_in, bytes_out;
	struct conn *next, *prev;
	struct http_client http;
};

struct totals {
	uint64_t accepted, refused[REFUSALS], closed[CLOSINGS];
	uint64_t requests, bytes_in, bytes_out;
	uint64_t aio_result_lost;
};

/*
 * Sums over all clients that have ended. Neither this nor the list of clients is
 * locked: a model with several threads holds a lock around admit(), turn_away(),
 * conn_end() and while it walks the list.
 */
extern struct totals totals;

/* Moves the totals to `sum`, in memory that a model's processes share. */
void totals_move(struct totals *sum);

struct conn *conn_begin(int fd, const struct options *opt);
void conn_cancel(struct conn *c); /* undoes conn_begin() */
void conn_end(struct conn *c);    /* adds the counters to totals */
struct conn *conn_first(void);    /* of all clients; follow c->next */
long conn_count(void);

/*
 * The buffer to read to, NULL without memory. Reading to NULL fails with EFAULT,
 * which closes this client only. A model that starts a read before data arrives
 * calls this when it admits a client, and turns the client away on NULL.
 */
char *conn_space(struct conn *c);

void conn_did_read(struct conn *c, ssize_t n);
void conn_did_write(struct conn *c, ssize_t n);

/*
 * conn_did_read() for a buffer of the model, with CONN_MARGIN writable bytes before
 * it. It stays in use until c->want is not WANT_WRITE any more, or conn_keep() has
 * copied it (`size` bytes) to the buffer of c; without memory, c is to be closed.
 */
void conn_did_read_to(struct conn *c, char *bytes, ssize_t n);
void conn_keep(struct conn *c, const char *bytes, size_t size);

/*
 * Whether c has more to do when its reply is sent than to read. A head that was read
 * can wait for that too, with nothing behind it.
 */
static inline bool conn_has_more(const struct conn *c)
{
	return c->in_len > 0 || c->last || c->http.unsent > 0 ||
	       c->http.request.state >= HTTP_HEAD_ENDED;
}

/*
 * Releases the buffer unless it holds a reply. Not for a model that has started
 * to read to the buffer: then that of an idle client is in use.
 */
void conn_rest(struct conn *c);

/* At the end of a thread that called conn_rest(), but for the main thread */
void conn_thread_ends(void);

static inline ssize_t result(ssize_t n)
{
	return n < 0 ? -errno : n;
}

#endif
