/* SPDX-License-Identifier: MIT */
/*
 * contender.h - a server in a bout, with a generator of its own
 *
 *	contender_start()    a fresh server; the generator begins to connect
 *	contender_connected()
 *	contender_slice()    load from rest to rest; any number of times
 *	contender_settle()   the CPU time of the slice, when all are at rest
 *	contender_keep()     whether the slice counts, answered by contender_agreed()
 *	contender_stop()     the reports; both have ended
 *
 * A contender that fails is `out`: r->status and r->reasons say why, and its programs
 * have ended. Functions that wait return false if a signal ended the run.
 */
#ifndef MEASURE_CONTENDER_H
#define MEASURE_CONTENDER_H

#include "harness/measure/bout.h"
#include "harness/measure/generator.h"
#include "harness/measure/server.h"

/* A slice that was run */
struct turn {
	struct slice slice;
	struct generator_slice got;
};

struct contender {
	const struct run_context *context;
	const struct entry *entry;
	const struct cpu_pair *place;
	struct wait_set *wait_set;
	struct record *r;
	json_t *histograms;

	int64_t head, window;   /* of its slices, ns */
	struct command command; /* of the server */
	struct server server;
	struct generator generator;
	int64_t resident_before;
	bool out;
	char trouble[WHY_SIZE]; /* why it cannot go on; "" */
	bool cut_off;           /* connections have ended: did the server? */
	bool overwhelmed;       /* open loop: too slow to come to rest */

	bool spins;  /* uses CPU time without load */
	bool frozen; /* ... so it is stopped between its slices */
	bool one_thread;

	int64_t cpu_at_rest,
		rested_at; /* ns; -1: it does not rest, or unknown */
	int64_t cpu_before, delay_before; /* right before the last slice */
	int64_t delay_ns; /* run-queue delay of the server in the last slice */
	/* Without load, since it was last judged */
	int64_t idle_cpu_ns, idle_ns;

	struct turn *turns;
	size_t n_turns;
	struct reading from, to;
	bool has_from, has_to;
	size_t from_turn, to_turn; /* the turns between the two readings */
};

/* contender_end() has to follow. slice_ns: see turns.h */
void contender_init(struct contender *c, const struct run_context *context,
		    const struct entry *e, int64_t slice_ns, struct record *r,
		    struct wait_set *w);

bool contender_start(struct contender *c);
bool contender_connected(struct contender *c);

/* One slice; a server that is frozen is thawed for it. Slice 0 is the warm-up. */
bool contender_slice(struct contender *c, unsigned number, unsigned position);
void contender_settle(struct contender *c);
void contender_keep(struct contender *c, bool keep);
bool contender_agreed(struct contender *c);

/* A rest begins. After it: whether it used CPU time; then it is frozen from now on. */
void contender_rest(struct contender *c);
void contender_check_rest(struct contender *c);

/* Freezes it if it spins and this run started it; it may be frozen already. */
void contender_freeze(struct contender *c);

/* The readings of the probes, at rest */
void contender_read(struct contender *c, enum edge edge);

/* The steps of contender_stop(), for several contenders at once */
void contender_disconnect(struct contender *c);
bool contender_report(struct contender *c);
void contender_ask_to_stop(struct contender *c);

/* Ends it in order, and judges it. */
bool contender_stop(struct contender *c);
void contender_end(struct contender *c);

/* Of this role: system calls, no times */
bool contender_counts(const struct contender *c);

/* It was up already: this run neither started nor ends it. */
bool contender_is_foreign(const struct contender *c);

#endif
