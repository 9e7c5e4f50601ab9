/* SPDX-License-Identifier: MIT */
/* csv.h - a table as text, field by field; quotes as RFC 4180 does, but ends a line
 * with \n alone */
#ifndef VERDICT_CSV_H
#define VERDICT_CSV_H

#include "harness/plan/cell.h"

#include <stdbool.h>
#include <stdio.h>

struct csv {
	FILE *file;
	char *text;
	size_t size;
	bool begun; /* the row has a field */
};

void csv_open(struct csv *csv);
void csv_head(struct csv *csv, const char *names); /* names with commas */
void csv_text(struct csv *csv, const char *text);
void csv_number(struct csv *csv, double x); /* nine digits; NAN is empty */
void csv_end_row(struct csv *csv);

/* The parts of a cell as columns: their names, and those of one cell */
void csv_part_names(struct csv *csv);
void csv_parts(struct csv *csv, const struct cell *c);

char *csv_close(struct csv *csv); /* the whole text, to be freed */

#endif
