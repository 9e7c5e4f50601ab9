/* SPDX-License-Identifier: MIT */
/* session.h - the commands of bin/matrix that work on a run */
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
int matrix_claims(const struct matrix_options *opt);

/* Reads the plan of the command line, or `fallback`; ends the program if it is wrong. */
void session_plan(const struct matrix_options *opt, const char *bin,
		  const char *fallback, struct plan *p);

#endif
