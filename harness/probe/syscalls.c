/* SPDX-License-Identifier: MIT */
/* syscalls.c - what all methods of counting share: see syscalls.h */
#include "syscalls_strace.h"

#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *const syscalls_methods[] = { "none", "bpf", "perf", "strace",
					 NULL };

bool syscalls_open(struct syscalls *s, enum syscalls_method method,
		   const struct cgroup *g, pid_t pid, char why[WHY_SIZE])
{
	bool opened = true;

	*s = (struct syscalls){ .fds = { -1, -1, -1, -1 } };
	if (method == SYSCALLS_BPF)
		opened = syscalls_open_bpf(s, g, pid, why);
	else if (method == SYSCALLS_PERF)
		opened = syscalls_open_perf(s, pid, why);
	else if (method == SYSCALLS_STRACE)
		opened = syscalls_open_strace(s, pid, why);
	if (opened)
		s->method = method;
	else
		syscalls_close(s);
	return opened;
}

/* The child process waits for its exec, and is killed before it. */
bool syscalls_try(enum syscalls_method method, char why[WHY_SIZE])
{
	char *argv[] = { "true", NULL };
	struct cgroup none = NO_CGROUP;
	struct child_end end;
	struct syscalls s;
	struct child child;
	sigset_t signals;
	bool works;

	sigemptyset(&signals);
	if (!child_start(&child,
			 &(struct child_plan){ .path = "/bin/true",
					       .argv = argv,
					       .cgroup = &none,
					       .signals = &signals },
			 why))
		return false;
	works = syscalls_open(&s, method, &none, child.pid, why);
	if (works)
		syscalls_close(&s);
	child_reap(&child, &none, &end);
	return works;
}

enum syscalls_method syscalls_choose(char why[WHY_SIZE])
{
	static const enum syscalls_method methods[] = { SYSCALLS_BPF,
							SYSCALLS_PERF,
							SYSCALLS_STRACE };
	char reason[WHY_SIZE];

	*why = '\0';
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (syscalls_try(methods[i], reason))
			return methods[i];
		if (!*why)
			snprintf(why, WHY_SIZE, "%s", reason);
	}
	return SYSCALLS_NONE;
}

void syscalls_close(struct syscalls *s)
{
	if (s->counters)
		munmap(s->counters,
		       s->cpus * SYSCALLS_NUMBERS * sizeof(*s->counters));
	s->counters = NULL;
	syscalls_close_strace(s);
	for (size_t i = 0; i < sizeof(s->fds) / sizeof(*s->fds); i++) {
		if (s->fds[i] >= 0)
			close(s->fds[i]);
		s->fds[i] = -1;
	}
	s->method = SYSCALLS_NONE;
}

/* Each CPU has counters of its own; 64 bits are read atomically. */
static bool read_bpf(const struct syscalls *s, struct syscalls_counts *to,
		     char *why)
{
	int64_t missed;

	to->by_number = true;
	for (unsigned cpu = 0; cpu < s->cpus; cpu++) {
		const volatile uint64_t *of =
			&s->counters[cpu * SYSCALLS_NUMBERS];

		for (unsigned i = 0; i < SYSCALLS_NUMBERS; i++)
			to->of[i] += of[i];
	}
	for (unsigned i = 0; i < SYSCALLS_NUMBERS; i++)
		to->total += to->of[i];
	missed = syscalls_bpf_missed(s);
	if (missed > 0)
		return why_not(why,
			       "the kernel did not run the BPF program for "
			       "%" PRId64 " system calls of this machine",
			       missed);
	return true;
}

/* A multiplexed event ran for less time than it was enabled. */
static bool read_perf(const struct syscalls *s, struct syscalls_counts *to,
		      char *why)
{
	struct {
		uint64_t count, enabled, running;
	} event;

	if (read(s->fds[0], &event, sizeof(event)) != sizeof(event))
		return why_not(why, "read of the perf event: %s",
			       strerror(errno));
	to->total = event.count;
	if (event.running < event.enabled)
		return why_not(why,
			       "the perf event did not count all the time: "
			       "too many events are open");
	return true;
}

bool syscalls_read(const struct syscalls *s, struct syscalls_counts *to,
		   char why[WHY_SIZE])
{
	*to = (struct syscalls_counts){ 0 };
	switch (s->method) {
	case SYSCALLS_BPF:
		return read_bpf(s, to, why);
	case SYSCALLS_PERF:
		return read_perf(s, to, why);
	case SYSCALLS_STRACE:
		return syscalls_read_strace(s, to, why);
	default:
		return why_not(why, "system calls are not counted");
	}
}

void syscalls_window(struct syscalls_counts *to,
		     const struct syscalls_counts *from)
{
	to->total -= from->total;
	for (unsigned i = 0; i < SYSCALLS_NUMBERS; i++)
		to->of[i] -= from->of[i];
}

const char *syscalls_name(unsigned number, char to[32])
{
	char *name = NULL;

	if (number < SYSCALLS_NUMBERS - 1)
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
							number);
	if (name)
		snprintf(to, 32, "%s", name);
	else if (number < SYSCALLS_NUMBERS - 1)
		snprintf(to, 32, "#%u", number);
	else
		snprintf(to, 32, "#%u...", number);
	free(name);
	return to;
}
