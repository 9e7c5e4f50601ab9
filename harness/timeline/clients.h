/* SPDX-License-Identifier: MIT */
/*
 * clients.h - clients A and B, which send a few requests at fixed times
 *
 * Each is a process with one connection and one thread, which makes blocking calls:
 *
 *	connect; a warm-up of requests one after another; wait for the start;
 *	at each of its moments: send a request, receive the reply
 *
 * The moments come in several equal rounds: other programs may disturb one of them.

 * They are pinned to one CPU, and are in the cgroup of the server: one trace has both. If
 * this process ends, they are killed.
 */
#ifndef TIMELINE_CLIENTS_H
#define TIMELINE_CLIENTS_H

#include "harness/measure/server.h"
#include "harness/timeline/trace.h"

enum { CLIENTS_MAX = 2, MOMENTS = 3 };

/* At which moments of a round a client sends */
struct client_times {
	bool sends[MOMENTS];
};

struct clients_plan {
	const struct client_times *times; /* of each client */
	unsigned n;
	int rounds;
	int64_t warm_up; /* ns, for each client */
	int64_t least;   /* of the time between moments, ns */
	size_t message;
	const cpu_set_t *cpus;
	bool report; /* they report their calls themselves: strace does not trace them */
};

struct clients {
	const struct clients_plan *plan;
	struct server *server;
	struct stream
		said; /* a line of each, when it is ready and when it is done */
	int go[2];
	pid_t pid[CLIENTS_MAX];
	unsigned port[CLIENTS_MAX]; /* its own */
	int fd[CLIENTS_MAX];
	int64_t usual; /* time of a reply in the warm-up, ns */
	int64_t start,
		spacing; /* of the first moment, CLOCK_MONOTONIC; of all: ns */
	unsigned ready, done;
	char why[WHY_SIZE];
	struct client_calls *calls; /* shared with them; only with `report` */
};

/*
 * Starts them one after another and waits until all are warm. false: c->why says why, or it
 * was interrupted. clients_end() has to follow.
 */
bool clients_start(struct clients *c, const struct clients_plan *plan,
		   struct server *s);

/* Lets them send their requests, and waits until all replies have arrived. */
bool clients_run(struct clients *c);

/* With `report`: adds their calls to the trace. */
void clients_calls(const struct clients *c, struct trace *t);

void clients_end(struct clients *c);

#endif
