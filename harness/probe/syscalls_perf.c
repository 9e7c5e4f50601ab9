/* SPDX-License-Identifier: MIT */
/*
 * syscalls_perf.c - counts system calls with an inherited perf event
 *
 * TRAP: with exclude_kernel = 1 an ordinary user may open this event, but it always
 * counts 0, because the tracepoint is hit in the kernel. So it is opened without.
 */
#include "syscalls.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool no_id(int error, char *why)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return why_not(why,
			       "/sys/kernel/tracing: %s; only root may read "
			       "tracefs: run it as root",
			       strerror(error));
	case ENOENT:
		return why_not(why,
			       "tracefs is not mounted, or this kernel has no "
			       "tracepoint for system calls "
			       "(CONFIG_FTRACE_SYSCALLS); sudo mount -t "
			       "tracefs tracefs /sys/kernel/tracing");
	default:
		return why_not(why, "the tracepoint's id: %s", strerror(error));
	}
}

/* The id of the tracepoint differs between kernels. */
static bool find_id(uint64_t *id, char *why)
{
	static const char *const paths[] = {
		"/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
		"/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
	};
	int error = ENOENT;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		FILE *file = fopen(paths[i], "re");
		unsigned long number;
		bool found;

		if (!file) {
			/* debugfs may be readable by root only, or not mounted */
			if (i == 0 || error == ENOENT)
				error = errno;
			continue;
		}
		found = fscanf(file, "%lu", &number) == 1;
		fclose(file);
		*id = number;
		if (found)
			return true;
	}
	return no_id(error, why);
}

static bool refused(int error, char *why)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return why_not(why,
			       "perf_event_open: %s; counting in the kernel "
			       "needs CAP_PERFMON (run it as root) or sudo "
			       "sysctl kernel.perf_event_paranoid=-1, and in "
			       "a container a seccomp profile that allows it",
			       strerror(error));
	case EMFILE:
		return why_not(why,
			       "perf_event_open: %s; raise the limit: ulimit "
			       "-n 4096",
			       strerror(error));
	case ENOSYS:
		return why_not(why, "this kernel has no perf events "
				    "(CONFIG_PERF_EVENTS)");
	default:
		return why_not(why, "perf_event_open: %s", strerror(error));
	}
}

bool syscalls_open_perf(struct syscalls *s, pid_t pid, char why[WHY_SIZE])
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.disabled = 1,
		.enable_on_exec = 1,
		.inherit = 1,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
	};
	uint64_t id = 0;

	if (!find_id(&id, why))
		return false;
	attr.config = id;
	s->fds[0] = syscall(SYS_perf_event_open, &attr, pid, -1, -1,
			    PERF_FLAG_FD_CLOEXEC);
	if (s->fds[0] < 0)
		return refused(errno, why);
	s->whole = true;
	return true;
}
