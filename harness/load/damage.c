/* SPDX-License-Identifier: MIT */
/*
 * damage.c - what happened to bytes that came back wrong
 *
 * No two places of a stream look alike, so bytes that are not what belongs here
 * are searched for in the stream: found later, what is between was lost; found
 * earlier, they were sent twice, or are a reply that was overtaken. If most of
 * the next bytes are right where they are, only a few were changed.
 */
#include "channel.h"

#include <string.h>

enum {
	FEW = 4,             /* with fewer, chance could decide: wait */
	EVIDENCE = 16,       /* bytes that settle it */
	SAME = 64,           /* bytes to compare in their own place */
	SEARCH = 128 * 1024, /* how far to look, each way */
	SEARCHES_MAX = 1000  /* a connection: who sends only rubbish is known */
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void report(struct channel *c, enum damage damage, const char *byte)
{
	struct evidence e = { .connection = c->number, .place = c->in };

	if (byte) {
		char right;

		payload_make(&c->payload, c->in, &right, 1);
		e.has_bytes = true;
		e.expected = right;
		e.received = *byte;
	}
	tally_damage(c->tally, damage, &e);
}

/* Goes on by up to n bytes that are not right: so are all replies they belong to.
 * Returns how many were still awaited: some of these replies may have come. */
static size_t pass_over(struct channel *c, size_t n, int64_t now)
{
	size_t passed = 0;

	while (passed < n && channel_awaited(c) > 0) {
		size_t part = least(n - passed, channel_awaited(c));

		part = least(part, c->payload.message - c->in.byte);
		c->damaged = true;
		c->in.byte += part;
		passed += part;
		if (c->in.byte == c->payload.message)
			channel_answered(c, now);
	}
	return passed;
}

/* How many of the first bytes are wrong, in a row and in their own place */
static size_t wrong_run(struct channel *c, const char *bytes, size_t n)
{
	char right[SAME];
	size_t run = 0;

	n = least(n, sizeof(right));
	payload_make(&c->payload, c->in, right, n);
	while (run < n && bytes[run] != right[run])
		run++;
	return run;
}

/* Whether the bytes are in their place, with some of them changed. With two or
 * three at hand, chance must not decide, unless they are all that is due. */
static bool in_place(struct channel *c, const char *bytes, size_t n, size_t due,
		     size_t most)
{
	char right[SAME];
	size_t look = least(least(n, due), most), same = 0;

	payload_make(&c->payload, c->in, right, look);
	for (size_t i = 0; i < look; i++)
		same += bytes[i] == right[i];
	return look > 0 && 2 * same >= look && (same >= 2 || n == due);
}

/*
 * Searches `span` bytes of the stream, from a place on, for the beginning of
 * `bytes`: as much of it as settles the question. Finding n bytes by chance must
 * be less likely than one in a thousand.
 */
static bool search(struct channel *c, struct place from, size_t span,
		   const char *bytes, size_t n, struct place *found)
{
	static _Thread_local char stream[SEARCH + EVIDENCE];
	const char *hit;

	span = least(span, sizeof(stream));
	n = least(n, EVIDENCE);
	if (n > span || (n < 4 && span * 1000.0 > 1 << (8 * n)))
		return false;
	payload_make(&c->payload, from, stream, span);
	hit = memmem(stream, span, bytes, n);
	if (hit)
		*found = place_after(&c->payload, from, hit - stream);
	return hit;
}

static bool search_ahead(struct channel *c, const char *bytes, size_t n,
			 size_t due, struct place *found)
{
	struct place next = place_after(&c->payload, c->in, 1);

	return due > 1 && search(c, next, due - 1, bytes, n, found);
}

/* The nearest comes first: half as far, as far, twice as far ... */
static bool search_behind(struct channel *c, const char *bytes, size_t n,
			  struct place *found)
{
	size_t message = c->payload.message;
	uint64_t far = SEARCH / message + 1, back = 1;
	struct place from;

	for (;; back *= 2) {
		if (back > far)
			back = far;
		if (back > c->in.request)
			back = c->in.request;
		from = (struct place){ .request = c->in.request - back };
		if (search(c, from,
			   least(back * message + c->in.byte + EVIDENCE - 1,
				 SEARCH + EVIDENCE),
			   bytes, n, found) &&
		    channel_distance(c, *found, c->in) > 0)
			return true;
		if (back == far || back == c->in.request)
			return false;
	}
}

/* If replies came in another order, those bytes are together that are of one. */
static bool search_all(struct channel *c, const char *bytes, size_t n,
		       size_t due, struct place *found)
{
	size_t rest = c->payload.message - c->in.byte;

	if (search_ahead(c, bytes, n, due, found) ||
	    search_behind(c, bytes, n, found))
		return true;
	return FEW <= rest && rest < n && rest < EVIDENCE &&
	       (search_ahead(c, bytes, rest, due, found) ||
		search_behind(c, bytes, rest, found));
}

/* Bytes between were lost: all replies they belong to are spoilt. */
static void lose(struct channel *c, struct place found, int64_t now)
{
	report(c, DAMAGE_LOSS, NULL);
	while (c->in.request < found.request) {
		c->damaged = true;
		channel_answered(c, now);
	}
	c->in = found;
	c->damaged = found.byte > 0;
}

/* Whether the bytes that came before these are right there, too: replies may begin
 * alike, and then nobody could know yet that it is another one. */
static bool begins_alike(struct channel *c, struct place found)
{
	char here[4], there[4];
	struct place from = { .request = c->in.request };

	if (found.byte != c->in.byte || found.byte >= sizeof(here))
		return false;
	payload_make(&c->payload, from, here, found.byte);
	from.request = found.request;
	payload_make(&c->payload, from, there, found.byte);
	return memcmp(here, there, found.byte) == 0;
}

/* The bytes belong elsewhere. What moved may be whole replies: then it is theirs
 * that is reported. */
static void move(struct channel *c, struct place found, int64_t now)
{
	int64_t distance = channel_distance(c, c->in, found);
	struct place here = c->in;

	if (!begins_alike(c, found)) {
		if (distance > 0) {
			lose(c, found, now);
		} else {
			report(c, DAMAGE_DUPLICATION, NULL);
			c->swallow = -distance;
		}
	} else if (channel_is_answered(c, found.request)) {
		c->in = found;
		report(c, DAMAGE_DUPLICATION, NULL);
		c->resume = (struct place){ .request = here.request };
		c->again = true;
	} else {
		c->in = found; /* lost or overtaken: that will turn out */
	}
}

bool damage_inspect(struct channel *c, const char *bytes, size_t n, int64_t now,
		    bool last, size_t *used)
{
	struct place found;
	size_t due;

	*used = 0;
	if (c->again) { /* it was not all of that reply that came again */
		c->again = false;
		c->in = c->resume;
		return true;
	}
	due = channel_awaited(c);
	if (!in_place(c, bytes, n, due, EVIDENCE)) {
		if (n < FEW && n != due && !last)
			return false;
		if (c->searches < SEARCHES_MAX) {
			c->searches += n >= EVIDENCE;
			if (search_all(c, bytes, n, due, &found)) {
				move(c, found, now);
				return true;
			}
		}
		if (n < EVIDENCE && n != due && !last)
			return false;
		if (due == 0) {
			report(c, DAMAGE_UNASKED, NULL);
			*used = n;
			return true;
		}
	}
	report(c, DAMAGE_CORRUPTION, bytes);
	*used = n >= EVIDENCE && !in_place(c, bytes, n, due, SAME) ?
			least(n, due) :
			wrong_run(c, bytes, least(n, due));
	*used = pass_over(c, *used, now);
	return true;
}
