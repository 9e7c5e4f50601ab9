/* SPDX-License-Identifier: MIT */
/* series.h - one value: by block, or with an interval of its own (for figure.c) */
#ifndef CLAIMS_SERIES_H
#define CLAIMS_SERIES_H

#include "harness/claims/figure.h"

struct series {
	char why[WHY_SIZE]; /* not known; "" */
	double *block;      /* NULL: the following */
	unsigned n_blocks;
	double value, low, high; /* at 95 % */
	double df;               /* infinite: exact */
	/* Only known to be the least, or the most, that it can be */
	bool at_least, at_most;
	const struct row *row; /* of a plain value of a cell */
	enum metric metric;
};

/* A point of a value; a slope has only point 0. `kind` is that of the constant with which
 * a primitive is compared. series_free() has to follow. */
void series_of(struct series *s, const struct value *v, unsigned point,
	       enum kind kind, const struct evidence *e);
void series_free(struct series *s);

/* The least number of blocks with an interval */
enum { FEWEST_BLOCKS = 2 };

#endif
