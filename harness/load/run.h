/* SPDX-License-Identifier: MIT */
/* run.h - one run: in one window, or in slices */
#ifndef RUN_H
#define RUN_H

#include "result.h"

#include <netdb.h>

enum { EXIT_INTERRUPTED = 130 };

struct target {
	struct sockaddr_storage address;
	socklen_t length;
};

/* Resolves the address; ends the program if that fails. */
struct target target_of(const struct load_options *opt);

/* Ends the program if a limit does not allow so many connections. */
void check_limits(const struct load_options *opt);

/* From here on SIGINT and SIGTERM end a run early; a second one ends the program. */
void run_catch_signals(void);

/* A run from connecting to the last reply, audited; with --hold in the slices that
 * the observer commands. Ends the program if not a single connection was
 * established. */
struct result run_once(const struct load_options *opt, struct target target);

#endif
