/* SPDX-License-Identifier: MIT */
/*
 * http_service.c - an HTTP/1.1 server
 *
 * GET is answered with --message bytes, POST and PUT with the body that was sent.
 * The replies to GET are the same for all clients, so they are made once. A body is
 * returned from where it was read, with the head of the reply in front of it, in
 * the place of the head of the request: a client takes no memory but its buffer.
 */
#include "options.h"
#include "service.h"

#include "harness/base/die.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINE = 64, /* bytes of a line of the fixed body */
	FIXED_MAX =
		1024 * LINE /* bytes of it that are stored: it repeats itself */
};

/* How a reply says whether the connection stays open */
enum lasting { LASTS, LASTS_1_0, ENDS, LASTINGS };

static const char *const connection_field[LASTINGS] = {
	"", "Connection: keep-alive\r\n", "Connection: close\r\n"
};

/*
 * The reply to GET. For requests that were pipelined, `copies` of it are stored in
 * a row. A body longer than FIXED_MAX is sent in parts.
 */
static struct fixed {
	char *bytes;
	size_t head, part, copies; /* `part`: of the body */
} fixed[LASTINGS];

static size_t body_size(const struct options *opt)
{
	return opt->message ? opt->message : LINE;
}

static void fill_body(char *to, size_t n)
{
	static const char line[LINE + 1] =
		"abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 012345678\n";

	for (size_t i = 0; i < n; i++)
		to[i] = line[i % LINE];
}

static void make_fixed(struct fixed *f, enum lasting lasting, size_t body)
{
	char head[CONN_MARGIN];
	size_t size;

	f->head = snprintf(head, sizeof(head),
			   "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
			   "Content-Length: %zu\r\n%s\r\n",
			   body, connection_field[lasting]);
	f->part = body < FIXED_MAX ? body : FIXED_MAX;
	size = f->head + f->part;
	f->copies =
		lasting == LASTS && body < FIXED_MAX ? 1 + FIXED_MAX / size : 1;
	f->bytes = malloc(f->copies * size);
	if (!f->bytes)
		die("malloc");
	for (size_t i = 0; i < f->copies; i++) {
		memcpy(f->bytes + i * size, head, f->head);
		fill_body(f->bytes + i * size + f->head, f->part);
	}
}

static void begin(const struct options *opt)
{
	for (int i = 0; i < LASTINGS; i++)
		make_fixed(&fixed[i], i, body_size(opt));
}

static enum lasting lasting_of(const struct http *h)
{
	return !h->keep_alive ? ENDS : h->is_1_0 ? LASTS_1_0 : LASTS;
}

static bool echoes(const struct http *h)
{
	return h->method == HTTP_POST || h->method == HTTP_PUT;
}

/* --------------------------------------------------------------------- replies */

static void set_out(struct conn *c, const char *bytes, size_t n)
{
	c->out = bytes;
	c->out_len = n;
	c->http.out_is_fixed = true;
}

/* False if something else has to be sent first */
static bool reply_fixed(struct conn *c)
{
	struct http *h = &c->http.request;
	const struct fixed *f;
	size_t size;

	if (h->expects_continue) { /* its body may follow, or not: end there */
		h->keep_alive = h->chunked = false;
		h->length = 0;
	}
	f = &fixed[lasting_of(h)];
	size = f->head + f->part;

	if (c->out_len == 0 && h->method == HTTP_HEAD) {
		set_out(c, f->bytes, f->head);
	} else if (c->out_len == 0) {
		set_out(c, f->bytes, size);
		c->http.unsent = body_size(c->opt) - f->part;
	} else if (h->method == HTTP_GET && c->out == f->bytes &&
		   c->out_len % size == 0 && c->out_len / size < f->copies) {
		c->out_len += size;
	} else {
		return false;
	}
	c->http.reply = HTTP_REPLY_BEGUN;
	return true;
}

/*
 * The body follows from c->in on, so its head is put before it, over what was read
 * of the request. If a reply is there already it goes behind that, if it fits.
 */
