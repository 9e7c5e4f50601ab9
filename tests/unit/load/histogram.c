/* SPDX-License-Identifier: MIT */
/* histogram.c - buckets, percentiles and the .hgrm text are exact */
#include "tests/unit/test.h"

#include "harness/load/histogram.h"
#include "harness/load/tally.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct histogram h, other, all;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ------------------------------------------------------------------- buckets */

static void buckets_cover_everything_once(void **state)
{
	(void)state;
	assert_int_equal(histogram_lowest(0), 0);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		int64_t low = histogram_lowest(i), high = histogram_highest(i);

		assert_true(low <= high);
		assert_int_equal(histogram_index(low), i);
		assert_int_equal(histogram_index(high), i);
		assert_int_equal(histogram_index((low + high) / 2), i);
		assert_int_equal(histogram_lowest(i + 1), high + 1);
		/* The reported value is at most a thousandth too high. */
		assert_true((high - low) * 1000 <= low);
		assert_true(high < 2048 ? high == low : high - low >= 1);
	}
	assert_int_equal(histogram_highest(HISTOGRAM_BUCKETS - 1),
			 (INT64_C(1) << 37) - 1);
}

static void around_every_power_of_two(void **state)
{
	(void)state;
	for (int bit = 1; bit < 37; bit++)
		for (int64_t d = -1025; d <= 1025; d++) {
			int64_t ns = (INT64_C(1) << bit) + d;
			unsigned i;

			if (ns < 0 || ns >> 37)
				continue;
			i = histogram_index(ns);
			assert_in_range(i, 0, HISTOGRAM_BUCKETS - 1);
			assert_true(histogram_lowest(i) <= ns);
			assert_true(ns <= histogram_highest(i));
		}
}

/* The intervals of the window are coarser, by the same rule. */
static void intervals_cover_everything_once(void **state)
{
	(void)state;
	assert_int_equal(interval_lowest(0), 0);
	for (unsigned i = 0; i < INTERVAL_BUCKETS; i++) {
		int64_t low = interval_lowest(i),
			high = interval_lowest(i + 1) - 1;

		assert_true(low <= high);
		assert_int_equal(interval_index(low), i);
		assert_int_equal(interval_index(high), i);
		assert_true((high - low) * 8 <= low);
	}
	assert_int_equal(interval_lowest(INTERVAL_BUCKETS), INT64_C(1) << 37);
	assert_int_equal(interval_index(INT64_C(1) << 37),
			 INTERVAL_BUCKETS - 1);
	assert_int_equal(interval_index(UINT64_MAX), INTERVAL_BUCKETS - 1);
}

static void percentiles_of_a_interval(void **state)
{
	struct interval s = { .count = 0 };

	(void)state;
	assert_int_equal(interval_percentile(&s, 0.5), -1);
	s.bucket[interval_index(10)] = 98;
	s.bucket[interval_index(1000)] = 1;
	s.bucket[interval_index(100000)] = 1;
	assert_int_equal(interval_percentile(&s, 0), 10);
	assert_int_equal(interval_percentile(&s, 0.5), 10);
	assert_int_equal(interval_percentile(&s, 0.98), 10);
	assert_in_range(interval_percentile(&s, 0.99), 1000, 1125);
	assert_in_range(interval_percentile(&s, 1), 100000, 112500);
}

/* --------------------------------------------------------------- percentiles */

enum { SAMPLES = 20000 };

enum distribution {
	CONSTANT,
	SMALL,
	FLAT,
	LOG_FLAT,
	TWO_VALUED,
	DISTRIBUTIONS
};

