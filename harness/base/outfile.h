/* SPDX-License-Identifier: MIT */
/*
 * outfile.h - output files named by the user
 *
 * A new file is written under a temporary name and renamed when it is complete; until
 * then an old file stays. Only regular files are replaced: a device, a FIFO or
 * /dev/stdout is written in place. Symbolic links are followed.
 */
#ifndef BASE_OUTFILE_H
#define BASE_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

struct outfile {
	FILE *file;
	char *target, *temporary; /* NULL: written in place */
};

/* "-" is stdout. These return false and set errno on failure. */
bool outfile_open(struct outfile *o, const char *path);

/* Also false if an earlier write failed; then the old file is still there. Lost
 * output to stdout is reported at exit (output.h). */
bool outfile_close(struct outfile *o);

/* Whether it can be opened for writing; changes nothing. */
bool outfile_possible(const char *path);

/* Opens a file in place, for output that others read while it grows */
FILE *outfile_in_place(const char *path);

/* Whether it is, or would be, a regular file */
bool outfile_is_regular(const char *path);

#endif
