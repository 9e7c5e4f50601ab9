/* SPDX-License-Identifier: MIT */
/*
 * files.h - reading and writing the files of a run's folder (for store.c)
 *
 * A `name` is relative to the folder. Errors have the file, the cause and, if
 * known, the remedy.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "harness/store/store.h"

/* A line. With 17 digits a number that is read back is the same, so report makes the
 * same tables as run. */
enum { STORE_JSON = JSON_COMPACT | JSON_REAL_PRECISION(17) };

/* Writes "results/x/run.json: No space left on device; free some ..." from
 * errno; returns false. */
bool file_failed(const struct store *s, const char *name, char why[WHY_SIZE]);

/* For a run without what this version needs; returns false. */
bool file_too_old(const struct store *s, char why[WHY_SIZE]);

/* "; remedy" for this error, or "" */
const char *file_remedy(int error);

/* Writes everything, despite short writes; false: errno is set */
bool file_write(int fd, const void *bytes, size_t size);

/* Makes created, renamed and removed names survive a power failure */
bool file_sync_folder(int dir);

/* Replaces a file atomically and durably. */
bool file_put(const struct store *s, const char *name, const void *bytes,
	      size_t size, char why[WHY_SIZE]);

/* The contents, with a '\0' added; NULL: see `why`. Free it. */
char *file_get(const struct store *s, const char *name, size_t *size,
	       char why[WHY_SIZE]);

bool file_exists(const struct store *s, const char *name);

#endif
