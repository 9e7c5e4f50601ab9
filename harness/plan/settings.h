/* SPDX-License-Identifier: MIT */
/* settings.h - a cells line of a plan: all combinations of its values */
#ifndef PLAN_SETTINGS_H
#define PLAN_SETTINGS_H

#include "harness/plan/cell.h"
#include "harness/plan/parse.h"

enum { SETTINGS_MAX = 2000 };

/* A cell without a model; message 0: the message size of the plan. */
struct setting {
	struct cell cell;
	unsigned line; /* of the plan */
};

struct settings {
	struct setting *setting;
	size_t n;
};

/* Adds the settings of a line; `rest` follows "cells". false: error set. */
bool read_cells(struct settings *all, char *rest, const struct location *at);

#endif
