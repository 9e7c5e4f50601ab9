/* SPDX-License-Identifier: MIT */
/* program.h - the file of a program that is called by its name */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/* Searches PATH as a shell does. false: there is none; errno says why. */
bool program_find(const char *name, char path[PATH_MAX]);

#endif
