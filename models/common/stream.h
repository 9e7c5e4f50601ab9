/* SPDX-License-Identifier: MIT */
/*
 * stream.h - what a client sends while a reply is pending
 *
 * For a model whose receives go on meanwhile. The bytes wait in a copy; the end of
 * the stream waits behind them.
 */
#ifndef STREAM_H
#define STREAM_H

#include "conn.h"

struct stream {
	char *bytes;
	size_t length, size;
	bool ended;
	int end; /* 0 or a negative errno */
};

/*
 * The result of a receive to `bytes`, a buffer of the model. True if the service
 * took them and c->out points there: until c->want is not WANT_WRITE any more, or
 * until conn_keep().
 */
bool stream_received(struct stream *s, struct conn *c, char *bytes, int res);

/* The service takes what waited, if no reply is pending any more. */
void stream_go_on(struct stream *s, struct conn *c);

void stream_free(struct stream *s);

#endif
