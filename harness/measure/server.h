/* SPDX-License-Identifier: MIT */
/*
 * server.h - the server under test: starts it, checks its identity, stops it
 *
 * There are three kinds (command.h). One that is up already is neither started nor
 * stopped. A command that names {port} is ready once it listens there. Any other
 * command gets --port 0 and --message N (and --work if the cell has some), and prints
 *
 *	ready model=NAME host=ADDRESS port=N pid=N
 *
 * as its first line once clients can connect. Both kinds end on SIGTERM: with status 0,
 * by the signal, or with status 143 (128 + SIGTERM).
 *
 * A server that does anything else (prints nothing or garbage, dies, ignores SIGTERM)
 * fails with a reason. The limits in server.c bound how long that may take.
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
	enum syscalls_method counting; /* SYSCALLS_NONE: do not count */
};

enum server_state {
	SERVER_OK,
	SERVER_FAILED,      /* see `why` */
	SERVER_UNSUPPORTED, /* exit status 77: not on this kernel; see `why` */
	SERVER_INTERRUPTED  /* a signal ended the run */
};

struct server {
	struct probed probed;
	struct stream out, err;
	struct wait_set *wait_set;
	unsigned child_index;        /* among the children of it */
	bool running;                /* started here, and not reaped */
	bool asked;                  /* SIGTERM was sent */
	enum syscalls_method method; /* how its calls are counted */
	char host[64];
	unsigned port;
	char why[WHY_SIZE];       /* why it failed; "" */
	char no_cgroup[WHY_SIZE]; /* why it has no cgroup; "" */
	char uncounted[WHY_SIZE]; /* why its calls are not counted; "" */
	json_t *closing;          /* its last line; NULL */
	struct child_end end;
};

/* server_end() has to follow, also after a failure. */
enum server_state server_start(struct server *s, const struct server_plan *plan,
			       struct wait_set *w);

/* For wait_until() */
bool server_has_ended(void *server);

/* Whether it ended before SIGTERM; s->why has the reason. */
bool server_died(struct server *s);

/* Waits, for a second at most, until it has accepted the clients that connected. */
enum wait_result server_await_accept(struct server *s);

/* Sends SIGTERM, so that several servers end at once. server_stop() does it, too. */
void server_ask_to_stop(struct server *s);

/* Waits for its end and reads its closing line; no process of it is left. */
enum server_state server_stop(struct server *s);

/* Kills it if it still runs, and frees everything; no process of it is left. */
void server_end(struct server *s);

#endif
