/* SPDX-License-Identifier: MIT */
/*
 * http.h - a parser of HTTP/1.1 requests (RFC 9112), without system calls
 *
 * It takes a request in pieces of any length and keeps none of its bytes: what it
 * has to know of a head is in struct http. So a client that sends half a head takes
 * no memory but this.
 *
 * Where RFC 9112 leaves the choice, it rejects: a bare LF, a folded line, two
 * Content-Length, Content-Length beside Transfer-Encoding.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HTTP_LINES_MAX =
		8192,      /* bytes of a head, of a chunk's line, of trailers */
	HTTP_WORD_MAX = 20 /* bytes of a name or value that matters */
};

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_NOT_ALLOWED, /* another method of RFC 9110 and 5789: 405 */
	HTTP_UNKNOWN      /* 501 */
};

enum http_state {
	HTTP_START, /* of a request, or an empty line before it */
	HTTP_START_LF,
	HTTP_METHOD,
	HTTP_TARGET,
	HTTP_VERSION,

	HTTP_LINE_LF, /* of the request line, or of a field */
	HTTP_FIELD,   /* the begin of one, or the empty line */
	HTTP_NAME,
	HTTP_VALUE,
	HTTP_LINES_LF, /* the end of the head, or of the trailers */

	HTTP_CHUNK,
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_SPACE,
	HTTP_CHUNK_EXTENSION,
	HTTP_CHUNK_LF,
	HTTP_DATA, /* of the body */
	HTTP_DATA_CR,
	HTTP_DATA_LF,

	/* From here on the parser waits: conn_has_more() */
	HTTP_HEAD_ENDED, /* look at it, then call http_go_on() */
	HTTP_ENDED,      /* the request is complete */
	HTTP_FAILED      /* http.status says why */
};

enum http_field {
	HTTP_HOST,
	HTTP_CONTENT_LENGTH,
	HTTP_TRANSFER_ENCODING,
	HTTP_CONNECTION,
	HTTP_EXPECT,
	HTTP_OTHER
};

struct http {
	/* Of a head that has ended */
	enum http_method method;
	bool is_1_0;
	bool keep_alive; /* the connection stays open after the reply */
	bool chunked;
	bool expects_continue;
	int64_t length; /* of the body, or of what is left of this chunk */
	int status;     /* of the error */

	enum http_state state;
	enum http_field field;
	uint16_t lines; /* bytes of lines so far */
	bool trailing;  /* these fields are trailers */
	bool has_host, has_length, too_long;
	bool close, persist, other_coding, other_expectation;

	/* The word that is being read, in lower case; longer ones match nothing */
	bool gap; /* there was white space behind it */
	uint8_t word_len;
	char word[HTTP_WORD_MAX];
};

/* Begins with the next request: a struct http of zeros has begun. */
void http_begin(struct http *h);

/*
 * Takes up to `n` bytes and returns how many: fewer at the end of a head, at the end
 * of the request, and at an error. (In these three states it takes none.)
 *
 * Unless it is NULL, `to` receives what a reply needs to return the body: its bytes,
 * and of a chunked one also the framing, without extensions and trailers. `kept` is
 * set to how many bytes these are. As they are never more than were taken, `to` may
 * be `bytes`.
 */
size_t http_parse(struct http *h, const char *bytes, size_t n, char *to,
		  size_t *kept);

/* Goes on behind the head, with the body if there is one. */
void http_go_on(struct http *h);

/* Whether a body follows this head */
static inline bool http_has_body(const struct http *h)
{
	return h->chunked || h->length > 0;
}

#endif
