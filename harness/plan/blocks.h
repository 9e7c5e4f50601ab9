/* SPDX-License-Identifier: MIT */
/*
 * blocks.h - in what order a plan is carried out, and how long that takes
 *
 * Block 0 comes first: system calls of every cell are counted once, and idle
 * clients are watched, in shuffled order. Being first it tries every cell once
 * before anything is timed: what cannot work is known within minutes. The first
 * minute of a machine is its least steady, which counts do not mind and times do.
 * And no counter is put in or taken out between two times that are compared; all
 * timing blocks are alike.
 *
 * Then come the timing blocks, 1 to plan->blocks. Each has every cell once and, as
 * plan->aa says, one more repetition of some: the A/A pair is this and the same
 * cell's own. Both lie where chance puts them, like the cells of two models do.
 * The model rotates: within as many blocks as there are models, each is paired
 * once in each setting (AA_ONE: once). The baseline is in the middle block,
 * among the others.
 *
 * The order of a block depends on the seed, its number and its cells. But for where
 * the baseline is, it does not depend on how many blocks there are.
 */
#ifndef PLAN_BLOCKS_H
#define PLAN_BLOCKS_H

#include "harness/plan/plan.h"

enum role { ROLE_TIMING, ROLE_AA, ROLE_COUNTING, ROLE_IDLE, ROLE_CEILING };
enum { ROLES = 5 };

extern const char *const role_names[ROLES]; /* "timing", "aa", ... */

struct entry {
	unsigned index; /* from 0, in order of execution */
	unsigned block;
	const struct cell *cell; /* of the plan, which has to outlive it */
	enum role role;
};

struct blocks {
	struct entry *entry;
	size_t n;
};

/* The same for the same plan, everywhere. To be freed with blocks_free(). */
struct blocks blocks_of(const struct plan *p);
void blocks_free(struct blocks *b);

enum { ENTRY_NAME_SIZE = CELL_NAME_SIZE + 20 };

/* The cell's name, and /role:timing: the same in each block, once in any */
char *entry_name(const struct entry *e, char name[ENTRY_NAME_SIZE]);

struct estimate {
	size_t of_role[ROLES];
	size_t repetitions; /* in all */
	int64_t ns;
	uint64_t bytes;
};

/* `overhead` ns beside warm-up and window, and `line` bytes, for a repetition */
struct estimate blocks_estimate(const struct plan *p, const struct blocks *b,
				int64_t overhead, uint64_t line);

/*
 * What will be done, for people; lines, to be freed:
 *
 *     plan quick, seed 1: 21 cells, 3 blocks
 *       models  thread, busypoll, select, poll, epoll, aio, uring
 *       cells   closed split message 64, connections 1,64,1000
 *       idle    1000 silent clients
 *       97 repetitions of 200ms + 800ms: 63 timing, 3 aa, 21 counting, 7 idle,
 *       3 ceiling
 *       about 1 min 56 s, 388 kB
 */
char *blocks_summary(const struct plan *p, const struct estimate *e);

#endif
