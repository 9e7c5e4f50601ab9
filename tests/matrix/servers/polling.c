/* SPDX-License-Identifier: MIT */
/*
 * polling.c - an echo server whose kernel thread iou-sqp spins, whatever it does
 *
 * The thread polls an io_uring that stays empty. The closing line says how long the
 * rests between slices were, how much CPU time all its threads used in them, and that of
 * the server without the thread.
 */
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 64, MESSAGE = 64 };

static volatile sig_atomic_t stopping;
static struct pollfd polled[CLIENTS + 1];
static nfds_t n;
static long long received, accepted;
static int64_t rests, rest_ns, resting_ns;

static void stop(int signo)
{
	(void)signo;
	stopping = 1;
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

static void listen_somewhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&at, size) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &size) < 0)
		abort();
	printf("ready model=polling host=127.0.0.1 port=%d pid=%d\n",
	       ntohs(at.sin_port), (int)getpid());
	fflush(stdout);
	polled[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* The first rests are before the rounds. */
static void note_rest(void)
{
	static int64_t last, used;
	int64_t rest = now(CLOCK_MONOTONIC) - last;

	if (rest > 10000000 && ++rests > 3) {
		rest_ns += rest;
		resting_ns += now(CLOCK_PROCESS_CPUTIME_ID) - used;
	}
	last = now(CLOCK_MONOTONIC);
	used = now(CLOCK_PROCESS_CPUTIME_ID);
}

static void echo(struct pollfd *client)
{
	char data[4096];
	ssize_t size = recv(client->fd, data, sizeof(data), 0);

	if (size > 0) {
		note_rest();
		received += size;
		send(client->fd, data, size, MSG_NOSIGNAL);
	} else {
		close(client->fd);
		client->fd = -1;
	}
}

static void serve(void)
{
	while (!stopping) {
		if (poll(polled, n, 100) <= 0)
			continue;
		for (nfds_t i = 1; i < n; i++)
			if (polled[i].revents)
				echo(&polled[i]);
		if (polled[0].revents && n <= CLIENTS) {
			polled[n++] =
				(struct pollfd){ .fd = accept(polled[0].fd,
							      NULL, NULL),
						 .events = POLLIN };
			accepted++;
		}
	}
}

int main(void)
{
	signal(SIGTERM, stop);
	start_thread();
	listen_somewhere();
	serve();
	printf("{\"requests\":%lld,\"accepted\":%lld,\"refused\":0,"
	       "\"rest_ns\":%lld,\"resting_ns\":%lld,\"own_cpu_ns\":%lld}\n",
	       received / MESSAGE, accepted, (long long)rest_ns,
	       (long long)resting_ns, (long long)now(CLOCK_THREAD_CPUTIME_ID));
	return 0;
}
