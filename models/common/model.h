/* SPDX-License-Identifier: MIT */
/*
 * model.h - what a model provides, and what it finds ready
 *
 * A model is one file, models/X.c. It defines the first three names below,
 * is linked with models/common/ and becomes the program bin/X. It makes every
 * system call by which it waits for, accepts, reads, answers and drops its
 * clients; nothing in models/common/ does any of these for it.
 */
#ifndef MODEL_H
#define MODEL_H

#include "conn.h"
#include "harness/base/die.h"
#include "options.h"
#include "stop.h"
#include "work.h"

/* ------------------------------------------------ what the model provides */

extern const char model_name[];    /* as the file: program, CSV value, legend */
extern const char model_summary[]; /* one line for --help */

/*
 * Serves clients from a listening socket until `stopping` is set; then ends
 * what is in flight, drops every client and returns the exit status.
 * Calls ready() once, when it can serve.
 */
int serve(int listen_fd, const struct options *opt);

/* --------------------------------------------------- what the model finds */

/* Prints the line that says where clients may connect. */
void ready(int listen_fd);

/* How many clients may be accepted before the others have their turn again */
enum { ACCEPTS_MAX = 16 };

/*
 * Makes the client of a descriptor just accepted. NULL if it is one too many
 * (--max-clients, descriptors, memory): then it is closed and counted already.
 */
struct conn *admit(int fd, const struct options *opt);

/* Closes and counts a client that the model cannot serve after all. */
void turn_away(struct conn *c, enum refusal why);

/*
 * Reports that accept failed with `error`. Returns if that may pass, and dies if
 * it will not. Where trying again at once would be a busy loop, accept_pause()
 * says for how many milliseconds accepting should rest; -1: it need not.
 */
void accept_failed(const char *call, int error);
int accept_pause(void);

/* Reports that the wait failed with `error`; dies if it will not pass. */
void wait_failed(const char *call, int error);

#endif
