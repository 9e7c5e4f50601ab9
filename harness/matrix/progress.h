/* SPDX-License-Identifier: MIT */
/*
 * progress.h - progress of a run, and the estimate of the time left
 *
 * On a terminal: one live line on stderr. Elsewhere: one plain line for each bout that
 * ended. Color on a terminal only, and not with NO_COLOR or TERM=dumb.
 *
 *	[ 7/37] closed split 64  block 2  round 3 of 9  35 ok 1 failed  1 min 02 s left
 *	[ 7/37] closed split 64  block 2  9 servers  9 rounds, 1 dropped  ok  1 min 02 s left
 *
 * Both print what is not ok, with its reasons, below a plain line; the terminal, and
 * --quiet, only once for each model. A live line that is too long drops its least
 * important parts.
 *
 * The time left is estimated from bouts of the same setting, or of the same kind, and
 * before there are any, from the plan.
 */
#ifndef MATRIX_PROGRESS_H
#define MATRIX_PROGRESS_H

#include "harness/store/record.h"

#include <stdio.h>

struct progress;

/* `file` is stderr; `quiet`: only problems are printed */
struct progress *progress_open(FILE *file, const struct blocks *b,
			       const struct plan *p, bool quiet);

/* Shows the bout of e and its step ("starting", "round 3 of 9") in the live line. */
void progress_step(struct progress *p, const struct entry *e, const char *step);

/* A bout ended: one record for each of its entries. `old`: they were recorded before
 * this resume. */
void progress_done(struct progress *p, const struct record *const *r, size_t n,
		   bool old);

/* Prints a line, such as a warning, above the live line. */
__attribute__((format(printf, 2, 3))) void
progress_say(struct progress *p, const char *format, ...);

/* Removes the live line. */
void progress_close(struct progress *p);

/* "1 min 02 s", "2 h 14 min" */
void progress_time(double seconds, char to[32]);

#endif
