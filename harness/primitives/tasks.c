/* SPDX-License-Identifier: MIT */
/* tasks.c - threads and processes: starting them, switching between them */
#include "harness/primitives/primitive.h"

#include "harness/base/grow.h"
#include "harness/base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void *do_nothing(void *unused)
{
	return unused;
}

void measure_threads(struct meter *m, const struct primitive *p)
{
	pthread_t *thread = grow(NULL, p->count, sizeof(*thread));
	unsigned started;

	m->operations = p->count;
	meter_start(m);
	for (uint64_t i = 0; i < m->iterations && !*m->why; i++) {
		for (started = 0; started < p->count; started++) {
			errno = pthread_create(&thread[started], NULL,
					       do_nothing, NULL);
			if (errno) {
				meter_fail(m, "pthread_create");
				break;
			}
		}
		while (started > 0)
			pthread_join(thread[--started], NULL);
	}
	meter_stop(m);
	free(thread);
}

static void await(struct meter *m, pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		meter_fail(m, "waitpid");
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		why_not(m->why, "the process failed");
}

void measure_fork(struct meter *m, const struct primitive *p)
{
	(void)p;
	meter_start(m);
	for (uint64_t i = 0; i < m->iterations && !*m->why; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid < 0)
			meter_fail(m, "fork");
		else
			await(m, pid);
	}
	meter_stop(m);
}

void measure_spawn(struct meter *m, const struct primitive *p)
{
	char path[PATH_MAX], name[] = "true", *argv[] = { name, NULL };

	(void)p;
	if (!program_find(name, path)) {
		meter_fail(m, name);
		return;
	}
	meter_start(m);
	for (uint64_t i = 0; i < m->iterations && !*m->why; i++) {
		pid_t pid;

		errno = posix_spawn(&pid, path, NULL, NULL, argv, environ);
		if (errno)
			meter_fail(m, "posix_spawn");
		else
			await(m, pid);
	}
	meter_stop(m);
}

/* ------------------------------------------------------------------- switching */

/* Two threads that run in turns, on one CPU or on two: a round trip is two switches. */
struct pair {
	uint64_t rounds;
	int there[2], back[2]; /* pipes */
	atomic_uint turn;
};

static bool start_partner(struct meter *m, const struct primitive *p,
			  pthread_t *thread, void *(*run)(void *),
			  struct pair *pair)
{
	const cpu_set_t *set = p->count == 1 ? &primitive_cpus.split.server :
					       &primitive_cpus.split.client;
	pthread_attr_t attributes;

	if (p->count > 1 && !primitive_cpus.split_possible)
		return why_not(m->why, "two CPUs are needed: %.400s",
			       primitive_cpus.split_why);
	m->operations = 2;
	pair->rounds = m->iterations;
	pthread_attr_init(&attributes);
	pthread_attr_setaffinity_np(&attributes, sizeof(*set), set);
	errno = pthread_create(thread, &attributes, run, pair);
	pthread_attr_destroy(&attributes);
	if (!errno)
		return true;
	meter_fail(m, "pthread_create");
	return false;
}

static void *answer_pipe(void *of)
{
	struct pair *pair = of;
	char byte;

	while (read(pair->there[0], &byte, 1) == 1 &&
	       write(pair->back[1], &byte, 1) == 1)
		;
	close(pair->back[1]);
	return NULL;
}

void measure_switch_pipe(struct meter *m, const struct primitive *p)
{
	struct pair pair;
	pthread_t thread;
	char byte = 0;

	if (pipe2(pair.there, O_CLOEXEC) < 0) {
		meter_fail(m, "pipe2");
		return;
	}
	if (pipe2(pair.back, O_CLOEXEC) < 0) {
		meter_fail(m, "pipe2");
	} else if (start_partner(m, p, &thread, answer_pipe, &pair)) {
		meter_start(m);
		for (uint64_t i = 0; i < m->iterations; i++)
			if (write(pair.there[1], &byte, 1) != 1 ||
			    read(pair.back[0], &byte, 1) != 1) {
				meter_fail(m, "pipe");
				break;
			}
		meter_stop(m);
		close(pair.there[1]); /* ends the partner */
		pthread_join(thread, NULL);
		close(pair.back[0]);
	}
	close(pair.there[0]);
}

enum { OURS, THEIRS };

static void hand_over(struct pair *pair, unsigned to)
{
	atomic_store(&pair->turn, to);
	syscall(SYS_futex, &pair->turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void await_turn(struct pair *pair, unsigned mine)
{
	while (atomic_load(&pair->turn) != mine)
		syscall(SYS_futex, &pair->turn, FUTEX_WAIT_PRIVATE, !mine, NULL,
			NULL, 0);
}

static void *answer_futex(void *of)
{
	struct pair *pair = of;

	for (uint64_t i = 0; i < pair->rounds; i++) {
		await_turn(pair, THEIRS);
		hand_over(pair, OURS);
	}
	return NULL;
}

void measure_switch_futex(struct meter *m, const struct primitive *p)
{
	struct pair pair = { .turn = OURS };
	pthread_t thread;

	if (!start_partner(m, p, &thread, answer_futex, &pair))
		return;
	meter_start(m);
	for (uint64_t i = 0; i < m->iterations; i++) {
		hand_over(&pair, THEIRS);
		await_turn(&pair, OURS);
	}
	meter_stop(m);
	pthread_join(thread, NULL);
}
