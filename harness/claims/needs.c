/* SPDX-License-Identifier: MIT */
/* needs.c - what claims need to be measured: see needs.h */
#include "harness/claims/needs.h"

#include "harness/verdict/describe.h"

#include "harness/base/grow.h"
#include "harness/base/nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fresh starts differ more than rounds do, so blocks are many and short. With ten, the
 * intervals of many claims together are a third narrower than with six. Claims compare
 * their own models, so neither the baseline server nor a twin takes part. */
static const char head[] = "blocks 10\n"
			   "bout 1500ms\n"
			   "idle none\n"
			   "aa no\n"
			   "baseline no\n";

char *control_label(const struct control *control, char to[LABEL_SIZE])
{
	char effect[sizeof(control->effect)];

	snprintf(effect, sizeof(effect), "%s", control->effect);
	for (char *c = effect; *c; c++)
		if (*c == '=')
			*c = '-';
	snprintf(to, LABEL_SIZE, "%.24s:inject=%.14s", control->model, effect);
	return to;
}

struct cell under_control(const struct cell *c, const struct control *control)
{
	struct cell with = *c;

	if (control && strcmp(c->model, control->model) == 0)
		control_label(control, with.model);
	return with;
}

/* ------------------------------------------------------------------------ cells */

struct cells_of {
	const struct claim *claim;
	bool controls;
	struct cell *cell;
	size_t n;
};

static void add_cell(struct cells_of *to, const struct cell *c)
{
	for (size_t i = 0; i < to->n; i++)
		if (cell_same(&to->cell[i], c))
			return;
	to->cell = grow(to->cell, to->n + 1, sizeof(*to->cell));
	to->cell[to->n++] = *c;
}

static void add_value(struct cells_of *to, const struct value *v)
{
	const struct claim *claim = to->claim;

	for (unsigned i = 0; i < v->n && v->source != SOURCE_PRIMITIVE; i++) {
		add_cell(to, &v->cell[i]);
		for (unsigned k = 0; to->controls && k < claim->n_controls;
		     k++) {
			struct cell with =
				under_control(&v->cell[i], &claim->control[k]);

			add_cell(to, &with);
		}
	}
}

static void add_leaf(const struct predicate *leaf, void *data)
{
	add_value(data, leaf->left);
	if (leaf->right)
		add_value(data, leaf->right);
}

struct cell *claim_cells(const struct claim *c, bool controls, size_t *n)
{
	struct cells_of to = { c, controls, NULL, 0 };

	claim_each(c, add_leaf, &to);
	*n = to.n;
	return to.cell;
}

static void find_primitive(const struct predicate *leaf, void *data)
{
	bool *found = data;

	*found |= leaf->left->source == SOURCE_PRIMITIVE ||
		  (leaf->right && leaf->right->source == SOURCE_PRIMITIVE);
}

bool claim_needs_primitives(const struct claim *c)
{
	bool found = false;

	claim_each(c, find_primitive, &found);
	return found;
}

/* ------------------------------------------------------------------------- plan */

static struct cells_of all_cells(const struct claim *const *c, size_t n,
				 bool controls)
{
	struct cells_of all = { NULL, controls, NULL, 0 };

	for (size_t i = 0; i < n; i++) {
		all.claim = c[i];
		claim_each(c[i], add_leaf, &all);
	}
	return all;
}

static void put_model(FILE *to, const char *model, size_t *n)
{
	fprintf(to, "%s%s", (*n)++ ? "," : "models ", model);
}

/* Whether a cell before this one has its model */
static bool is_repeated(const struct cells_of *all, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(all->cell[i].model, all->cell[j].model) == 0)
			return true;
	return false;
}

/* Plain models in their usual order, then those with options */
static void write_models(FILE *to, const struct cells_of *all,
			 const char *const *models)
{
	size_t n = 0;

	for (; *models; models++)
		for (size_t i = 0; i < all->n; i++)
			if (strcmp(all->cell[i].model, *models) == 0 &&
			    !is_repeated(all, i))
				put_model(to, *models, &n);
	for (size_t i = 0; i < all->n; i++)
		if (strchr(all->cell[i].model, ':') && !is_repeated(all, i))
			put_model(to, all->cell[i].model, &n);
	fputc('\n', to);
}

static void write_settings(FILE *to, struct cells_of *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct cell first = all->cell[i];
		char line[CELL_NAME_SIZE];
		size_t models = 0;

		if (!*first.model) /* written already */
			continue;
		fprintf(to, "cells %s ", plan_line(&first, line, NULL));
		for (size_t j = i; j < all->n; j++) {
			if (!*all->cell[j].model ||
			    !cell_same_setting(&first, &all->cell[j]))
				continue;
			put_model(to, all->cell[j].model, &models);
			*all->cell[j].model = '\0';
		}
		fputc('\n', to);
	}
}

char *claims_plan(const struct claim *const *c, size_t n, bool controls,
		  const char *const *models)
{
	struct cells_of all = all_cells(c, n, controls);
	char *text = NULL;
	size_t size;
	FILE *to;

	if (all.n == 0)
		return NULL;
	to = text_open(&text, &size);
	fputs(head, to);
	write_models(to, &all, models);
	write_settings(to, &all);
	text_close(to);
	free(all.cell);
	return text;
}
