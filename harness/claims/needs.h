/* SPDX-License-Identifier: MIT */
/* needs.h - what claims need to be measured, as a plan and as a list of primitives */
#ifndef CLAIMS_NEEDS_H
#define CLAIMS_NEEDS_H

#include "harness/claims/claim.h"

/* The label of a model with the effect of a control: epoll:inject=scan-2us */
char *control_label(const struct control *control, char to[LABEL_SIZE]);

/* The cell as this control has it; NULL: as it is */
struct cell under_control(const struct cell *c, const struct control *control);

/* The cells of a claim, also those with the effects of its controls; no two are the
 * same. To be freed. */
struct cell *claim_cells(const struct claim *c, bool controls, size_t *n);

/* The text of a plan for all of them (plan.h), to be freed; NULL: they need no cells.
 * `models` in the order in which results list them. */
char *claims_plan(const struct claim *const *c, size_t n, bool controls,
		  const char *const *models);

/* Whether a claim needs a row of primitives.csv */
bool claim_needs_primitives(const struct claim *c);

#endif
