/* SPDX-License-Identifier: MIT */
/*
 * cgroup.h - a cgroup (v2) that contains a program and all that it starts
 *
 * A child process cannot leave a cgroup by forking, by ending its parent or by
 * starting a session. The cgroup lists its processes, has their CPU time, including
 * ended ones, and kills them all. None of this needs a controller, so any v2
 * hierarchy works, also the one beside v1 (hybrid). It is made inside the cgroup of
 * this process, so the same limits apply to the program.
 *
 * The process that made it holds a lock on its directory, and so do processes forked
 * from it until they exec. If the lock is free, all of them are gone (SIGKILL): the
 * next cgroup_make() kills what is left and removes the cgroup.
 */
#ifndef CGROUP_H
#define CGROUP_H

#include "harness/base/why.h"

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

struct cgroup {
	int fd; /* its directory, locked; -1: none */
	char path[PATH_MAX + 64];
};

/* No cgroup: every function here accepts it and does nothing. */
#define NO_CGROUP                                                              \
	{                                                                      \
		.fd = -1                                                       \
	}

/* Makes a cgroup, and tries with a child process whether it can be entered. */
bool cgroup_make(struct cgroup *g, char why[WHY_SIZE]);

/* Puts the calling process into it; -1 and errno. Safe between fork and exec. */
int cgroup_enter(const struct cgroup *g);

/*
 * The processes, or all their threads, in it and in cgroups inside it. The list is
 * from malloc; NULL and *n = 0 if it is empty.
 */
pid_t *cgroup_processes(const struct cgroup *g, size_t *n);
pid_t *cgroup_threads(const struct cgroup *g, size_t *n);

/* Kills all processes in it; they may need a moment to end. */
void cgroup_kill(const struct cgroup *g);

/* Kills all processes in it, waits until they have ended, removes it. */
bool cgroup_remove(struct cgroup *g, char why[WHY_SIZE]);

/* Closes it without removing it: another process does that. */
void cgroup_forget(struct cgroup *g);

#endif
