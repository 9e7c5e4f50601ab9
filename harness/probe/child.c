/* SPDX-License-Identifier: MIT */
/* child.c - starts a program under a keeper: see child.h */
#include "child.h"
#include "keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Receives a message of the keeper; false: the keeper is dead. */
static bool receive(const struct child *c, struct keeper_message *m)
{
	ssize_t n;

	do
		n = recv(c->fd, m, sizeof(*m), 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof(*m);
}

static void send_order(const struct child *c, char order)
{
	send(c->fd, &order, 1, MSG_NOSIGNAL);
}

static void let_go_of_keeper(struct child *c)
{
	close(c->fd);
	c->fd = -1;
	while (waitpid(c->keeper, NULL, 0) < 0 && errno == EINTR)
		;
}

bool child_start(struct child *c, const struct child_plan *plan,
		 char why[WHY_SIZE])
{
	struct keeper_message m = { .kind = KEEPER_REAPED };
	int fds[2];

	*c = (struct child){ .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return why_not(why, "socketpair: %s", strerror(errno));
	c->keeper = fork();
	if (c->keeper == 0) {
		close(fds[0]);
		keeper_main(fds[1], plan);
	}
	close(fds[1]);
	c->fd = fds[0];
	if (c->keeper < 0) {
		close(c->fd);
		return why_not(why, "fork: %s", strerror(errno));
	}
	if (receive(c, &m) && m.kind == KEEPER_WAITING) {
		c->pid = m.pid;
		return true;
	}
	let_go_of_keeper(c);
	return why_not(why, "the program could not be started: %s",
		       m.kind == KEEPER_FAILED && m.error ?
			       strerror(m.error) :
			       "its process was killed");
}

bool child_go(struct child *c)
{
	struct keeper_message m = { .kind = KEEPER_REAPED };

	send_order(c, KEEPER_GO);
	if (receive(c, &m) && m.kind == KEEPER_RUNNING)
		return true;
	let_go_of_keeper(c);
	errno = m.kind == KEEPER_FAILED ? m.error : ESRCH;
	return false;
}

void child_reap(struct child *c, struct cgroup *g, struct child_end *end)
{
	struct keeper_message m;
	char ignored[WHY_SIZE];
	bool reaped;

	send_order(c, KEEPER_REAP);
	do
		reaped = receive(c, &m);
	while (reaped && m.kind != KEEPER_REAPED);
	*end = (struct child_end){ .status = -1 };
	if (reaped)
		*end = m.end;
	let_go_of_keeper(c);
	/* The keeper has removed it, unless it was killed. */
	if (reaped)
		cgroup_forget(g);
	else
		cgroup_remove(g, ignored);
}