static int64_t draw(enum distribution d, uint64_t *random)
{
	uint64_t x = next_random(random);

	switch (d) {
	case CONSTANT:
		return 123456789;
	case SMALL:
		return x % 2048;
	case FLAT:
		return x % 100000000;
	case LOG_FLAT:
		return exp2((x >> 11) * 0x1p-53 * 37);
	default:
		return x % 100 ? 50000 : 20000000;
	}
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The reported value of the sample at this rank */
static int64_t reported(int64_t sample, int64_t max)
{
	int64_t high = histogram_highest(histogram_index(sample));

	return high < max ? high : max;
}

static void check_against_sorted(const int64_t *sample, uint64_t n)
{
	/* In ten thousandths: so the rank can be computed in integers. */
	static const unsigned shares[] = {
		0, 1, 10, 1000, 2500, 5000, 9000, 9500, 9900, 9990, 9999, 10000
	};
	__int128 sum = 0;

	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		uint64_t rank = (shares[i] * n + 9999) / 10000, beyond;
		int64_t ns;

		if (rank == 0)
			rank = 1;
		ns = histogram_percentile(&h, shares[i] / 1e4, &beyond);
		assert_int_equal(ns, reported(sample[rank - 1], sample[n - 1]));
		assert_int_equal(beyond, n - rank);
		assert_true(ns >= sample[rank - 1]);
		assert_true(ns - sample[rank - 1] <= sample[rank - 1] / 1000);
	}
	for (uint64_t i = 0; i < n; i++)
		sum += sample[i];
	assert_int_equal(h.count, n);
	assert_int_equal(h.sum, sum);
	assert_int_equal(h.min, sample[0]);
	assert_int_equal(h.max, sample[n - 1]);
	assert_true(histogram_mean(&h) == (double)(int64_t)sum / n);
	assert_int_equal(h.above, 0);
}

static void as_a_sorted_array_says(void **state)
{
	static const uint64_t counts[] = { 1,  2,    3,    7,     10,
					   99, 1000, 1001, 19999, SAMPLES };
	static int64_t sample[SAMPLES];
	uint64_t random = 88172645463325252;

	(void)state;
	for (int d = 0; d < DISTRIBUTIONS; d++)
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
			histogram_clear(&h);
			for (uint64_t j = 0; j < counts[i]; j++) {
				sample[j] = draw(d, &random);
				histogram_record(&h, sample[j]);
			}
			qsort(sample, counts[i], sizeof(*sample), ascending);
			check_against_sorted(sample, counts[i]);
		}
}

/* With samples of 1, 2, 3 ... `count` ns, a percentile equals its rank. */
static uint64_t rank_of(double share, uint64_t count)
{
	uint64_t beyond;
	int64_t rank;

	histogram_clear(&h);
	for (uint64_t i = 1; i <= count; i++)
		histogram_record(&h, i);
	rank = histogram_percentile(&h, share, &beyond);
	assert_int_equal(beyond, count - rank);
	return rank;
}

static void ranks(void **state)
{
	(void)state;
	assert_int_equal(rank_of(0.9, 10), 9);
	assert_int_equal(rank_of(0.91, 10), 10);
	assert_int_equal(rank_of(0.5, 10), 5);
	assert_int_equal(rank_of(0.5, 11), 6);
	assert_int_equal(rank_of(0.99, 100), 99);
	assert_int_equal(rank_of(0.999, 1000), 999);
	assert_int_equal(rank_of(0.999, 999), 999);
	assert_int_equal(rank_of(0.07, 100), 7);
	assert_int_equal(rank_of(0.55, 100), 55);
	assert_int_equal(rank_of(0, 10), 1);
	assert_int_equal(rank_of(1, 10), 10);
	for (int i = 0; i <= 4; i++)
		assert_int_equal(rank_of(i / 4.0, 1), 1);
	for (uint64_t n = 1; n <= 2000; n += 37)
		for (uint64_t r = 1; r <= n; r++)
			assert_int_equal(rank_of((double)r / n, n), r);
}

