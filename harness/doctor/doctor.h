/* SPDX-License-Identifier: MIT */
/*
 * doctor.h - what this machine prevents, and the command that fixes it
 *
 *	ok    descriptors     1,048,576 per process
 *	warn  governor        powersave: the CPU frequency varies, and with it
 *	                      all times
 *	      echo performance | sudo tee /sys/devices/system/cpu/cpu*...
 *	FAIL  io_uring        uring cannot run: disabled
 *	                      (kernel.io_uring_disabled = 2)
 *	      sudo sysctl kernel.io_uring_disabled=0
 *
 * A command is on one line of its own, so that it can be copied. If no command
 * helps, the text has the remedy.
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include "harness/doctor/facts.h"
#include "harness/plan/plan.h"

#include <stdio.h>

enum health { HEALTH_OK, HEALTH_WARN, HEALTH_FAIL };

struct diagnosis {
	const char *what;   /* the subject: "descriptors" */
	enum health health; /* FAIL: a part of the plan cannot be measured */
	char found[512];    /* the state, and what it prevents */
	char remedy[512];   /* the command that fixes it, or "" */
};

struct diagnoses {
	struct diagnosis *list;
	size_t n;
};

/* Checks the machine for a plan; NULL: quick. `bin` is the folder of the
 * programs. */
struct diagnoses doctor(const struct plan *p, const char *bin);
void diagnoses_free(struct diagnoses *d);

/* Prints them as wide as the terminal, else 78 columns. true: one is FAIL. */
bool diagnoses_print(const struct diagnoses *d, FILE *file, bool color);

/* What a plan needs. All servers of a bout are alive at once, each with a
 * generator. */
struct needs {
	unsigned servers;         /* the most at a time */
	unsigned clients;         /* the most of one server */
	unsigned clients_at_once; /* of all servers of a bout */
	/* Of models with one per client: the most of one server, and of all */
	unsigned threads, threads_at_once;
	unsigned signals; /* of all aio servers of a bout */
	bool split, connecting, uring, counting;
	uint64_t memory, disk; /* bytes */
	char missing[256];     /* programs not found */
};

struct needs doctor_needs(const struct plan *p, const char *bin);

/* The findings for these facts and needs */
struct diagnoses doctor_judge(const struct facts *f, const struct needs *n);

#endif
