/* SPDX-License-Identifier: MIT */
/* ask.h - what a program prints before it serves: --help, or a wrong option */
#ifndef MATRIX_ASK_H
#define MATRIX_ASK_H

#include <stddef.h>

/*
 * Runs argv[0] for two seconds at most, and takes up to `size` - 1 bytes of what it
 * prints to this descriptor (1 or 2). Returns its exit status; -1: it cannot be started,
 * or had to be killed.
 */
int ask(char *const argv[], int descriptor, char *text, size_t size);

#endif
