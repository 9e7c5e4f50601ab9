/* SPDX-License-Identifier: MIT */
/*
 * outfile.h - files that a user asks for by name
 *
 * What was there before stays until the new file is complete: it is written under
 * another name, then renamed. That is for regular files and new names alone. All
 * else (a device, a FIFO, /dev/stdout) is written to and never replaced; of a
 * symbolic link, its target is what is written.
 */
#ifndef BASE_OUTFILE_H
#define BASE_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

struct outfile {
	FILE *file;
	char *target, *temporary; /* NULL: it is written in place */
};

/* "-" is stdout. Each of these returns false, and sets errno, where it fails. */
bool outfile_open(struct outfile *o, const char *path);

/* Also false if anything was not written before; then the old file is still there.
 * What is lost of stdout is said at the end of the program (output.h). */
bool outfile_close(struct outfile *o);

/* Whether it could be opened for writing; nothing is changed. */
bool outfile_possible(const char *path);

/* What grows line by line while others read it: in place, whatever it is */
FILE *outfile_in_place(const char *path);

/* Whether it is, or would be, a regular file: others may be made beside it. */
bool outfile_is_regular(const char *path);

#endif
