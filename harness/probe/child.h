/* SPDX-License-Identifier: MIT */
/*
 * child.h - a program that is observed from its exec on, and never left behind
 *
 * Between this process and the program is a keeper, a process that sleeps:
 *
 *	this process --- keeper --- the program --- its children
 *
 * The keeper ends when the program has been reaped, or when this process ends for any
 * reason, SIGKILL included: it sees the end of its socket. Before it ends, it kills
 * all processes that the program started and removes the cgroup. It needs no cgroup
 * to find them: as their subreaper it becomes the parent of every orphan, whatever
 * its session.
 *
 * Limits: if the keeper is killed by SIGKILL, the program dies with it
 * (PR_SET_PDEATHSIG; not for set-user-id programs), and this process kills the rest
 * through the cgroup. If both are killed at once, or the keeper where there is no
 * cgroup, child processes survive; those in a cgroup until the next cgroup_make().
 *
 * Before its exec, the program waits in its last system call, with all preparation
 * done. Counters can be opened and read then: what they count from there on is the
 * program, starting with its execve.
 *
 * The program stays in the session and process group of this process: signals from
 * the keyboard (Ctrl-C) reach it, too. The keeper has a session of its own.
 */
#ifndef CHILD_H
#define CHILD_H

#include "cgroup.h"

#include <signal.h>
#include <stdint.h>

struct child_plan {
	const char *path; /* from program_find() */
	char **argv;
	const struct cgroup *cgroup; /* entered before the exec */
	const sigset_t *signals;     /* its signal mask */
	/* Called before the exec with `data`; NULL: none. Returns 0, or an errno:
	 * then the program does not start. */
	int (*prepare)(void *);
	void *data;
};

struct child {
	pid_t pid; /* of the program */
	pid_t keeper;
	int fd; /* readable when the program, or its keeper, has ended */
};

/* What is known about a program that was reaped */
struct child_end {
	int status;           /* as wait(2) has it; -1: the keeper was killed */
	unsigned left_behind; /* processes that outlived it and were killed */
	/* The program and all processes that were waited for: */
	int64_t waited_cpu_ns;
	int64_t peak_bytes; /* peak RSS of the largest one */
	bool peak_is_ours; /* ... is that of the fork before the exec: an upper bound */
	uint64_t voluntary, involuntary; /* context switches */
};

/* Starts the program, which waits before its exec. The keeper keeps no descriptor of
 * this process but that of the cgroup, and ignores all signals that it can. */
bool child_start(struct child *c, const struct child_plan *plan,
		 char why[WHY_SIZE]);

/* Lets it exec; false and errno: that failed, and it is reaped. */
bool child_go(struct child *c);

/* Kills the program, if it has not ended, and all that it left behind; reaps it and
 * removes the cgroup: *g is none after that. */
void child_reap(struct child *c, struct cgroup *g, struct child_end *end);

#endif
