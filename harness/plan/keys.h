/* SPDX-License-Identifier: MIT */
/* keys.h - the keys of a plan and its models (for plan.c) */
#ifndef PLAN_KEYS_H
#define PLAN_KEYS_H

#include "harness/plan/parse.h"

#include <stdio.h>

/* set() returns false without an error if the value is not what the key
 * takes. */
struct key {
	const char *name;
	const char *takes;
	const char *const *words;
	bool (*set)(struct plan *p, const char *value,
		    const struct location *at);
};

enum { KEYS = 13 };
extern const struct key keys[KEYS];

const struct key *key_of(const char *name); /* NULL: there is none */

/* `other` is allowed here, too, and not in the table. */
bool unknown_key(const struct location *at, const char *word,
		 const char *other);

/* The rest of a plan does not follow: see expand() in plan.c. */
bool set_key(struct plan *p, const struct key *key, const char *value,
	     const struct location *at);

/* A line for each, as plan_text() needs them */
void write_keys(const struct plan *p, FILE *to);

bool set_models(struct plan *p, const char *value, const struct location *at);
void free_models(struct plan *p);

#endif
