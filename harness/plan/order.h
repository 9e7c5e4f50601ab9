/* SPDX-License-Identifier: MIT */
/*
 * order.h - the order of a plan's repetitions, and an estimate of their time
 *
 * Block 0 runs first. It counts the system calls of every cell once and
 * measures idle clients, in shuffled order. It tries every cell before anything
 * is timed, so a cell that cannot work fails within minutes. A machine is least
 * steady in its first minute, which affects times and not counts. No counter is
 * attached or detached between two times that are compared.
 *
 * Then come the timing blocks, 1 to plan->blocks. Each has every cell once and,
 * as plan->aa says, a second repetition of some cells. The two repetitions of a
 * cell are its A/A pair. Both positions are random, as those of two models are.
 * The model rotates: in as many blocks as there are models, each model is
 * paired once in each setting (AA_ONE: once). The baseline server runs in the
 * middle block.
 *
 * The order of a block depends on the seed, the block's number and its cells.
 * It does not depend on the number of blocks, except for the baseline's
 * position.
 */
#ifndef PLAN_ORDER_H
#define PLAN_ORDER_H

#include "harness/plan/plan.h"

enum role { ROLE_TIMING, ROLE_AA, ROLE_COUNTING, ROLE_IDLE, ROLE_CEILING };
enum { ROLES = 5 };

extern const char *const role_names[ROLES]; /* "timing", "aa", ... */

struct entry {
	unsigned index; /* from 0, in order of execution */
	unsigned block;
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

struct estimate {
	size_t of_role[ROLES];
	size_t repetitions; /* total */
	int64_t ns;
	uint64_t bytes;
};

/* For each repetition: `overhead` ns in addition to warm-up and window; `line`
 * bytes */
struct estimate blocks_estimate(const struct plan *p, const struct blocks *b,
				int64_t overhead, uint64_t line);

/*
 * A summary for a person, in lines; free it:
 *
 *     plan quick, seed 1: 21 cells, 3 blocks
 *       models  thread, busypoll, select, poll, epoll, aio, uring
 *       cells   closed split message 64, connections 1,64,1000
 *       idle    1000 clients
 *       97 repetitions of 200ms + 800ms: 63 timing, 3 aa, 21 counting, 7 idle,
 *       3 ceiling
 *       about 1 min 56 s, 388 kB
 */
char *blocks_summary(const struct plan *p, const struct estimate *e);

#endif
