/* SPDX-License-Identifier: MIT */
/*
 * server.h - the server under test: started, known to be the one, stopped
 *
 * There are three ways to have one (command.h). One that is up already is left as it
 * is. A command that names {port} is ready once it listens there. Any other takes
 * --port 0 and --message N (and --work where the cell has some), and prints
 *
 *	ready model=NAME host=ADDRESS port=N pid=N
 *
 * as its first line once clients can connect. Both end on SIGTERM: with status 0, by
 * the signal, or with status 143 (128 + SIGTERM).
 *
 * Whatever a server does instead - nothing at all, garbage, dying, staying - is an
 * answer, with a sentence; it never holds up the run for longer than the limits here.
 */
#ifndef MEASURE_SERVER_H
#define MEASURE_SERVER_H

#include "harness/probe/reading.h"
#include "harness/plan/cell.h"
#include "harness/plan/command.h"
#include "harness/measure/wait.h"

#include <jansson.h>
#include <sched.h>

struct server_plan {
	const struct command *command;
	const struct cell *cell;
	const cpu_set_t *cpus;
	enum syscalls_method counting; /* SYSCALLS_NONE: not now */
};

enum server_state {
	SERVER_WELL,
	SERVER_BROKEN,      /* it did not do its part; `why` */
	SERVER_UNSUPPORTED, /* exit status 77: not on this kernel; `why` */
	SERVER_INTERRUPTED  /* the user wants no more */
};

struct server {
	struct probed probed;
	struct stream out, err;
	struct wait_set *wait_set;
	unsigned child_index;        /* among the children of it */
	bool running;                /* and was started here */
	enum syscalls_method method; /* how its calls are counted */
	char host[64];
	unsigned port;
	char why[WHY_SIZE];       /* what is wrong with it; "" */
	char no_cgroup[WHY_SIZE]; /* why there is none; "" */
	char uncounted[WHY_SIZE]; /* why its calls are not counted; "" */
	json_t *closing;          /* its last line; NULL */
	struct child_end end;
};

/* Whatever comes of it, server_end() has to follow. */
enum server_state server_start(struct server *s, const struct server_plan *plan,
			       struct wait_set *w);

/* It ended by itself, which it should not have. Says how in s->why. */
bool server_died(struct server *s);

/* Asks it to stop and reads its closing line; nothing of it is left. */
enum server_state server_stop(struct server *s);

/* Ends it, if it still runs, by force; nothing of it is left. */
void server_end(struct server *s);

#endif
