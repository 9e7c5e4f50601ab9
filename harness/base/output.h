/* SPDX-License-Identifier: MIT */
/* output.h - standard descriptors, and output that must not be lost in silence */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/*
 * For the begin of main(). A standard descriptor that is closed becomes /dev/null:
 * else the next file or socket would get its number, and be printed into. From now
 * on, a program that could not write all of its stdout says so when it ends, and
 * ends with status 1 instead of 0. Nobody else needs to check stdout; who wants to
 * end early calls exit(EXIT_FAILED) when fflush(stdout) fails.
 */
void output_begin(void);

/* Writes what is buffered. false: all or a part of what was ever printed to it is
 * lost, and errno has the cause, also if that was earlier. */
bool output_flush(FILE *file);

#endif
