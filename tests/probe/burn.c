/* SPDX-License-Identifier: MIT */
/*
 * burn.c - uses CPU time in a known way, and prints how much by its own clocks
 *
 *	burn WHERE MS
 *
 * Prints "NS OWN": the CPU time of all threads and processes, and of the first thread.
 */
#include <liburing.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t used(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void burn(clockid_t clock, int64_t ns)
{
	int64_t begin = used(clock);

	while (used(clock) - begin < ns)
		;
}

/* CPU time of children, which report it before they end */
static int64_t *of_children;

static void in_self(int64_t ns)
{
	burn(CLOCK_PROCESS_CPUTIME_ID, ns);
}

static void in_forked(int64_t ns)
{
	for (int i = 0; i < 4; i++) {
		if (fork() == 0) {
			burn(CLOCK_PROCESS_CPUTIME_ID, ns / 4);
			of_children[i] = used(CLOCK_PROCESS_CPUTIME_ID);
			_exit(0);
		}
		wait(NULL);
	}
}

static void *be_thread(void *ns)
{
	burn(CLOCK_THREAD_CPUTIME_ID, *(int64_t *)ns / 4);
	return NULL;
}

static void in_threads(int64_t ns)
{
	pthread_t thread;

	for (int i = 0; i < 4; i++) {
		if (pthread_create(&thread, NULL, be_thread, &ns) != 0)
			abort();
		pthread_join(thread, NULL);
	}
}

static struct io_uring make_ring(unsigned flags)
{
	struct io_uring_params params = { .flags = flags,
					  .sq_thread_idle = 60000 };
	struct io_uring ring;
	int error = io_uring_queue_init_params(8, &ring, &params);

	if (error < 0) {
		fprintf(stderr, "io_uring: %s\n", strerror(-error));
		exit(77);
	}
	return ring;
}

/* The kernel's worker threads, iou-wrk, write zeros. */
static void in_workers(int64_t ns)
{
	enum { SIZE = 64 << 20 };
	struct io_uring ring = make_ring(0);
	int zero = open("/dev/zero", O_RDONLY);
	char *buffer = malloc(SIZE);

	while (used(CLOCK_PROCESS_CPUTIME_ID) < ns) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		struct io_uring_cqe *cqe;

		io_uring_prep_read(sqe, zero, buffer, SIZE, 0);
		sqe->flags |= IOSQE_ASYNC;
		io_uring_submit_and_wait(&ring, 1);
		if (io_uring_wait_cqe(&ring, &cqe) < 0 || cqe->res <= 0)
			abort();
		io_uring_cqe_seen(&ring, cqe);
	}
	io_uring_queue_exit(&ring);
	free(buffer); /* at exit it would cost unmeasured CPU time */
}

/* The kernel thread iou-sqp busy-polls the ring from the first operation on, while this
 * thread sleeps. */
static void in_sqpoll(int64_t ns)
{
	struct io_uring ring = make_ring(IORING_SETUP_SQPOLL);

	io_uring_prep_nop(io_uring_get_sqe(&ring));
	io_uring_submit(&ring);
	while (used(CLOCK_PROCESS_CPUTIME_ID) < ns)
		usleep(20000);
	io_uring_queue_exit(&ring);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*burn)(int64_t);
	} places[] = { { "self", in_self },
		       { "forked", in_forked },
		       { "threads", in_threads },
		       { "workers", in_workers },
		       { "sqpoll", in_sqpoll } };
	int64_t ns = argc > 2 ? atol(argv[2]) * 1000000 : 0, total;

	of_children = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; argc > 1 && i < 5; i++)
		if (strcmp(argv[1], places[i].name) == 0)
			places[i].burn(ns);
	total = used(CLOCK_PROCESS_CPUTIME_ID);
	for (int i = 0; i < 4; i++)
		total += of_children[i];
	printf("%lld %lld\n", (long long)total,
	       (long long)used(CLOCK_THREAD_CPUTIME_ID));
	return 0;
}
