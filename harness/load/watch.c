/* SPDX-License-Identifier: MIT */
/* watch.c - what a thread of the generator needs and delays: see watch.h */
#include "watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* How often watch_finds_others() looks, and from how much time on it decides */
static const int64_t look_ns = 100 * 1000000, decide_ns = 200 * 1000000;

/* A thread that waits for its CPU for more than this share of the time shares it. */
static const double shared_share = 0.03;

/* How often sockets are sampled: at least so often in a window */
static const int64_t sample_most_ns = 20 * 1000000;
enum { SAMPLES_MIN = 8 };

static int64_t cpu_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t run_delay(const struct watch *w)
{
	char text[64];
	long long ran, delay;
	ssize_t n = pread(w->schedstat, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return -1;
	text[n] = '\0';
	return sscanf(text, "%lld %lld", &ran, &delay) == 2 ? delay : -1;
}

void watch_open(struct watch *w)
{
	*w = (struct watch){ .schedstat = open("/proc/thread-self/schedstat",
					       O_RDONLY | O_CLOEXEC) };
}

void watch_close(struct watch *w)
{
	if (w->schedstat >= 0)
		close(w->schedstat);
}

static struct usage so_far(const struct watch *w)
{
	return (struct usage){ cpu_time(), run_delay(w) };
}

void watch_begin(struct watch *w, int64_t now, int64_t window)
{
	w->sample_ns = window / SAMPLES_MIN;
	if (w->sample_ns > sample_most_ns)
		w->sample_ns = sample_most_ns;
	w->begin = so_far(w);
	w->looked = now;
	w->delay_looked = w->begin.delay;
}

void watch_window(struct watch *w)
{
	w->sampled = w->unread = 0;
	w->from = so_far(w);
}

void watch_window_end(struct watch *w)
{
	w->to = so_far(w);
}

static void look(struct watch *w, int64_t now, int64_t delay)
{
	w->watched_ns += now - w->looked;
	w->delayed_ns += delay - w->delay_looked;
	w->looked = now;
	w->delay_looked = delay;
}

void watch_end(struct watch *w, int64_t now)
{
	struct usage end = so_far(w);

	w->load.cpu = end.cpu - w->begin.cpu;
	w->load.delay = end.delay < 0 ? -1 : end.delay - w->begin.delay;
	look(w, now, end.delay);
}

bool watch_finds_others(struct watch *w, int64_t now)
{
	double share;

	if (now - w->looked >= look_ns)
		look(w, now, run_delay(w));
	if (w->watched_ns < decide_ns)
		return false;
	share = (double)w->delayed_ns / w->watched_ns;
	if (share > shared_share)
		w->others = share;
	return share > shared_share;
}
