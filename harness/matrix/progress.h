/* SPDX-License-Identifier: MIT */
/*
 * progress.h - progress of a run, and the estimate of the time left
 *
 * On a terminal: one live line on stderr. Elsewhere: one plain line for each repetition
 * that ended. Color on a terminal only, and not with NO_COLOR or TERM=dumb.
 *
 *	[ 37/97] epoll  closed split 64x64  block 1  p99 1.2 ms  35 ok 1 skipped 1 failed  1 min 02 s left
 *
 * Both print a repetition that is not ok, with its reasons; the terminal, and --quiet,
 * only once for each model. A live line that is too long drops its least important
 * parts.
 *
 * The time left is estimated from repetitions of the same cell or the same role, and
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

/* Shows e and its step ("starting", "warm-up", "window", "stopping") in the live line.
 */
void progress_step(struct progress *p, const struct entry *e, const char *step);

/* A repetition ended. `old`: it was recorded before this resume. */
void progress_done(struct progress *p, const struct record *r, bool old);

/* Prints a line, such as a warning, above the live line. */
__attribute__((format(printf, 2, 3))) void
progress_say(struct progress *p, const char *format, ...);

/* Removes the live line. */
void progress_close(struct progress *p);

/* "1 min 02 s", "2 h 14 min" */
void progress_time(double seconds, char to[32]);

#endif
