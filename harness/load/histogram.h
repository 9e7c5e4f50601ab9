/* SPDX-License-Identifier: MIT */
/*
 * histogram.h - how often each time was measured, to three significant digits
 *
 * Buckets are log-linear: times below 2,048 ns have one each; above, every
 * power of two is divided into 1,024 equal buckets, so a bucket is never wider than
 * a thousandth of its values. The range is 1 ns to 137 s. Longer times count in the
 * last bucket; `max` and `sum` stay exact.
 *
 * Two histograms are merged by adding their counts. Percentiles are never
 * averaged: the mean of two 99th percentiles is not a 99th percentile.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

enum {
	HISTOGRAM_LINEAR_BITS = 11, /* below 2^11 ns: one bucket a ns */
	HISTOGRAM_HALF = 1 << (HISTOGRAM_LINEAR_BITS - 1),
	HISTOGRAM_BITS = 37, /* values end at 2^37 ns, 137 s */
	HISTOGRAM_BUCKETS =
		(HISTOGRAM_BITS - HISTOGRAM_LINEAR_BITS + 2) * HISTOGRAM_HALF
};

struct histogram {
	uint64_t count;
	uint64_t sum; /* ns; overflows after 584 years of waiting */
	int64_t min, max;
	uint64_t above; /* of count: longer than the last bucket */
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_clear(struct histogram *h);
void histogram_merge(struct histogram *to, const struct histogram *from);

/* The bucket of a time, and the lowest and highest time in a bucket */
static inline unsigned histogram_index(uint64_t ns)
{
	unsigned above;

	if (ns < 2 * HISTOGRAM_HALF)
		return ns;
	above = 64 - HISTOGRAM_LINEAR_BITS - __builtin_clzll(ns);
	return above * HISTOGRAM_HALF + (ns >> above);
}

int64_t histogram_lowest(unsigned index);
int64_t histogram_highest(unsigned index);

/* A negative time counts as 0. */
static inline void histogram_record(struct histogram *h, int64_t ns)
{
	uint64_t n = ns < 0 ? 0 : ns;

	if (__builtin_expect(n >> HISTOGRAM_BITS, 0)) {
		h->above++;
		h->bucket[HISTOGRAM_BUCKETS - 1]++;
	} else {
		h->bucket[histogram_index(n)]++;
	}
	h->count++;
	h->sum += n;
	if ((int64_t)n < h->min)
		h->min = n;
	if ((int64_t)n > h->max)
		h->max = n;
}

/*
 * The time that at least this share (0 to 1) of the samples did not exceed, as
 * the highest time of its bucket; never more than the longest measured. -1
 * without samples. `beyond`, if not NULL, gets the number of samples above that
 * rank: with few of them, the percentile is not reliable.
 */
int64_t histogram_percentile(const struct histogram *h, double share,
			     uint64_t *beyond);

double histogram_mean(const struct histogram *h);      /* exact */
double histogram_deviation(const struct histogram *h); /* to the bucket */

/* With fewer samples above it, a percentile is marked as unsure. */
enum { SURE_BEYOND = 100 };

/* The text form that HdrHistogram's plotters read (.hgrm), in milliseconds */
void histogram_print_hgrm(const struct histogram *h, FILE *file);

#endif
