/* SPDX-License-Identifier: MIT */
/* record.c - the cost for the load generator to record one reply */
#include "harness/load/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TIMES = 1 << 16, ROUNDS = 31, PASSES = 16 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct tally *tally;
static struct histogram *histogram;

static void into_histogram(int64_t ns)
{
	histogram_record(histogram, ns);
}

static void into_tally(int64_t ns) /* three histograms, and the series */
{
	tally_answer(tally, 1000, 1500, 1500 + ns, 500);
}

static void measure(const char *what, void (*record)(int64_t ns),
		    const int64_t *ns)
{
	double took[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		double begin = now();

		for (int i = 0; i < TIMES * PASSES; i++)
			record(ns[i % TIMES]);
		took[round] = (now() - begin) / TIMES / PASSES;
	}
	qsort(took, ROUNDS, sizeof(*took), by_value);
	printf("%-28s median %5.1f ns, fastest %5.1f, slowest %5.1f of %d\n",
	       what, took[ROUNDS / 2], took[0], took[ROUNDS - 1], ROUNDS);
}

int main(void)
{
	int64_t *ns = malloc(TIMES * sizeof(*ns));

	tally = tally_new(0, 1000000000000);
	histogram = malloc(sizeof(*histogram));
	if (!ns || !histogram)
		return EXIT_FAILURE;
	histogram_clear(histogram);
	srandom(1);
	for (int i = 0; i < TIMES; i++) /* 16 us to 1 ms, as on loopback */
		ns[i] = 16000 + random() % (1 << (random() % 20 + 1));
	measure("one sample, one histogram", into_histogram, ns);
	measure("one reply, open loop", into_tally, ns);
	free(ns);
	free(histogram);
	free(tally);
	return 0;
}
