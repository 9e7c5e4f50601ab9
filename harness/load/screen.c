/* SPDX-License-Identifier: MIT */
/* screen.c - the live line: see screen.h */
#include "screen.h"

#include "harness/base/print.h"

#include <stdio.h>
#include <unistd.h>

static bool is_open, drawn;
static uint64_t total_before;
static int64_t drawn_at;

void screen_open(bool quiet)
{
	is_open = !quiet && isatty(STDERR_FILENO);
}

bool screen_is_open(void)
{
	return is_open;
}

static uint64_t look(const uint64_t *n)
{
	return __atomic_load_n(n, __ATOMIC_RELAXED);
}

/* The 99th percentile of the last complete interval */
static int64_t recent_p99(const struct run *run, const struct worker *workers,
			  int64_t now)
{
	const struct tally *t = workers[0].tally;
	int64_t i = (now - run->from) / t->interval_ns - 1;
	struct interval sum = { .count = 0 };

	if (now < run->from || i < 0 || i >= t->intervals)
		return -1;
	for (unsigned w = 0; w < run->opt->threads; w++)
		for (unsigned j = 0; j < INTERVAL_BUCKETS; j++)
			sum.bucket[j] += __atomic_load_n(
				&workers[w].tally->interval[i].bucket[j],
				__ATOMIC_RELAXED);
	return interval_percentile(&sum, 0.99);
}

void screen_draw(const struct run *run, const struct worker *workers,
		 int64_t now)
{
	uint64_t total = 0, troubles = 0;
	char p99[32], rate[32];
	double since;

	if (!is_open)
		return;
	since = (now - (drawn ? drawn_at : run->start)) / 1e9;
	for (unsigned i = 0; i < run->opt->threads; i++) {
		total += look(&workers[i].tally->total);
		troubles += look(&workers[i].tally->troubles);
	}
	if (!drawn)
		total_before = 0;
	fprintf(stderr, "\r\033[K%s  %s/s  p99 %s  %llu error%s  %.0f s left",
		now < run->from ? "warm-up" :
		now < run->to   ? "measuring" :
				  "last replies",
		print_count(rate,
			    since > 0 ? (total - total_before) / since : 0),
		print_time(p99, recent_p99(run, workers, now)),
		(unsigned long long)troubles, plural(troubles),
		now < run->to ? (run->to - now) / 1e9 : 0);
	fflush(stderr);
	drawn = true;
	drawn_at = now;
	total_before = total;
}

void screen_clear(void)
{
	if (drawn)
		fputs("\r\033[K", stderr);
	drawn = false;
}
