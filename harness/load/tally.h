/* SPDX-License-Identifier: MIT */
/*
 * tally.h - what was measured: one a thread, added up at the end
 *
 * A request counts if it was due in the window (in a closed loop: sent in it).
 * What the warm-up measured is forgotten; what was due before the window ended
 * may be answered after it.
 */
#ifndef TALLY_H
#define TALLY_H

#include "histogram.h"
#include "payload.h"

#include <stdbool.h>
#include <stdint.h>

/* What can be wrong with bytes that came back */
enum damage {
	DAMAGE_CORRUPTION,  /* they are in their place, but are others */
	DAMAGE_LOSS,        /* some are missing before others */
	DAMAGE_DUPLICATION, /* they had come already */
	DAMAGE_REORDERING,  /* replies came in another order */
	DAMAGE_UNASKED,     /* they are not of this stream at all */
	DAMAGES
};
extern const char *const damage_name[DAMAGES];

/* What can happen to a connection */
enum failure {
	FAILURE_REFUSED, /* nobody listens */
	FAILURE_TIMEOUT, /* connecting took too long */
	FAILURE_CLOSED,  /* the server closed it early */
	FAILURE_RESET,
	FAILURE_STALLED, /* open, but the server stopped answering on it */
	FAILURE_OTHER,
	FAILURES
};
extern const char *const failure_name[FAILURES];

/* The first damage: what somebody who looks for the mistake wants to know */
struct evidence {
	bool found;
	enum damage damage;
	uint64_t connection;
	struct place place;
	bool has_bytes;
	unsigned char expected, received;
};

enum { SLICES_MIN = 10, SLICES_MAX = 100, OCTAVE = 8 };
enum { SLICE_BUCKETS = (HISTOGRAM_BITS - 2) * OCTAVE };

/* A part of the window, with response times to an eighth of a power of two */
struct slice {
	uint64_t count;
	int64_t max;
	uint32_t bucket[SLICE_BUCKETS];
};

struct tally {
	int64_t from, to; /* the window: ns of the clock */
	int64_t slice_ns;

	struct histogram response, service, send_lag, connect;
	uint64_t answered;    /* due in the window, answered, and rightly */
	uint64_t damaged;     /* due in the window, answered, but wrongly */
	uint64_t unanswered;  /* due in the window, never answered */
	uint64_t in_window;   /* answered within the window, whenever due */
	uint64_t total;       /* answered at all, in warm-up and later too */
	uint64_t right;       /* of these: rightly */
	uint64_t asked;       /* connections on which something was sent */
	uint64_t heard;       /* ... and on which something came back */
	uint64_t outstanding; /* asked for and not answered yet */
	uint64_t troubles;    /* damages and failures */
	uint64_t held;        /* could not be sent at once: socket full */

	uint64_t damages[DAMAGES], failures[FAILURES];
	int other_error; /* the errno of the last FAILURE_OTHER */
	struct evidence evidence;

	unsigned slices;
	struct slice slice[SLICES_MAX];
};

/* From and to may be moved later; how many slices there are may not. */
struct tally *tally_new(int64_t from, int64_t to);
void tally_merge(struct tally *to, const struct tally *from);

/*
 * A request was answered as it should be. Its times are those of the clock. The
 * lag is how late the generator was: -1 in a closed loop, where it cannot be.
 */
void tally_answer(struct tally *t, int64_t intended, int64_t sent,
		  int64_t received, int64_t lag);

void tally_damage(struct tally *t, enum damage damage,
		  const struct evidence *evidence);

void tally_failure(struct tally *t, enum failure failure);

/* One more; somebody may look on. */
static inline void tally_count(uint64_t *n)
{
	__atomic_store_n(n, *n + 1, __ATOMIC_RELAXED);
}

static inline bool tally_counts(const struct tally *t, int64_t due)
{
	return t->from <= due && due < t->to;
}

unsigned slice_index(uint64_t ns);
int64_t slice_lowest(unsigned index);
int64_t slice_percentile(const struct slice *s, double share);

#endif
