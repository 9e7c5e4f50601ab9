/* SPDX-License-Identifier: MIT */
/*
 * syscalls_strace.h - counts the system calls of a program with strace(1)
 *
 * For users who may not count in the kernel. strace needs no privilege to trace a
 * program of the same user, with one exception: under Yama (ptrace_scope 1, the default
 * of Debian and Ubuntu) only an ancestor of the program may. strace is started by an
 * ancestor, but is a sibling. So before its exec the program allows this process and
 * its descendants (PR_SET_PTRACER in keeper.c).
 *
 * strace -c would print one summary at its end. Instead strace writes a line when each
 * call is entered, and the lines are counted here: this allows windows, and also counts
 * calls that never return.
 *
 * Accuracy: for the same execution, the same counts as bpf by name. (If a thread is
 * killed while it makes a call, strace counts that call and the kernel does not.) But
 * the execution differs. Each call stops the program twice and takes ten to a hundred
 * us longer; a slower server finds more events at each wait, and waits less often per
 * request. The recv and send of a request stay the same; waits, futexes and calls that
 * find nothing do not. So do not compare counts of strace with those of another method.
 */
#ifndef SYSCALLS_STRACE_H
#define SYSCALLS_STRACE_H

#include "child.h"
#include "syscalls.h"

#include <stddef.h>

struct strace {
	struct child child;
	bool started;
	int lines, errors; /* its output: files in memory */
	size_t done;       /* up to here, complete lines have been counted */
	bool begun;        /* ... and the incomplete line after them, too */
	struct syscalls_counts counts;
};

/* Counts the lines that were added; all lines are `n` bytes by now. */
void strace_count(struct strace *s, const char *lines, size_t n);

/* Of a call as strace names it */
unsigned syscalls_number(const char *name);

/* For syscalls.c only. `pid` has to be a process that waits for its exec. */
bool syscalls_open_strace(struct syscalls *s, pid_t pid, char why[WHY_SIZE]);
bool syscalls_read_strace(const struct syscalls *s, struct syscalls_counts *to,
			  char why[WHY_SIZE]);
void syscalls_close_strace(struct syscalls *s);

#endif
