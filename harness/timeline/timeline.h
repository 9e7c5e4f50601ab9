/* SPDX-License-Identifier: MIT */
/*
 * timeline.h - records who waits where: a server and its clients during a few requests
 *
 * The file is CSV, a row for each event, with a column `model`, so that it can hold several
 * models; results/README.md lists its columns and events (request.csv). plots/timeline.py
 * draws it and plots/report reads it; this program does not interpret events.
 */
#ifndef TIMELINE_TIMELINE_H
#define TIMELINE_TIMELINE_H

#include "harness/plan/command.h"
#include "harness/plan/cpus.h"
#include "harness/timeline/clients.h"

#include <stdio.h>

struct timeline_plan {
	const char *label;
	const char *summary; /* of a model; NULL */
	const struct command *command;
	const struct cpu_pair *cpus;
	const sigset_t *mask; /* during waits */
	const volatile int *interrupted;
	const char *bpf_why; /* why bpf is not used; NULL */
	int method; /* enum trace_method; -1: bpf, or strace where it is not permitted */
	size_t buffer; /* of bpf, bytes */
	/* One client with three requests instead of two clients */
	bool one_client;
};

enum timeline_result {
	TIMELINE_DONE,
	TIMELINE_FAILED, /* the server, or a client */
	TIMELINE_UNSUPPORTED, /* the server does not run here, or nothing may trace it */
	TIMELINE_INTERRUPTED
};

/* Whether bpf works here: tries it on an empty cgroup. */
bool timeline_may_trace(char why[WHY_SIZE]);

/* The columns, as the first line */
extern const char timeline_heading[];

/*
 * Starts the server, records, stops it, and writes the events to `file`; no process is left.
 * `why` says why it failed.
 */
enum timeline_result timeline_record(const struct timeline_plan *plan,
				     FILE *file, char why[WHY_SIZE]);

#endif
