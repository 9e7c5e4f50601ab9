/* SPDX-License-Identifier: MIT */
/* find.h - the search of --find-rate, made of runs */
#ifndef FIND_H
#define FIND_H

#include "run.h"

/* Searches, reports the run at the rate that was found, and returns the exit
 * status of the program. */
int find_rate(const struct load_options *opt, struct target target);

#endif
