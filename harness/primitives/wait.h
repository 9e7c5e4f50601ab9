/* SPDX-License-Identifier: MIT */
/* wait.h - one wait over many descriptors, by one method */
#ifndef PRIMITIVES_WAIT_H
#define PRIMITIVES_WAIT_H

#include "harness/base/why.h"

#include <stdbool.h>
#include <stdint.h>

/* What is watched: eventfds, which take one descriptor each; a pipe takes two. */
struct watch {
	unsigned n;      /* watched, without fd[n], which can be added */
	unsigned ready;  /* how many of them are ready */
	int *fd;         /* n + 1 */
	unsigned *order; /* a permutation: the first `ready` of it are ready */
	unsigned *found; /* which are, as the last wait reported */
	uint64_t seed;
	void *state; /* of the method */
};

/*
 * A method of waiting. wait() ends when the numbers of all ready descriptors are known, and
 * contains all that the method needs to wait again: the copy of select's set, the search
 * through the results, the re-arming of a one-shot poll.
 */
struct wait_method {
	const char *name;
	/* Reports a descriptor once, until it becomes ready again */
	bool edge;
	bool (*open)(struct watch *w, char why[WHY_SIZE]); /* watches the n */
	unsigned (*wait)(struct watch *w); /* how many were found */
	bool (*add)(struct watch *w, unsigned i);
	bool (*remove)(struct watch *w, unsigned i);
	void (*close)(struct watch *w);
};

extern const struct wait_method wait_select, wait_select_gap, wait_select_large,
	wait_poll, wait_epoll, wait_epoll_et, wait_uring_oneshot,
	wait_uring_multishot;

bool watch_make(struct watch *w, unsigned n, unsigned ready,
		char why[WHY_SIZE]);
void watch_free(struct watch *w);
void watch_pick(struct watch *w);  /* which are to be ready, at random */
bool watch_raise(struct watch *w); /* makes them ready */
bool watch_lower(struct watch *w); /* and not ready again */

#endif
