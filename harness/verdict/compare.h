/* SPDX-License-Identifier: MIT */
/* compare.h - which rows are compared, by what, and the verdicts: see reduce.h */
#ifndef VERDICT_COMPARE_H
#define VERDICT_COMPARE_H

#include "harness/verdict/reduce.h"

enum { COMPARED = 2 }; /* metrics in each setting */

/* The first row of this row's setting, and the one after its last */
size_t setting_start(const struct reduced *r, size_t row);
size_t setting_end(const struct reduced *r, size_t row);

/* Whether any row of this setting is coarse (open loops only can be) */
bool setting_is_coarse(const struct reduced *r, size_t row);

/* Whether the CPU time of both was found in the same way */
bool same_method(const struct row *a, const struct row *b);

/* By what the models are compared in the setting of this row */
void compared_by(const struct reduced *r, size_t row, enum metric m[COMPARED]);

/* How far apart a model under two names is in the setting of this row, for
 * comparisons over so many blocks */
struct band setting_band(const struct reduced *r, size_t row, enum metric m,
			 size_t blocks);

/* Fills in r->reference and r->finding. */
void compare(struct reduced *r);

/* Whether enough blocks are there for any claim of this run; else how many it
 * would take at least */
bool claims_possible(const struct reduced *r, size_t *needed);

#endif
