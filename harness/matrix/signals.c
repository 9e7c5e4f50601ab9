/* SPDX-License-Identifier: MIT */
/* signals.c - Ctrl-C ends a run in order: see session_internal.h */
#include "harness/matrix/session_internal.h"

static volatile int interrupted;
static volatile int continued; /* how often, after Ctrl-Z */

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

/* For signals that a call reports as well: ignored ones would stay so in servers. */
static void do_nothing(int signal)
{
	(void)signal;
}

/*
 * They are blocked but while something is waited for, so that none falls between
 * asking and waiting. The first one ends the run in order; a second one, the
 * program: then the keepers end what it started. What is ignored stays so: nohup.
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
