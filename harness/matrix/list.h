/* SPDX-License-Identifier: MIT */
/* list.h - bin/matrix list: models, plans and cells */
#ifndef MATRIX_LIST_H
#define MATRIX_LIST_H

#include "harness/plan/plan.h"

#include <stdio.h>

enum { SUMMARY_SIZE = 128 };

/* Takes SUMMARY from the line "MODEL - SUMMARY" of its --help; false: none */
bool summary_of(const char *bin, const char *model, char summary[SUMMARY_SIZE]);

/* The models of the suite, a line each: name and summary, or that it is not built.
 * bin/matrix doctor says whether it can run here. */
void list_models(FILE *file);

/* The plans of the suite: name, summary, size and estimated time */
void list_plans(FILE *file);

/* The names of all cells of a plan, a line each, as --benchmark_filter matches them */
void list_cells(FILE *file, const struct plan *p);

#endif
