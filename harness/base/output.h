/* SPDX-License-Identifier: MIT */
/* output.h - standard file descriptors, and no silent loss of output */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Call this first in main(). It opens closed standard descriptors as /dev/null:
 * otherwise the next file or socket would get such a number, and printed text with it.
 * At exit, if stdout could not be written, it reports that and turns status 0 into 1.
 * Other code need not check stdout; to end early, call exit(EXIT_FAILED) when
 * fflush(stdout) fails.
 */
void output_begin(void);

/* Writes the buffer. false: something that was ever printed to `file` is lost; errno
 * has the cause, even if that was earlier. */
bool output_flush(FILE *file);

#endif
