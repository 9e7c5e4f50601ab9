/* SPDX-License-Identifier: MIT */
/* program.h - finds the file of a program by its name */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/* Searches PATH as a shell does. false and errno: it was not found. */
bool program_find(const char *name, char path[PATH_MAX]);

#endif
