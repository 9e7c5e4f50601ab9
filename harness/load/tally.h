/* SPDX-License-Identifier: MIT */
/*
 * tally.h - what was measured: one per thread, merged at the end of a run or slice
 *
 * A request counts if it was due in the window (closed loop: sent in it). Its reply
 * may come after the window. Requests of the warm-up do not count.
 */
#ifndef TALLY_H
#define TALLY_H

#include "histogram.h"
#include "http.h"
#include "payload.h"

#include <stdbool.h>
#include <stdint.h>

/* What can be wrong with received bytes */
enum damage {
	DAMAGE_CORRUPTION,  /* in place, but changed */
	DAMAGE_LOSS,        /* missing, although later ones came */
	DAMAGE_DUPLICATION, /* received before */
	DAMAGE_REORDERING,  /* a reply after a later one */
	DAMAGE_UNASKED,     /* belong to no request */
	DAMAGES
};
extern const char *const damage_name[DAMAGES];

/* What can happen to a connection */
enum failure {
	FAILURE_REFUSED, /* no server is listening */
	FAILURE_TIMEOUT, /* of connecting */
	FAILURE_CLOSED,  /* by the server, before the end */
	FAILURE_RESET,
	FAILURE_STALLED, /* open, but the server stopped answering */
	FAILURE_REPLY,   /* --service http: a reply was not as it should be */
	FAILURE_OTHER,
	FAILURES
};
extern const char *const failure_name[FAILURES];

/* The first damage */
struct evidence {
	bool found;
	enum damage damage;
	uint64_t connection;
	struct place place;
	bool has_bytes;
	unsigned char expected, received;
};

enum { INTERVALS_MIN = 10, INTERVALS_MAX = 100, OCTAVE = 8 };
enum { INTERVAL_BUCKETS = (HISTOGRAM_BITS - 2) * OCTAVE };

/* A part of the window, with response times to an eighth of a power of two */
struct interval {
	uint64_t count;
	int64_t max;
	uint32_t bucket[INTERVAL_BUCKETS];
};

struct tally {
	int64_t from, to; /* the window: ns of the clock */
	int64_t interval_ns;

	struct histogram response, service, send_lag, connect;
	uint64_t answered;    /* due in the window, answered correctly */
	uint64_t damaged;     /* due in the window, answered wrongly */
	uint64_t unanswered;  /* due in the window, never answered */
	uint64_t in_window;   /* answered within the window, whenever due */
	uint64_t total;       /* answered at any time, warm-up included */
	uint64_t right;       /* of total: correctly */
	uint64_t asked;       /* connections on which something was sent */
	uint64_t heard;       /* connections on which something was received */
	uint64_t outstanding; /* due and not answered yet */
	uint64_t never;       /* never answered, whenever due */
	uint64_t troubles;    /* damages and failures */
	uint64_t held;        /* delayed because the send buffer was full */

	uint64_t damages[DAMAGES], failures[FAILURES];
	int other_error;       /* the errno of the last FAILURE_OTHER */
	enum http_fault fault; /* of the last FAILURE_REPLY */
	int64_t fault_value;
	struct evidence evidence;

	unsigned intervals;
	struct interval interval[INTERVALS_MAX];
};

struct tally *tally_new(int64_t from, int64_t to);

struct tally *tally_copy(const struct tally *t);

/* Divides a new window into intervals; what was counted stays. */
void tally_set_window(struct tally *t, int64_t from, int64_t to);

/* Only the window stays. */
void tally_clear(struct tally *t);

void tally_merge(struct tally *to, const struct tally *from);

/* Merges what counts even if the slice does not: damages, failures, and what was
 * asked and answered at any time. */
void tally_merge_dropped(struct tally *to, const struct tally *from);

/* A request was answered correctly. The send lag is -1 in a closed loop. */
void tally_answer(struct tally *t, int64_t intended, int64_t sent,
		  int64_t received, int64_t lag);

void tally_damage(struct tally *t, enum damage damage,
		  const struct evidence *evidence);

void tally_failure(struct tally *t, enum failure failure);

/* Adds one; screen.c may read the counter at the same time. */
static inline void tally_count(uint64_t *n)
{
	__atomic_store_n(n, *n + 1, __ATOMIC_RELAXED);
}

static inline bool tally_counts(const struct tally *t, int64_t due)
{
	return t->from <= due && due < t->to;
}

unsigned interval_index(uint64_t ns);
int64_t interval_lowest(unsigned index);
int64_t interval_percentile(const struct interval *s, double share);

#endif
