/* SPDX-License-Identifier: MIT */
/* order.c - the order of a plan's repetitions: see order.h */
#include "harness/plan/order.h"

#include "harness/base/die.h"
#include "harness/base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const role_names[ROLES] = { "timing", "aa", "counting", "idle",
					"baseline" };

/* ------------------------------------------------------------------- settings */

/* What takes part in a bout */
struct group {
	const struct cell *timing; /* of `n` models */
	size_t n;
	const struct cell *baseline; /* NULL: not in this setting */
};

struct groups {
	struct group *group;
	size_t n;
};

/* The group of this setting, from *from on, as both are in the same order */
static struct group *find_group(struct groups *g, const struct cell *baseline,
				size_t *from)
{
	for (size_t i = *from; i < g->n; i++)
		if (g->group[i].n &&
		    cell_same_setting(g->group[i].timing, baseline)) {
			*from = i + 1;
			return &g->group[i];
		}
	/* A filter left only the baseline of it. */
	return &g->group[g->n++];
}

static struct groups group_settings(const struct plan *p)
{
	size_t most = p->timing.n + p->baseline.n, from = 0, length;
	struct groups g = { calloc(most + 1, sizeof(*g.group)), 0 };

	if (!g.group)
		die("calloc");
	for (size_t i = 0; i < p->timing.n; i += length) {
		length = setting_length(&p->timing, i);
		g.group[g.n++] =
			(struct group){ &p->timing.cell[i], length, NULL };
	}
	for (size_t i = 0; i < p->baseline.n; i++)
		find_group(&g, &p->baseline.cell[i], &from)->baseline =
			&p->baseline.cell[i];
	return g;
}

/* ------------------------------------------------------------------- blocks */

static void add(struct blocks *b, unsigned block, unsigned bout,
		const struct cell *cell, enum role role)
{
	b->entry[b->n] = (struct entry){ b->n, block, bout, cell, role };
	b->n++;
}

/* Block 0: each repetition is a bout of its own. */
static void add_apart(struct blocks *b, const struct cells *cells,
		      enum role role, uint64_t *state)
{
	const struct cell **cell = calloc(cells->n + 1, sizeof(*cell));

	if (!cell)
		die("calloc");
	for (size_t i = 0; i < cells->n; i++)
		cell[i] = &cells->cell[i];
	random_shuffle(cell, cells->n, sizeof(*cell), state);
	for (size_t i = 0; i < cells->n; i++)
		add(b, 0, b->n, cell[i], role);
	free(cell);
}

static void add_bout(struct blocks *b, unsigned block, unsigned bout,
		     const struct plan *p, const struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		add(b, block, bout, &g->timing[i], ROLE_TIMING);
	for (size_t i = 0; i < g->n && p->aa; i++)
		if (strcmp(g->timing[i].model, p->reference) == 0)
			add(b, block, bout, &g->timing[i], ROLE_AA);
	if (g->baseline)
		add(b, block, bout, g->baseline, ROLE_BASELINE);
}

struct blocks blocks_of(const struct plan *p)
{
	struct groups g = group_settings(p);
	size_t most = p->timing.n + p->idle.n +
		      p->blocks * (p->timing.n + g.n + p->baseline.n);
	struct blocks b = { calloc(most + 1, sizeof(*b.entry)), 0 };
	struct group *shuffled = calloc(g.n + 1, sizeof(*shuffled));
	uint64_t state = p->seed;
	unsigned bout;

	if (!b.entry || !shuffled)
		die("calloc");
	state = random_next(&state);
	if (p->counting)
		add_apart(&b, &p->timing, ROLE_COUNTING, &state);
	add_apart(&b, &p->idle, ROLE_IDLE, &state);
	bout = (unsigned)b.n;
	for (unsigned block = 1; block <= p->blocks; block++) {
		/* Always from the plan's order: a block does not depend on the
		 * one before. */
		memcpy(shuffled, g.group, g.n * sizeof(*shuffled));
		state = p->seed;
		state = random_next(&state) + block;
		random_shuffle(shuffled, g.n, sizeof(*shuffled), &state);
		for (size_t i = 0; i < g.n; i++)
			add_bout(&b, block, bout++, p, &shuffled[i]);
	}
	free(shuffled);
	free(g.group);
	return b;
}

size_t bout_length(const struct blocks *b, size_t first)
{
	size_t n = 1;

	while (first + n < b->n &&
	       b->entry[first + n].bout == b->entry[first].bout)
		n++;
	return n;
}

void blocks_free(struct blocks *b)
{
	free(b->entry);
	*b = (struct blocks){ NULL, 0 };
}

char *entry_name(const struct entry *e, char name[ENTRY_NAME_SIZE])
{
	char cell[CELL_NAME_SIZE];

	snprintf(name, ENTRY_NAME_SIZE, "%s/role:%s", cell_name(e->cell, cell),
		 role_names[e->role]);
	return name;
}
