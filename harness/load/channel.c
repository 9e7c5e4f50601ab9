/* SPDX-License-Identifier: MIT */
/* channel.c - a connection to the server, without system calls: channel.h */
#include "channel.h"
#include "damage.h"

#include "harness/base/die.h"

#include <stdlib.h>
#include <string.h>

/* In place of the time a request was sent */
enum { NOT_SENT = -1, ANSWERED = -2 };

/* A reply counts as lost when so many later ones have come. */
enum { LOST_AFTER = 1000 };

/* How long the rest of a reply may be missing before it counts as lost */
static const int64_t rest_lost_ns = 1000000000;

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void channel_begin(struct channel *c, struct tally *tally, uint64_t number,
		   struct payload payload, bool closed_loop)
{
	*c = (struct channel){
		.fd = -1,
		.number = number,
		.closed_loop = closed_loop,
		.payload = payload,
		.tally = tally,
	};
}

void channel_use_http(struct channel *c, struct http *http)
{
	c->http = http;
	c->payload = (struct payload){ .message = http->request_size,
				       .fixed = http->request };
	c->reply = calloc(1, sizeof(*c->reply));
	if (!c->reply)
		die("calloc");
}

void channel_free(struct channel *c)
{
	free(c->ring);
	free(c->suspect);
	free(c->reply);
	c->ring = NULL;
	c->suspect = NULL;
	c->reply = NULL;
	c->capacity = 0;
}

static struct request *request_of(const struct channel *c, uint64_t number)
{
	return &c->ring[number & (c->capacity - 1)];
}

bool channel_is_answered(const struct channel *c, uint64_t request)
{
	return request < c->oldest || request_of(c, request)->sent == ANSWERED;
}

/* ----------------------------------------------------------------- sending */

/* Makes room for twice as many requests in flight. */
static void grow(struct channel *c)
{
	struct channel old = *c;

	c->capacity = old.capacity ? 2 * old.capacity : 4;
	c->ring = malloc(c->capacity * sizeof(*c->ring));
	if (!c->ring)
		die("malloc");
	for (uint64_t i = c->oldest; i < c->released; i++)
		*request_of(c, i) = *request_of(&old, i);
	free(old.ring);
}

void channel_release(struct channel *c, int64_t intended)
{
	if (c->released - c->oldest == c->capacity)
		grow(c);
	*request_of(c, c->released) =
		(struct request){ .intended = intended, .sent = NOT_SENT };
	c->released++;
	c->tally->outstanding++;
}

/* How many bytes are expected from the place where reading is. The server may have
 * made up more than was sent: then none are. */
static size_t awaited(const struct channel *c)
{
	int64_t n = place_distance(&c->payload, c->in, c->out);

	return n > 0 ? n : 0;
}

size_t channel_to_send(const struct channel *c)
{
	return place_distance(&c->payload, c->out,
			      (struct place){ .request = c->released });
}

/* The first request that begins at this place or behind it */
static uint64_t begins_after(struct place place)
{
	return place.request + (place.byte > 0);
}

static void take_suspect(struct channel *c, int64_t now, bool last);

size_t channel_send(struct channel *c, char *to, size_t space, int64_t now)
{
	size_t n = channel_to_send(c);
	struct place end;

	/* Bytes that came when nothing was due are no reply to this request. */
	if (c->suspect && c->suspect->n > 0 && awaited(c) == 0)
		take_suspect(c, now, true);
	if (n > space)
		n = space;
	payload_make(&c->payload, c->out, to, n);
	c->tally->asked += !c->asked && n > 0;
	c->asked |= n > 0;
	end = place_after(&c->payload, c->out, n);
	for (uint64_t i = begins_after(c->out); i < begins_after(end); i++) {
		struct request *r = request_of(c, i);

		if (channel_is_answered(c, i)) /* made up by the server */
			continue;
		r->sent = now;
		if (c->closed_loop)
			r->intended = now;
		c->tally->held += c->blocked;
	}
	c->out = end;
	c->held = c->blocked;
	c->blocked = false;
	return n;
}

