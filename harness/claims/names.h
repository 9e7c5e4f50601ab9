/* SPDX-License-Identifier: MIT */
/* names.h - the words of predicates (for predicate.c) */
#ifndef CLAIMS_NAMES_H
#define CLAIMS_NAMES_H

#include "harness/claims/predicate.h"

struct metric_word {
	const char *name;
	enum metric metric;
	enum kind kind;
};

extern const struct metric_word metric_words_of_claims[];

/* All quantities, and all states, NULL at the end */
extern const char *const quantity_words[];
extern const char *const state_words_of_claims[];
extern const char *const primitive_words[];

/* NULL: there is none */
const struct metric_word *metric_word(const char *name);

/* Whether some architecture of Linux has this system call */
bool is_call(const char *name);
const char *nearest_call(const char *name); /* NULL: none */

/* A constant with its unit: 2us, 10k/s, 16KiB, 1.9, 1k, 5% */
bool parse_constant(const char *text, double *x, enum kind *kind,
		    bool *percent);

#endif
