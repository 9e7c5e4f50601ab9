// SPDX-License-Identifier: MIT
/*
 * plan.c - a plan is refused with a reason, or survives writing and parsing again
 *
 * An input is a plan; and, as one line, the name of a cell.
 */
#include "fuzz.h"

#include "harness/plan/order.h"

#include <ctype.h>
#include <string.h>

enum { CELLS_CHECKED = 300 };

static const char *const ours[] = { "poll", "epoll", NULL };

static void check_error(const char *error)
{
	size_t length = strnlen(error, PLAN_ERROR_SIZE);

	HOLDS(length > strlen("my.plan: ") && length < PLAN_ERROR_SIZE);
	HOLDS(strncmp(error, "my.plan:", strlen("my.plan:")) == 0);
	for (; *error; error++)
		HOLDS(!iscntrl((unsigned char)*error));
}

/* They are named, no two alike, and the written plan has the same. */
static void check_cells(const struct cells *cells, const struct cells *again)
{
	HOLDS(cells->n == again->n);
	for (size_t i = 0; i < cells->n && i < CELLS_CHECKED; i++) {
		char name[CELL_NAME_SIZE];
		struct cell c;

		HOLDS(cell_parse(cell_name(&cells->cell[i], name), &c));
		HOLDS(cell_same(&c, &cells->cell[i]));
		HOLDS(cell_same(&c, &again->cell[i]));
		for (size_t j = 0; j < i; j++)
			HOLDS(!cell_same(&c, &cells->cell[j]));
	}
}

static void check_blocks(const struct plan *p)
{
	struct blocks b;
	struct estimate e;
	size_t n = p->timing.n * p->counting + p->idle.n;
	size_t timed = p->timing.n + p->baseline.n;
	char *text;

	/* The twin is in each setting of the reference. */
	for (size_t i = 0; i < p->timing.n; i++)
		timed += p->aa &&
			 strcmp(p->timing.cell[i].model, p->reference) == 0;

	n += timed * p->blocks;
	if (n > 10000)
		return;
	b = blocks_of(p);
	e = blocks_estimate(p, &b);
	HOLDS(b.n == n && e.repetitions == n);
	HOLDS(e.ns > 0 && e.bytes > 0);
	text = blocks_summary(p, &e);
	HOLDS(text);
	free(text);
	blocks_free(&b);
}

static void check_plan(const struct plan *p)
{
	char error[PLAN_ERROR_SIZE], *text = plan_text(p), *written;
	struct plan again;

	HOLDS(p->n_models > 0 && p->timing.n > 0);
	HOLDS(p->blocks >= 1 && p->bout > 0 && p->slice >= 0);
	HOLDS(p->margin > 0 && *p->reference);
	HOLDS(plan_parse(&again, text, strlen(text), "my.plan", ours, error));
	check_cells(&p->timing, &again.timing);
	check_cells(&p->idle, &again.idle);
	check_cells(&p->baseline, &again.baseline);
	written = plan_text(&again);
	HOLDS(strcmp(written, text) == 0);
	check_blocks(&again);
	free(written);
	free(text);
	plan_free(&again);
}

static void check_name(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), name[CELL_NAME_SIZE];
	struct cell c;

	HOLDS(text);
	if (cell_parse(text, &c))
		HOLDS(strcmp(cell_name(&c, name), text) == 0);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[PLAN_ERROR_SIZE];
	struct plan p;

	check_name(data, size);
	if (!plan_parse(&p, (const char *)data, size, "my.plan", ours, error)) {
		check_error(error);
		return 0;
	}
	check_plan(&p);
	plan_free(&p);
	return 0;
}
