/* SPDX-License-Identifier: MIT */
/*
 * command.h - servers of others: LABEL=COMMAND or LABEL=ADDRESS
 *
 *	./a.out                     started with --port 0 --message N; prints
 *	java Echo                   its port in a ready line (server.h)
 *	node echo.js {port}         started with a free port instead of {port};
 *	                            ready once it listens there
 *	127.0.0.1:7000              runs already; neither started nor stopped
 *	127.0.0.1:7000 pid=1234     the same, with its CPU time and system calls
 *
 * The command is split into words as by a shell, with '...', "..." and \.
 * Nothing is expanded.
 */
#ifndef PLAN_COMMAND_H
#define PLAN_COMMAND_H

#include "harness/base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct command {
	char *text;   /* storage of the words */
	char **word;  /* NULL at the end */
	size_t words; /* 0: an address */
	bool names_port;
	char host[64];
	unsigned port;
	pid_t pid; /* 0: not given */
};

/* false: `why` says what is wrong; there is nothing to free. */
bool command_parse(struct command *c, const char *text, char why[WHY_SIZE]);

void command_free(struct command *c);

/* A model of this suite: its program in the folder `bin`, with the options of its
 * label: epoll, delayloop:delay=10ms */
void command_of_model(struct command *c, const char *bin, const char *label);

/* The words with `port` for each {port}, and room for `more` words */
char **command_argv(const struct command *c, unsigned port, size_t more);
void command_argv_free(char **argv, size_t words);

/* Whether the program exists, or a server (of process c->pid) listens at the
 * address */
bool command_available(const struct command *c, char why[WHY_SIZE]);

/* The loopback address at which one of these processes listens; NULL: none. */
const char *command_listen_host(const pid_t *pids, size_t n, unsigned port);

#endif
