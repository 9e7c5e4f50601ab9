/* SPDX-License-Identifier: MIT */
/* settings.h - a line of a plan that names a family of cells */
#ifndef PLAN_SETTINGS_H
#define PLAN_SETTINGS_H

#include "harness/plan/cell.h"
#include "harness/plan/parse.h"

enum { SETTINGS_MAX = 2000 };

/* A cell without a model yet; its message is 0 where that of the plan counts. */
struct setting {
	struct cell cell;
	unsigned line; /* that named it */
};

struct settings {
	struct setting *setting;
	size_t n;
};

/* Adds what a line names, `rest` being what follows "cells"; false: it is wrong. */
bool read_cells(struct settings *all, char *rest, const struct location *at);

#endif
