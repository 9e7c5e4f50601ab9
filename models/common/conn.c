/* SPDX-License-Identifier: MIT */
/* conn.c - the state of a client, without system calls */
#include "conn.h"

#include "options.h"
#include "service.h"
#include "stop.h"
#include "work.h"

#include <stdlib.h>
#include <string.h>

struct totals totals;

static struct conn *clients;
static long client_count;
static uint64_t last_number; /* never reused; totals.accepted can decrease */

/*
 * The buffer released last, which is still in the CPU's cache: a readiness model
 * uses one buffer at a time. One for each thread.
 */
static _Thread_local char *spare_buffer;

/*
 * A client whose operations fail with EAGAIN or EINTR this often in a row is
 * closed: the model was told that they can succeed, and would loop for ever.
 */
enum { FRUITLESS_MAX = 1000 };

struct conn *conn_begin(int fd, const struct options *opt)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->fd = fd;
	c->want = WANT_READ;
	c->opt = opt;
	c->number = ++last_number;
	totals.accepted++;
	c->next = clients;
	if (clients)
		clients->prev = c;
	clients = c;
	client_count++;
	return c;
}

/* Every close while the server stops counts as caused by the stop. */
static void want_close(struct conn *c, enum closing closing)
{
	c->want = WANT_CLOSE;
	c->closing = stopping ? CLOSED_STOP : closing;
}

static void forget(struct conn *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		clients = c->next;
	if (c->next)
		c->next->prev = c->prev;
	client_count--;
	free(c->buffer);
	free(c->model);
	free(c);
}

void conn_cancel(struct conn *c)
{
	totals.accepted--;
	forget(c);
}

void conn_end(struct conn *c)
{
	totals.requests += c->requests;
	totals.bytes_in += c->bytes_in;
	totals.bytes_out += c->bytes_out;
	if (c->want != WANT_CLOSE) /* dropped by the model */
		want_close(c, CLOSED_ERROR);
	totals.closed[c->closing]++;
	forget(c);
}

void totals_move(struct totals *sum)
{
	uint64_t *to = (uint64_t *)sum, *from = (uint64_t *)&totals;

	_Static_assert(sizeof(totals) % sizeof(*to) == 0, "only uint64_t");
	for (size_t i = 0; i < sizeof(totals) / sizeof(*to); i++)
		__atomic_fetch_add(&to[i], from[i], __ATOMIC_SEQ_CST);
	totals = (struct totals){ 0 };
}

struct conn *conn_first(void)
{
	return clients;
}

long conn_count(void)
{
	return client_count;
}

char *conn_space(struct conn *c)
{
	if (!c->buffer && spare_buffer) {
		c->buffer = spare_buffer;
		spare_buffer = NULL;
	}
	if (!c->buffer)
		c->buffer = malloc(CONN_MARGIN + CONN_SPACE);
	return c->buffer ? c->buffer + CONN_MARGIN : NULL;
}

void conn_rest(struct conn *c)
{
	if (!c->buffer || c->want == WANT_WRITE)
		return;
	free(spare_buffer);
	spare_buffer = c->buffer;
	c->buffer = NULL;
}

void conn_thread_ends(void)
{
	free(spare_buffer);
	spare_buffer = NULL;
}

/* True if the operation moved bytes; otherwise decides whether to close. */
static bool moved(struct conn *c, ssize_t n)
{
	if (n > 0) {
		c->fruitless = 0;
		return true;
	}
	switch (-n) {
	case EAGAIN:
	case EINTR:
		if (++c->fruitless == FRUITLESS_MAX)
			want_close(c, CLOSED_ERROR);
		break;
	case 0:
		want_close(c, CLOSED_EOF);
		break;
	case ECONNRESET:
	case EPIPE:
		want_close(c, CLOSED_RESET);
		break;
	default: /* ETIMEDOUT, ENOBUFS, ...: the connection is unusable */
		want_close(c, CLOSED_ERROR);
	}
	return false;
}

/* Lets the service take what was read, until there is a reply to send. */
static void serve_requests(struct conn *c)
{
	uint64_t done = c->opt->service->take(c);

	if (c->opt->work.kind != WORK_NONE)
		for (uint64_t i = 1; i <= done; i++)
			c->work +=
				work_drawn(c->opt, c->number, c->requests + i);
	c->requests += done;
	if (c->out_len > 0)
		c->want = WANT_WRITE;
	else if (c->last)
		want_close(c, c->closing);
	else
		c->want = WANT_READ;
}

void conn_did_read_to(struct conn *c, char *bytes, ssize_t n)
{
	if (!moved(c, n))
		return;
	c->bytes_in += n;
	c->in = bytes;
	c->in_len = n;
	serve_requests(c);
}

void conn_did_read(struct conn *c, ssize_t n)
{
	conn_did_read_to(c, c->buffer ? c->buffer + CONN_MARGIN : NULL, n);
}

void conn_keep(struct conn *c, const char *bytes, size_t size)
{
	char *own = conn_space(c);

	if (!own) {
		want_close(c, CLOSED_ERROR);
		return;
	}
	memcpy(own - CONN_MARGIN, bytes - CONN_MARGIN, CONN_MARGIN + size);
	c->in = own + (c->in - bytes);
	if (!c->http.out_is_fixed)
		c->out = own + (c->out - bytes);
}

void conn_did_write(struct conn *c, ssize_t n)
{
	if (!moved(c, n))
		return;
	c->bytes_out += n;
	c->out += n;
	c->out_len -= n;
	if (c->out_len == 0)
		serve_requests(c);
}
