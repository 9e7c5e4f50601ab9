/* SPDX-License-Identifier: MIT */
/*
 * await.h - waits for several programs at once, and takes what they say
 *
 * A program whose output nobody takes stops in its next write. So every wait of a
 * repetition goes through here: whatever it waits for, all streams are emptied
 * meanwhile.
 */
#ifndef MEASURE_AWAIT_H
#define MEASURE_AWAIT_H

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

enum { WATCH_STREAMS = 5, WATCH_CHILDREN = 2 };

struct watch {
	struct stream *stream[WATCH_STREAMS];
	unsigned n_streams;
	const struct child *child[WATCH_CHILDREN];
	bool ended[WATCH_CHILDREN]; /* or its keeper has */
	unsigned n_children;
	void (*tick)(void *); /* about four times a second; NULL */
	void *data;
	const volatile int *interrupted; /* set by a signal; blocked but here */
	const sigset_t *mask;            /* ... which is while it waits */
};

enum watched { WATCHED, WATCHED_TOO_LONG, WATCHED_INTERRUPTED };

/*
 * Until done() says so, `until` (CLOCK_MONOTONIC, ns) has come, or the user wants
 * no more. done() is asked first, and whenever something has come.
 */
enum watched watch_until(struct watch *w, int64_t until, bool (*done)(void *),
			 void *data);

/*
 * Whether the user wants no more. Ctrl-C is for servers and generators as well: before
 * what they then do is called a failure, this is to be asked.
 */
bool watch_interrupted(const struct watch *w);

int64_t watch_now(void); /* CLOCK_MONOTONIC, ns */

#endif
