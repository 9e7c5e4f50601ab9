/* SPDX-License-Identifier: MIT */
/*
 * cell.h - a cell: a model under a load
 *
 * A cell = model x connections x message x load x work x placement. Its name
 * consists of key:value parts; keys and values are those of a plan.
 * --benchmark_filter matches this name:
 *
 *     model:epoll/loop:closed/connections:64/message:64/placement:split
 *
 * The parts are in the order of cell_parts. Rate, idle, depth, pattern, work and
 * service are left out if they are 0, 0, 1, steady, none and echo. Counts and bytes are plain
 * numbers. So each cell has exactly one name.
 *
 * loop:none is a server with idle clients only. Its name always has the idle
 * part and no part of a load:
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
enum cell_service { SERVICE_ECHO, SERVICE_HTTP };

enum {
	LABEL_SIZE = 48,
	WORK_SIZE = 64,
	CELL_NAME_SIZE = 320,
	EXACT_TIME_SIZE = 24
};

/* The defaults: { .depth = 1, .burst = 1, .work = "none" } */
struct cell {
	char model[LABEL_SIZE]; /* its label */
	enum loop loop;
	enum placement placement;
	unsigned connections; /* busy ones */
	unsigned idle;        /* idle clients in addition */
	double rate;          /* requests per second, total; open loop only */
	size_t message;
	unsigned depth;
	enum pattern pattern;
	unsigned burst;       /* pattern burst:N */
	unsigned slow;        /* pattern slow-read:N: clients in addition */
	char work[WORK_SIZE]; /* as the server's --work takes it, or "none" */
	enum cell_service service;
};

/* A part of a name */
struct part {
	const char *name;
	const char *takes; /* "a number from 1 to 1M, such as 64 or 1k" */
	const char *const
		*words; /* the values, or their first words; or NULL */
	/* false: the value is invalid, and the cell is unchanged */
	bool (*set)(struct cell *c, const char *value);
	/* "": the part is left out */
	void (*print)(const struct cell *c, char *to, size_t size);
};

extern const struct part cell_parts[]; /* the last has no name */

const struct part *cell_part(const char *name); /* NULL: there is none */

/*
 * PROGRAM, or PROGRAM:OPTION=VALUE[:OPTION=VALUE...], up to 47 characters. The
 * program is a letter or digit, then letters, digits, - and _; so is an option;
 * a value can have dots, too.
 */
bool cell_label(const char *text);

/* The program of a label; returns `name`. */
char *cell_program(const char *label, char name[LABEL_SIZE]);

/* NULL, or a message: which parts contradict each other */
const char *cell_contradiction(const struct cell *c);

/* A setting is a cell without its model: models are compared at a setting. */
bool cell_same(const struct cell *a, const struct cell *b);
bool cell_same_setting(const struct cell *a, const struct cell *b);

/* All clients of its server */
static inline unsigned cell_clients(const struct cell *c)
{
	return c->connections + c->idle + c->slow;
}

/* 1500us: a whole number of the largest possible unit, up to s */
void exact_time(int64_t ns, char to[EXACT_TIME_SIZE]);

/* Returns `name`. */
char *cell_name(const struct cell *c, char name[CELL_NAME_SIZE]);

/* false: no cell has this name */
bool cell_parse(const char *name, struct cell *c);

#endif
