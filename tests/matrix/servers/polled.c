/* SPDX-License-Identifier: MIT */
/*
 * polled.c - a server that sleeps while its kernel thread iou-sqp spins
 *
 * The thread polls an io_uring that stays empty. The kernel accepts clients; the server
 * never replies. Its closing line has its own CPU time, without the thread.
 */
#include <liburing.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t used(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void start_thread(void)
{
	static struct io_uring ring;
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL,
					  .sq_thread_idle = 60000 };
	int error = io_uring_queue_init_params(8, &ring, &params);

	if (error < 0) {
		fprintf(stderr, "io_uring: %s\n", strerror(-error));
		exit(77);
	}
	/* The thread starts with the first submission. */
	io_uring_prep_nop(io_uring_get_sqe(&ring));
	io_uring_submit(&ring);
}

static int listen_somewhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&at, size) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &size) < 0)
		abort();
	printf("ready model=polled host=127.0.0.1 port=%d pid=%d\n",
	       ntohs(at.sin_port), (int)getpid());
	fflush(stdout);
	return fd;
}

int main(void)
{
	sigset_t waited;
	int signo;

	sigemptyset(&waited);
	sigaddset(&waited, SIGTERM);
	sigprocmask(SIG_BLOCK, &waited, NULL);
	start_thread();
	listen_somewhere();
	sigwait(&waited, &signo);
	printf("{\"own_cpu_ns\":%lld}\n",
	       (long long)used(CLOCK_THREAD_CPUTIME_ID));
	return 0;
}
