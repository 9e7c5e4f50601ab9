/* SPDX-License-Identifier: MIT */
/* draw.h - runs the programs in plots/, which draw what bin/matrix reduces */
#ifndef MATRIX_DRAW_H
#define MATRIX_DRAW_H

#include <stdbool.h>

/*
 * Runs plots/`name` with `arguments` (NULL at the end). `input`: its stdin, or -1.
 * `quiet`: its stdout is dropped. false: it failed, and stderr has the reason; it is
 * the program itself that says which package is missing.
 */
bool draw(const char *name, const char *const *arguments, int input,
	  bool quiet);

#endif
