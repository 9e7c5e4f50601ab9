/* SPDX-License-Identifier: MIT */
/* csv.h - a table as text, field by field; quotes what has to be (RFC 4180), but
 * ends a line with \n alone, as everything here that reads one expects */
#ifndef VERDICT_CSV_H
#define VERDICT_CSV_H

#include "harness/plan/cell.h"

#include <stdbool.h>
#include <stdio.h>

struct csv {
	FILE *file;
	char *text;
	size_t size;
	bool begun; /* the row has a field already */
};

void csv_open(struct csv *csv);
void csv_text(struct csv *csv, const char *text);
void csv_number(struct csv *csv, double x); /* nine digits; nothing for NAN */
void csv_end_row(struct csv *csv);

/* The parts of a cell, as columns: their names, and of one */
void csv_part_names(struct csv *csv);
void csv_parts(struct csv *csv, const struct cell *c);

char *csv_close(struct csv *csv); /* all of it, to be freed */

#endif