/* A day at a hundred thousand requests a second, without recording each */
static void ranks_of_very_many(void **state)
{
	static const uint64_t tens[] = { 10000000,     100000000,
					 1000000000,   10000000000,
					 100000000000, 1000000000000 };
	uint64_t beyond;

	(void)state;
	for (size_t i = 0; i < sizeof(tens) / sizeof(*tens); i++) {
		histogram_clear(&h);
		histogram_record(&h, 1);
		histogram_record(&h, 2);
		h.bucket[1] = tens[i] - 1;
		h.count = tens[i];
		assert_int_equal(histogram_percentile(&h, 1, &beyond), 2);
		assert_int_equal(beyond, 0);
		assert_int_equal(histogram_percentile(&h, 0.99, &beyond), 1);
		assert_int_equal(beyond, tens[i] / 100);
		assert_int_equal(histogram_percentile(&h, 0.999, &beyond), 1);
		assert_int_equal(beyond, tens[i] / 1000);
		assert_int_equal(histogram_percentile(&h, 0.3, &beyond), 1);
		assert_int_equal(beyond, tens[i] / 10 * 7);
		histogram_percentile(&h, (tens[i] / 2 + 0.25) / tens[i],
				     &beyond);
		assert_int_equal(beyond, tens[i] / 2 - 1);
	}
}

static void of_nothing(void **state)
{
	uint64_t beyond = 7;

	(void)state;
	histogram_clear(&h);
	assert_int_equal(histogram_percentile(&h, 0.5, &beyond), -1);
	assert_int_equal(beyond, 0);
	assert_int_equal(histogram_percentile(&h, 1, NULL), -1);
	assert_true(histogram_mean(&h) == 0);
	assert_true(histogram_deviation(&h) == 0);
}

/* -------------------------------------------------------------- what is odd */

static void negative_is_zero(void **state)
{
	(void)state;
	histogram_clear(&h);
	histogram_record(&h, -1);
	histogram_record(&h, INT64_MIN);
	histogram_record(&h, 0);
	assert_int_equal(h.bucket[0], 3);
	assert_int_equal(h.sum, 0);
	assert_int_equal(h.min, 0);
	assert_int_equal(h.max, 0);
	assert_int_equal(histogram_percentile(&h, 0.5, NULL), 0);
}

static void above_the_last_bucket(void **state)
{
	const int64_t edge = INT64_C(1) << 37,
		      year = INT64_C(31557600000000000);

	(void)state;
	histogram_clear(&h);
	histogram_record(&h, edge - 1);
	assert_int_equal(h.above, 0);
	assert_int_equal(histogram_percentile(&h, 1, NULL), edge - 1);
	histogram_record(&h, edge);
	assert_int_equal(h.above, 1);
	histogram_record(&h, year);
	assert_int_equal(h.above, 2);
	assert_int_equal(h.bucket[HISTOGRAM_BUCKETS - 1], 3);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.sum, edge - 1 + edge + year);
	assert_int_equal(h.min, edge - 1);
	assert_int_equal(h.max, year);
	assert_int_equal(histogram_percentile(&h, 1, NULL), year);
	histogram_record(&h, 5);
	assert_int_equal(histogram_percentile(&h, 0.25, NULL), 5);
}

static void merged_is_recorded_in_one(void **state)
{
	uint64_t random = 12345;

	(void)state;
	histogram_clear(&all);
	histogram_clear(&h);
	for (int part = 0; part < 4; part++) {
		histogram_clear(&other);
		for (int i = 0; i < 1000 * part; i++) { /* the first is empty */
			int64_t ns = draw(LOG_FLAT, &random) << (i % 3);

			histogram_record(&other, ns);
			histogram_record(&all, ns);
		}
		histogram_merge(&h, &other);
		assert_memory_equal(&h, &all, sizeof(h));
	}
	assert_true(h.above > 0);
	histogram_clear(&other);
	histogram_merge(&other, &all);
	assert_memory_equal(&other, &all, sizeof(h));
}

static void deviation(void **state)
{
	double exact = 0;

	(void)state;
	histogram_clear(&h);
	for (int i = 0; i < 100; i++)
		histogram_record(&h, 7);
	assert_true(histogram_deviation(&h) == 0);
	histogram_clear(&h);
	for (int i = 0; i < 2000; i++) {
		histogram_record(&h, i);
		exact += (i - 999.5) * (i - 999.5) / 2000;
	}
	assert_true(fabs(histogram_deviation(&h) - sqrt(exact)) < 1e-6);
	histogram_clear(&h);
	for (int i = 0; i < 1000; i++)
		histogram_record(&h, i % 2 ? 50000000 : 10000000);
	assert_true(fabs(histogram_deviation(&h) / 20000000 - 1) < 0.002);
}

