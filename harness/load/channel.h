/* SPDX-License-Identifier: MIT */
/*
 * channel.h - a connection to the server, without system calls
 *
 * An engine connects, sends and receives, and reports the results. A channel knows
 * which requests are due, the bytes of requests and expected replies, and when each
 * request was intended, sent and answered. Unit tests can therefore check all of it
 * with a virtual clock and a simulated server.
 *
 * The requests of a channel are numbered from 0:
 *
 *	oldest      the first that is not answered
 *	out         the place of the next byte to send
 *	released    how many are due; those not sent yet wait here
 *
 * payload.h computes the bytes at a place, so nothing sent is stored: a request in
 * flight takes 16 bytes, for its two times.
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

/* Wrong bytes, too few to tell what happened: kept until more come or none will */
struct suspect {
	size_t n;
	char bytes[4096];
};

struct channel {
	int fd;
	enum channel_state state;
	uint32_t index;      /* among the channels of its thread */
	uint64_t number;     /* among all channels; determines its bytes */
	uint32_t generation; /* how often it was connected */
	bool idle;           /* sends nothing */
	bool slow;           /* is read only when receive() is called */
	bool closed_loop;    /* requests are due when they are sent */
	bool connects;       /* for each request */

	struct payload payload;
	struct http *http;        /* NULL: echo */
	struct http_reply *reply; /* http: the one that is being read */
	struct tally *tally;
	struct request *ring; /* by request number */
	uint64_t capacity;    /* of the ring: a power of two */
	uint64_t oldest, released;
	uint64_t
		answered_end; /* the last that was answered correctly, plus 1 */
	struct place out, in;
	int64_t connect_began, received_last;

	bool queued;  /* in its thread's list of channels that can send */
	bool sending; /* the engine has not reported the result yet */
	bool watched; /* engine_epoll: waits for space in the send buffer */
	bool blocked; /* the last send was partial */
	bool held;    /* and so was the one before channel_send() */
	bool asked;   /* something was sent */
	bool heard;   /* something was received */

	/* Used only when bytes came back wrong */
	struct suspect *suspect;
	bool damaged;        /* the reply that is being read is damaged */
	bool again;          /* it is a duplicate... */
	struct place resume; /* ...and reading goes on here after it */
	size_t swallow;      /* the next bytes are duplicates: skip them */
	unsigned searches;   /* damage.h */
};

void channel_begin(struct channel *c, struct tally *tally, uint64_t number,
		   struct payload payload, bool closed_loop);

/* The requests and replies of this channel are those of HTTP. */
void channel_use_http(struct channel *c, struct http *http);

void channel_free(struct channel *c);

/* Adds a request. In a closed loop it is due when it is sent. */
void channel_release(struct channel *c, int64_t intended);

/* How many bytes could be sent now */
size_t channel_to_send(const struct channel *c);

/*
 * Makes up to `space` bytes to send. Requests that begin in them count as sent at
 * `now`.
 */
size_t channel_send(struct channel *c, char *to, size_t space, int64_t now);

/* Only `sent` of the `made` bytes were sent. The rest is made again later, and
 * requests of which no byte was sent do not count as sent. */
void channel_did_send(struct channel *c, size_t made, size_t sent);

/* Checks received bytes. Returns how many requests they answered. With HTTP, a
 * reply->fault ends the channel: where the next reply begins is not known. */
unsigned channel_did_receive(struct channel *c, const char *bytes, size_t n,
			     int64_t now);

/* No more bytes will come: open requests count as unanswered. `open`: the server
 * did not end the connection. */
void channel_end(struct channel *c, int64_t now, bool open);

/* Whether its reply has come, or was given up as lost */
bool channel_is_answered(const struct channel *c, uint64_t request);

#endif
