// SPDX-License-Identifier: MIT
/*
 * histogram.c - a histogram agrees with a sorted list of the same times
 *
 * An input is a list of times, some of them repeated. Count, sum, minimum and maximum
 * have to be exact, percentiles exact to a thousandth, and the .hgrm text valid.
 */
#include "fuzz.h"

#include "harness/load/histogram.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { SAMPLES_MAX = 128, TIMES_BITS = 27, LINE = 256 };

struct sample {
	int64_t ns;
	uint64_t times;
};

static struct histogram one, other;
static struct sample samples[SAMPLES_MAX];
static unsigned n_samples;

static int by_time(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return x->ns < y->ns ? -1 : x->ns > y->ns;
}

static void record(struct histogram *h, int64_t ns)
{
	if (n_samples == SAMPLES_MAX)
		return;
	histogram_record(h, ns);
	samples[n_samples++] =
		(struct sample){ .ns = ns < 0 ? 0 : ns, .times = 1 };
}

/* Everything was measured so many times over: as merging as often would do it,
 * but at once. */
static void measure_again(uint64_t times)
{
	for (unsigned i = 0; i < n_samples; i++) {
		uint64_t ns = samples[i].ns;

		samples[i].times *= times;
		one.bucket[ns >> HISTOGRAM_BITS ? HISTOGRAM_BUCKETS - 1 :
						  histogram_index(ns)] +=
			times - 1;
	}
	one.count *= times;
	one.sum *= times;
	one.above *= times;
}

static void read_samples(struct input *in)
{
	n_samples = 0;
	histogram_clear(&one);
	histogram_clear(&other);
	while (in->at < in->end && n_samples < SAMPLES_MAX) {
		unsigned kind = next_byte(in);
		struct histogram *h = kind & 16 ? &other : &one;
		int bytes = kind % 8 + 1;
		int64_t ns;

		ns = (int64_t)next_number(in, bytes);
		if (bytes == 8 && !(kind & 64)) /* few are as long as that */
			ns = (int64_t)((uint64_t)ns >> 24);
		record(h, ns);
		if (kind & 32) /* beside the edge of a bucket */
			record(h, ns ^ 1);
	}
}

/* --------------------------------------------------------------- percentiles */

static int64_t sample_of_rank(uint64_t rank)
{
	unsigned i = 0;

	while (rank > samples[i].times)
		rank -= samples[i++].times;
	return samples[i].ns;
}

static void check_percentile(uint64_t part, uint64_t whole)
{
	uint64_t count = one.count, beyond, rank;
	int64_t ns = histogram_percentile(&one, (double)part / whole, &beyond);
	int64_t exact;

	rank = ((unsigned __int128)count * part + whole - 1) / whole;
	if (rank == 0)
		rank = 1;
	/* Of more samples a double cannot tell that many apart. */
	if (count < UINT64_C(1) << 32)
		HOLDS(beyond == count - rank);
	HOLDS(beyond < count);
	rank = count - beyond;
	exact = sample_of_rank(rank);
	HOLDS(ns >= exact && ns <= one.max);
	if (exact < histogram_lowest(HISTOGRAM_BUCKETS - 1))
		HOLDS(ns - exact <= exact / 1000);
}

static void check_percentiles(unsigned kind)
{
	static const unsigned whole[] = { 2, 10, 100, 1000, 100000, 1024 };
	unsigned w = whole[kind % 6];

	check_percentile(w - 1, w);
	check_percentile(kind % w, w);
}

static void check_totals(void)
{
	uint64_t count = 0, sum = 0, above = 0;

	for (unsigned i = 0; i < n_samples; i++) {
		count += samples[i].times;
		sum += samples[i].times * (uint64_t)samples[i].ns;
		if (samples[i].ns >> HISTOGRAM_BITS)
			above += samples[i].times;
	}
	HOLDS(one.count == count);
	HOLDS(one.sum == sum);
	HOLDS(one.above == above);
	if (count == 0)
		return;
	HOLDS(one.min == samples[0].ns);
	HOLDS(one.max == samples[n_samples - 1].ns);
}

static void check_bucket(int64_t ns)
{
	unsigned i;

	if (ns >> HISTOGRAM_BITS)
		return;
	i = histogram_index(ns);
	HOLDS(i < HISTOGRAM_BUCKETS);
	HOLDS(histogram_lowest(i) <= ns && ns <= histogram_highest(i));
	HOLDS(histogram_highest(i) - histogram_lowest(i) <=
	      histogram_lowest(i) / 1000);
}

/* --------------------------------------------------------------------- .hgrm */

struct row {
	double value, share;
	uint64_t count;
};

static bool read_row(const char *line, struct row *row)
{
	double rest;

	return sscanf(line, "%lf %lf %" SCNu64 " %lf", &row->value, &row->share,
		      &row->count, &rest) >= 3;
}

/* The rows ascend, and the last one is the longest time and all of them. */
static char *check_rows(char *line, char **rest)
{
	struct row row, last = { -1, -1, 0 };

	for (; line && read_row(line, &row);
	     line = strtok_r(NULL, "\n", rest)) {
		HOLDS(row.value >= last.value && row.share > last.share);
		HOLDS(row.count >= last.count && row.count > 0);
		last = row;
	}
	if (one.count) {
		HOLDS(last.share == 1 && last.count == one.count);
		HOLDS(fabs(last.value - one.max / 1e6) <=
		      1e-6 + one.max / 1e6 * 1e-9);
	}
	return line;
}

static void check_text(void)
{
	static char text[256 * 1024];
	FILE *file = fmemopen(text, sizeof(text), "w");
	double mean, deviation, max;
	uint64_t total;
	char *line, *rest;

	HOLDS(file);
	histogram_print_hgrm(&one, file);
	HOLDS(fclose(file) == 0 && strlen(text) < sizeof(text) - LINE);
	line = strtok_r(text, "\n", &rest);
	HOLDS(line && strstr(line, "Percentile"));
	line = check_rows(strtok_r(NULL, "\n", &rest), &rest);
	HOLDS(line && sscanf(line, "#[Mean = %lf, StdDeviation = %lf]", &mean,
			     &deviation) == 2);
	HOLDS(isfinite(mean) && isfinite(deviation) && deviation >= 0);
	line = strtok_r(NULL, "\n", &rest);
	HOLDS(line && sscanf(line, "#[Max = %lf, Total count = %" SCNu64 "]",
			     &max, &total) == 2);
	HOLDS(total == one.count);
}

/* Printing takes long: one input in 64 has to do. */
static bool is_chosen(const uint8_t *data, size_t size)
{
	unsigned sum = 0;

	while (size-- > 0)
		sum += data[size];
	return sum % 64 == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	unsigned kind = next_byte(&in), times = next_byte(&in);

	read_samples(&in);
	qsort(samples, n_samples, sizeof(*samples), by_time);
	histogram_merge(&one, &other);
	measure_again(times % 2 ? UINT64_C(1) << times % TIMES_BITS :
				  times + 1);
	check_totals();
	for (unsigned i = 0; i < n_samples; i++)
		check_bucket(samples[i].ns);
	if (one.count)
		check_percentiles(kind);
	else
		HOLDS(histogram_percentile(&one, 0.5, NULL) == -1);
	if (is_chosen(data, size))
		check_text();
	return 0;
}
