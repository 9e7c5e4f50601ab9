/* SPDX-License-Identifier: MIT */
/*
 * result.h - the rows of primitives.csv
 *
 * A value is the median over repetitions, with its 95 % interval by order statistics
 * (stats.h), which takes six of them.
 */
#ifndef PRIMITIVES_RESULT_H
#define PRIMITIVES_RESULT_H

#include "harness/primitives/primitive.h"
#include "harness/store/store.h"
#include "harness/verdict/stats.h"

#include <jansson.h>

struct result {
	const struct primitive *primitive;
	bool chosen;        /* by the filter */
	double calls;       /* system calls per operation; NAN: not counted */
	char why[WHY_SIZE]; /* why it cannot be measured */
	struct summary time, count; /* n 0: none */
};

/* Takes the repetitions from the report of Google Benchmark. */
void results_read(struct result *r, size_t n, const json_t *report);

/*
 * Writes primitives.csv. Rows of an older one in this folder whose primitives were not
 * measured now stay.
 */
bool results_write(const struct result *r, size_t n, const struct store *to,
		   char why[WHY_SIZE]);

/* Waits as a table of methods against watched and ready descriptors, then the others */
void results_print(const struct result *r, size_t n, FILE *to);

/* Kerrisk's table beside that of this machine */
void kerrisk_print(const struct result *r, size_t n, FILE *to);

#endif
