/* SPDX-License-Identifier: MIT */
/*
 * forking.c - a server that forks a process for each client
 *
 *	forking --port 0 --message BYTES --work cpu:MS
 *
 * It uses MS of CPU time per request, and then echoes it.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t used(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static _Noreturn void serve_client(int fd, size_t message, int64_t work)
{
	char buffer[65536];

	while (recv(fd, buffer, message, MSG_WAITALL) == (ssize_t)message) {
		int64_t begin = used();

		while (used() - begin < work)
			;
		if (send(fd, buffer, message, MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

static void reap(int signo)
{
	(void)signo;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
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
	printf("ready model=forking host=127.0.0.1 port=%d pid=%d\n",
	       ntohs(at.sin_port), (int)getpid());
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	struct sigaction on_child = { .sa_handler = reap,
				      .sa_flags = SA_RESTART };
	size_t message = argc > 4 ? atol(argv[4]) : 1;
	int64_t work = 0;
	int listen_fd;

	if (argc > 6 && sscanf(argv[6], "cpu:%ld", &work) == 1)
		work *= 1000000;
	sigaction(SIGCHLD, &on_child, NULL);
	listen_fd = listen_somewhere();
	for (;;) {
		int fd = accept(listen_fd, NULL, NULL);

		if (fd >= 0 && fork() == 0)
			serve_client(fd, message, work);
		close(fd);
	}
}
