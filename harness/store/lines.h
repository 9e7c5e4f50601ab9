/* SPDX-License-Identifier: MIT */
/*
 * lines.h - reading repetitions.jsonl (for store.c)
 *
 * A bout counts only if it has the lines of all its entries: those of a
 * truncated one are left out, like damaged and unknown lines.
 */
#ifndef STORE_LINES_H
#define STORE_LINES_H

#include "harness/store/store.h"

extern const char lines_name[]; /* "repetitions.jsonl" */

/* Adds the records to s. `repairing` moves the lines that are left out to
 * repetitions.broken. */
bool lines_read(struct store *s, bool repairing, char why[WHY_SIZE]);

#endif
