/* SPDX-License-Identifier: MIT */
/*
 * primitive.h - what the models are made of, and how long it takes
 *
 * A primitive is one operation of the kernel or of libc, by one method: a wait over 1,000
 * descriptors by poll, a switch between two threads by a futex. Its function sets up, does
 * it as often as the meter says, and cleans up. Only what lies between meter_start() and
 * meter_stop() counts. Nothing is subtracted: where each operation has a start and a stop of
 * its own, its time has about one reading of the clock in it (the primitive syscall, vdso).
 */
#ifndef PRIMITIVES_PRIMITIVE_H
#define PRIMITIVES_PRIMITIVE_H

#include "harness/base/why.h"
#include "harness/plan/cpus.h"
#include "harness/probe/syscalls.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct meter {
	uint64_t iterations; /* to do */
	double operations;   /* in an iteration; the function may set it */
	int64_t ns, from;
	/* Counts system calls instead; NULL: measures time */
	struct syscalls *counter;
	uint64_t calls, calls_from;
	double count;       /* a result that is no time; NAN: none */
	char why[WHY_SIZE]; /* why it cannot be measured; "": it was */
};

struct primitive {
	const char *name, *method;
	/* 0: does not apply */
	unsigned watched, ready, count;
	void (*measure)(struct meter *m, const struct primitive *p);
	const void *how; /* for measure() */
	/* What is a result: the time, m->count or both */
	enum primitive_results { RESULT_TIME = 1, RESULT_COUNT = 2 } results;
};

/* The list of all; its end has no name. */
const struct primitive *primitives(void);

/* "wait/poll/watched:1000/ready:1" */
enum { PRIMITIVE_NAME_SIZE = 80 };
char *primitive_name(const struct primitive *p, char to[PRIMITIVE_NAME_SIZE]);

/* Where threads run: the first CPU of the server and of the client of a run */
extern struct cpus primitive_cpus;

void meter_init(struct meter *m, uint64_t iterations);
uint64_t meter_calls(const struct meter *m);

static inline int64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static inline void meter_start(struct meter *m)
{
	if (m->counter)
		m->calls_from = meter_calls(m);
	else
		m->from = clock_ns();
}

static inline void meter_stop(struct meter *m)
{
	if (m->counter)
		m->calls += meter_calls(m) - m->calls_from;
	else
		m->ns += clock_ns() - m->from;
}

/* "what: reason of errno", as the reason why it cannot be measured */
void meter_fail(struct meter *m, const char *what);

/*
 * Measures in a child process: for what leaves a trace in a process, as POSIX AIO does,
 * whose pool of threads stays.
 */
void meter_in_child(struct meter *m, const struct primitive *p,
		    void (*measure)(struct meter *m,
				    const struct primitive *p));

/* wait.c */
void measure_wait(struct meter *m, const struct primitive *p);
void measure_register(struct meter *m, const struct primitive *p);

/* uring.c, aio.c */
void measure_batch(struct meter *m, const struct primitive *p);
void measure_aio_wait(struct meter *m, const struct primitive *p);
void measure_aio_threads(struct meter *m, const struct primitive *p);
void measure_aio_last(struct meter *m, const struct primitive *p);

/* tasks.c: threads, processes, switches */
void measure_threads(struct meter *m, const struct primitive *p);
void measure_fork(struct meter *m, const struct primitive *p);
void measure_spawn(struct meter *m, const struct primitive *p);
void measure_switch_pipe(struct meter *m, const struct primitive *p);
void measure_switch_futex(struct meter *m, const struct primitive *p);

/* calls.c: single calls, signals */
void measure_empty(struct meter *m, const struct primitive *p);
void measure_vdso(struct meter *m, const struct primitive *p);
void measure_isset(struct meter *m, const struct primitive *p);
void measure_timeout(struct meter *m, const struct primitive *p);
void measure_signal(struct meter *m, const struct primitive *p);

#endif
