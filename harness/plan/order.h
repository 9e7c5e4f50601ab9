/* SPDX-License-Identifier: MIT */
/*
 * order.h - the order of a plan's repetitions, and an estimate of their time
 *
 * A bout is one setting in one block: all its servers are alive at once and
 * take turns. Its entries follow each other: the models in the order of the
 * plan, the twin (the reference once more: the A/A pair), the baseline server.
 *
 * Block 0 runs first. It counts the system calls of every cell, in shuffled
 * order, and then measures idle clients; each of these is a bout of its own. It
 * tries every cell before anything is timed, so a cell that cannot work fails
 * within minutes; its response times say how long the slices must be.
 *
 * Then come the timing blocks, 1 to plan->blocks. Each has a bout of every
 * setting, in shuffled order. The order of a block depends on the seed, the
 * block's number and its settings, not on the number of blocks.
 */
#ifndef PLAN_ORDER_H
#define PLAN_ORDER_H

#include "harness/plan/plan.h"

enum role { ROLE_TIMING, ROLE_AA, ROLE_COUNTING, ROLE_IDLE, ROLE_BASELINE };
enum { ROLES = 5 };

extern const char *const role_names[ROLES]; /* "timing", "aa", ... */

struct entry {
	unsigned index; /* from 0, in order of execution */
	unsigned block;
	unsigned bout; /* from 0, in order of execution */
	const struct cell
		*cell; /* belongs to the plan, which must outlive it */
	enum role role;
};

struct blocks {
	struct entry *entry;
	size_t n;
};

/* The same plan gives the same order on every machine. Free with
 * blocks_free(). */
struct blocks blocks_of(const struct plan *p);
void blocks_free(struct blocks *b);

enum { ENTRY_NAME_SIZE = CELL_NAME_SIZE + 20 };

/* The cell's name with /role:timing. It is unique within a block. */
char *entry_name(const struct entry *e, char name[ENTRY_NAME_SIZE]);

/* The entries from `first` on that are of its bout */
size_t bout_length(const struct blocks *b, size_t first);

/* ------------------------------------------------------------------ estimate.c */

/* Expected for CPU time per request in a setting with so many connections */
struct precision {
	double half_width; /* of an interval, as a part of the ratio; or NAN */
	unsigned connections;
};

struct estimate {
	size_t of_role[ROLES];
	size_t settings, repetitions;
	size_t bouts, timed; /* all bouts; those with rounds */
	unsigned rounds_least, rounds_most;
	struct precision best, worst;
	int64_t ns;
	uint64_t bytes;
};

struct estimate blocks_estimate(const struct plan *p, const struct blocks *b);

/* The time of the bout of `n` entries that begins at `first` */
int64_t bout_estimate(const struct plan *p, const struct entry *first,
		      size_t n);

/*
 * A summary for a person, in lines; free it:
 *
 *     plan quick, seed 1: 5 settings, 35 cells, 6 blocks
 *       models  thread, busypoll, select, poll, epoll (the reference), aio, uring
 *       cells   closed split message 64 connections 1,64,1000
 *       idle    1000 clients
 *       30 bouts of about 2.3 s, in 4 to 7 rounds
 *       306 repetitions: 210 timing, 30 aa, 35 counting, 7 idle, 24 baseline
 *       expected intervals of CPU per request: +-1.7 % (64 connections) to
 *       +-6.1 % (16 connections)
 *       about 2 min 24 s, 3.8 MB
 */
char *blocks_summary(const struct plan *p, const struct estimate *e);

#endif
