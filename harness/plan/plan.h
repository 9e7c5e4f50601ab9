/* SPDX-License-Identifier: MIT */
/*
 * plan.h - what is to be measured: a small text file
 *
 * Every line is a key with its value, or names a family of cells. Key words and
 * values are parted by blanks, the values of a list by commas; # begins a comment.
 *
 *     blocks    9
 *     models    poll,epoll
 *     cells     closed split  connections 1,64,1000
 *     cells     open split    connections 64  rate 10k,40k  work cpu:20us
 *
 * key        takes                            if it is not there
 * blocks     how often all cells are measured                  9
 * warmup     a time, before each window                        500ms
 * window     a time: what is measured                          2s
 * counting   yes or no: system calls are counted, too          yes
 * aa         one pair a block, one in each setting (all), none all
 * ceiling    yes or no: the baseline, in closed settings    yes
 * idle       what N silent clients cost: a list, or none       1000
 * message    bytes of a request where cells do not say it      64
 * seed       a number, for the order                           1
 * models     a list of ours and of LABEL=COMMAND or            all
 *            LABEL=ADDRESS (command.h), or all
 * wait       a time: how long, in all (anew after a resume),   a tenth
 *            repetitions may wait for CPUs that are slower
 *            than usual; none: that is not even looked at
 * repeats    a percentage: of the plan's time, to measure      5%
 *            again what was invalid by chance; it comes on top
 *
 * A cells line takes closed or open, split or shared, and the parts of a cell's
 * name (cell.h): connections, rate, idle, message, depth, pattern, work, each with
 * one value or a list. It stands for every combination of them, and what it does
 * not say is: closed split connections 64 idle 0 depth 1 pattern steady work none.
 *
 * A setting is all of a cell but its model. Every setting is measured with every
 * model.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "harness/plan/cell.h"

enum { PLAN_ERROR_SIZE = 1024, PLAN_LIST_MAX = 64, PLAN_NAME_SIZE = 64 };

/* Not a model of ours, but the label of its cells */
#define BASELINE "baseline"

/* plan.wait: a tenth of the estimated time; CPUs are not looked at */
enum { WAIT_TENTH = -1, WAIT_NONE = -2 };

/* plan.repeats: a twentieth */
enum { REPEATS_USUAL = 5 };

enum aa { AA_NONE, AA_ONE, AA_ALL };

struct model {
	char label[LABEL_SIZE];
	char *command; /* see command.h; NULL: one of ours, bin/LABEL */
};

struct cells {
	struct cell *cell;
	size_t n;
};

struct settings;

struct plan {
	char name[PLAN_NAME_SIZE]; /* of the file, without .plan */
	unsigned blocks;
	int64_t warmup, window; /* ns */
	int64_t wait;           /* or: */
	unsigned repeats;       /* percent */
	bool counting, with_ceiling;
	enum aa aa;
	uint64_t seed;
	size_t message;
	unsigned silent[PLAN_LIST_MAX], n_silent;
	struct model *models;
	size_t n_models;

	/* What comes of it; no two cells are the same. */
	struct cells timing; /* setting after setting, the models in each */
	struct cells idle; /* loop:none, for each of `silent` and each model */
	struct cells ceiling; /* of the baseline: one for each closed setting
			         without work and without idle clients */

	/* As it was read; for plan_override() */
	const char *const *known;
	struct settings *settings;
	unsigned connections[PLAN_LIST_MAX], n_connections;
};

/*
 * `known` are our models (NULL at the end), which `all` stands for; they have to
 * outlive the plan. false: the plan is wrong, and `error` says where, what is
 * allowed, and what may have been meant:
 *
 *     my.plan:3: 'conections': not a word of a cells line; did you mean
 *     'connections'? (It takes closed, open, ...)
 *
 * There then is nothing to free.
 */
bool plan_read(struct plan *p, const char *path, const char *const *known,
	       char error[PLAN_ERROR_SIZE]);

/* The same for a text in memory that is called `source` */
bool plan_parse(struct plan *p, const char *text, size_t length,
		const char *source, const char *const *known,
		char error[PLAN_ERROR_SIZE]);

/*
 * What the command line says instead: a key and its value as in the file; and
 * "connections", a list in place of those of every cells line (cells that become
 * the same are one). false: as above, with --KEY for the place; the plan then is
 * to be freed and not used.
 */
bool plan_override(struct plan *p, const char *key, const char *value,
		   char error[PLAN_ERROR_SIZE]);

/* Only cells of which `keep` says so stay in it; returns how many these are. */
size_t plan_keep(struct plan *p, bool (*keep)(const char *name, void *data),
		 void *data);

/*
 * The plan as a file that means the same, whatever was overridden, but for what
 * plan_keep() dropped. Of two plans that measure the same it is the same. To be
 * freed.
 */
char *plan_text(const struct plan *p);

/* A cell as a line of a plan, without "cells" and connections; returns `line`. */
char *plan_line(const struct cell *c, char line[CELL_NAME_SIZE]);

void plan_free(struct plan *p);

#endif
