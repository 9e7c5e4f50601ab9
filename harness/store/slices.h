/* SPDX-License-Identifier: MIT */
/*
 * slices.h - slices.csv: what every server did in every round (for store.c)
 *
 *	bout,index,round,position,counted,requests,answered,...
 *	46,230,0,0,0,1893,1893,...
 *
 * A row a slice, in the order of execution within a bout; struct slice has the
 * columns after `index`. A number that is not available is empty.
 */
#ifndef STORE_SLICES_H
#define STORE_SLICES_H

#include "harness/store/store.h"

extern const char slices_name[];   /* "slices.csv" */
extern const char slices_header[]; /* its first line */

/* The rows of a bout; "": it has no slices. Free it. */
char *slices_rows(const struct record *r, size_t n);

/*
 * Gives the rows of the file to the records of their bout and index. Others are
 * left out: damaged ones, and those of a bout that was not completed, which
 * `repairing` also removes from the file.
 */
bool slices_read(struct store *s, bool repairing, char why[WHY_SIZE]);

/* The same for the contents of a file, with a 0 at the end. Moves the rows that
 * are kept to its begin, behind the header; returns their size with it. */
size_t slices_take(struct store *s, char *text, size_t size, size_t *left_out);

#endif
