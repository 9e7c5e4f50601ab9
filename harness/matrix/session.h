/* SPDX-License-Identifier: MIT */
/* session.h - a run, from its plan to its last table, or what of it can be done */
#ifndef MATRIX_SESSION_H
#define MATRIX_SESSION_H

#include "harness/matrix/options.h"
#include "harness/plan/plan.h"

enum { EXIT_WARNED = 6, EXIT_INTERRUPTED = 130 };

/* Each returns the program's exit status. */
int matrix_run(const struct matrix_options *opt);
int matrix_resume(const struct matrix_options *opt);
int matrix_report(const struct matrix_options *opt);
int matrix_compare(const struct matrix_options *opt);

/* The plan that the command line asks for; ends the program if it is wrong. */
void session_plan(const struct matrix_options *opt, const char *bin,
		  const char *fallback, struct plan *p);

#endif
