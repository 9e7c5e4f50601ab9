/* SPDX-License-Identifier: MIT */
/* tally.c - what was measured: see tally.h */
#include "tally.h"

#include "harness/base/die.h"

#include <stdlib.h>
#include <string.h>

const char *const damage_name[DAMAGES] = { "corruption", "loss", "duplication",
					   "reordering", "unasked" };

const char *const failure_name[FAILURES] = { "refused", "timeout", "closed",
					     "reset",   "stalled", "reply",
					     "other" };

struct tally *tally_new(int64_t from, int64_t to)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (!t)
		die("calloc");
	tally_clear(t);
	tally_set_window(t, from, to);
	return t;
}

struct tally *tally_copy(const struct tally *t)
{
	struct tally *copy = malloc(sizeof(*copy));

	if (!copy)
		die("malloc");
	memcpy(copy, t, sizeof(*copy));
	return copy;
}

void tally_set_window(struct tally *t, int64_t from, int64_t to)
{
	int64_t n = (to - from) / 100000000; /* of 100 ms */

	if (n < INTERVALS_MIN)
		n = INTERVALS_MIN;
	if (n > INTERVALS_MAX)
		n = INTERVALS_MAX;
	t->from = from;
	t->to = to;
	t->intervals = n;
	t->interval_ns = (to - from + n - 1) / n;
}

void tally_clear(struct tally *t)
{
	int64_t from = t->from, to = t->to;

	memset(t, 0, sizeof(*t));
	tally_set_window(t, from, to);
	histogram_clear(&t->response);
	histogram_clear(&t->service);
	histogram_clear(&t->send_lag);
	histogram_clear(&t->connect);
}

/* Of the lowest connection, so that the result does not depend on threads */
static void merge_evidence(struct evidence *to, const struct evidence *from)
{
	if (from->found && (!to->found || from->connection < to->connection))
		*to = *from;
}

static void merge_intervals(struct tally *to, const struct tally *from)
{
	for (unsigned i = 0; i < to->intervals; i++) {
		to->interval[i].count += from->interval[i].count;
		if (to->interval[i].max < from->interval[i].max)
			to->interval[i].max = from->interval[i].max;
		for (unsigned j = 0; j < INTERVAL_BUCKETS; j++)
			to->interval[i].bucket[j] +=
				from->interval[i].bucket[j];
	}
}

void tally_merge_dropped(struct tally *to, const struct tally *from)
{
	to->total += from->total;
	to->right += from->right;
	to->asked += from->asked;
	to->heard += from->heard;
	to->never += from->never;
	to->troubles += from->troubles;
	for (int i = 0; i < DAMAGES; i++)
		to->damages[i] += from->damages[i];
	for (int i = 0; i < FAILURES; i++)
		to->failures[i] += from->failures[i];
	if (from->other_error)
		to->other_error = from->other_error;
	if (from->fault) {
		to->fault = from->fault;
		to->fault_value = from->fault_value;
	}
	merge_evidence(&to->evidence, &from->evidence);
}

void tally_merge(struct tally *to, const struct tally *from)
{
	histogram_merge(&to->response, &from->response);
	histogram_merge(&to->service, &from->service);
	histogram_merge(&to->send_lag, &from->send_lag);
	histogram_merge(&to->connect, &from->connect);
	to->answered += from->answered;
	to->damaged += from->damaged;
	to->unanswered += from->unanswered;
	to->in_window += from->in_window;
	to->outstanding += from->outstanding;
	to->held += from->held;
	merge_intervals(to, from);
	tally_merge_dropped(to, from);
}

/* --------------------------------------------------------------- intervals */

unsigned interval_index(uint64_t ns)
{
	unsigned above;

	if (ns >> HISTOGRAM_BITS)
		return INTERVAL_BUCKETS - 1;
	if (ns < 2 * OCTAVE)
		return ns;
	above = 60 - __builtin_clzll(ns); /* 2 * OCTAVE is 2^4 */
	return above * OCTAVE + (ns >> above);
}

int64_t interval_lowest(unsigned index)
{
	if (index < 2 * OCTAVE)
		return index;
	return (int64_t)(index % OCTAVE + OCTAVE) << (index / OCTAVE - 1);
}

/* Atomic, because screen.c reads it meanwhile */
static void interval_record(struct interval *s, int64_t ns)
{
	uint32_t *bucket = &s->bucket[interval_index(ns)];

	__atomic_store_n(bucket, *bucket + 1, __ATOMIC_RELAXED);
	tally_count(&s->count);
	if (ns > s->max)
		s->max = ns;
}

int64_t interval_percentile(const struct interval *s, double share)
{
	uint64_t count = 0, seen = 0;

	for (unsigned i = 0; i < INTERVAL_BUCKETS; i++)
		count += __atomic_load_n(&s->bucket[i], __ATOMIC_RELAXED);
	for (unsigned i = 0; i < INTERVAL_BUCKETS; i++) {
		seen += __atomic_load_n(&s->bucket[i], __ATOMIC_RELAXED);
		if (seen > 0 && seen >= share * count) {
			int64_t ns = interval_lowest(i + 1) - 1;

			return s->max > 0 && ns > s->max ? s->max : ns;
		}
	}
	return -1;
}

/* ----------------------------------------------------------------- answers */

void tally_answer(struct tally *t, int64_t intended, int64_t sent,
		  int64_t received, int64_t lag)
{
	tally_count(&t->total);
	t->right++;
	if (tally_counts(t, received))
		t->in_window++;
	if (!tally_counts(t, intended))
		return;
	t->answered++;
	histogram_record(&t->response, received - intended);
	if (lag >= 0) { /* otherwise the service time is the response time */
		histogram_record(&t->service, received - sent);
		histogram_record(&t->send_lag, lag);
	}
	interval_record(&t->interval[(intended - t->from) / t->interval_ns],
			received - intended);
}

void tally_damage(struct tally *t, enum damage damage,
		  const struct evidence *evidence)
{
	t->damages[damage]++;
	tally_count(&t->troubles);
	if (t->evidence.found)
		return;
	t->evidence = *evidence;
	t->evidence.found = true;
	t->evidence.damage = damage;
}

void tally_failure(struct tally *t, enum failure failure)
{
	t->failures[failure]++;
	tally_count(&t->troubles);
}
