/* SPDX-License-Identifier: MIT */
/* find.h - the runs of --find-rate */
#ifndef FIND_H
#define FIND_H

#include "run.h"

/* Searches, reports the run at the highest rate that held, and returns the exit
 * status of the program. */
int find_rate(const struct load_options *opt, struct target target);

#endif
