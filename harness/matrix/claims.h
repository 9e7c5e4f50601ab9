/* SPDX-License-Identifier: MIT */
/* claims.h - what bin/matrix claims works on: its files (for claims.c) */
#ifndef MATRIX_CLAIMS_H
#define MATRIX_CLAIMS_H

#include "harness/matrix/session_internal.h"

#include "harness/claims/mechanisms.h"
#include "harness/claims/needs.h"
#include "harness/claims/primitives.h"

struct all_claims {
	struct claim *claim;
	bool *wanted;
	size_t n, n_wanted;
};

/* Each ends the program if a file is wrong. */
void read_claims(struct all_claims *to, const char *bin);
void read_mechanisms(struct mechanisms *to, const char *bin);
void check_rows(const struct all_claims *c); /* of primitives: they exist */

/* --only, or NULL: all */
void choose_claims(struct all_claims *c, const char *only);

/* primitives.csv of a folder; empty if it has none */
void load_primitives(struct primitives *to, const struct store *s);

/* How many rows the wanted claims need that are not in `have` */
size_t count_rows(const struct all_claims *c, const struct primitives *have);

/* Runs bin/primitives for them, into `folder`; with an effect (effects.h), or NULL.
 * Returns its exit status. */
int measure_primitives(const char *bin, const struct all_claims *c,
		       const char *effect, const struct primitives *have,
		       const char *folder);

#endif
