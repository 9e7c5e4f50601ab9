/* SPDX-License-Identifier: MIT */
/*
 * child.h - a program that is watched from before its exec, and never left behind
 *
 * Between this process and the program stands a keeper, a process that sleeps:
 *
 *	this process --- keeper --- the program --- its children
 *
 * The keeper ends when the program has been reaped, or when this process ends in
 * whatever way, kill -9 included: it sees the end of its socket. Before, it kills
 * all that the program has started and removes the cgroup. Without a cgroup it
 * finds them all the same: it is their subreaper, so that every process whose
 * parent dies becomes its child, whatever sessions they have made.
 *
 * What remains: if the keeper itself is killed with -9, the program dies with it
 * (PR_SET_PDEATHSIG; not a set-user-id program), and this process kills the rest
 * by the cgroup. If both are killed at once, or the keeper where there is no
 * cgroup, forked children live on; those in a cgroup until the next
 * cgroup_make().
 *
 * The program waits between fork and exec, inside its last system call before it,
 * when all that is to be done before has been done: counters can be opened and
 * read, and what is counted from there on is the program's, beginning with its
 * execve.
 *
 * It stays in this process's session and process group: what the keyboard sends
 * (Ctrl-C) is for it as well. The keeper has a session of its own.
 */
#ifndef CHILD_H
#define CHILD_H

#include "cgroup.h"

#include <signal.h>
#include <stdint.h>

struct child_plan {
	const char *path; /* from program_find() */
	char **argv;
	const struct cgroup *cgroup; /* it is in it before its exec */
	const sigset_t *signals;     /* its signal mask */
	int (*prepare)(void *);      /* in the program's process; NULL */
	void *data;                  /* 0, or errno: it does not start */
};

struct child {
	pid_t pid; /* of the program */
	pid_t keeper;
	int fd; /* readable when the program, or its keeper, has ended */
};

/* What is known of it once it is reaped */
struct child_end {
	int status;           /* as wait(2) has it; -1: the keeper was killed */
	unsigned left_behind; /* processes that outlived it, and were killed */
	int64_t waited_cpu_ns; /* it, and all processes that were waited for */
	int64_t peak_bytes;    /* resident, of the largest of these */
	bool peak_is_ours; /* ... or that of the fork it began as: at most */
	uint64_t voluntary,
		involuntary; /* switches of all these, ended threads' too */
};

/* Starts it; it waits. The keeper holds no descriptor of this process but the
 * cgroup's, and ignores every signal that can be. */
bool child_start(struct child *c, const struct child_plan *plan,
		 char why[WHY_SIZE]);

/* Lets it go; false and errno: it could not be executed, and is reaped. */
bool child_go(struct child *c);

/*
 * Once c->fd is readable: true if it has ended, and is now a zombie whose CPU
 * time can still be read. false: its keeper was killed.
 */
bool child_ended(const struct child *c);

/*
 * Kills what is left of it, itself as well if it has not ended, and reaps it. The
 * cgroup is removed, and *g then none.
 */
void child_reap(struct child *c, struct cgroup *g, struct child_end *end);

#endif
