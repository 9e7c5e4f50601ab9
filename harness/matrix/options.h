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
	VERB_CLAIMS,
	VERB_NONE
};
enum { OVERRIDES_MAX = 32 };

/* A key of the plan, given on the command line: --blocks 12 */
struct override {
	const char *key, *value;
};

struct matrix_options {
	enum verb verb;
	/* resume, report: the folder; compare: A; list: models, plans, cells or
	 * NULL */
	const char *what;
	const char *with; /* compare: B */
	const char *plan; /* a name or a file; NULL: the default */
	struct override override[OVERRIDES_MAX];
	size_t n_overrides;
	const char *out; /* NULL: a new folder in results/ */
	const char *server_cpus, *client_cpus;
	const char *filter; /* --benchmark_filter; NULL */
	bool resolved;      /* that, or --benchmark_repetitions */
	bool dry_run, strict, force, quiet;
	bool fail_on_regression; /* run, resume, compare */
	double least; /* 0.05: by more than 5 %; NAN: than the plan's margin */
	const char *csv, *page; /* compare: files, or NULL */
	/* claims: names, and a folder to judge without measuring; or NULL */
	const char *only, *run;
	bool controls;
	/* The options for Google Benchmark, as an argv of its own */
	int n_benchmark;
	char **benchmark;
};

/* Ends the program on --help, --version and on bad usage. */
void matrix_options(int argc, char **argv, struct matrix_options *opt);

#endif
