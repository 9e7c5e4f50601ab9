/* SPDX-License-Identifier: MIT */
/*
 * syscalls.h - counts the system calls of a program, exactly
 *
 * Two ways in the kernel, at the tracepoint raw_syscalls:sys_enter, which every
 * system call passes, and one for who has no privilege:
 *
 *	bpf	total and by number; of all that are in the cgroup or, without
 *		one, of one process (then its forked children are missing)
 *	perf	the total alone; of a process and all it forks and creates later
 *	strace	total and by number; of a process and all it forks and creates
 *		later, and makes them slow: see syscalls_strace.h
 *
 * They count calls that are entered, also those that never return (exit,
 * exit_group: strace -c leaves them out). Attached to a program that waits for
 * its exec, bpf and strace count that execve and perf does not.
 *
 * What no such counter sees: what the vDSO answers without the kernel
 * (clock_gettime), and what io_uring's kernel threads do: they make no calls.
 * Programs of another ABI (32 bit) are counted, but their numbers have other
 * names than those given here.
 *
 * COST, in the kernel: some ten ns a call, and not only for the program that is
 * counted: a tracepoint in use slows the system calls of every process. Never
 * count in a run whose times matter.
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

/* The last one stands for all numbers from there on: no call here has one. */
enum { SYSCALLS_NUMBERS = 1024 };

struct syscalls {
	enum syscalls_method method;
	bool whole;         /* forked children are counted as well */
	int fds[4];         /* -1: not in use */
	uint64_t *counters; /* bpf: SYSCALLS_NUMBERS for each CPU */
	unsigned cpus;
	struct strace *strace;
};

struct syscalls_counts {
	uint64_t total;
	bool by_number; /* or nothing but the total is known */
	uint64_t of[SYSCALLS_NUMBERS];
};

extern const char *const syscalls_methods[]; /* by enum syscalls_method */

/*
 * Begins to count, by this very method. For bpf, who is counted is who is in `g`,
 * now or later, or the process `pid` where there is no cgroup. For perf and
 * strace `pid` has to be a process that will exec: for perf, it is counted from
 * its exec on.
 *
 * Ends with syscalls_close(), or with the process that opened it.
 */
bool syscalls_open(struct syscalls *s, enum syscalls_method method,
		   const struct cgroup *g, pid_t pid, char why[WHY_SIZE]);
void syscalls_close(struct syscalls *s);

/* Whether this method works here: tries it out, on a process of its own. */
bool syscalls_try(enum syscalls_method method, char why[WHY_SIZE]);

/*
 * What was counted so far. bpf: read from shared memory without a system call;
 * perf: one read; strace: takes a moment for all calls since the last time.
 * false: it cannot be read, or is not all that was to be counted (`why` says
 * which); then it is of no use.
 */
bool syscalls_read(const struct syscalls *s, struct syscalls_counts *to,
		   char why[WHY_SIZE]);

/* Makes of `to`, taken after `from`, what was counted between them. */
void syscalls_window(struct syscalls_counts *to,
		     const struct syscalls_counts *from);

/* "epoll_wait", on whatever architecture; "#999" where it has no name here */
const char *syscalls_name(unsigned number, char to[32]);

/* The two ways, for syscalls_open() alone. */
bool syscalls_open_bpf(struct syscalls *s, const struct cgroup *g, pid_t pid,
		       char why[WHY_SIZE]);
bool syscalls_open_perf(struct syscalls *s, pid_t pid, char why[WHY_SIZE]);

/* Calls that happened while the program was busy with another one; -1: unknown */
int64_t syscalls_bpf_missed(const struct syscalls *s);

#endif
