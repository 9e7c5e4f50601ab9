/* SPDX-License-Identifier: MIT */
/* limits.c - how many threads and signals this process can still have */
#include "limits.h"

#include "conn.h"
#include "harness/base/die.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Threads tried ahead, for clients to come: a trial is slow. */
enum { TRY_AHEAD = 64 };

/* What a trial allocates for each client to come */
struct trial {
	pthread_t thread;
	void *buffer;
};

void set_small_stacks(void)
{
	/* glibc adds a page, and thread-local storage of one or two. */
	long size = sysconf(_SC_THREAD_STACK_MIN) + 3 * sysconf(_SC_PAGESIZE);
	pthread_attr_t attr;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, size);
	error = pthread_setattr_default_np(&attr);
	if (error)
		die_of(error, "pthread_setattr_default_np");
	pthread_attr_destroy(&attr);
}

long thread_count(void)
{
	struct stat tasks;

	if (stat("/proc/self/task", &tasks) < 0)
		die("stat /proc/self/task");
	return tasks.st_nlink - 2; /* a directory per thread, and . and .. */
}

/* A thread that was joined stays in /proc/self/task for a moment, and would be
 * counted as one that serves. */
static void await_exits(long threads)
{
	const struct timespec moment = { .tv_nsec = 50000 };

	for (int i = 0; i < 2000 && thread_count() > threads; i++)
		nanosleep(&moment, NULL);
}

static void *stay(void *barrier)
{
	pthread_mutex_lock(barrier);
	pthread_mutex_unlock(barrier);
	return NULL;
}

/*
 * Creates `n` more threads, with a buffer each, all at once. 0: it could; else how
 * many threads this process had when it could not. They are counted then, because
 * some that were there before may have been exiting.
 */
static long try_threads(long n)
{
	pthread_mutex_t barrier = PTHREAD_MUTEX_INITIALIZER;
	struct trial *trials = calloc(n + 1, sizeof(*trials));
	long before = thread_count(), had = 0, peak;

	if (!trials)
		return before - 1;
	pthread_mutex_lock(&barrier); /* until all exist */
	while (had < n && (trials[had].buffer = malloc(CONN_SPACE)) &&
	       pthread_create(&trials[had].thread, NULL, stay, &barrier) == 0)
		had++;
	peak = thread_count() - 1;
	pthread_mutex_unlock(&barrier);
	for (long i = 0; i < had; i++)
		pthread_join(trials[i].thread, NULL);
	await_exits(before);
	for (long i = 0; i <= had; i++)
		free(trials[i].buffer);
	free(trials);
	return had < n ? peak : 0;
}

bool can_have_threads(long n)
{
	static long proved;
	static bool at_limit;
	static time_t tried_at;
	struct timespec now;
	long missing, limit;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec != tried_at) {
		tried_at = now.tv_sec;
		proved = 0;
		at_limit = false;
	}
	if (n > proved && !at_limit) {
		missing = n + TRY_AHEAD - (thread_count() - 1);
		limit = missing > 0 ? try_threads(missing) : 0;
		at_limit = limit > 0;
		proved = at_limit ? limit : n + TRY_AHEAD;
	}
	return n <= proved;
}

long signals_to_spare(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	long waiting, limit, spare = -1;
	char line[128];

	if (!status)
		die_unsupported(
			"/proc is not mounted: the limits of threads and "
			"signals are read from it; mount it");
	while (spare < 0 && fgets(line, sizeof(line), status))
		if (sscanf(line, "SigQ: %ld/%ld", &waiting, &limit) == 2)
			spare = limit > waiting ? limit - waiting : 0;
	fclose(status);
	if (spare < 0)
		die("read SigQ from /proc/self/status");
	return spare;
}
