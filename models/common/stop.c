/* SPDX-License-Identifier: MIT */
/* stop.c - the stop signals */
#include "stop.h"

#include "harness/base/die.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

atomic_bool stopping;

static int listen_fd;

static void stop(int signo)
{
	int saved_errno = errno;

	(void)signo;
	stopping = true;
	shutdown(listen_fd, SHUT_RDWR);
	errno = saved_errno;
}

void stop_on_signals(int fd)
{
	struct sigaction action = { .sa_handler = stop };
	sigset_t both;

	listen_fd = fd;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGTERM, &action, NULL) < 0 ||
	    sigaction(SIGINT, &action, NULL) < 0)
		die("sigaction");
	/* exec keeps the signal mask: the parent may have blocked them. */
	sigemptyset(&both);
	sigaddset(&both, SIGTERM);
	sigaddset(&both, SIGINT);
	sigprocmask(SIG_UNBLOCK, &both, NULL);
}

void stop_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		stopping = true;
}
