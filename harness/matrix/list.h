/* SPDX-License-Identifier: MIT */
/* list.h - bin/matrix list: what there is to measure, and how */
#ifndef MATRIX_LIST_H
#define MATRIX_LIST_H

#include "harness/plan/plan.h"

#include <stdio.h>

/* Our models, a line each: name and what it says of itself, or that it is not
 * built. Whether it can run here is for the doctor to say. */
void list_models(FILE *file);

/* Our plans: name, what its first line says, how much it is, how long it takes */
void list_plans(FILE *file);

/* The names of all cells of a plan, a line each, as --benchmark_filter sees them */
void list_cells(FILE *file, const struct plan *p);

#endif
