/* SPDX-License-Identifier: MIT */
/*
 * catalog.h - which programs and plans of ours there are, and where
 *
 * Programs are in the folder of the one that runs. Plans are in harness/plans, and
 * models have a file in models, of the folder above it that has both; a program
 * that was put elsewhere knows what lies beside it.
 */
#ifndef PLAN_CATALOG_H
#define PLAN_CATALOG_H

#include "harness/plan/plan.h"

enum { CATALOG_PATH_SIZE = 4096 };

/* The seven, in the order in which they are taught; NULL at the end */
extern const char *const syllabus[];

/* The folder of the program that runs; ends the program if it has none. */
char *catalog_bin(char path[CATALOG_PATH_SIZE]);

/* A folder of the sources, such as "plots"; "": they are not near. */
char *catalog_folder(char path[CATALOG_PATH_SIZE], const char *name);

/*
 * The models of the syllabus, built or not: who asks for all of them is to be told
 * which one is missing. Then others that have a models/NAME.c and a program in this
 * folder, by name. NULL at the end; valid until the next call.
 */
const char *const *catalog_models(const char *bin);

/*
 * The plans of ours, shortest first: those in $MATRIX_PLANS, else those that came
 * with the program. NULL at the end; valid until the next call.
 */
const char *const *catalog_plans(const char *bin);

/*
 * The file of a plan: one of ours by its name, or any other by its path. false:
 * there is none, and `error` says which there are: "'quik': not a plan ...".
 */
bool catalog_plan(const char *name, char path[CATALOG_PATH_SIZE],
		  char error[PLAN_ERROR_SIZE]);

#endif
