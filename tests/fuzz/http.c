// SPDX-License-Identifier: MIT
/* http.c - the service http replies the same however its input is cut */
#include "fuzz.h"

#include "models/common/conn.h"
#include "models/common/options.h"
#include "models/common/service.h"

#include <stdlib.h>
#include <string.h>

enum { OUT = 1 << 16 };

static struct options opt = { .message = 5 };

struct said {
	size_t n;
	uint64_t requests;
	enum closing closing;
	bool closed;
	char out[OUT];
};

static void send_replies(struct conn *c, struct said *s, size_t most)
{
	while (c->want == WANT_WRITE) {
		size_t n = most && c->out_len > most ? most : c->out_len;

		HOLDS(c->out_len > 0 && s->n + n <= OUT);
		memcpy(s->out + s->n, c->out, n);
		s->n += n;
		conn_did_write(c, n);
	}
	HOLDS(c->in_len == 0 && c->out_len == 0);
	conn_rest(c);
}

/* Reads up to `read` bytes at once, sends up to `write`; 0: all of them. */
static void talk(struct said *s, const uint8_t *data, size_t size, size_t read,
		 size_t write)
{
	struct conn *c = conn_begin(7, &opt);

	HOLDS(c);
	s->n = 0;
	for (size_t at = 0; at < size && c->want == WANT_READ;) {
		size_t n = read && size - at > read ? read : size - at;

		if (n > CONN_SPACE)
			n = CONN_SPACE;
		memcpy(conn_space(c), data + at, n);
		conn_did_read(c, n);
		send_replies(c, s, write);
		at += n;
	}
	s->closed = c->want == WANT_CLOSE;
	s->closing = c->closing;
	s->requests = c->requests;
	conn_cancel(c);
}

/* Whether a body was expected with 100 Continue depends on what came with the head. */
static void drop_continues(struct said *s)
{
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char *at;

	while ((at = memmem(s->out, s->n, line, strlen(line)))) {
		memmove(at, at + strlen(line),
			s->n - (at + strlen(line) - s->out));
		s->n -= strlen(line);
	}
}

/* A mistake in a body ends a reply that has begun; one that has not is refused. So
 * only what precedes that reply is the same. */
static void compare(const struct said *a, const struct said *b)
{
	HOLDS(a->closed == b->closed && a->requests == b->requests);
	if (a->closed) {
		HOLDS(a->closing == b->closing);
		if (a->closing == CLOSED_ERROR)
			return;
	}
	HOLDS(a->n == b->n && memcmp(a->out, b->out, a->n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct said whole, cut;

	if (!opt.service) {
		opt.service = &service_http;
		opt.service->begin(&opt);
	}
	if (size < 1)
		return 0;
	talk(&whole, data + 1, size - 1, 0, 0);
	drop_continues(&whole);
	talk(&cut, data + 1, size - 1, 1 + (data[0] & 15), data[0] >> 4);
	drop_continues(&cut);
	compare(&whole, &cut);
	return 0;
}
