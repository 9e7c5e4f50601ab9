/* SPDX-License-Identifier: MIT */
/*
 * syscalls.h - counts the system calls of a program, exactly
 *
 * Two methods use the tracepoint raw_syscalls:sys_enter of the kernel, which every
 * system call passes; the third needs no privilege:
 *
 *	bpf	total and by number; of all processes in the cgroup or, without one,
 *		of one process without its children
 *	perf	the total only; of a process and all its later threads and children
 *	strace	total and by number; of a process and all its later threads and
 *		children, which it slows: see syscalls_strace.h
 *
 * They count calls on entry, so also those that never return (exit, exit_group:
 * strace -c omits them). Attached to a program that waits for its exec, bpf and
 * strace count that execve, and perf does not.
 *
 * Not counted: calls that the vDSO answers without the kernel (clock_gettime), and the
 * work of io_uring's kernel threads, which make no calls. Programs of another ABI
 * (32 bit) are counted, but the names are wrong.
 *
 * COST, in the kernel: some ten ns per call, for every process of the machine and not
 * only for the program. Never count in a run whose times matter.
 */
#ifndef SYSCALLS_H
#define SYSCALLS_H

#include "cgroup.h"

#include <stdint.h>

enum syscalls_method {
	SYSCALLS_NONE,
	SYSCALLS_BPF,
	SYSCALLS_PERF,
	SYSCALLS_STRACE
};

/* The last number stands for all higher ones: no system call has one. */
enum { SYSCALLS_NUMBERS = 1024 };

struct syscalls {
	enum syscalls_method method;
	bool whole;         /* child processes are counted, too */
	int fds[4];         /* -1: not in use */
	uint64_t *counters; /* bpf: SYSCALLS_NUMBERS for each CPU */
	unsigned cpus;
	struct strace *strace;
};

struct syscalls_counts {
	uint64_t total;
	bool by_number; /* false: only the total is known */
	uint64_t of[SYSCALLS_NUMBERS];
};

extern const char *const syscalls_methods[]; /* by enum syscalls_method */

/*
 * Starts to count by this method. bpf counts all processes that are or will be in `g`
 * or, without a cgroup, `pid`. For perf and strace `pid` has to be a process that will
 * exec; perf counts from its exec on.
 *
 * Counting ends with syscalls_close(), or with this process.
 */
bool syscalls_open(struct syscalls *s, enum syscalls_method method,
		   const struct cgroup *g, pid_t pid, char why[WHY_SIZE]);
void syscalls_close(struct syscalls *s);

/* Whether this method works here: tries it on a child process. */
bool syscalls_try(enum syscalls_method method, char why[WHY_SIZE]);

/*
 * Tries bpf (by name), perf (the total) and strace, and returns the first that
 * works, or none. `why` says why bpf does not; "" if it does.
 */
enum syscalls_method syscalls_choose(char why[WHY_SIZE]);

/*
 * Reads the counters. bpf: from shared memory, without a system call; perf: one read;
 * strace: parses a line per call since the last time. false: they cannot be read or
 * are incomplete; `why` says which.
 */
bool syscalls_read(const struct syscalls *s, struct syscalls_counts *to,
		   char why[WHY_SIZE]);

/* Subtracts `from`, which was read earlier, from `to`. */
void syscalls_window(struct syscalls_counts *to,
		     const struct syscalls_counts *from);

/* "epoll_wait", on any architecture; "#999" for a number without a name */
const char *syscalls_name(unsigned number, char to[32]);

/* For syscalls_open() only */
bool syscalls_open_bpf(struct syscalls *s, const struct cgroup *g, pid_t pid,
		       char why[WHY_SIZE]);
bool syscalls_open_perf(struct syscalls *s, pid_t pid, char why[WHY_SIZE]);

/* Calls that the BPF program missed because it was running; -1: unknown */
int64_t syscalls_bpf_missed(const struct syscalls *s);

#endif
