/* SPDX-License-Identifier: MIT */
/* keeper.h - messages between child.c and its keeper: see child.h */
#ifndef KEEPER_H
#define KEEPER_H

#include "child.h"

/* Orders to the keeper, one byte each; the end of the socket also means reap. */
enum { KEEPER_GO = 'g', KEEPER_REAP = 'r' };

struct keeper_message {
	enum {
		KEEPER_WAITING, /* pid */
		KEEPER_RUNNING,
		KEEPER_FAILED, /* error; 0: it was killed */
		KEEPER_ENDED,
		KEEPER_REAPED /* end */
	} kind;
	pid_t pid;
	int error;
	struct child_end end;
};

__attribute__((noreturn)) void keeper_main(int fd,
					   const struct child_plan *plan);

#endif
