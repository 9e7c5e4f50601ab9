/* SPDX-License-Identifier: MIT */
/*
 * generator.h - bin/loadgen, started and stopped by a repetition
 *
 * With --hold it announces its measurement window once all clients are connected,
 * and keeps the connections open until the probes have been read.
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
	bool own_cpus; /* not shared with the server: it may spin */
};

struct generator {
	struct child child;
	struct stream out, err, hold;
	struct wait_set *wait_set;
	unsigned child_index;
	bool running;
	int64_t from, to; /* its window; 0: not announced yet */
	struct child_end end;
	json_t *report; /* its JSON; NULL */
	char why[WHY_SIZE];
};

/* generator_end() has to follow, also after a failure. */
bool generator_start(struct generator *g, const struct generator_plan *plan,
		     struct wait_set *w);

/* For wait_until(); both are also true once it has ended. */
bool generator_has_window(void *generator);
bool generator_has_done(void *generator);

/* Lets it disconnect and end, and reads its report. */
enum wait_result generator_finish(struct generator *g);

/* Kills it if it still runs, and frees everything. */
void generator_end(struct generator *g);

#endif
