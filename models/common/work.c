/* SPDX-License-Identifier: MIT */
/* work.c - work that a request causes in the server (--work) */
#include "work.h"

#include "conn.h"
#include "options.h"
#include "stop.h"

#include <time.h>

/* The mixing step of splitmix64: each bit of x affects every bit returned. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

bool work_drawn(const struct options *opt, uint64_t client, uint64_t request)
{
	uint64_t drawn = mix(mix(mix(opt->seed) ^ client) ^ request);

	return (double)drawn < opt->work.percent / 100 * 0x1p64;
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/*
 * Computes for `ns` of this thread's CPU time: by the wall clock, run-queue delay
 * would count as work. Reading the thread's clock is a system call, so it is read
 * only when, by the wall clock (vDSO), the work can be done.
 */
static void burn_cpu(int64_t ns)
{
	int64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (ns > 0 && !stopping) {
		int64_t earliest = now_ns(CLOCK_MONOTONIC) + ns;

		while (now_ns(CLOCK_MONOTONIC) < earliest && !stopping)
			;
		ns = end - now_ns(CLOCK_THREAD_CPUTIME_ID);
	}
}

/* In slices: a signal interrupts one thread, and all have to see `stopping`. */
static void sleep_in_slices(int64_t ns)
{
	const int64_t slice = 50 * 1000 * 1000;
	int64_t now = now_ns(CLOCK_MONOTONIC), end = now + ns;

	while (now < end && !stopping) {
		int64_t until = end - now < slice ? end : now + slice;
		struct timespec t = { .tv_sec = until / 1000000000,
				      .tv_nsec = until % 1000000000 };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		now = now_ns(CLOCK_MONOTONIC);
	}
}

void do_work(struct conn *c)
{
	for (; c->work > 0; c->work--) {
		if (c->opt->work.kind == WORK_CPU)
			burn_cpu(c->opt->work.ns);
		else
			sleep_in_slices(c->opt->work.ns);
	}
}
