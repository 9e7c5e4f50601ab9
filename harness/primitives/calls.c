/* SPDX-License-Identifier: MIT */
/* calls.c - single calls, and signals that are queued and taken */
#include "harness/primitives/primitive.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not getpid(), which some versions of libc answer themselves */
void measure_empty(struct meter *m, const struct primitive *p)
{
	(void)p;
	meter_start(m);
	for (uint64_t i = 0; i < m->iterations; i++)
		syscall(SYS_getppid);
	meter_stop(m);
}

void measure_vdso(struct meter *m, const struct primitive *p)
{
	struct timespec t;

	(void)p;
	meter_start(m);
	for (uint64_t i = 0; i < m->iterations; i++)
		clock_gettime(CLOCK_MONOTONIC, &t);
	meter_stop(m);
}

/* Reading a result of select is no call at all. */
void measure_isset(struct meter *m, const struct primitive *p)
{
	volatile int sink;
	fd_set set;

	(void)p;
	FD_ZERO(&set);
	FD_SET(0, &set);
	meter_start(m);
	for (uint64_t i = 0; i < m->iterations; i++)
		sink = FD_ISSET((int)(i % FD_SETSIZE), &set);
	meter_stop(m);
	(void)sink;
}

/* Linux writes the time that is left into the timeout: 0, after a wait for it. */
void measure_timeout(struct meter *m, const struct primitive *p)
{
	const struct timeval whole = { .tv_usec = 1000 };
	bool again = strcmp(p->method, "select_set_again") == 0;
	struct timeval left = whole;

	meter_start(m);
	for (uint64_t i = 0; i < m->iterations; i++) {
		if (again)
			left = whole;
		select(0, NULL, NULL, NULL, &left);
	}
	meter_stop(m);
}

/* Takes the signals that are queued, `most` at most. */
static unsigned take(const sigset_t *set, unsigned most)
{
	const struct timespec now = { 0 };
	unsigned taken = 0;

	while (taken < most && sigtimedwait(set, NULL, &now) > 0)
		taken++;
	return taken;
}

/* A standard signal that is pending already is not queued again. A real-time signal is,
 * up to the limit RLIMIT_SIGPENDING. */
void measure_signal(struct meter *m, const struct primitive *p)
{
	int signo = strcmp(p->method, "standard") == 0 ? SIGUSR1 : SIGRTMIN;
	pid_t pid = getpid();
	siginfo_t info = { .si_code = SI_QUEUE };
	sigset_t set, before;

	info.si_pid = pid;
	info.si_uid = getuid();
	sigemptyset(&set);
	sigaddset(&set, signo);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	m->operations = p->count;
	meter_start(m);
	for (uint64_t i = 0; i < m->iterations; i++) {
		for (unsigned n = 0; n < p->count; n++)
			syscall(SYS_rt_sigqueueinfo, pid, signo, &info);
		m->count = take(&set, p->count);
	}
	meter_stop(m);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}
