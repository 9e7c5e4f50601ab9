/* SPDX-License-Identifier: MIT */
/* options.h - the command line of bin/matrix */
#ifndef MATRIX_OPTIONS_H
#define MATRIX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum verb {
	VERB_RUN,
	VERB_RESUME,
	VERB_REPORT,
	VERB_LIST,
	VERB_DOCTOR,
	VERB_COMPARE,
	VERB_NONE
};
enum { OVERRIDES_MAX = 32 };

/* A key of the plan that the command line says instead: --blocks 12 */
struct override {
	const char *key, *value;
};

struct matrix_options {
	enum verb verb;
	const char *
		what; /* resume, report: the folder; list: of what, or NULL; compare: A */
	const char *with; /* compare: B */
	const char *plan; /* a name or a file; NULL: not said */
	struct override override[OVERRIDES_MAX];
	size_t n_overrides;
	const char *out; /* NULL: a new folder in results/ */
	const char *server_cpus, *client_cpus;
	const char *filter; /* --benchmark_filter; NULL */
	bool dry_run, strict, force, quiet;
	bool fail_on_regression; /* compare; so are: */
	double least;            /* 0.05: only by 5 % or more */
	const char *csv, *page;  /* files, or NULL */
	/* What is for Google Benchmark, as an argv of its own */
	int n_benchmark;
	char **benchmark;
};

/* Ends the program on --help, --version and on bad usage. */
void matrix_options(int argc, char **argv, struct matrix_options *opt);

#endif
