/* SPDX-License-Identifier: MIT */
/* yardstick.c - whether a CPU is as fast as usual: see yardstick.h */
#include "harness/measure/yardstick.h"

#include "harness/verdict/stats.h"
#include "harness/measure/wait.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE = 64, MESSAGES = 50 };

static const int64_t takes_ns = 10000000;

struct work {
	const cpu_set_t *cpus;
	double ns; /* a message */
};

/* --------------------------------------------------------------------- the work */

static int64_t cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static bool send_some(const int pair[2])
{
	char message[MESSAGE] = { 0 };

	for (int i = 0; i < MESSAGES; i++)
		if (send(pair[0], message, MESSAGE, MSG_NOSIGNAL) != MESSAGE ||
		    recv(pair[1], message, MESSAGE, 0) != MESSAGE)
			return false;
	return true;
}

/* The median of the second half: during the first, the CPU may leave an idle state. */
static double time_messages(const int pair[2])
{
	static _Thread_local double rounds[STATS_MAX];
	int64_t end = monotonic_ns() + takes_ns;
	size_t n = 0;

	while (n < STATS_MAX && (n < 4 || monotonic_ns() < end)) {
		int64_t from = cpu_now();

		if (!send_some(pair))
			return NAN;
		rounds[n++] = (double)(cpu_now() - from) / MESSAGES;
	}
	return stats_quantile(rounds + n / 2, n - n / 2, 0.5);
}

static void first_cpu(const cpu_set_t *of, cpu_set_t *to)
{
	int cpu = 0;

	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, of))
		cpu++;
	CPU_ZERO(to);
	CPU_SET(cpu, to);
}

static void *do_work(void *data)
{
	struct work *w = data;
	cpu_set_t one;
	int pair[2];

	first_cpu(w->cpus, &one);
	if (sched_setaffinity(0, sizeof(one), &one) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return NULL;
	w->ns = time_messages(pair);
	close(pair[0]);
	close(pair[1]);
	return NULL;
}

/* In threads of their own, so that this thread keeps its affinity */
struct yardstick yardstick_take(const struct cpu_pair *place)
{
	bool same = CPU_EQUAL(&place->server, &place->client);
	struct work work[2] = { { &place->server, NAN },
				{ &place->client, NAN } };
	pthread_t thread[2];
	int n = 0;

	while (n < (same ? 1 : 2) &&
	       pthread_create(&thread[n], NULL, do_work, &work[n]) == 0)
		n++;
	while (n > 0)
		pthread_join(thread[--n], NULL);
	return (struct yardstick){ work[0].ns, work[1].ns };
}

/* --------------------------------------------------------------- what is usual */

static void add(double memory[SPEED_HISTORY_SIZE], unsigned long *n,
		double value)
{
	if (isfinite(value))
		memory[(*n)++ % SPEED_HISTORY_SIZE] = value;
}

void speed_history_add(struct speed_history *p, const struct yardstick *y)
{
	add(p->server, &p->n_server, y->server);
	add(p->client, &p->n_client, y->client);
}

static double usual(const double memory[SPEED_HISTORY_SIZE],
		    unsigned long measured)
{
	return stats_quantile(
		memory,
		measured < SPEED_HISTORY_SIZE ? measured : SPEED_HISTORY_SIZE,
		0.25);
}

double speed_history_slowdown(const struct speed_history *p,
			      const struct yardstick *y)
{
	double slower = 1;

	/* fmax() ignores NAN. */
	slower = fmax(slower, y->server / usual(p->server, p->n_server));
	return fmax(slower, y->client / usual(p->client, p->n_client));
}
