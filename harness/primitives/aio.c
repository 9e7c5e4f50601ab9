/* SPDX-License-Identifier: MIT */
/*
 * aio.c - waits over a list of POSIX AIO operations, and its pool of threads
 *
 * glibc executes each operation in a thread, which blocks in read(). Its pool belongs to the
 * process for ever, so each measurement has a process of its own.
 */
#include "harness/primitives/primitive.h"
#include "harness/primitives/wait.h"

#include "harness/base/grow.h"

#include <aio.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* A read of an eventfd in flight for each descriptor */
struct reads {
	struct watch watch;
	struct aiocb *block;
	const struct aiocb **list;
	uint64_t *value;
};

/* The threads of this process; . and .. are links, too. */
static long threads(void)
{
	struct stat st;

	return stat("/proc/self/task", &st) == 0 ? (long)st.st_nlink - 2 : -1;
}

static int start_read(struct reads *r, unsigned i)
{
	r->block[i] = (struct aiocb){
		.aio_fildes = r->watch.fd[i],
		.aio_buf = &r->value[i],
		.aio_nbytes = sizeof(r->value[i]),
		.aio_sigevent.sigev_notify = SIGEV_NONE,
	};
	return aio_read(&r->block[i]);
}

/* Nothing is freed: the process ends. */
static bool begin_reads(struct reads *r, unsigned n, unsigned ready,
			struct meter *m)
{
	if (!watch_make(&r->watch, n, ready, m->why))
		return false;
	r->block = grow(NULL, n, sizeof(*r->block));
	r->list = grow(NULL, n, sizeof(*r->list));
	r->value = grow(NULL, n, sizeof(*r->value));
	for (unsigned i = 0; i < n; i++) {
		r->list[i] = &r->block[i];
		if (start_read(r, i) < 0) {
			meter_fail(m, "aio_read");
			return false;
		}
	}
	return true;
}

/* Waits until the descriptors that were made ready have been read. */
static void await_results(struct reads *r)
{
	for (unsigned i = 0; i < r->watch.ready; i++) {
		const struct aiocb *one = &r->block[r->watch.order[i]];

		while (aio_error(one) == EINPROGRESS)
			aio_suspend(&one, 1, NULL);
	}
}

/* aio_suspend() does not say which have ended, so all are asked; each that has is read
 * again. */
static unsigned wait_for_reads(struct reads *r)
{
	unsigned found = 0;

	if (aio_suspend(r->list, (int)r->watch.n, NULL) < 0)
		return 0;
	for (unsigned i = 0; i < r->watch.n; i++) {
		if (aio_error(&r->block[i]) == EINPROGRESS)
			continue;
		if (aio_return(&r->block[i]) != sizeof(r->value[i]) ||
		    start_read(r, i) < 0)
			return 0;
		r->watch.found[found++] = i;
	}
	return found;
}

static void wait_in_child(struct meter *m, const struct primitive *p)
{
	/* One per descriptor: with fewer, a ready one may wait for a thread. */
	const struct aioinit pool = { .aio_threads = (int)p->watched + 1,
				      .aio_num = (int)p->watched + 1 };
	struct reads r;

	aio_init(&pool);
	if (!begin_reads(&r, p->watched, p->ready, m))
		return;
	if (threads() <= (long)p->watched) {
		why_not(m->why,
			"only %ld threads for %u descriptors (ulimit -u)",
			threads() - 1, p->watched);
		return;
	}
	for (uint64_t i = 0; i < m->iterations; i++) {
		unsigned found;

		watch_pick(&r.watch);
		if (!watch_raise(&r.watch)) {
			meter_fail(m, "write");
			return;
		}
		await_results(&r);
		meter_start(m);
		found = wait_for_reads(&r);
		meter_stop(m);
		if (found != p->ready) {
			why_not(m->why, "aio_suspend found %u of %u", found,
				p->ready);
			return;
		}
	}
}

enum { THREADS_MOST = 1000 };

void measure_aio_wait(struct meter *m, const struct primitive *p)
{
	if (p->watched > THREADS_MOST)
		why_not(m->why,
			"POSIX AIO has a thread for each descriptor: %u threads "
			"are not tried",
			p->watched);
	else
		meter_in_child(m, p, wait_in_child);
}

/* ------------------------------------------------------------ the default pool */

static void count_threads(struct meter *m, const struct primitive *p)
{
	struct reads r;

	meter_start(m);
	if (begin_reads(&r, p->count, 0, m))
		m->count = (double)threads() - 1;
	meter_stop(m);
}

/* Whether a read completes whose data has arrived while those before it wait */
static void try_last(struct meter *m, const struct primitive *p)
{
	const struct timespec patience = { .tv_nsec = 50000000 };
	const struct aiocb *last;
	struct reads r;

	meter_start(m);
	if (begin_reads(&r, p->count, 1, m)) {
		r.watch.order[0] = p->count - 1;
		last = &r.block[p->count - 1];
		if (!watch_raise(&r.watch))
			meter_fail(m, "write");
		aio_suspend(&last, 1, &patience);
		m->count = aio_error(last) == 0;
	}
	meter_stop(m);
}

static void repeat_in_child(struct meter *m, const struct primitive *p,
			    void (*measure)(struct meter *m,
					    const struct primitive *p))
{
	for (uint64_t i = 0; i < m->iterations && !*m->why; i++)
		meter_in_child(m, p, measure);
}

void measure_aio_threads(struct meter *m, const struct primitive *p)
{
	repeat_in_child(m, p, count_threads);
}

void measure_aio_last(struct meter *m, const struct primitive *p)
{
	repeat_in_child(m, p, try_last);
}
