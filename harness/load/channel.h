/* SPDX-License-Identifier: MIT */
/*
 * channel.h - a connection to the server, without system calls
 *
 * An engine connects, sends and receives in its own way and tells what came of
 * it. A channel knows which requests are due, what bytes they are made of, which
 * bytes are to come back, and when each was intended, sent and received. A
 * virtual clock and an invented server therefore test all of it exactly.
 *
 * The requests of a channel are numbered from 0:
 *
 *	oldest      the first that is not answered
 *	out         the place of the next byte to be sent
 *	released    how many are due; what could not be sent yet waits here
 *
 * A place in the stream is turned to bytes by payload.h, so that nothing sent
 * is stored: a request under way costs its two times, 16 bytes.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "payload.h"
#include "tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum channel_state { CHANNEL_UNUSED, CHANNEL_CONNECTING, CHANNEL_OPEN };

struct request {
	int64_t intended, sent;
};

/*
 * Bytes that are wrong, but too few to tell what happened. They wait here for
 * more, or until there will not be any.
 */
struct suspect {
	size_t n;
	char bytes[4096];
};

struct channel {
	int fd;
	enum channel_state state;
	uint32_t index;      /* among those of its thread */
	uint64_t number;     /* among all of the run: makes its bytes */
	uint32_t generation; /* counts how often it was connected */
	bool idle;           /* only sits there */
	bool closed_loop;    /* requests are due when they are sent */
	bool connects;       /* anew for each request */

	struct payload payload;
	struct tally *tally;
	struct request *ring; /* by request number */
	uint64_t capacity;    /* of the ring: a power of two */
	uint64_t oldest, released;
	uint64_t answered_end; /* the last that was answered rightly, plus 1 */
	struct place out, in;
	int64_t connect_began, received_last;

	bool queued;  /* is in its thread's list of those who can send */
	bool sending; /* the engine has not said yet what came of it */
	bool watched; /* for room to send: epoll */
	bool blocked; /* something could not be sent at once */
	bool held;    /* and so was it with what was made last */
	bool asked;   /* something was sent */
	bool heard;   /* something came back */
	void *engine; /* the engine's own */

	/* only when bytes came back wrong: damage.c */
	struct suspect *suspect;
	bool damaged;        /* the reply that is being read */
	bool again;          /* it had come already... */
	struct place resume; /* ...and this is where it goes on then */
	size_t swallow;      /* so many bytes had come already */
	unsigned searches;   /* for bytes that are not in their place */
};

void channel_begin(struct channel *c, struct tally *tally, uint64_t number,
		   struct payload payload, bool closed_loop);
void channel_free(struct channel *c);

/* One more request is due; in a closed loop, when it is sent. */
void channel_release(struct channel *c, int64_t intended);

/* How many bytes could be sent now */
size_t channel_to_send(const struct channel *c);

/*
 * Makes up to `space` bytes of what is to be sent. `now` becomes the time that
 * the requests which begin in them were sent.
 */
size_t channel_send(struct channel *c, char *to, size_t space, int64_t now);

/* Of the `made` bytes just made, only `sent` could be sent: the rest is made
 * again later, and requests of which nothing was sent were not sent. */
void channel_did_send(struct channel *c, size_t made, size_t sent);

/* Bytes came back. Returns how many requests were answered by them. */
unsigned channel_did_receive(struct channel *c, const char *bytes, size_t n,
			     int64_t now);

/* No more will come: what was not answered counts as that. `open`: it is not
 * the server that ended it. */
void channel_end(struct channel *c, int64_t now, bool open);

/* Whether its reply has come, or was given up as lost */
bool channel_is_answered(const struct channel *c, uint64_t request);

#endif
