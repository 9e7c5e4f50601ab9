/* SPDX-License-Identifier: MIT */
/* aio_limits.c - how many clients glibc's POSIX AIO can serve: aio_limits.h */
#include "aio_limits.h"

#include "die.h"

#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* For as many as this if nobody says how many: each costs a thread. */
enum { CLIENTS_DEFAULT = 1024 };

void aio_await(struct aiocb *block)
{
	const struct aiocb *list[] = { block };

	/*
	 * At least once: it takes glibc's lock, which is held from before the
	 * result is set until after the notification has been sent.
	 */
	do
		aio_suspend(list, 1, NULL);
	while (aio_error(block) == EINPROGRESS);
}

void aio_prompt(void)
{
	static struct aiocb nothing = {
		.aio_fildes = -1,
		.aio_sigevent.sigev_notify = SIGEV_NONE,
	};

	if (aio_error(&nothing) != EINPROGRESS)
		aio_read(&nothing); /* which fails, on a thread of its own */
}

static long count_threads(void)
{
	struct stat tasks;

	if (stat("/proc/self/task", &tasks) < 0)
		die("stat /proc/self/task");
	return tasks.st_nlink - 2; /* a folder for each, beside . and .. */
}

/* Has glibc make its threads, by as many reads from an empty pipe. */
static long prove_threads(int wanted)
{
	struct aiocb *reads = calloc(wanted, sizeof(*reads));
	long before = count_threads(), proved;
	int pipe_fd[2], started;
	char byte;

	if (!reads)
		die("calloc");
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		die("pipe2");
	for (started = 0; started < wanted; started++) {
		struct aiocb *r = &reads[started];

		/* Each its own: of one, glibc would do a read at a time. */
		r->aio_fildes = dup(pipe_fd[0]);
		r->aio_buf = &byte;
		r->aio_nbytes = sizeof(byte);
		r->aio_sigevent.sigev_notify = SIGEV_NONE;
		if (r->aio_fildes < 0)
			break;
		if (aio_read(r) < 0) {
			close(r->aio_fildes);
			break;
		}
	}
	proved = count_threads() - before;
	close(pipe_fd[1]); /* every read ends, and its thread is free */
	for (int i = 0; i < started; i++) {
		aio_await(&reads[i]);
		close(reads[i].aio_fildes);
	}
	close(pipe_fd[0]);
	free(reads);
	return proved;
}

static long prove_signals(int signo, long wanted)
{
	pid_t self = getpid();
	long queued = 0;
	sigset_t set;

	for (long i = 0; i < wanted; i++)
		if (sigqueue(self, signo, (union sigval){ 0 }) == 0)
			queued++;
	sigemptyset(&set);
	sigaddset(&set, signo);
	for (long i = 0; i < queued; i++)
		while (sigwaitinfo(&set, NULL) < 0)
			; /* a stop signal came between */
	return queued;
}

struct aio_limits prove_aio_limits(long wanted, int signo)
{
	long descriptors = sysconf(_SC_OPEN_MAX);
	struct aioinit settings = { .aio_idle_time = INT_MAX };
	struct aio_limits limits;

	if (wanted == 0)
		wanted = CLIENTS_DEFAULT;
	if (wanted > descriptors)
		wanted = descriptors;
	settings.aio_threads = settings.aio_num = wanted;
	aio_init(&settings);
	limits.threads = prove_threads(wanted);
	limits.signals = prove_signals(signo, limits.threads);
	return limits;
}
