/* SPDX-License-Identifier: MIT */
/*
 * cell.h - what is measured: a model under a load
 *
 * A cell = model x connections x message x load x work x placement. Its name is
 * made of key:value parts, the words of a plan, and is what --benchmark_filter
 * sees:
 *
 *     model:epoll/loop:closed/connections:64/message:64/placement:split
 *
 * The parts always stand in the order of cell_parts; rate, idle, depth, pattern
 * and work only where they are not 0, 0, 1, steady and none. Counts and bytes
 * are plain numbers. So a cell has one name, and a name is of one cell.
 *
 * loop:none is a server whose clients are all silent; its idle part is always
 * there, and nothing of a load:
 *
 *     model:busypoll/loop:none/idle:1000/message:64/placement:split
 */
#ifndef PLAN_CELL_H
#define PLAN_CELL_H

#include "harness/base/pattern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum loop { LOOP_CLOSED, LOOP_OPEN, LOOP_NONE };
enum placement { PLACEMENT_SPLIT, PLACEMENT_SHARED };

enum {
	LABEL_SIZE = 32,
	WORK_SIZE = 64,
	CELL_NAME_SIZE = 320,
	EXACT_TIME_SIZE = 24
};

/* Plain: a struct cell { .depth = 1, .burst = 1, .work = "none" } */
struct cell {
	char model[LABEL_SIZE]; /* the label of it */
	enum loop loop;
	enum placement placement;
	unsigned connections; /* that send requests */
	unsigned idle;        /* beside them, that only sit there */
	double rate;          /* requests a second in all; open loop only */
	size_t message;
	unsigned depth;
	enum pattern pattern;
	unsigned burst;
	char work[WORK_SIZE]; /* as the server's --work takes it, or "none" */
};

/* What a part is called, and how its value is read and written */
struct part {
	const char *name;
	const char *takes; /* "a number from 1 to 1M, such as 64 or 1k" */
	const char *const *words; /* what its values begin with, or NULL */
	/* false: the value is not one it takes, and the cell is as it was */
	bool (*set)(struct cell *c, const char *value);
	/* "": it says nothing and is left out */
	void (*print)(const struct cell *c, char *to, size_t size);
};

extern const struct part cell_parts[]; /* ends with a part without a name */

const struct part *cell_part(const char *name); /* NULL: there is none */

/* A letter or digit, then letters, digits, - and _; up to 31 in all */
bool cell_label(const char *text);

/* NULL, or what of the load contradicts itself, as a sentence */
const char *cell_contradiction(const struct cell *c);

/* A setting is a cell but for its model: what models are compared at. */
bool cell_same(const struct cell *a, const struct cell *b);
bool cell_same_setting(const struct cell *a, const struct cell *b);

/* 1500us: in the largest unit, up to s, of which it is a whole number */
void exact_time(int64_t ns, char to[EXACT_TIME_SIZE]);

/* The name; returns `name`. */
char *cell_name(const struct cell *c, char name[CELL_NAME_SIZE]);

/* The cell of this name; false: no cell has it */
bool cell_parse(const char *name, struct cell *c);

#endif
