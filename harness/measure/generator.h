/* SPDX-License-Identifier: MIT */
/*
 * generator.h - bin/loadgen, started and stopped by a bout
 *
 * With --hold it connects its clients and sends nothing until it is told to: see "The
 * protocol of slices" in harness/load/README.md.
 *
 *	generator_start()    it connects
 *	generator_ready()    all clients are connected
 *	generator_begin()    a slice: load from rest to rest
 *	generator_slice()    what it got
 *	generator_keep()     whether the slice counts, answered by generator_agreed()
 *	generator_close()    it disconnects
 *	generator_finish()   its report
 *
 * After generator_begin() and generator_keep(), wait_until() with
 * generator_has_line() waits for the answer.
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
	uint64_t seed;
	const cpu_set_t *cpus;
	const char *cpu_list;
	bool own_cpus; /* not shared with the server: it may spin */
};

/* Of one slice; -1 and NAN: unknown */
struct generator_slice {
	int64_t requests; /* from rest to rest */
	int64_t answered; /* within the window */
	int64_t due;      /* in the window */
	int64_t unanswered, errors, mismatches;
	int64_t window_ns, elapsed_ns, client_cpu_ns, delay_ns;
	double response_p50_ns, response_p99_ns;
	double service_p50_ns, service_p99_ns;
	double queued, busy; /* see the audit of bin/loadgen */
	bool gave_up;        /* requests are still in flight */
};

struct generator {
	struct child child;
	struct stream out, err, hold;
	struct wait_set *wait_set;
	unsigned child_index;
	bool running;
	struct child_end end;
	json_t *report; /* its JSON; NULL */
	char why[WHY_SIZE];
};

/* generator_end() has to follow, also after a failure. */
bool generator_start(struct generator *g, const struct generator_plan *plan,
		     struct wait_set *w);

/* For wait_until(): a whole line has come, or it has ended. */
bool generator_has_line(void *generator);

/* Each takes a line. false: it ended, or said something else; g->why says which. */
bool generator_ready(struct generator *g, unsigned *clients);
bool generator_slice(struct generator *g, struct generator_slice *to);
bool generator_agreed(struct generator *g);

/* `number` seeds the slice's schedule. */
void generator_begin(struct generator *g, unsigned number, int64_t head,
		     int64_t window);
void generator_keep(struct generator *g, bool keep);

void generator_close(struct generator *g);
/* Closes it, waits for its end and reads its report. */
enum wait_result generator_finish(struct generator *g);

/* Kills it if it still runs, and frees everything. */
void generator_end(struct generator *g);

#endif