static bool reply_with_body(struct conn *c)
{
	const struct http *h = &c->http.request;
	char head[CONN_MARGIN], length[CONN_MARGIN / 2], *to;
	size_t n;

	if (h->chunked)
		strcpy(length, "Transfer-Encoding: chunked");
	else
		sprintf(length, "Content-Length: %" PRId64, h->length);
	n = sprintf(head, "HTTP/1.1 200 OK\r\n%s\r\n%s\r\n", length,
		    connection_field[lasting_of(h)]);
	if (c->out_len == 0) {
		to = c->in - n;
		c->out = to;
		c->http.out_is_fixed = false;
	} else {
		to = (char *)c->out + c->out_len;
		if (c->http.out_is_fixed || c->in - to < (ptrdiff_t)n)
			return false;
	}
	memcpy(to, head, n);
	c->http.before = c->out_len;
	c->out_len += n;
	c->http.reply = HTTP_REPLY_HELD;
	return true;
}

/* A head has ended. False if the client has to take, or to send, something first */
static bool reply(struct conn *c)
{
	static const char go_ahead[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct http *h = &c->http.request;

	if (!echoes(h)) {
		if (!reply_fixed(c))
			return false;
	} else if (http_has_body(h) && c->in_len == 0) {
		if (h->expects_continue && c->out_len == 0) {
			set_out(c, go_ahead, strlen(go_ahead));
			h->expects_continue = false;
		}
		return false;
	} else if (!reply_with_body(c)) {
		return false;
	}
	http_go_on(h);
	return true;
}

static const char *error_reply(int status)
{
#define ERROR(status_and_reason)                                               \
	"HTTP/1.1 " status_and_reason                                          \
	"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	switch (status) {
	case 405:
		return ERROR("405 Method Not Allowed\r\n"
			     "Allow: GET, HEAD, POST, PUT");
	case 413:
		return ERROR("413 Content Too Large");
	case 414:
		return ERROR("414 URI Too Long");
	case 417:
		return ERROR("417 Expectation Failed");
	case 431:
		return ERROR("431 Request Header Fields Too Large");
	case 501:
		return ERROR("501 Not Implemented");
	case 505:
		return ERROR("505 HTTP Version Not Supported");
	}
	return ERROR("400 Bad Request");
#undef ERROR
}

static void end_with(struct conn *c, enum closing closing)
{
	c->last = true;
	c->closing = closing;
	c->in_len = 0; /* no reply to what follows */
}

/* The request is wrong. If a part of its reply was sent, that just ends. */
static void refuse(struct conn *c)
{
	const char *error = error_reply(c->http.request.status);

	if (c->http.reply == HTTP_REPLY_HELD) {
		c->out_len = c->http.before;
		c->http.reply = HTTP_REPLY_NONE;
	}
	if (c->http.reply == HTTP_REPLY_NONE) {
		if (c->out_len > 0) /* earlier replies first */
			return;
		set_out(c, error, strlen(error));
	}
	end_with(c, CLOSED_ERROR);
}

/* -------------------------------------------------------------------- requests */

static void take_bytes(struct conn *c)
{
	struct http *h = &c->http.request;
	char *to = NULL;
	size_t n, kept;

	if (c->http.reply != HTTP_REPLY_NONE && echoes(h)) {
		if (c->out_len == 0) {
			c->out = c->in;
			c->http.out_is_fixed = false;
		}
		to = (char *)c->out + c->out_len;
	}
	n = http_parse(h, c->in, c->in_len, to, &kept);
	c->out_len += kept;
	c->in += n;
	c->in_len -= n;
}

static void end_request(struct conn *c)
{
	c->http.reply = HTTP_REPLY_NONE;
	if (c->http.request.keep_alive)
		http_begin(&c->http.request);
	else
		end_with(c, CLOSED_EOF);
}

static uint64_t http_take(struct conn *c)
{
	struct http *h = &c->http.request;
	uint64_t done = 0;

	if (c->http.unsent > 0) {
		const struct fixed *f = &fixed[LASTS];
		size_t n = c->http.unsent < f->part ? c->http.unsent : f->part;

		set_out(c, f->bytes + f->head, n);
		c->http.unsent -= n;
		return 0;
	}
	if (c->http.reply == HTTP_REPLY_HELD)
		c->http.reply = HTTP_REPLY_BEGUN;
	while (!c->last) {
		if (h->state == HTTP_HEAD_ENDED && !reply(c))
			break;
		if (h->state == HTTP_ENDED) {
			done++;
			end_request(c);
		} else if (h->state == HTTP_FAILED) {
			refuse(c);
			break;
		} else if (c->in_len == 0) {
			break;
		} else {
			take_bytes(c);
		}
	}
	return done;
}

const struct service service_http = { .name = "http",
				      .begin = begin,
				      .take = http_take };
