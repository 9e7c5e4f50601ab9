/* SPDX-License-Identifier: MIT */
/*
 * doctor.h - what this machine prevents, and the command that mends it
 *
 *	ok    descriptors     1,048,576 for a process
 *	warn  governor        CPU 0 changes its frequency (powersave); steady
 *	                      times: sudo cpupower frequency-set -g performance
 *	FAIL  io_uring        switched off (kernel.io_uring_disabled = 2), uring
 *	                      cannot run: sudo sysctl kernel.io_uring_disabled=0
 */
#ifndef RUN_DOCTOR_H
#define RUN_DOCTOR_H

#include "harness/run/plan.h"

#include <stdio.h>

enum health { HEALTH_OK, HEALTH_WARN, HEALTH_FAIL };

struct diagnosis {
	const char *what;   /* a word: "descriptors" */
	enum health health; /* FAIL: something of the plan cannot be measured */
	char found[512];    /* what was found, and what follows from it */
	char remedy[512];   /* the command that mends it; "" */
};

struct diagnoses {
	struct diagnosis *list;
	size_t n;
};

/* For what the plan wants (its most connections and idle clients); NULL: quick's
 * 1,000. `bin` is the folder of our programs. */
struct diagnoses doctor(const struct plan *p, const char *bin);
void diagnoses_free(struct diagnoses *d);

/* Prints them; returns whether any is a FAIL. */
bool diagnoses_print(const struct diagnoses *d, FILE *file, bool color);

#endif
