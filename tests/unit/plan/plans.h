/* SPDX-License-Identifier: MIT */
/* plans.h - plans for unit tests; a wrong one fails the test */
#ifndef UNIT_PLANS_H
#define UNIT_PLANS_H

#include "tests/unit/test.h"

#include "harness/plan/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static const char *const models[] = { "thread", "busypoll", "select", "poll",
				      "epoll",  "aio",      "uring",  NULL };

static char error[PLAN_ERROR_SIZE];

static inline struct plan parsed(const char *text)
{
	struct plan p;

	if (!plan_parse(&p, text, strlen(text), "my.plan", models, error))
		fail_msg("%s", error);
	return p;
}

static inline struct plan committed(const char *name)
{
	struct plan p;
	char path[64];

	snprintf(path, sizeof(path), "harness/plans/%s.plan", name);
	if (!plan_read(&p, path, models, error))
		fail_msg("%s", error);
	return p;
}

/* For plan_keep(): whether it contains `data` */
static inline bool named(const char *name, void *data)
{
	return strstr(name, data);
}

#endif
