/* SPDX-License-Identifier: MIT */
/* signals.c - signals that end a run: see session_internal.h */
#include "harness/matrix/session_internal.h"

static volatile int interrupted;
static volatile int continued; /* number of SIGCONT */

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void count_continue(int signal)
{
	(void)signal;
	continued = continued + 1;
}

/* A handler, as an ignored signal would stay ignored in servers. The call that fails
 * reports the error. */
static void do_nothing(int signal)
{
	(void)signal;
}

/*
 * The signals are blocked except during waits (wait.h), so that none arrives between a
 * check and a wait. The first one ends the run in order. A second one kills the program;
 * then the keepers end its children. An ignored signal stays ignored: nohup.
 */
void catch_signals(struct session *s)
{
	struct sigaction action = { .sa_handler = interrupt,
				    .sa_flags = (int)SA_RESETHAND };
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++) {
		struct sigaction was;

		sigaction(caught[i], NULL, &was);
		if (was.sa_handler == SIG_IGN)
			continue;
		sigaddset(&blocked, caught[i]);
		sigaction(caught[i], &action, NULL);
	}
	signal(SIGCONT, count_continue);
	signal(SIGPIPE, do_nothing);
	signal(SIGXFSZ, do_nothing);
	sigprocmask(SIG_BLOCK, &blocked, &s->signals);
	s->context.interrupted = &interrupted;
	s->context.continued = &continued;
	s->context.mask = &s->signals;
}

bool was_interrupted(void)
{
	return interrupted;
}
