/* SPDX-License-Identifier: MIT */
/*
 * cgroup.h - a cgroup (v2) that holds a program and all that it starts
 *
 * A cgroup is what a forked child cannot leave by forking again, ending its
 * parent or starting a session. It is asked three things: who is in it, how much
 * CPU time all of them used, the ended ones too, and to kill them all. None of it
 * needs a controller, so any v2 hierarchy will do, also the one beside v1
 * (hybrid). It is made inside the cgroup this process is in: limits that hold for
 * this process hold for the program.
 *
 * Whoever made it holds a lock on its directory, and so do the processes forked
 * from it until they exec. A cgroup of ours whose lock is free has lost all of
 * them (kill -9): the next cgroup_make() kills what is in it and removes it.
 */
#ifndef CGROUP_H
#define CGROUP_H

#include "harness/base/why.h"

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

struct cgroup {
	int fd; /* its directory, locked; -1: there is none */
	char path[PATH_MAX + 64];
};

/* A struct cgroup that is none; every function here takes it and does nothing. */
#define NO_CGROUP                                                              \
	{                                                                      \
		.fd = -1                                                       \
	}

/* Also tries, with a child, whether a process can be put into it. */
bool cgroup_make(struct cgroup *g, char why[WHY_SIZE]);

/* Puts the calling process into it; -1 and errno. Safe between fork and exec. */
int cgroup_enter(const struct cgroup *g);

/*
 * Who is in it now, or in a cgroup made inside it: processes, or all their
 * threads. The list is from malloc; NULL and *n = 0 if there is nobody.
 */
pid_t *cgroup_processes(const struct cgroup *g, size_t *n);
pid_t *cgroup_threads(const struct cgroup *g, size_t *n);

/* Kills all that are in it; they may take a moment to be gone. */
void cgroup_kill(const struct cgroup *g);

/* Kills all that are in it, waits until they are gone, removes it. */
bool cgroup_remove(struct cgroup *g, char why[WHY_SIZE]);

/* Lets go of it without removing it: another process does. */
void cgroup_forget(struct cgroup *g);

#endif
