/* SPDX-License-Identifier: MIT */
/* slices.h - a run in slices, as an observer commands */
#ifndef SLICES_H
#define SLICES_H

#include "crew.h"

/* Runs slices until the observer is gone or a signal comes. The result is of those
 * that the observer kept. */
struct result slices_run(struct crew *crew);

#endif
