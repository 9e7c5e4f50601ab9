/* SPDX-License-Identifier: MIT */
/*
 * model.h - what a model provides, and what it can call
 *
 * A model is one file, models/X.c. It defines the first three names below, is
 * linked with models/common/ and becomes the program bin/X. It makes every
 * system call that waits for, accepts, reads from, writes to and drops clients;
 * models/common/ only closes those it refuses.
 */
#ifndef MODEL_H
#define MODEL_H

#include "conn.h"
#include "harness/base/die.h"
#include "options.h"
#include "stop.h"
#include "work.h"

/* ------------------------------------------------ what the model provides */

extern const char model_name[];    /* the name of the file and the program */
extern const char model_summary[]; /* one line for --help */

/*
 * Calls ready(), then serves clients until `stopping` is set. Then ends what is
 * in flight, drops every client and returns the exit status.
 */
int serve(int listen_fd, const struct options *opt);

/*
 * A counter of this model only, for the closing line. A variant defines
 * model_counters, which ends with a row without a name; without it, there are none.
 */
struct model_counter {
	const char *name;
	const uint64_t *value;
};
extern const struct model_counter model_counters[];

/* ------------------------------------------------ what the model can call */

/*
 * Another listening socket at the same address (SO_REUSEPORT), before ready(). The
 * kernel spreads the clients over them, by a hash. A stop signal shuts down
 * `listen_fd` only.
 */
int listen_beside(int listen_fd);

/* Prints the ready line: clients can connect. */
void ready(int listen_fd);

/* Clients accepted in a row before connected ones are served again */
enum { ACCEPTS_MAX = 16 };

/*
 * Creates the client of an accepted descriptor. NULL over a limit (--max-clients,
 * descriptors, memory): the descriptor is then closed and counted as refused.
 */
struct conn *admit(int fd, const struct options *opt);

/* Closes a client that the model cannot serve and counts it as refused. */
void turn_away(struct conn *c, enum refusal why);

/*
 * Handles a failed accept: returns if the error can be temporary, dies if not.
 * Where an immediate retry would be a busy loop, accept_pause() returns for how
 * many milliseconds not to accept; otherwise -1.
 */
void accept_failed(const char *call, int error);
int accept_pause(void);

/* Handles a failed wait: returns if the error can be temporary, dies if not. */
void wait_failed(const char *call, int error);

#endif
