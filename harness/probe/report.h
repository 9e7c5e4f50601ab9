/* SPDX-License-Identifier: MIT */
/* report.h - what a program used, as text and as JSON */
#ifndef REPORT_H
#define REPORT_H

#include "reading.h"

#include <jansson.h>
#include <stdio.h>

enum { REPORT_MISSING_MAX = 4 };

struct report {
	const char *program; /* its name, without a path */
	const struct reading *from, *to;
	const struct child_end *end; /* NULL: it is still running */
	enum syscalls_method method;
	bool whole; /* system calls of child processes are counted, too */
	struct {
		const char *what;
		char why[WHY_SIZE];
	} missing[REPORT_MISSING_MAX];
	unsigned n_missing;
};

/* Adds a line: what could not be measured, and why. */
void report_missing(struct report *r, const char *what, const char *why);

void probe_report_text(const struct report *r, FILE *file);
json_t *probe_report_json(const struct report *r);

#endif
