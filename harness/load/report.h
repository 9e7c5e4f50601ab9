/* SPDX-License-Identifier: MIT */
/* report.h - a result as text, as JSON and as .hgrm files */
#ifndef REPORT_H
#define REPORT_H

#include "result.h"

#include <jansson.h>
#include <stdio.h>

/* Writes `json` and frees it; ends the program if it cannot. "-" is stdout. */
void report_write_json(json_t *json, const char *path);

/* Where text goes: to stderr if --json - uses stdout */
FILE *report_file(const struct load_options *opt);

/* Writes everything that was asked for; `search`, or NULL, is the JSON of
 * --find-rate. Returns the exit status of the program. */
int report_all(const struct result *r, const struct load_options *opt,
	       json_t *search);

#endif
