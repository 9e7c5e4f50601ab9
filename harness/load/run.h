/* SPDX-License-Identifier: MIT */
/* run.h - one run: its threads, its signals, its live line */
#ifndef RUN_H
#define RUN_H

#include "result.h"

#include <netdb.h>

enum { EXIT_INTERRUPTED = 130 };

struct target {
	struct sockaddr_storage address;
	socklen_t length;
};

/* Finds the address; ends the program where there is none. */
struct target target_of(const struct load_options *opt);

/* Ends the program, with what to do, if so many connections cannot be had. */
void check_limits(const struct load_options *opt);

/* SIGINT and SIGTERM end a run early from here on; a second one the program. */
void run_catch_signals(void);

/* A run from connecting to the last reply, audited. Ends the program where
 * nothing can be measured at all, such as when nobody listens. */
struct result run_once(const struct load_options *opt, struct target target);

#endif
