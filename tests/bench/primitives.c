/* SPDX-License-Identifier: MIT */
/*
 * primitives.c - three primitives in plain loops, to see what bin/primitives adds
 *
 * Prints "NAME NS" once for each repetition. There is no clock within the loops, but in that
 * of poll, where descriptors become ready in between.
 */
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WATCHED = 1000 };

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void calls(void)
{
	enum { N = 60000 };
	int64_t from = now();

	for (int i = 0; i < N; i++)
		syscall(SYS_getppid);
	printf("syscall/empty %.2f\n", (double)(now() - from) / N);
}

static void all_ready(struct pollfd *list)
{
	enum { N = 400 };
	int64_t from = now();
	volatile unsigned found = 0;

	for (int i = 0; i < N; i++) {
		int ready = poll(list, WATCHED, -1);

		for (int j = 0; j < ready; j++)
			found = found + !!list[j].revents;
	}
	printf("wait/poll/watched:1000/ready:1000 %.2f\n",
	       (double)(now() - from) / N);
}

static void one_ready(struct pollfd *list)
{
	enum { N = 150 };
	int64_t took = 0, from;
	uint64_t value = 1;

	for (int i = 0; i < N; i++) {
		int fd = list[rand() % WATCHED].fd, found = 0;

		if (write(fd, &value, sizeof(value)) < 0)
			exit(1);
		from = now();
		poll(list, WATCHED, -1);
		while (!list[found].revents)
			found++;
		took += now() - from;
		if (list[found].fd != fd || read(fd, &value, sizeof(value)) < 0)
			exit(1);
	}
	printf("wait/poll/watched:1000/ready:1 %.2f\n", (double)took / N);
}

int main(int argc, char **argv)
{
	const struct rlimit many = { 2 * WATCHED, 2 * WATCHED };
	struct pollfd list[WATCHED];
	uint64_t one = 1;
	cpu_set_t set;

	if (argc < 2)
		return 2;
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[1]), &set);
	sched_setaffinity(0, sizeof(set), &set);
	setrlimit(RLIMIT_NOFILE, &many);
	for (int i = 0; i < WATCHED; i++)
		list[i] = (struct pollfd){ eventfd(0, 0), POLLIN, 0 };
	calls();
	one_ready(list);
	for (int i = 0; i < WATCHED; i++)
		if (write(list[i].fd, &one, sizeof(one)) < 0)
			return 1;
	all_ready(list);
	return 0;
}
