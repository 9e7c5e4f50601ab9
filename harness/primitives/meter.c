/* SPDX-License-Identifier: MIT */
/* meter.c - times or system calls of a primitive: see primitive.h */
#include "harness/primitives/primitive.h"

#include "harness/base/die.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct cpus primitive_cpus;

void meter_init(struct meter *m, uint64_t iterations)
{
	*m = (struct meter){ .iterations = iterations,
			     .operations = 1,
			     .count = NAN };
}

/* Not by syscalls_read(), which makes a call itself */
uint64_t meter_calls(const struct meter *m)
{
	size_t n = (size_t)m->counter->cpus * SYSCALLS_NUMBERS;
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += __atomic_load_n(&m->counter->counters[i],
					 __ATOMIC_RELAXED);
	return total;
}

void meter_fail(struct meter *m, const char *what)
{
	why_not(m->why, "%s: %s", what, strerror(errno));
}

static bool count_this_process(struct syscalls *counter, char *why)
{
	const struct cgroup none = { .fd = -1 };

	return syscalls_open(counter, SYSCALLS_BPF, &none, getpid(), why);
}

static void measure_and_exit(struct meter *m, const struct primitive *p,
			     void (*measure)(struct meter *m,
					     const struct primitive *p))
{
	static struct syscalls counter;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (m->counter) {
		m->counter = &counter;
		if (!count_this_process(&counter, m->why))
			_exit(0);
	}
	measure(m, p);
	_exit(0); /* with all its threads, whatever they wait for */
}

void meter_in_child(struct meter *m, const struct primitive *p,
		    void (*measure)(struct meter *m, const struct primitive *p))
{
	struct syscalls *counter = m->counter;
	struct meter *shared =
		mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t pid;

	if (shared == MAP_FAILED) {
		meter_fail(m, "mmap");
		return;
	}
	*shared = *m;
	pid = fork();
	if (pid == 0)
		measure_and_exit(shared, p, measure);
	if (pid < 0) {
		meter_fail(m, "fork");
	} else {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		*m = *shared;
		m->counter = counter;
		if (WIFSIGNALED(status))
			why_not(m->why, "the measuring process was killed: %s",
				strsignal(WTERMSIG(status)));
	}
	munmap(shared, sizeof(*shared));
}
