/* SPDX-License-Identifier: MIT */
/*
 * doctor.h - what this machine prevents, and the command that mends it
 *
 *	ok    descriptors     1,048,576 for a process
 *	warn  governor        powersave: CPUs change their frequency, and times with
 *	                      it
 *	      echo performance | sudo tee /sys/devices/system/cpu/cpu*...
 *	FAIL  io_uring        switched off for all (kernel.io_uring_disabled = 2):
 *	                      uring cannot run
 *	      sudo sysctl kernel.io_uring_disabled=0
 *
 * A command stands on a line of its own, and is never broken: it can be copied.
 * What only a person can do is said in words.
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include "harness/doctor/facts.h"
#include "harness/plan/plan.h"

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

/* Prints them, as wide as the terminal is, else 78; returns whether any is a
 * FAIL. */
bool diagnoses_print(const struct diagnoses *d, FILE *file, bool color);

/* What a plan wants of a machine */
struct needs {
	unsigned clients; /* the most at once */
	unsigned threads; /* the most that models with one for each have */
	unsigned signals; /* the most that aio has */
	bool split, connecting, uring, counting;
	uint64_t memory, disk; /* bytes */
	char missing[256];     /* programs that are not there */
};

struct needs doctor_needs(const struct plan *p, const char *bin);

/* doctor() for such needs, on such a machine */
struct diagnoses doctor_judge(const struct facts *f, const struct needs *n);

#endif