void channel_did_send(struct channel *c, size_t made, size_t sent)
{
	uint64_t end = begins_after(c->out);
	size_t back = made - sent;

	if (back == 0)
		return;
	c->blocked = true;
	c->out.request -= (back + c->payload.message - 1 - c->out.byte) /
			  c->payload.message;
	c->out.byte =
		(c->out.byte + c->payload.message - back % c->payload.message) %
		c->payload.message;
	for (uint64_t i = begins_after(c->out); i < end; i++)
		if (!channel_is_answered(c, i)) {
			request_of(c, i)->sent = NOT_SENT;
			c->tally->held -= c->held; /* it will count again */
		}
}

/* --------------------------------------------------------------- receiving */

static void give_up_oldest(struct channel *c)
{
	struct evidence lost = { .connection = c->number,
				 .place = { .request = c->oldest } };
	struct request *r = request_of(c, c->oldest);

	tally_damage(c->tally, DAMAGE_LOSS, &lost);
	if (tally_counts(c->tally, r->intended))
		c->tally->unanswered++;
	c->tally->never++;
	c->tally->outstanding--;
	r->sent = ANSWERED;
}

/* The next reply is expected behind this one, unless the order changed. */
static void expect_next(struct channel *c, uint64_t request)
{
	uint64_t next = request + 1;

	if (next >= c->released || channel_is_answered(c, next))
		next = c->oldest;
	c->in = (struct place){ .request = next };
}

/* Counts a reply that came after a later one as reordered. */
static void note_order(struct channel *c, uint64_t number)
{
	struct evidence late = { .connection = c->number,
				 .place = { .request = number } };

	if (number < c->answered_end)
		tally_damage(c->tally, DAMAGE_REORDERING, &late);
	else
		c->answered_end = number + 1;
}

/* The send lag; connecting is not part of it. */
static int64_t lag_of(const struct channel *c, const struct request *r)
{
	if (c->closed_loop)
		return -1;
	return (c->connects ? c->connect_began : r->sent) - r->intended;
}

/* The reply that is being read has ended. */
static void end_reply(struct channel *c, int64_t now)
{
	uint64_t number = c->in.request;
	struct request *r = request_of(c, number);

	if (c->again) {
		c->again = false;
		c->in = c->resume;
		return;
	}
	if (channel_is_answered(c, number)) { /* the rest of a duplicate */
		c->damaged = false;
		expect_next(c, number);
		return;
	}
	if (c->damaged) {
		tally_count(&c->tally->total);
		c->tally->damaged += tally_counts(c->tally, r->intended);
		c->damaged = false;
	} else {
		note_order(c, number);
		tally_answer(c->tally, r->intended, r->sent, now, lag_of(c, r));
	}
	r->sent = ANSWERED;
	c->tally->outstanding--;
	if (number - c->oldest >= LOST_AFTER)
		give_up_oldest(c);
	while (c->oldest < c->released && channel_is_answered(c, c->oldest))
		c->oldest++;
	expect_next(c, number);
}

/* ------------------------------------------------------------------ damage */

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

/* Skips up to n wrong bytes, which damages all replies that they belong to. Returns
 * how many were still awaited: some of these replies may have come. */
static size_t pass_over(struct channel *c, size_t n, int64_t now)
{
	size_t passed = 0;

	while (passed < n && awaited(c) > 0) {
		size_t part = least(n - passed, awaited(c));

		part = least(part, c->payload.message - c->in.byte);
		c->damaged = true;
		c->in.byte += part;
		passed += part;
		if (c->in.byte == c->payload.message)
			end_reply(c, now);
	}
	return passed;
}

