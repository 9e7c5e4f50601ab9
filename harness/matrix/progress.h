/* SPDX-License-Identifier: MIT */
/*
 * progress.h - how far the run is, and how long it will take
 *
 * On a terminal one line of stderr that is drawn over and over; elsewhere one
 * plain line for each repetition that ended. Colour on a terminal only, and not
 * with NO_COLOR or TERM=dumb.
 *
 *	[ 37/97] epoll  closed split 64x64  block 1  p99 1.2 ms  35 ok 1 skipped 1 failed  1 min 02 s left
 *
 * What is not ok is a line with its reasons in both; on a terminal, and with quiet,
 * only once for each model. Of a line that does not fit, what matters least is left
 * out.
 *
 * The rest of the time is estimated from what repetitions of the same role, and
 * the same cell, really took; before, from the plan.
 */
#ifndef MATRIX_PROGRESS_H
#define MATRIX_PROGRESS_H

#include "harness/store/record.h"

#include <stdio.h>

struct progress;

/* `file` is stderr; with `quiet` only problems are printed. */
struct progress *progress_open(FILE *file, const struct blocks *b,
			       const struct plan *p, bool quiet);

/* This repetition begins, in this step of it ("starting", "warm-up", "window",
 * "stopping"); for the live line only. */
void progress_step(struct progress *p, const struct entry *e, const char *step);

/* It ended so. On resume also for those that were there: `old`. */
void progress_done(struct progress *p, const struct record *r, bool old);

/* A line of text between, such as a warning, without tearing the live line */
__attribute__((format(printf, 2, 3))) void
progress_say(struct progress *p, const char *format, ...);

/* Takes the live line away */
void progress_close(struct progress *p);

/* "1 min 02 s", "2 h 14 min" */
void progress_time(double seconds, char to[32]);

#endif
