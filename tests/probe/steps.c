/* SPDX-License-Identifier: MIT */
/*
 * steps.c - executes the lines of its input, and answers "done" to each
 *
 *	calls N		N getppid: a third each in the process, in a thread and in a
 *			child process that exist from the start
 *	burn MS		uses CPU time, half of it in a child process that then ends
 *	threads N	starts N threads, which end
 *	run N		thread and child process call until the end, counting in a
 *			mapped file
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_long *made; /* calls made by "run", in the mapped file */

static void call(long n)
{
	for (long i = 0; i < n; i++)
		syscall(SYS_getppid);
}

static void run(void)
{
	for (;;) {
		syscall(SYS_getppid);
		(*made)++;
	}
}

/* A worker is told a number of calls through one pipe, and answers in another. */
struct worker {
	int orders[2], answers[2];
};

static void *work(void *data)
{
	struct worker *w = data;
	long n;

	while (read(w->orders[0], &n, sizeof(n)) == sizeof(n)) {
		if (n < 0)
			run();
		call(n);
		if (write(w->answers[1], &n, sizeof(n)) != sizeof(n))
			abort();
	}
	_exit(0);
}

static void order(struct worker *w, long n)
{
	if (write(w->orders[1], &n, sizeof(n)) != sizeof(n))
		abort();
	if (n >= 0 && read(w->answers[0], &n, sizeof(n)) != sizeof(n))
		abort();
}

static void burn(double ms)
{
	struct timespec t;
	double begin = -1, now;

	do {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
		now = t.tv_sec * 1e3 + t.tv_nsec / 1e6;
		if (begin < 0)
			begin = now;
	} while (now - begin < ms);
}

static void burn_in_both(double ms)
{
	pid_t child = fork();

	if (child == 0) {
		burn(ms / 2);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	burn(ms / 2);
}

static void *nothing(void *unused)
{
	usleep(1000);
	return unused;
}

static void have_threads(long n)
{
	pthread_t threads[64];

	for (long i = 0; i < n && i < 64; i++)
		pthread_create(&threads[i], NULL, nothing, NULL);
	for (long i = 0; i < n && i < 64; i++)
		pthread_join(threads[i], NULL);
}

static struct worker thread, child;

static void start(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	pthread_t t;

	if (fd < 0 || ftruncate(fd, sizeof(*made)) < 0 ||
	    pipe(thread.orders) < 0 || pipe(thread.answers) < 0 ||
	    pipe(child.orders) < 0 || pipe(child.answers) < 0)
		abort();
	made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	if (fork() == 0) {
		close(child.orders[1]);
		work(&child);
	}
	pthread_create(&t, NULL, work, &thread);
	order(&thread, 0);
	order(&child, 0);
}

int main(int argc, char **argv)
{
	char line[64], verb[16];
	long n;

	start(argc > 1 ? argv[1] : "/dev/null");
	while (write(1, "done\n", 5) == 5) {
		ssize_t length = read(0, line, sizeof(line) - 1);

		if (length <= 0)
			break;
		line[length] = '\0';
		if (sscanf(line, "%15s %ld", verb, &n) != 2)
			abort();
		if (strcmp(verb, "calls") == 0) {
			call(n / 3);
			order(&thread, n / 3);
			order(&child, n - n / 3 * 2);
		} else if (strcmp(verb, "burn") == 0) {
			burn_in_both(n);
		} else if (strcmp(verb, "threads") == 0) {
			have_threads(n);
		} else {
			order(&thread, -1);
			order(&child, -1);
		}
	}
	_exit(0);
}
