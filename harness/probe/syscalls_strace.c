/* SPDX-License-Identifier: MIT */
/* syscalls_strace.c - counts system calls with strace(1): see syscalls_strace.h */
#include "syscalls_strace.h"

#include "harness/base/program.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------- counting */

/* A call that strace has no name for is "syscall_0x3e8". */
unsigned syscalls_number(const char *name)
{
	static const char nameless[] = "syscall_";
	long number;

	if (strncmp(name, nameless, strlen(nameless)) == 0)
		number = strtol(name + strlen(nameless), NULL, 16);
	else
		number = seccomp_syscall_resolve_name(name);
	return number >= 0 && number < SYSCALLS_NUMBERS ? (unsigned)number :
							  SYSCALLS_NUMBERS - 1;
}

/*
 * A call starts with "PID TIME NAME(". Other lines are the rest of an interrupted call,
 * "PID TIME <... NAME resumed>", or report signals and exits.
 */
static bool count_line(struct syscalls_counts *counts, const char *line,
		       const char *end)
{
	char name[64];
	size_t n = 0;

	while (line < end &&
	       (isdigit((unsigned char)*line) || *line == ' ' || *line == '.'))
		line++;
	while (line < end && n < sizeof(name) - 1 &&
	       (isalnum((unsigned char)*line) || *line == '_'))
		name[n++] = *line++;
	if (n == 0 || line == end || *line != '(')
		return false;
	name[n] = '\0';
	counts->total++;
	counts->of[syscalls_number(name)]++;
	return true;
}

void strace_count(struct strace *s, const char *lines, size_t n)
{
	const char *line = lines + s->done, *end = lines + n, *newline;

	while (line < end) {
		newline = memchr(line, '\n', end - line);
		if (!s->begun)
			s->begun = count_line(&s->counts, line,
					      newline ? newline : end);
		if (!newline)
			break;
		line = newline + 1;
		s->begun = false;
	}
	s->done = line - lines;
}

static size_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (size_t)st.st_size : 0;
}

bool syscalls_read_strace(const struct syscalls *s, struct syscalls_counts *to,
			  char why[WHY_SIZE])
{
	struct strace *strace = s->strace;
	size_t n = size_of(strace->lines);
	char *lines;

	if (n > 0) {
		lines = mmap(NULL, n, PROT_READ, MAP_SHARED, strace->lines, 0);
		if (lines == MAP_FAILED)
			return why_not(why, "mmap of what strace wrote: %s",
				       strerror(errno));
		strace_count(strace, lines, n);
		munmap(lines, n);
	}
	*to = strace->counts;
	return true;
}

/* ------------------------------------------------------------------- starting */

/* In strace's process, before its exec. Ctrl-C on the terminal must not reach it. */
static int prepare(void *data)
{
	const struct strace *s = data;

	if (setsid() < 0 || fcntl(s->lines, F_SETFD, 0) < 0 ||
	    dup2(s->errors, STDERR_FILENO) < 0)
		return errno;
	return 0;
}

/* strace has a keeper, too: while it starts, it has stopped child processes, which
 * would be left behind if it or this process is killed. */
static bool start(struct strace *s, pid_t pid, char *why)
{
	static const struct cgroup none = NO_CGROUP;
	char path[PATH_MAX], lines[32], process[16];
	/* raw=all: strace need not read memory of the program. The times are for
	 * bin/timeline. */
	char *argv[] = { "strace",
			 "-f",
			 "-qq",
			 "-e",
			 "raw=all",
			 "-e",
			 "signal=none",
			 "--absolute-timestamps=format:unix,precision:ns",
			 "--syscall-times=ns",
			 "-o",
			 lines,
			 "-p",
			 process,
			 NULL };
	sigset_t signals;
	struct child_plan plan = { .path = path,
				   .argv = argv,
				   .cgroup = &none,
				   .signals = &signals,
				   .prepare = prepare,
				   .data = s };

	sigemptyset(&signals);
	snprintf(lines, sizeof(lines), "/proc/self/fd/%d", s->lines);
	snprintf(process, sizeof(process), "%d", (int)pid);
	if (!program_find(argv[0], path))
		return why_not(why,
			       "strace: %s; install it: sudo apt-get install "
			       "strace",
			       strerror(errno));
	if (!child_start(&s->child, &plan, why))
		return false;
	if (!child_go(&s->child))
		return why_not(why, "strace: %s", strerror(errno));
	s->started = true;
	return true;
}

static bool ends_within(const struct strace *s, int ms)
{
	struct pollfd ended = { .fd = s->child.fd, .events = POLLIN };

	return poll(&ended, 1, ms) > 0;
}

static bool refused(const struct strace *s, char *why)
{
	char said[256];
	ssize_t n = pread(s->errors, said, sizeof(said) - 1, 0);

	said[n > 0 ? n : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	return why_not(why,
		       "%s; strace needs permission to trace a program "
		       "(ptrace): sudo sysctl kernel.yama.ptrace_scope=1, or "
		       "in a container a seccomp profile that allows it: "
		       "docker run --cap-add SYS_PTRACE",
		       n > 0 ? said : "strace ended without a message");
}

/*
 * Attaching interrupts the call in which the program waits, and the kernel restarts it:
 * its line shows that no later call is missed.
 */
static bool wait_until_attached(struct strace *s, char *why)
{
	enum { PATIENCE_MS = 5000 };

	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (size_of(s->lines) > 0)
			return true;
		if (ends_within(s, 1))
			return refused(s, why);
	}
	return why_not(why, "strace did not attach to the program");
}

bool syscalls_open_strace(struct syscalls *s, pid_t pid, char why[WHY_SIZE])
{
	struct strace *strace = calloc(1, sizeof(*strace));

	if (!strace)
		return why_not(why, "%s", strerror(errno));
	s->strace = strace;
	s->whole = true;
	strace->counts.by_number = true;
	strace->lines = memfd_create("strace", MFD_CLOEXEC);
	strace->errors = memfd_create("strace-errors", MFD_CLOEXEC);
	if (strace->lines < 0 || strace->errors < 0)
		return why_not(why, "memfd_create: %s", strerror(errno));
	return start(strace, pid, why) && wait_until_attached(strace, why);
}

/* --------------------------------------------------------------------- ending */

void syscalls_close_strace(struct syscalls *s)
{
	enum { PATIENCE_MS = 1000 };
	struct strace *strace = s->strace;
	struct cgroup none = NO_CGROUP;
	struct child_end end;

	if (!strace)
		return;
	if (strace->started) {
		/* On SIGTERM, it detaches from the program. */
		kill(strace->child.pid, SIGTERM);
		ends_within(strace, PATIENCE_MS);
		child_reap(&strace->child, &none, &end);
	}
	if (strace->lines >= 0)
		close(strace->lines);
	if (strace->errors >= 0)
		close(strace->errors);
	free(strace);
	s->strace = NULL;
}