/* The bytes up to `to` were lost, which damages all replies that they belong to. */
static void lose(struct channel *c, struct place to, int64_t now)
{
	report(c, DAMAGE_LOSS, NULL);
	while (c->in.request < to.request) {
		c->damaged = true;
		end_reply(c, now);
	}
	c->in = to;
	c->damaged = to.byte > 0;
}

/* The bytes belong at `to`. */
static void move(struct channel *c, struct place to, bool whole_reply,
		 int64_t now)
{
	int64_t ahead = place_distance(&c->payload, c->in, to);
	struct place here = c->in;

	if (!whole_reply) {
		if (ahead > 0) {
			lose(c, to, now);
		} else {
			report(c, DAMAGE_DUPLICATION, NULL);
			c->swallow = -ahead;
		}
	} else if (channel_is_answered(c, to.request)) {
		c->in = to;
		report(c, DAMAGE_DUPLICATION, NULL);
		c->resume = (struct place){ .request = here.request };
		c->again = true;
	} else {
		c->in = to; /* lost or overtaken: later replies will tell */
	}
}

/* The first of these bytes is wrong. Sets `used` to how many are dealt with; false:
 * they are too few to tell what happened. */
static bool inspect(struct channel *c, const char *bytes, size_t n, int64_t now,
		    bool last, size_t *used)
{
	struct verdict v;

	*used = 0;
	if (c->again) { /* only a part of that reply came again */
		c->again = false;
		c->in = c->resume;
		return true;
	}
	v = damage_judge(&c->payload, c->in, awaited(c), bytes, n, last,
			 &c->searches);
	switch (v.kind) {
	case VERDICT_WAIT:
		return false;
	case VERDICT_MOVED:
		move(c, v.place, v.whole_reply, now);
		break;
	case VERDICT_CHANGED:
		report(c, DAMAGE_CORRUPTION, bytes);
		*used = pass_over(c, v.n, now);
		break;
	case VERDICT_UNASKED:
		report(c, DAMAGE_UNASKED, NULL);
		*used = n;
		break;
	}
	return true;
}

/* How many bytes are expected from the place where reading is */
static size_t expected(const struct channel *c)
{
	if (c->again) /* to the end of that reply */
		return c->payload.message - c->in.byte;
	return awaited(c);
}

/* Checks bytes. Returns how many are dealt with: fewer than n if the rest is wrong
 * and too short to tell why. */
static size_t take(struct channel *c, const char *bytes, size_t n, int64_t now,
		   bool last)
{
	size_t done = 0;

	while (done < n) {
		size_t left = n - done, good = 0,
		       part = least(expected(c), left);

		part = least(part, c->payload.message - c->in.byte);
		if (c->swallow > 0) {
			part = least(c->swallow, left);
			c->swallow -= part;
			done += part;
			continue;
		}
		good = payload_match(&c->payload, c->in, bytes + done, part);
		c->in.byte += good;
		done += good;
		if (c->in.byte == c->payload.message)
			end_reply(c, now);
		if (good < part || part == 0) {
			size_t used;

			if (!inspect(c, bytes + done, n - done, now, last,
				     &used))
				break;
			done += used;
		}
	}
	return done;
}

static struct suspect *suspect_of(struct channel *c)
{
	if (!c->suspect)
		c->suspect = calloc(1, sizeof(*c->suspect));
	if (!c->suspect)
		die("calloc");
	return c->suspect;
}

/* Judges the suspect bytes again. */
static void take_suspect(struct channel *c, int64_t now, bool last)
{
	struct suspect *s = c->suspect;
	size_t done = take(c, s->bytes, s->n, now, last);

	s->n -= done;
	memmove(s->bytes, s->bytes + done, s->n);
}