/* ---------------------------------------------------------------------- hgrm */

static char *hgrm(void)
{
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	histogram_print_hgrm(&h, file);
	fclose(file);
	return text;
}

/*
 * HdrHistogram's own output (Java, outputPercentileDistribution, 5 ticks per
 * half distance) of the values 1 to 10, written in thousandths of a million. The
 * layout is the same to the column; the footers hold what we compute.
 */
static void hgrm_looks_like_hdrhistogram(void **state)
{
	static const char wanted[] =
		"       Value     Percentile TotalCount 1/(1-Percentile)\n"
		"\n"
		"    1.000000 0.000000000000          1           1.00\n"
		"    1.000000 0.100000000000          1           1.11\n"
		"    2.000000 0.200000000000          2           1.25\n"
		"    3.000000 0.300000000000          3           1.43\n"
		"    4.000000 0.400000000000          4           1.67\n"
		"    5.000000 0.500000000000          5           2.00\n"
		"    6.000000 0.550000000000          6           2.22\n"
		"    6.000000 0.600000000000          6           2.50\n"
		"    7.000000 0.650000000000          7           2.86\n"
		"    7.000000 0.700000000000          7           3.33\n"
		"    8.000000 0.750000000000          8           4.00\n"
		"    8.000000 0.775000000000          8           4.44\n"
		"    8.000000 0.800000000000          8           5.00\n"
		"    9.000000 0.825000000000          9           5.71\n"
		"    9.000000 0.850000000000          9           6.67\n"
		"    9.000000 0.875000000000          9           8.00\n"
		"    9.000000 0.887500000000          9           8.89\n"
		"    9.000000 0.900000000000          9          10.00\n"
		"   10.000000 1.000000000000         10\n"
		"#[Mean    =     5.500000, StdDeviation   =     2.872281]\n"
		"#[Max     =    10.000000, Total count    =           10]\n"
		"#[Buckets =           27, SubBuckets     =         2048]\n";
	char *text, *line, *rest;
	const char *want = wanted;

	(void)state;
	histogram_clear(&h);
	for (int i = 1; i <= 10; i++)
		histogram_record(&h, i * INT64_C(1000000));
	text = rest = hgrm();
	while ((line = strsep(&rest, "\n"))) {
		size_t length = strcspn(want, "\n");
		double got, expected;

		/* To the bucket: values are compared as numbers. */
		if (sscanf(line, "%lf", &got) == 1) {
			assert_int_equal(sscanf(want, "%lf", &expected), 1);
			assert_true(got >= expected);
			assert_true(got <= expected * 1.001);
			assert_int_equal(strlen(line), length);
			assert_memory_equal(line + 12, want + 12, length - 12);
		} else if (strncmp(line, "#[Mean", 6) == 0) {
			assert_memory_equal(line, want, 43);
			assert_true(fabs(atof(line + 43) - 2.872281) < 0.003);
		} else {
			assert_int_equal(strlen(line), length);
			assert_memory_equal(line, want, length);
		}
		want += length + (want[length] != '\0');
	}
	assert_string_equal(want, "");
	free(text);
}

struct hgrm_line {
	double ms, share, inverse;
	uint64_t total;
};

