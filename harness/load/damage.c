/* SPDX-License-Identifier: MIT */
/* damage.c - what happened to bytes that came back wrong: see damage.h */
#include "damage.h"

#include <stdint.h>
#include <string.h>

enum {
	FEW = 4,             /* fewer bytes may match by chance: wait */
	EVIDENCE = 16,       /* so many bytes settle the question */
	SAME = 64,           /* bytes to compare in their own place */
	SEARCH = 128 * 1024, /* how far to search, in each direction */
	SEARCHES_MAX = 1000  /* per connection: limits the cost of garbage */
};

/* The bytes to judge */
struct stray {
	const struct payload *payload;
	struct place in; /* where they are expected */
	size_t due;      /* how many are expected from there on */
	const char *bytes;
	size_t n;
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many of the first bytes are wrong without a right one between them */
static size_t wrong_run(const struct stray *s)
{
	char right[SAME];
	size_t run = 0, n = least(least(s->n, s->due), sizeof(right));

	payload_make(s->payload, s->in, right, n);
	while (run < n && s->bytes[run] != right[run])
		run++;
	return run;
}

/* Whether most of the first bytes, `most` at most, are right where they are. Two or
 * three bytes may match by chance: they count only if no others are due. */
static bool in_place(const struct stray *s, size_t most)
{
	char right[SAME];
	size_t look = least(least(s->n, s->due), most), same = 0;

	payload_make(s->payload, s->in, right, look);
	for (size_t i = 0; i < look; i++)
		same += s->bytes[i] == right[i];
	return look > 0 && 2 * same >= look && (same >= 2 || s->n == s->due);
}

/*
 * Searches `span` bytes of the stream, starting at `from`, for the first `n` of the
 * bytes, or as many as are evidence enough. Refuses so few that finding them by
 * chance is more likely than one in a thousand.
 */
static bool search(const struct stray *s, struct place from, size_t span,
		   size_t n, struct place *found)
{
	static _Thread_local char stream[SEARCH + EVIDENCE];
	const char *hit;

	span = least(span, sizeof(stream));
	n = least(n, EVIDENCE);
	if (n > span || (n < 4 && span * 1000.0 > 1 << (8 * n)))
		return false;
	payload_make(s->payload, from, stream, span);
	hit = memmem(stream, span, s->bytes, n);
	if (hit)
		*found = place_after(s->payload, from, hit - stream);
	return hit;
}

static bool search_ahead(const struct stray *s, size_t n, struct place *found)
{
	struct place next = place_after(s->payload, s->in, 1);

	return s->due > 1 && search(s, next, s->due - 1, n, found);
}

/* Nearest first: the distance doubles. */
static bool search_behind(const struct stray *s, size_t n, struct place *found)
{
	size_t message = s->payload->message;
	uint64_t far = SEARCH / message + 1, back = 1;
	struct place from;

	for (;; back *= 2) {
		if (back > far)
			back = far;
		if (back > s->in.request)
			back = s->in.request;
		from = (struct place){ .request = s->in.request - back };
		if (search(s, from,
			   least(back * message + s->in.byte + EVIDENCE - 1,
				 SEARCH + EVIDENCE),
			   n, found) &&
		    place_distance(s->payload, *found, s->in) > 0)
			return true;
		if (back == far || back == s->in.request)
			return false;
	}
}

/* After a change of order, only the bytes to the end of the reply are together. */
static bool search_all(const struct stray *s, struct place *found)
{
	size_t rest = s->payload->message - s->in.byte;

	if (search_ahead(s, s->n, found) || search_behind(s, s->n, found))
		return true;
	return FEW <= rest && rest < s->n && rest < EVIDENCE &&
	       (search_ahead(s, rest, found) || search_behind(s, rest, found));
}

/* Whether the bytes read before these are the same there: replies may begin alike,
 * and then the first bytes do not tell which reply it is. */
static bool begins_alike(const struct stray *s, struct place found)
{
	char here[4], there[4];
	struct place from = { .request = s->in.request };

	if (found.byte != s->in.byte || found.byte >= sizeof(here))
		return false;
	payload_make(s->payload, from, here, found.byte);
	from.request = found.request;
	payload_make(s->payload, from, there, found.byte);
	return memcmp(here, there, found.byte) == 0;
}

struct verdict damage_judge(const struct payload *p, struct place in,
			    size_t due, const char *bytes, size_t n, bool last,
			    unsigned *searches)
{
	const struct stray s = { p, in, due, bytes, n };
	struct verdict v = { .kind = VERDICT_WAIT };

	if (!in_place(&s, EVIDENCE)) {
		if (n < FEW && n != due && !last)
			return v;
		if (*searches < SEARCHES_MAX) {
			*searches += n >= EVIDENCE;
			if (search_all(&s, &v.place)) {
				v.kind = VERDICT_MOVED;
				v.whole_reply = begins_alike(&s, v.place);
				return v;
			}
		}
		if (n < EVIDENCE && n != due && !last)
			return v;
		if (due == 0) {
			v.kind = VERDICT_UNASKED;
			return v;
		}
	}
	v.kind = VERDICT_CHANGED;
	v.n = n >= EVIDENCE && !in_place(&s, SAME) ? least(n, due) :
						     wrong_run(&s);
	return v;
}
