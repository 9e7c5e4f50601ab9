/* SPDX-License-Identifier: MIT */
/*
 * why.h - a sentence that says why something cannot be had, and what would help
 *
 * What a probe can see depends on the kernel and on who asks. Nothing here ends
 * the program: whoever asked decides whether it can do without.
 */
#ifndef BASE_WHY_H
#define BASE_WHY_H

#include <stdbool.h>

enum { WHY_SIZE = 512 };

/* Writes the sentence; false, so that one can `return why_not(...)`. */
bool why_not(char why[WHY_SIZE], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
