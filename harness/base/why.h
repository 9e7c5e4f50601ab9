/* SPDX-License-Identifier: MIT */
/*
 * why.h - the reason why a call failed, and the remedy, as text
 *
 * For failures that need not end the program: the caller decides.
 */
#ifndef BASE_WHY_H
#define BASE_WHY_H

#include <stdbool.h>

enum { WHY_SIZE = 512 };

/* Writes the reason. Returns false, for `return why_not(...)`. */
bool why_not(char why[WHY_SIZE], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
