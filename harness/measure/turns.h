/* SPDX-License-Identifier: MIT */
/*
 * turns.h - who is served when, for how long, and whether a round counts
 *
 * Everything here depends on its arguments alone.
 */
#ifndef MEASURE_TURNS_H
#define MEASURE_TURNS_H

#include "harness/plan/plan.h"
#include "harness/store/record.h"

/*
 * Load of this server in a round, head included. A slice has to be long beside response
 * times: a client with only a few replies would measure the beginning of the load. They
 * are those of the counting repetitions among the records: in a closed loop of this
 * model, so that a slow one does not lengthen the slices of all, and with them the time
 * between two that are compared; in an open loop, where the arrivals of a round are the
 * same for all, of the slowest model. `slice` in the plan overrides it.
 */
int64_t slice_length(const struct plan *p, const struct record *records,
		     size_t n, const struct cell *c);

/* The beginning of a slice, which does not count: caches are cold. */
int64_t slice_head(int64_t slice_ns);

/* Fills in 0 to n - 1 in the order of a round; the same on every machine. */
void turns_order(size_t *order, size_t n, const struct plan *p,
		 const struct entry *first, unsigned round);

/* What the machine did in a round, whatever the servers did; 0: nothing, or unknown */
struct round_facts {
	int64_t wall_ns;
	int cpus;         /* of the machine */
	int64_t steal_ns; /* of all of them */
	int64_t suspended_ns;
	bool was_stopped; /* the run: Ctrl-Z */
	/* Split: run-queue delay on a CPU of its own, and the time under load, of the
	 * generators, and of the servers with one thread */
	int64_t generator_delay_ns, generator_load_ns;
	int64_t server_delay_ns, server_load_ns;
	/* Shared: time of their CPU that was neither unused nor used by this run */
	int64_t foreign_ns;
};

/* Whether the round is to be dropped, for all its servers; sets the reasons. */
bool round_is_disturbed(const struct round_facts *f, bool why[DROPS]);

/*
 * Whether a round that is disturbed for these reasons is dropped: a bout drops at most
 * half as many as it is to count. Where more than half were disturbed before, all its
 * rounds are alike and it drops none, unless the run was suspended.
 */
bool round_is_dropped(const bool why[DROPS], const struct rounds *before,
		      unsigned counted_disturbed, unsigned planned);

#endif
