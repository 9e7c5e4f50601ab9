/* SPDX-License-Identifier: MIT */
/*
 * command.h - a server that is not ours, as LABEL= names it in a list of models
 *
 *	./a.out                     started with --port 0 --message N; says where it
 *	java Echo                   listens in its ready line (server.h)
 *	node echo.js {port}         started as it stands, with a free port in place of
 *	                            {port}; ready once it listens there
 *	127.0.0.1:7000              is up already, and is neither started nor stopped
 *	127.0.0.1:7000 pid=1234     the same, with its CPU time and system calls
 *
 * Words are cut as by a shell, with '...', "..." and \; nothing in them is expanded.
 */
#ifndef PLAN_COMMAND_H
#define PLAN_COMMAND_H

#include "harness/base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct command {
	char *text;   /* where the words are */
	char **word;  /* NULL at the end */
	size_t words; /* 0: an address */
	bool names_port;
	char host[64];
	unsigned port;
	pid_t pid; /* 0: not given */
};

/* false: it is none, and `why` says what is wrong; there is nothing to free. */
bool command_parse(struct command *c, const char *text, char why[WHY_SIZE]);

/* A path, whatever characters are in it, is a command of one word. */
void command_of_path(struct command *c, const char *path);
void command_free(struct command *c);

/* Its words with this number for each {port}, and room for `more`, from malloc. */
char **command_argv(const struct command *c, unsigned port, size_t more);
void command_argv_free(char **argv, size_t words);

/* Whether there is such a program, or at the address a server, of this process */
bool command_available(const struct command *c, char why[WHY_SIZE]);

/* The address of the loopback at which one of these processes listens; NULL: none. */
const char *command_listen_host(const pid_t *pids, size_t n, unsigned port);

#endif
