/* SPDX-License-Identifier: MIT */
/* limits.c - how many threads and signals this process can still have */
#include "limits.h"

#include "conn.h"
#include "harness/base/die.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

/* Threads tried ahead, for clients to come: a trial is slow. */
enum { TRY_AHEAD = 64 };

/* What a trial allocates for each client to come */
struct trial {
	pthread_t thread;
	void *buffer;
};

void set_stack_size(size_t size)
{
	size_t least = PTHREAD_STACK_MIN;
	pthread_attr_t attr;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, size > least ? size : least);
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

static void *stay(void *barrier)
{
	pthread_mutex_lock(barrier);
	pthread_mutex_unlock(barrier);
	return NULL;
}

/* How many more threads and buffers can be had, up to `n` */
static long try_threads(long n)
{
	pthread_mutex_t barrier = PTHREAD_MUTEX_INITIALIZER;
	struct trial *trials = calloc(n + 1, sizeof(*trials));
	long had = 0;

	if (!trials)
		return 0;
	pthread_mutex_lock(&barrier); /* until all exist */
	while (had < n && (trials[had].buffer = malloc(CONN_SPACE)) &&
	       pthread_create(&trials[had].thread, NULL, stay, &barrier) == 0)
		had++;
	pthread_mutex_unlock(&barrier);
	for (long i = 0; i < had; i++)
		pthread_join(trials[i].thread, NULL);
	for (long i = 0; i <= had; i++)
		free(trials[i].buffer);
	free(trials);
	return had;
}

bool can_have_threads(long n)
{
	static long proved;
	static bool at_limit;
	static time_t tried_at;
	struct timespec now;
	long there, missing;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec != tried_at) {
		tried_at = now.tv_sec;
		proved = 0;
		at_limit = false;
	}
	if (n > proved && !at_limit) {
		there = thread_count() - 1;
		missing = n + TRY_AHEAD - there;
		proved = there;
		if (missing > 0)
			proved += try_threads(missing);
		at_limit = proved < n + TRY_AHEAD;
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
