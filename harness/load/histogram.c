/* SPDX-License-Identifier: MIT */
/* histogram.c - how often each time was measured: see histogram.h */
#include "histogram.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

void histogram_clear(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
	h->min = INT64_MAX;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
	to->count += from->count;
	to->sum += from->sum;
	to->above += from->above;
	if (from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
}

int64_t histogram_lowest(unsigned index)
{
	unsigned above;

	if (index < 2 * HISTOGRAM_HALF)
		return index;
	above = index / HISTOGRAM_HALF - 1;
	return (int64_t)(index % HISTOGRAM_HALF + HISTOGRAM_HALF) << above;
}

int64_t histogram_highest(unsigned index)
{
	return histogram_lowest(index + 1) - 1;
}

/* The rank, from 1, of the sample at this share of `count` samples */
static uint64_t rank_of(double share, uint64_t count)
{
	double rank = ceil(share * count);

	/* 0.9 * 10 is slightly above 9 in binary: that is rank 9, not 10. */
	if (rank - share * count > 1 - 4 * DBL_EPSILON * count)
		rank--;
	if (rank < 1)
		return 1;
	return rank > count ? count : (uint64_t)rank;
}

/* The value by which the samples of a bucket are reported */
static int64_t value_of(const struct histogram *h, unsigned index)
{
	int64_t highest = histogram_highest(index);

	if (index == HISTOGRAM_BUCKETS - 1 || highest > h->max)
		return h->max;
	return highest;
}

int64_t histogram_percentile(const struct histogram *h, double share,
			     uint64_t *beyond)
{
	uint64_t rank = rank_of(share, h->count), seen = 0;
	unsigned i = 0;

	if (beyond)
		*beyond = h->count ? h->count - rank : 0;
	if (h->count == 0)
		return -1;
	while ((seen += h->bucket[i]) < rank)
		i++;
	return value_of(h, i);
}

double histogram_mean(const struct histogram *h)
{
	return h->count ? (double)h->sum / h->count : 0;
}

double histogram_deviation(const struct histogram *h)
{
	double mean = histogram_mean(h), sum = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (h->bucket[i]) {
			double middle = histogram_lowest(i) / 2.0 +
					value_of(h, i) / 2.0;

			sum += h->bucket[i] * (middle - mean) * (middle - mean);
		}
	return h->count ? sqrt(sum / h->count) : 0;
}

/*
 * Five lines for each halving of the rest: 0, 10 ... 40 %, 50, 55 ... 70 %,
 * 75, 77.5 % and so on, until no sample is above.
 */
static void print_steps(const struct histogram *h, FILE *file)
{
	for (int step = 0;; step++) {
		double left = ldexp(1 - step % 5 / 10.0, -(step / 5));
		uint64_t beyond;
		int64_t ns = histogram_percentile(h, 1 - left, &beyond);

		if (beyond == 0)
			return;
		fprintf(file, "%12.6f %.12f %10" PRIu64 " %14.2f\n", ns / 1e6,
			1 - left, h->count - beyond, 1 / left);
	}
}

void histogram_print_hgrm(const struct histogram *h, FILE *file)
{
	fprintf(file, "%12s %14s %10s %14s\n\n", "Value", "Percentile",
		"TotalCount", "1/(1-Percentile)");
	if (h->count) {
		print_steps(h, file);
		fprintf(file, "%12.6f %.12f %10" PRIu64 "\n", h->max / 1e6, 1.0,
			h->count);
	}
	fprintf(file, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n",
		histogram_mean(h) / 1e6, histogram_deviation(h) / 1e6);
	fprintf(file, "#[Max     = %12.6f, Total count    = %12" PRIu64 "]\n",
		h->max / 1e6, h->count);
	fprintf(file, "#[Buckets = %12d, SubBuckets     = %12d]\n",
		HISTOGRAM_BITS - HISTOGRAM_LINEAR_BITS + 1, 2 * HISTOGRAM_HALF);
}
