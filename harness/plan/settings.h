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
	/* The models to be measured in it, as written; belongs to `settings`. NULL: all
	 * of the plan */
	const char *models;
};

struct settings {
	struct setting *setting;
	size_t n;
	char **lists; /* of models */
	size_t n_lists;
};

/* Adds the settings of a line; `rest` follows "cells". false: error set. */
bool read_cells(struct settings *all, char *rest, const struct location *at);

/* Whether the setting is measured with this model */
bool setting_has(const struct setting *s, const char *model);

void settings_free(struct settings *all);

#endif
