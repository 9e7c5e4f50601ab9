/* SPDX-License-Identifier: MIT */
/*
 * syscalls_strace.h - counts the system calls of a program with strace(1)
 *
 * For who may not count in the kernel. strace needs no privilege to follow a
 * program of the same user, but for this: under Yama (ptrace_scope 1, as Debian
 * and Ubuntu have it) only a process above the program may. The one that started
 * it is above, but strace, which it starts as well, is beside. So the program
 * says before its exec, in child.c, that this process and those below it may.
 *
 * strace -c would print a single summary at its end. Instead it writes a line for
 * each call, at once when the call is entered, and the lines are counted here: so
 * there are windows, and calls that never return are counted, too.
 *
 * How exact: to the call and by name, as bpf, for a run that is the same. (A
 * thread that is killed just as it makes a call: that call is counted here, and
 * by the kernel it is not.) But the run is another one. Each call stops the
 * program twice and takes some ten to a hundred us more; a server that is so slow
 * finds more to do each time it looks, and waits less often for each request.
 * What a request costs whoever is fast, a recv and a send, is the same; waits,
 * futexes and calls that find nothing are not. So counts of strace are never to
 * be compared with those of another method.
 */
#ifndef SYSCALLS_STRACE_H
#define SYSCALLS_STRACE_H

#include "child.h"
#include "syscalls.h"

#include <stddef.h>

struct strace {
	struct child child;
	bool started;
	int lines, errors; /* what it writes: files in memory */
	size_t done;       /* up to here, whole lines have been counted */
	bool begun;        /* ... and the one that begins there, too */
	struct syscalls_counts counts;
};

/* Counts what has been added to the lines, which are `n` bytes by now. */
void strace_count(struct strace *s, const char *lines, size_t n);

/* For syscalls.c alone. The process has to be one that waits for its exec. */
bool syscalls_open_strace(struct syscalls *s, pid_t pid, char why[WHY_SIZE]);
bool syscalls_read_strace(const struct syscalls *s, struct syscalls_counts *to,
			  char why[WHY_SIZE]);
void syscalls_close_strace(struct syscalls *s);

#endif
