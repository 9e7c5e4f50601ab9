/* SPDX-License-Identifier: MIT */
/* draw.h - runs the programs in plots/ on the results of bin/matrix */
#ifndef MATRIX_DRAW_H
#define MATRIX_DRAW_H

#include <stdbool.h>

/*
 * Runs plots/`name` with `arguments` (NULL-terminated). `input`: its stdin, or -1.
 * `quiet`: its stdout is dropped. false: it failed; it has printed why, for example
 * which package is missing.
 */
bool draw(const char *name, const char *const *arguments, int input,
	  bool quiet);

#endif
