/* SPDX-License-Identifier: MIT */
/*
 * wait.h - waits for several programs at once, and takes what they say
 *
 * A program whose output nobody takes stops in its next write. So every wait of a
 * repetition goes through here: whatever it waits for, all streams are emptied
 * meanwhile.
 */
#ifndef MEASURE_WAIT_H
#define MEASURE_WAIT_H

#include "harness/probe/child.h"

#include <stdint.h>
#include <sys/types.h>

/* What came from a pipe or socket. Of more than `most` bytes the middle is lost. */
struct stream {
	int fd; /* not blocking; -1 once its end has come, or there is none */
	char *text; /* with a 0 at its end; never NULL once opened */
	size_t n, room, most;
	uint64_t lost;
};

void stream_open(struct stream *s, int fd, size_t most);
void stream_take(struct stream *s); /* what has come so far */
void stream_close(struct stream *s);

/* The last line that is not blank, cut out of `text`; "" if there is none */
char *last_line(char *text);

enum { WAIT_STREAMS = 5, WAIT_CHILDREN = 2 };

struct wait_set {
	struct stream *stream[WAIT_STREAMS];
	unsigned n_streams;
	const struct child *child[WAIT_CHILDREN];
	bool ended[WAIT_CHILDREN]; /* or its keeper has */
	unsigned n_children;
	void (*tick)(void *); /* about four times a second; NULL */
	void *data;
	const volatile int *interrupted; /* set by a signal; blocked but here */
	const sigset_t *mask;            /* ... which is while it waits */
};

enum wait_result { WAIT_DONE, WAIT_TIMED_OUT, WAIT_INTERRUPTED };

/*
 * Until done() says so, `until` (CLOCK_MONOTONIC, ns) has come, or the user wants
 * no more. done() is asked first, and whenever something has come.
 */
enum wait_result wait_until(struct wait_set *w, int64_t until,
			    bool (*done)(void *), void *data);

/*
 * Whether the user wants no more. Ctrl-C is for servers and generators as well: before
 * what they then do is called a failure, this is to be asked.
 */
bool wait_interrupted(const struct wait_set *w);

int64_t monotonic_ns(void); /* CLOCK_MONOTONIC, ns */

#endif
