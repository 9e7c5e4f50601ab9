/* SPDX-License-Identifier: MIT */
/*
 * effects.h - known effects for controls: NAME=AMOUNT
 *
 * build/inject.so brings them into a program: see inject.c.
 */
#ifndef CLAIMS_EFFECTS_H
#define CLAIMS_EFFECTS_H

#include "harness/plan/parse.h"

enum effect {
	EFFECT_DELAY,
	EFFECT_SLEEP,
	EFFECT_SCAN,
	EFFECT_CALLS,
	EFFECT_THREADS,
	EFFECT_MEMORY,
	EFFECTS
};

extern const char *const effect_names[]; /* NULL at the end */

/* false: an error is set. */
bool effect_valid(const char *text, const struct location *at);

#endif
