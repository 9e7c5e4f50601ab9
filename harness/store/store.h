/* SPDX-License-Identifier: MIT */
/*
 * store.h - the folder of a run, and how it survives a crash
 *
 *	INCOMPLETE          exists until the run is complete; says how to resume
 *	run.json            options, programs and time of the run (provenance.h)
 *	plan.txt            the plan as plan_text() writes it
 *	machine.json        kernel, processor, limits, settings, packages
 *	repetitions.jsonl   a line per (block, cell): record.h
 *	slices.csv          a row per slice: slices.h
 *	histograms/         a gzip file per line: all times, lossless
 *	cells.csv, ...      derived from the lines and rows: reduce.h
 *
 * run.json is written last, before the first line: it marks the start of the
 * run. A folder without it can be used by another run.
 *
 * The rows of a bout, then all its lines are appended, each with one write(2),
 * and are on disk (fdatasync) before the next bout begins. A bout without all
 * its lines does not count. If kill -9 or a full disk leaves such a one, the
 * next store_open() moves its lines to repetitions.broken and drops its rows,
 * and it is measured again.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "harness/store/record.h"

enum { STORE_PATH_SIZE = 4096 };

struct store {
	char path[STORE_PATH_SIZE]; /* as given */
	int dir;                    /* the folder, locked */
	int lines, slices;          /* the two files, to append */
	struct record *records;     /* those read, and those appended since */
	size_t n;
	size_t left_out; /* lines that are damaged or unknown */
};

/*
 * Creates the folder, its parents and the file INCOMPLETE. `path` may exist if
 * it is empty or has a run that never started. false: `why` has cause and
 * remedy. The caller must hold the lock of the machine (below).
 */
bool store_create(struct store *s, const char *path, char why[WHY_SIZE]);

/* Opens a folder to put files into it with store_file(), and creates it and its parents if
 * need be. It may hold a run. Close with store_close(), too. */
bool store_folder(struct store *s, const char *path, char why[WHY_SIZE]);

/* Opens a run to resume it. Damaged lines are removed (see above) and reported
 * on stderr. Fails if another process is writing it, or another version wrote
 * it. */
bool store_open(struct store *s, const char *path, char why[WHY_SIZE]);

/* Opens a run to read it, even while another process writes. Damaged or unknown
 * lines are left out and reported on stderr. Fails if an older version wrote
 * it. Close with store_close(), too. */
bool store_read(struct store *s, const char *path, char why[WHY_SIZE]);

/* Call before writing to a folder opened by store_read(). false: it is in
 * use. */
bool store_lock(const struct store *s, char why[WHY_SIZE]);

/*
 * Appends the records of a bout with their slices, and takes ownership of their
 * contents. First compresses each of `histograms` (which may be NULL) into a
 * file and stores its name in r->histograms. false: writing failed; the files
 * end as before, and the caller still owns the records.
 */
bool store_append_bout(struct store *s, struct record *r, size_t n,
		       json_t *const *histograms, char why[WHY_SIZE]);

/* Only in memory; takes ownership. */
void store_take(struct store *s, const struct record *r);

/* The last record of an entry, until the next store_append_bout(); NULL:
 * none. */
const struct record *store_find(const struct store *s, unsigned index);

/* A bout counts only if all its entries have records; else it is measured
 * again, as a whole. */
bool store_has_bout(const struct store *s, const struct blocks *b,
		    unsigned bout);

/* Writes a file of the folder atomically. */
bool store_file(const struct store *s, const char *name, const char *text,
		char why[WHY_SIZE]);
bool store_json(const struct store *s, const char *name, const json_t *value,
		char why[WHY_SIZE]);
json_t *store_load_json(const struct store *s, const char *name,
			char why[WHY_SIZE]);
char *store_load_text(const struct store *s, const char *name,
		      char why[WHY_SIZE]); /* free it */

/* Rewrites INCOMPLETE; removes it. */
bool store_incomplete(const struct store *s, const char *how,
		      char why[WHY_SIZE]);
bool store_complete(const struct store *s, char why[WHY_SIZE]);
bool store_is_complete(const struct store *s);

void store_close(struct store *s);

/*
 * Two runs at a time would disturb each other. The lock covers the machine, or
 * the network namespace of a container, and ends with the process. Returns a
 * descriptor to keep open, also if the parent process has the lock; -1: another
 * process has it, and `why` names it.
 */
int store_lock_machine(char why[WHY_SIZE]);

#endif
