/* SPDX-License-Identifier: MIT */
/*
 * wait.h - waits for several programs at once and reads their output
 *
 * A program whose pipe is full blocks in its next write. So every wait of a
 * bout goes through here: it reads all streams, whatever it waits for.
 */
#ifndef MEASURE_WAIT_H
#define MEASURE_WAIT_H

#include "harness/probe/child.h"

#include <sched.h>
#include <stdint.h>
#include <sys/types.h>

/* What was read from a pipe or socket. Of more than `most` bytes, the middle is
 * dropped. */
struct stream {
	int fd;     /* non-blocking; -1: not open, or at end of file */
	char *text; /* terminated by 0; never NULL once opened */
	size_t n, room, most;
	uint64_t lost;
};

void stream_open(struct stream *s, int fd, size_t most);
void stream_take(struct stream *s); /* reads what is available */
void stream_close(struct stream *s);

/* Moves the first whole line, without its end, to `line`. false: there is none. A line
 * that does not fit is cut off. */
bool stream_line(struct stream *s, char *line, size_t size);

/* The last line that is not blank; `text` ends with it then. "": there is none */
char *last_line(char *text);

enum { HOLD_FD = 3 };

/* What a child is to have at its exec */
struct process_setup {
	int out, err;
	int hold; /* becomes HOLD_FD; -1: there is none */
	const cpu_set_t *cpus;
};

/* For child_plan.prepare, with a struct process_setup; 0 or errno. stdin is /dev/null. */
int process_setup(void *setup);

/* Programs and their streams, in any number. Zero is empty; wait_set_free() */
struct wait_set {
	struct stream **stream;
	unsigned n_streams;
	const struct child **child;
	bool *ended; /* the child or its keeper */
	unsigned n_children;
	struct pollfd *polled;
	void (*tick)(void *); /* about four times a second; NULL */
	void *data;
	const volatile int *interrupted; /* set by a signal handler */
	const sigset_t *mask; /* during a wait; elsewhere signals are blocked */
};

/* Both have to stay where they are until wait_set_free(). */
void wait_add_stream(struct wait_set *w, struct stream *s);
unsigned wait_add_child(struct wait_set *w, const struct child *c);
void wait_set_free(struct wait_set *w);

enum wait_result { WAIT_DONE, WAIT_TIMED_OUT, WAIT_INTERRUPTED };

/*
 * Waits until done() returns true, `until` (CLOCK_MONOTONIC, ns) is reached, or a
 * signal ends the run. Calls done() first, and again after each event.
 */
enum wait_result wait_until(struct wait_set *w, int64_t until,
			    bool (*done)(void *), void *data);

/*
 * Whether a signal ended the run. Ctrl-C reaches servers and generators, too: check
 * this before reporting that one of them failed.
 */
bool wait_interrupted(const struct wait_set *w);

int64_t monotonic_ns(void); /* CLOCK_MONOTONIC, ns */

#endif
