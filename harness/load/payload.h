/* SPDX-License-Identifier: MIT */
/*
 * payload.h - the bytes of every request, computed instead of stored
 *
 * The requests on a connection are one endless stream of bytes. Every byte follows
 * from the seed, the number of the connection, the number of the request and the
 * place in it. So every byte of a reply is checked, however it was fragmented, and
 * nothing sent is stored. No two places look alike, so damage.h can find out where
 * wrong bytes belong.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

/* A place in the stream of a connection */
struct place {
	uint64_t request; /* from 0 */
	size_t byte;      /* of that request, from 0 */
};

struct payload {
	uint64_t key;      /* of seed and connection */
	size_t message;    /* bytes per request */
	const char *fixed; /* all requests are these bytes; NULL: they differ */
};

struct payload payload_of(uint64_t seed, uint64_t connection, size_t message);

/* Makes n bytes from `place` on, across requests. */
void payload_make(const struct payload *p, struct place place, char *to,
		  size_t n);

/* How many of these bytes are right before the first wrong one */
size_t payload_match(const struct payload *p, struct place place,
		     const char *bytes, size_t n);

struct place place_after(const struct payload *p, struct place place, size_t n);

/* How many bytes `to` is behind `from` in the stream */
static inline int64_t place_distance(const struct payload *p, struct place from,
				     struct place to)
{
	return (int64_t)(to.request - from.request) * (int64_t)p->message +
	       ((int64_t)to.byte - (int64_t)from.byte);
}

#endif
