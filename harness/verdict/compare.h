/* SPDX-License-Identifier: MIT */
/* compare.h - which rows are compared, by which metrics, and the verdicts: see reduce.h */
#ifndef VERDICT_COMPARE_H
#define VERDICT_COMPARE_H

#include "harness/verdict/reduce.h"

enum { COMPARED = 2 }; /* metrics per setting */

/* The first row of this row's setting, and the one after its last */
size_t setting_start(const struct reduced *r, size_t row);
size_t setting_end(const struct reduced *r, size_t row);

/* Whether any row of this setting is coarse (open loop only) */
bool setting_is_coarse(const struct reduced *r, size_t row);

/* Whether the CPU time of both was measured by the same method */
bool same_method(const struct row *a, const struct row *b);

/* The metrics by which models are compared in the setting of this row */
void compared_by(const struct reduced *r, size_t row, enum metric m[COMPARED]);

/* The A/A band in the setting of this row, for comparisons over so many blocks */
struct band setting_band(const struct reduced *r, size_t row, enum metric m,
			 size_t blocks);

/* Sets r->reference and r->finding. */
void compare(struct reduced *r);

/* Whether there are enough blocks for any significant result; `needed` is how many
 * that takes */
bool claims_possible(const struct reduced *r, size_t *needed);

#endif