/* Parses the output of print_steps; returns the number of lines. */
static unsigned parse_hgrm(char *text, struct hgrm_line *lines, unsigned max,
			   uint64_t *count, double *longest)
{
	unsigned n = 0, footers = 0;
	char *line, *rest = text;
	double mean, dev;
	int buckets, sub;

	assert_true(strncmp(text, "       Value ", 13) == 0);
	rest = strstr(text, "\n\n") + 2;
	while ((line = strsep(&rest, "\n")) && *line) {
		struct hgrm_line l;
		int fields;

		if (sscanf(line, "#[Mean = %lf, StdDeviation = %lf]", &mean,
			   &dev) == 2 ||
		    sscanf(line, "#[Max = %lf, Total count = %lu]", longest,
			   count) == 2 ||
		    sscanf(line, "#[Buckets = %d, SubBuckets = %d]", &buckets,
			   &sub) == 2) {
			footers++;
			continue;
		}
		assert_int_equal(footers, 0);
		fields = sscanf(line, "%lf %lf %lu %lf", &l.ms, &l.share,
				&l.total, &l.inverse);
		assert_true(fields >= 3);
		/* The share of a line but the last may be rounded to 1. */
		assert_true(fields == 4 || l.share == 1);
		assert_true(n < max);
		lines[n++] = l;
	}
	assert_int_equal(footers, 3);
	return n;
}

static void hgrm_of(enum distribution d, uint64_t count)
{
	static struct hgrm_line lines[1000];
	uint64_t random = 99, total;
	double longest;
	char *text;
	unsigned n;

	histogram_clear(&h);
	for (uint64_t i = 0; i < count; i++)
		histogram_record(&h, draw(d, &random));
	text = hgrm();
	n = parse_hgrm(text, lines, 1000, &total, &longest);
	assert_int_equal(total, count);
	assert_true(fabs(longest - h.max / 1e6) <= 5.1e-7);
	if (count == 0) {
		assert_int_equal(n, 0);
		free(text);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct hgrm_line *l = &lines[i];
		uint64_t beyond;
		int64_t ns = histogram_percentile(&h, l->share, &beyond);

		/* The text has 12 digits of the share, and 6 of the ms. */
		if (l->share < 1 - 1e-9) {
			assert_true(fabs(l->ms - ns / 1e6) <= 5.1e-7);
			assert_int_equal(l->total, count - beyond);
			assert_true(fabs(l->inverse * (1 - l->share) - 1) <
				    0.01);
		}
		if (i > 0) {
			assert_true(l->ms >= l[-1].ms);
			assert_true(l->share > l[-1].share || l->share == 1);
			assert_true(l->total >= l[-1].total);
		}
	}
	assert_true(lines[0].share == (n > 1 ? 0 : 1));
	assert_true(lines[n - 1].share == 1);
	assert_int_equal(lines[n - 1].total, count);
	assert_true(fabs(lines[n - 1].ms - h.max / 1e6) <= 5.1e-7);
	free(text);
}

static void hgrm_can_be_read(void **state)
{
	static const uint64_t counts[] = { 0, 1, 2, 3, 10, 1000, 100000 };

	(void)state;
	for (int d = 0; d < DISTRIBUTIONS; d++)
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
			hgrm_of(d, counts[i]);
}

/* Regression: endless output with a thousand million samples */
static void hgrm_of_very_many_ends(void **state)
{
	static struct hgrm_line lines[1000];
	uint64_t total;
	double longest;

	(void)state;
	for (uint64_t n = 100; n <= UINT64_C(1000000000000000); n *= 10) {
		char *text;

		histogram_clear(&h);
		histogram_record(&h, 1000);
		histogram_record(&h, 2000);
		h.bucket[1000] = n - 1;
		h.count = n;
		text = hgrm();
		assert_in_range(parse_hgrm(text, lines, 1000, &total, &longest),
				2, 300);
		assert_int_equal(total, n);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_cover_everything_once),
		cmocka_unit_test(around_every_power_of_two),
		cmocka_unit_test(intervals_cover_everything_once),
		cmocka_unit_test(percentiles_of_a_interval),
		cmocka_unit_test(as_a_sorted_array_says),
		cmocka_unit_test(ranks),
		cmocka_unit_test(ranks_of_very_many),
		cmocka_unit_test(of_nothing),
		cmocka_unit_test(negative_is_zero),
		cmocka_unit_test(above_the_last_bucket),
		cmocka_unit_test(merged_is_recorded_in_one),
		cmocka_unit_test(deviation),
		cmocka_unit_test(hgrm_looks_like_hdrhistogram),
		cmocka_unit_test(hgrm_can_be_read),
		cmocka_unit_test(hgrm_of_very_many_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