static void take_echo(struct channel *c, const char *bytes, size_t n,
		      int64_t now)
{
	while (n > 0 && c->suspect && c->suspect->n > 0) {
		struct suspect *s = c->suspect;
		size_t room = sizeof(s->bytes) - s->n;
		size_t part = least(n, room);

		memcpy(s->bytes + s->n, bytes, part);
		s->n += part;
		bytes += part;
		n -= part;
		take_suspect(c, now, false);
	}
	if (n > 0) {
		size_t done = take(c, bytes, n, now, false);

		if (done < n) {
			struct suspect *s = suspect_of(c);

			memcpy(s->bytes, bytes + done, n - done);
			s->n = n - done;
		}
	}
}

/* ------------------------------------------------------------------------ HTTP */

/* Compares bytes of a body; returns how many are of it. */
static size_t take_body(struct channel *c, const char *bytes, size_t n)
{
	size_t part = least(n, c->http->message - c->in.byte);
	size_t right = http_match(c->http, c->in.byte, bytes, part);

	if (right < part && !c->damaged) {
		struct evidence e = { .connection = c->number,
				      .place = c->in,
				      .has_bytes = true };

		e.place.byte += right;
		e.expected = c->http->body[e.place.byte];
		e.received = bytes[right];
		tally_damage(c->tally, DAMAGE_CORRUPTION, &e);
		c->damaged = true;
	}
	c->in.byte += part;
	return part;
}

/* The places of a body, too, are counted by c->in. */
static void take_http(struct channel *c, const char *bytes, size_t n,
		      int64_t now)
{
	struct http_reply *r = c->reply;

	while (n > 0 && !r->fault) {
		size_t used;

		if (c->in.request >= begins_after(c->out)) {
			report(c, DAMAGE_UNASKED, NULL);
			return;
		}
		used = r->in_body ? take_body(c, bytes, n) :
				    http_take_head(c->http, r, bytes, n);
		bytes += used;
		n -= used;
		if (r->in_body && c->in.byte == c->http->message) {
			*r = (struct http_reply){ .in_body = false };
			end_reply(c, now);
		}
	}
}

/* -------------------------------------------------------------------- received */

unsigned channel_did_receive(struct channel *c, const char *bytes, size_t n,
			     int64_t now)
{
	uint64_t before = c->tally->total;

	c->received_last = now;
	c->tally->heard += !c->heard;
	c->heard = true;
	if (c->http)
		take_http(c, bytes, n, now);
	else
		take_echo(c, bytes, n, now);
	return c->tally->total - before;
}

/* --------------------------------------------------------------------- end */

void channel_end(struct channel *c, int64_t now, bool open)
{
	bool stalled = false, rest_lost;
	uint64_t last = c->oldest; /* the last one that was answered, plus 1 */

	if (c->suspect && c->suspect->n > 0)
		take_suspect(c, now, true);
	rest_lost = open && c->in.byte > 0 && !c->again &&
		    now - c->received_last > rest_lost_ns;
	for (uint64_t i = c->oldest; i < c->released; i++)
		if (channel_is_answered(c, i))
			last = i + 1;
	for (uint64_t i = c->oldest; i < c->released; i++) {
		struct evidence lost = { .connection = c->number,
					 .place = { .request = i } };

		if (channel_is_answered(c, i))
			continue;
		if (rest_lost && i == c->in.request)
			lost.place = c->in;
		if (i < last || lost.place.byte > 0)
			tally_damage(c->tally, DAMAGE_LOSS, &lost);
		if (tally_counts(c->tally, request_of(c, i)->intended)) {
			c->tally->unanswered++;
			stalled = true;
		}
		c->tally->never++;
		c->tally->outstanding--;
	}
	if (open && stalled)
		tally_failure(c->tally, FAILURE_STALLED);
	c->oldest = c->released;
	c->in = c->out = (struct place){ .request = c->released };
	c->again = c->damaged = c->blocked = false;
	c->swallow = 0;
	if (c->suspect)
		c->suspect->n = 0;
	if (c->reply)
		*c->reply = (struct http_reply){ .in_body = false };
}
