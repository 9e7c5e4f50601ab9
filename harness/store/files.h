/* SPDX-License-Identifier: MIT */
/*
 * files.h - files of a run's folder, and what is said when one cannot be had
 *
 * For store.c. A `name` is relative to the folder and may be within one of its
 * folders. Errors name the file, the cause and, where one is known, the remedy.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "harness/store/store.h"

/* Returns false: "results/x/run.json: No space left on device; free some, ...",
 * from errno */
bool file_failed(const struct store *s, const char *name, char why[WHY_SIZE]);

/* The remedy for this error, as "; do this"; "" */
const char *file_remedy(int error);

/* All of it, whatever a single write(2) takes; false and errno */
bool file_write(int fd, const void *bytes, size_t size);

/* So that a name made, renamed or removed in a folder outlives a power cut */
bool file_sync_folder(int dir);

/* In one step, and on the disk: the whole file is there, or what was before. */
bool file_put(const struct store *s, const char *name, const void *bytes,
	      size_t size, char why[WHY_SIZE]);

/* All of it, and a '\0' behind; NULL: `why`. To be freed. */
char *file_get(const struct store *s, const char *name, size_t *size,
	       char why[WHY_SIZE]);

bool file_exists(const struct store *s, const char *name);

#endif
