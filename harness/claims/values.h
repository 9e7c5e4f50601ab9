/* SPDX-License-Identifier: MIT */
/* values.h - METRIC(MODEL, SETTING), primitive(...) and slope(...) (for predicate.c) */
#ifndef CLAIMS_VALUES_H
#define CLAIMS_VALUES_H

#include "harness/claims/words.h"

/* Each returns NULL with an error, or what is to be freed. */
struct value *value_parse(struct words *w);
struct value *value_cell_parse(struct words *w); /* (MODEL, SETTING) */

#endif
