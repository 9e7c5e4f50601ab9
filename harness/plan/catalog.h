/* SPDX-License-Identifier: MIT */
/*
 * catalog.h - the models and plans of this repository
 *
 * Programs are in the folder of the running program. The source tree is the
 * nearest folder above that has harness/plans; models are in its models/, their
 * variants in models/variants/, the runtimes in models/runtimes/.
 * Without a source tree, the programs in the same folder are still found.
 */
#ifndef PLAN_CATALOG_H
#define PLAN_CATALOG_H

#include "harness/plan/plan.h"

enum { CATALOG_PATH_SIZE = 4096 };

/* The seven models in reading order; NULL at the end */
extern const char *const syllabus[];

/* The folder of the running program; dies if it is unknown. */
char *catalog_bin(char path[CATALOG_PATH_SIZE]);

/* A folder of the source tree, such as "plots"; "": there is no source tree. */
char *catalog_folder(char path[CATALOG_PATH_SIZE], const char *name);

/*
 * The models of the syllabus, built or not, so that a missing one is reported.
 * Then any other with a models/NAME.c and a program in `bin`, by name. Then the
 * word VARIANTS and those with a models/variants/NAME.c, built or not; the word
 * RUNTIMES and those of models/runtimes/. NULL at the end; valid until the next call.
 */
const char *const *catalog_models(const char *bin);

/*
 * The names of the plans in $MATRIX_PLANS, else in the source tree, shortest
 * first. NULL at the end; valid until the next call.
 */
const char *const *catalog_plans(const char *bin);

/*
 * The file of a plan, given by name or by path. false: there is none, and
 * `error` lists the names: "'quik': not a plan ...".
 */
bool catalog_plan(const char *name, char path[CATALOG_PATH_SIZE],
		  char error[PLAN_ERROR_SIZE]);

/* The same for the claims in $MATRIX_CLAIMS, else in the source tree's claims/ */
const char *const *catalog_claims(const char *bin);
char *catalog_claim(const char *bin, const char *name,
		    char path[CATALOG_PATH_SIZE]);

#endif
