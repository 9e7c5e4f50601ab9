/* SPDX-License-Identifier: MIT */
/*
 * generator.h - bin/loadgen, as a program that a repetition runs
 *
 * It says when its window will be as soon as it has connected, and keeps its
 * connections when all is over until the probes have been read (--hold).
 */
#ifndef MEASURE_GENERATOR_H
#define MEASURE_GENERATOR_H

#include "harness/plan/cell.h"
#include "harness/measure/wait.h"

#include <jansson.h>
#include <sched.h>

struct generator_plan {
	const char *program; /* bin/loadgen */
	const struct cell *cell;
	const char *host;
	unsigned port;
	int64_t warmup, window;
	uint64_t seed;
	const cpu_set_t *cpus;
	const char *cpu_list;
	bool own_cpus; /* nobody else is there: it may stay awake */
};

struct generator {
	struct child child;
	struct stream out, err, hold;
	struct wait_set *wait_set;
	unsigned child_index;
	bool running;
	int64_t from, to; /* its window, once it is known */
	struct child_end end;
	json_t *said; /* its JSON; NULL */
	char why[WHY_SIZE];
};

/* Whatever comes of it, generator_end() has to follow. */
bool generator_start(struct generator *g, const struct generator_plan *plan,
		     struct wait_set *w);

/* For wait_until(); both also when it has ended. */
bool generator_has_window(void *generator);
bool generator_has_done(void *generator);

/* Lets it disconnect, report and end, and reads its report into `said`. */
enum wait_result generator_finish(struct generator *g);

/* Ends it, if it still runs, by force */
void generator_end(struct generator *g);

#endif
