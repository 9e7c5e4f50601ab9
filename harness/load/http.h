/* SPDX-License-Identifier: MIT */
/*
 * http.h - the requests and replies of --service http, without system calls
 *
 * Every request is the same GET. A reply is right if its status is 200, its
 * Content-Length is --message, and its body is that of the first reply: no two
 * bodies may differ.
 */
#ifndef LOAD_HTTP_H
#define LOAD_HTTP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_options;

/* What all connections of a run share */
struct http {
	char *request;
	size_t request_size;
	size_t message;       /* bytes of a body */
	bool connects;        /* for each request: the server may close then */
	char *body;           /* the bytes that were read first of each place */
	atomic_size_t known;  /* how many: the first ones */
	pthread_mutex_t lock; /* of the next ones */
};

void http_open(struct http *http, const struct load_options *opt);
void http_close(struct http *http);

/* What a reply is, if it is not right */
enum http_fault {
	HTTP_RIGHT,
	HTTP_NONE,      /* it is not HTTP/1 */
	HTTP_STATUS,    /* `value` is not 200 */
	HTTP_LENGTH,    /* Content-Length: `value` is not --message */
	HTTP_NO_LENGTH, /* Transfer-Encoding, or until the connection ends */
	HTTP_CLOSES,    /* the server is about to close the connection */
	HTTP_ENDLESS_HEAD
};

enum { HTTP_LINE = 64 }; /* bytes kept of a line of a head */

/* The reply that a connection is reading */
struct http_reply {
	bool in_body;
	enum http_fault fault;
	int64_t value;
	bool has_length;
	bool lasts; /* the connection, after this reply */
	unsigned lines;
	size_t head, line_length; /* bytes so far */
	char line[HTTP_LINE + 1];
};

/*
 * Takes bytes of the head and returns how many; then in_body is set, or a fault, or
 * more are needed.
 */
size_t http_take_head(const struct http *http, struct http_reply *r,
		      const char *bytes, size_t n);

/*
 * Compares bytes of a body, at this place in it, with those of the first reply.
 * Returns how many are right before the first wrong one.
 */
size_t http_match(struct http *http, size_t at, const char *bytes, size_t n);

#endif
