/* SPDX-License-Identifier: MIT */
/*
 * mechanisms.h - how the system calls of a model prove that it is one
 *
 * claims/mechanisms has a line for each model: calls that have to be there (NAME|NAME:
 * one of them), and calls that must not (!NAME):
 *
 *	uring	io_uring_enter !recvfrom !epoll_wait
 */
#ifndef CLAIMS_MECHANISMS_H
#define CLAIMS_MECHANISMS_H

#include "harness/base/why.h"
#include "harness/plan/parse.h"
#include "harness/verdict/reduce.h"

struct mechanism {
	char model[LABEL_SIZE];
	char *calls;
};

struct mechanisms {
	struct mechanism *list;
	size_t n;
};

bool mechanisms_parse(struct mechanisms *to, const char *text, size_t length,
		      const char *source, const char *const *models,
		      char error[PLAN_ERROR_SIZE]);
void mechanisms_free(struct mechanisms *m);

/* Whether the counted calls of this row prove it. A model without a line has nothing to
 * prove. false: `why` says what was not seen, or that nothing was counted. */
bool mechanism_shown(const struct mechanisms *m, const struct row *row,
		     char why[WHY_SIZE]);

/* Calls of this name or names, for each request; NAN: not counted by name */
double calls_by_name(const struct row *row, const char *names);

#endif
