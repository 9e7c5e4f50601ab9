/* SPDX-License-Identifier: MIT */
/*
 * predicate.h - what has to be true for a claim: claims/README.md has the grammar
 *
 *	cpu(poll, few) / cpu(epoll, few) > 1.1 and not saturated(epoll, few)
 */
#ifndef CLAIMS_PREDICATE_H
#define CLAIMS_PREDICATE_H

#include "harness/plan/parse.h"
#include "harness/plan/settings.h"
#include "harness/store/record.h"

enum { SWEEP_MAX = 24, CLAIM_NAME_SIZE = 48, CALLS_SIZE = 80 };

/* A setting with a name; of a sweep, one part has several values. */
struct named {
	char name[CLAIM_NAME_SIZE];
	struct cell *cell; /* without a model */
	unsigned n;
	const struct part *part; /* the one that differs; NULL: n is 1 */
	unsigned line;
};

/* What a number measures, and so which unit a constant has */
enum kind {
	KIND_NUMBER, /* a count, a share, a ratio */
	KIND_TIME,   /* ns */
	KIND_RATE,   /* 1/s */
	KIND_SIZE,   /* bytes */
	KIND_ANY     /* as the row of primitives.csv says */
};

enum source { SOURCE_METRIC, SOURCE_CALLS, SOURCE_PRIMITIVE };

/* The numbers that say which row of primitives.csv: its columns of these names */
enum { ROW_WATCHED, ROW_READY, ROW_COUNT, ROW_NUMBERS };
extern const char *const row_numbers[];

struct primitive_row {
	char primitive[24], method[32];
	double number[ROW_NUMBERS]; /* NAN: empty */
};

/* One value, or one for each point of a sweep */
struct value {
	enum source source;
	enum kind kind;
	enum metric metric;
	char call[CALLS_SIZE]; /* of SOURCE_CALLS: NAME or NAME|NAME; "": all */
	bool row_calls;        /* of SOURCE_PRIMITIVE: calls, not the value */
	bool slope;
	unsigned n;
	struct cell cell[SWEEP_MAX]; /* with the model */
	struct primitive_row row[SWEEP_MAX];
	double x[SWEEP_MAX]; /* the parameter; NAN: it is not a number */
	char sweep[64];      /* its name and values: "idle 0,100,900"; "" */
};

enum form { FORM_PLAIN, FORM_RATIO, FORM_DIFFERENCE, FORM_CROSSOVER };

enum state_word { STATE_SATURATED, STATE_BOUND, STATE_REFUSED };

enum node { NODE_AND, NODE_OR, NODE_NOT, NODE_COMPARE, NODE_STATE };

struct predicate {
	enum node node;
	struct predicate *a, *b; /* and, or, not (a alone) */

	enum state_word state; /* of value a */
	enum form form;
	struct value *left,
		*right;   /* right: of a ratio, difference, crossover */
	double low, high; /* true from low to high; may be infinite */
	bool without_low, without_high; /* the ends are not included */
	enum kind kind;                 /* of the constant */

	char *text;     /* of a comparison or a state, as it is written */
	char *quantity; /* of a comparison: what is left of the operator */
	unsigned index; /* of its comparisons and states, from 0 */
};

/* What names in a predicate can mean */
struct names {
	const struct named *setting;
	size_t n_settings;
	const char *const *models; /* as for plan_parse() */
};

/*
 * NULL: `at->error` says which word is wrong and what is allowed. A line break in
 * `text` counts as a blank, and counts lines from at->line on. `leaves` is advanced by
 * the number of its comparisons and states.
 */
struct predicate *predicate_parse(const char *text, const struct names *names,
				  unsigned *leaves, const struct location *at);
void predicate_free(struct predicate *p);

/* Calls `each` for every comparison and state, in order. */
void predicate_each(const struct predicate *p,
		    void (*each)(const struct predicate *leaf, void *data),
		    void *data);

/* A point of a sweep by the value of its part; NULL: none */
const struct cell *named_at(const struct named *s, const char *value);

/* The number that a part has in a cell; NAN: it is not one */
double part_number(const struct part *part, const struct cell *c);

#endif
