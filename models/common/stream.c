/* SPDX-License-Identifier: MIT */
/* stream.c - what a client sends while a reply is pending */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

static void end(struct stream *s, int res)
{
	if (s->ended) /* the first end counts */
		return;
	s->ended = true;
	s->end = res;
}

static void append(struct stream *s, const char *bytes, size_t n)
{
	size_t size = s->length + n;
	char *larger;

	if (s->ended)
		return;
	if (size > s->size) {
		size += CONN_SPACE; /* for those to come */
		larger = realloc(s->bytes, size);
		if (!larger) {
			end(s, -ENOMEM);
			return;
		}
		s->bytes = larger;
		s->size = size;
	}
	memcpy(s->bytes + s->length, bytes, n);
	s->length += n;
}

/* Moves the oldest bytes to the buffer of c; returns the result of this read. */
static ssize_t shift(struct stream *s, struct conn *c)
{
	size_t n = s->length < CONN_SPACE ? s->length : CONN_SPACE;
	char *space = conn_space(c);

	if (!space)
		return -ENOMEM;
	memcpy(space, s->bytes, n);
	s->length -= n;
	memmove(s->bytes, s->bytes + n, s->length);
	return n;
}

void stream_go_on(struct stream *s, struct conn *c)
{
	while (c->want == WANT_READ && s->length > 0)
		conn_did_read(c, shift(s, c));
	if (s->length == 0 && s->bytes)
		stream_free(s);
	if (c->want == WANT_READ && s->ended) {
		s->ended = false;
		conn_did_read(c, s->end);
	}
}

bool stream_received(struct stream *s, struct conn *c, char *bytes, int res)
{
	if (res <= 0) {
		end(s, res);
		stream_go_on(s, c);
		return false;
	}
	if (c->want == WANT_READ) {
		conn_did_read_to(c, bytes, res);
		return c->want == WANT_WRITE;
	}
	append(s, bytes, res);
	return false;
}

void stream_free(struct stream *s)
{
	free(s->bytes);
	s->bytes = NULL;
	s->length = s->size = 0;
}
