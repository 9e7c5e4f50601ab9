/* SPDX-License-Identifier: MIT */
/*
 * calls.c - makes the same system calls in every run
 *
 * Two children with three threads each, each of which calls getppid and pread64 N
 * times. Waits for the end of a thread without a system call, because pthread_join()
 * calls futex only sometimes.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 2, THREADS = 3 };

static long calls;
static int zero;

static void *call(void *unused)
{
	char byte;

	for (long i = 0; i < calls; i++) {
		syscall(SYS_getppid);
		if (pread(zero, &byte, 1, 0) != 1)
			abort();
	}
	return unused;
}

static void be_child(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, call, NULL) != 0)
			abort();
	for (int i = 0; i < THREADS; i++)
		while (pthread_tryjoin_np(threads[i], NULL) == EBUSY)
			;
	_exit(0);
}

int main(int argc, char **argv)
{
	calls = argc > 1 ? atol(argv[1]) : 0;
	zero = open("/dev/zero", O_RDONLY);
	for (int i = 0; i < CHILDREN; i++)
		if (fork() == 0)
			be_child();
	for (int i = 0; i < CHILDREN; i++)
		waitpid(-1, NULL, 0);
	return 0;
}
