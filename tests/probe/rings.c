/* SPDX-License-Identifier: MIT */
/*
 * rings.c - submits io_uring operations, as the lines of its input say
 *
 *	plain N		to rings that take submissions by system call
 *	polled N	to a ring that a kernel thread polls (SQPOLL)
 *	wait MS		sleeps
 *
 * The two plain rings take turns. A child process has inherited all rings and does
 * nothing.
 */
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <signal.h>

enum { PLAIN, PLAIN_TOO, POLLED, RINGS };

static struct io_uring rings[RINGS];

static void make_ring(struct io_uring *ring, unsigned flags)
{
	struct io_uring_params params = { .flags = flags,
					  .sq_thread_idle = 60000 };
	int error = io_uring_queue_init_params(8, ring, &params);

	if (error < 0) {
		fprintf(stderr, "io_uring: %s\n", strerror(-error));
		exit(77);
	}
}

/* Without a system call, if it is the polled one that has been woken up */
static void do_nothing_in(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	io_uring_prep_nop(io_uring_get_sqe(ring));
	io_uring_submit(ring);
	while (io_uring_peek_cqe(ring, &cqe) < 0)
		;
	io_uring_cqe_seen(ring, cqe);
}

int main(void)
{
	char line[64], verb[16];
	pid_t parent = getpid();
	long n;

	make_ring(&rings[PLAIN], 0);
	make_ring(&rings[PLAIN_TOO], 0);
	make_ring(&rings[POLLED], IORING_SETUP_SQPOLL);
	if (fork() == 0) {
		/* Run by hand, too; and its parent may have ended before that. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			pause();
		return 0;
	}
	while (write(1, "done\n", 5) == 5) {
		ssize_t length = read(0, line, sizeof(line) - 1);

		if (length <= 0)
			return 0;
		line[length] = '\0';
		if (sscanf(line, "%15s %ld", verb, &n) != 2)
			abort();
		if (strcmp(verb, "wait") == 0)
			usleep(n * 1000);
		else if (strcmp(verb, "polled") == 0)
			while (n-- > 0)
				do_nothing_in(&rings[POLLED]);
		else
			while (n-- > 0)
				do_nothing_in(&rings[n % 2]);
	}
	return 0;
}
