/* SPDX-License-Identifier: MIT */
/*
 * store.h - the folder of a run: nothing that was measured is lost
 *
 *	INCOMPLETE          there until the run is: how to go on
 *	run.json            what was asked for, with what, and when (provenance.h)
 *	plan.txt            the plan, every word of it, as plan_text() has it
 *	machine.json        kernel, processor, limits, settings, packages
 *	repetitions.jsonl   one line a repetition: record.h
 *	histograms/         one file a repetition, gzip: every time, lossless
 *	cells.csv, ...      made from the lines: reduce.h
 *
 * With run.json a run has begun: it is written last of what comes before the first
 * line. A folder whose run was ended earlier is free for another.
 *
 * A line is written by one write(2), at the end of a file opened with O_APPEND,
 * and is on the disk (fdatasync) before the next repetition begins. A line that
 * kill -9 or a full disk cut off is found by the next store_open(), moved to
 * repetitions.broken, and measured again.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "harness/store/record.h"

enum { STORE_PATH_SIZE = 4096 };

struct store {
	char path[STORE_PATH_SIZE]; /* as it was given */
	int dir;                    /* the folder, locked */
	int lines;                  /* repetitions.jsonl */
	struct record *records;     /* what was there, and was added since */
	size_t n;
	size_t left_out; /* lines that are broken or foreign */
};

/*
 * Makes the folder, and those above it, with the mark that it is incomplete in it.
 * `path` may exist if it is empty, or of a run that never began. false: `why` says
 * what is wrong and what would help. The machine-wide lock (below) is the caller's
 * to take.
 */
bool store_create(struct store *s, const char *path, char why[WHY_SIZE]);

/* Reads what is there, to go on (mended, see above; what is mended is said on
 * stderr). false also where somebody else is writing it, or a newer program did. */
bool store_open(struct store *s, const char *path, char why[WHY_SIZE]);

/* Only reads, whoever else is writing, and mends nothing; a line that is broken
 * or foreign is left out and said on stderr. Closed with store_close(), too. */
bool store_read(struct store *s, const char *path, char why[WHY_SIZE]);

/* Before something is written into a folder that was only read; false: a run is. */
bool store_lock(const struct store *s, char why[WHY_SIZE]);

/*
 * Writes a record, and takes it (it is not to be freed by the caller any more).
 * `histograms` (may be NULL) are compressed into their file first, and
 * r->histograms named so. false: it could not be written (disk full); what is on
 * disk is then still whole lines, and r is still the caller's.
 */
bool store_append(struct store *s, struct record *r, const json_t *histograms,
		  char why[WHY_SIZE]);

/* The last attempt at an entry, until the next store_append(); NULL: none. */
const struct record *store_find(const struct store *s, unsigned index);

/* A whole file of the folder, in one step: it is there wholly or not at all. */
bool store_file(const struct store *s, const char *name, const char *text,
		char why[WHY_SIZE]);
bool store_json(const struct store *s, const char *name, const json_t *value,
		char why[WHY_SIZE]);
json_t *store_load_json(const struct store *s, const char *name,
			char why[WHY_SIZE]);
char *store_load_text(const struct store *s, const char *name,
		      char why[WHY_SIZE]); /* to be freed */

/* Changes what the mark says, and takes it away: the run is complete. */
bool store_incomplete(const struct store *s, const char *how,
		      char why[WHY_SIZE]);
bool store_complete(const struct store *s, char why[WHY_SIZE]);
bool store_is_complete(const struct store *s);

void store_close(struct store *s);

/*
 * Two runs at once would measure each other. One lock for the machine (or for the
 * container, if it has a network of its own); it goes when the process does. -1:
 * somebody else has it, and `why` names the process. Else a descriptor to keep.
 */
int store_lock_machine(char why[WHY_SIZE]);

#endif
