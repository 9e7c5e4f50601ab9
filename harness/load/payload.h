/* SPDX-License-Identifier: MIT */
/*
 * payload.h - the bytes of every request, made from numbers instead of kept
 *
 * The requests on a connection are one endless stream of bytes. Any stretch of
 * it can be made again from the seed, the number of the connection, the number
 * of the request and the place in it; so a reply is checked to the last byte,
 * however it was cut up on its way, and nothing of what was sent is stored. No
 * two places of any two streams look alike, and so bytes that are wrong can be
 * told by where they do belong: see damage.h.
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
	uint64_t key;   /* of seed and connection */
	size_t message; /* bytes a request */
};

struct payload payload_of(uint64_t seed, uint64_t connection, size_t message);

/* The bytes from `place` on, across as many requests as it takes */
void payload_make(const struct payload *p, struct place place, char *to,
		  size_t n);

/* How many of these bytes, from the first on, are those that belong there */
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
