/* SPDX-License-Identifier: MIT */
/* payload.c - the bytes of every request: see payload.h */
#include "payload.h"

#include <string.h>

/*
 * The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit of the result
 * depends on every bit of x.
 */
static inline uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);

struct payload payload_of(uint64_t seed, uint64_t connection, size_t message)
{
	return (struct payload){ .key = mix(mix(seed + golden) ^
					    (connection + 1) * golden),
				 .message = message };
}

static inline uint64_t key_of(const struct payload *p, uint64_t request)
{
	return mix(p->key + request * golden);
}

/* Eight bytes of a request: its word number `i` */
static inline uint64_t word_of(uint64_t key, size_t i)
{
	uint64_t word = mix(key + (i + 1) * golden);

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static inline char byte_of(uint64_t key, size_t i)
{
	uint64_t word = word_of(key, i / 8);

	return ((const char *)&word)[i % 8];
}

/* Within one request */
static void make_part(const struct payload *p, struct place place, char *to,
		      size_t n)
{
	uint64_t key = key_of(p, place.request);
	size_t at = place.byte, i = 0;

	if (p->fixed) {
		memcpy(to, p->fixed + at, n);
		return;
	}
	for (; i < n && (at + i) % 8; i++)
		to[i] = byte_of(key, at + i);
	for (; i + 8 <= n; i += 8) {
		uint64_t word = word_of(key, (at + i) / 8);

		memcpy(to + i, &word, 8);
	}
	for (; i < n; i++)
		to[i] = byte_of(key, at + i);
}

static size_t match_part(uint64_t key, size_t at, const char *bytes, size_t n)
{
	size_t i = 0;

	for (; i < n && (at + i) % 8; i++)
		if (bytes[i] != byte_of(key, at + i))
			return i;
	for (; i + 8 <= n; i += 8) {
		uint64_t word = word_of(key, (at + i) / 8);

		if (memcmp(bytes + i, &word, 8) != 0)
			break;
	}
	for (; i < n; i++)
		if (bytes[i] != byte_of(key, at + i))
			return i;
	return n;
}

/* How many of `n` bytes from `place` on belong to the same request */
static size_t part(const struct payload *p, struct place place, size_t n)
{
	size_t left = p->message - place.byte;

	return n < left ? n : left;
}

void payload_make(const struct payload *p, struct place place, char *to,
		  size_t n)
{
	while (n > 0) {
		size_t m = part(p, place, n);

		make_part(p, place, to, m);
		place = (struct place){ .request = place.request + 1 };
		to += m;
		n -= m;
	}
}

size_t payload_match(const struct payload *p, struct place place,
		     const char *bytes, size_t n)
{
	size_t matched = 0;

	while (matched < n) {
		size_t m = part(p, place, n - matched);
		size_t same = match_part(key_of(p, place.request), place.byte,
					 bytes + matched, m);

		matched += same;
		if (same < m)
			break;
		place = (struct place){ .request = place.request + 1 };
	}
	return matched;
}

struct place place_after(const struct payload *p, struct place place, size_t n)
{
	place.byte += n;
	place.request += place.byte / p->message;
	place.byte %= p->message;
	return place;
}
