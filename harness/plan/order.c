/* SPDX-License-Identifier: MIT */
/* order.c - the order of a plan's repetitions: see order.h */
#include "harness/plan/order.h"

#include "harness/base/print.h"
#include "harness/base/die.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

const char *const role_names[ROLES] = { "timing", "aa", "counting", "idle",
					"baseline" };

/* ------------------------------------------------------------------- random */

/* SplitMix64: the same sequence on every machine */
static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* Uniform in [0, n) */
static uint64_t below(uint64_t n, uint64_t *state)
{
	uint64_t odd = -n % n; /* numbers below it would bias the result */
	uint64_t x;

	do
		x = next_random(state);
	while (x < odd);
	return x % n;
}

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

/* The number of cells, from `first` on, with the same setting */
static size_t setting_length(const struct cells *cells, size_t first)
{
	size_t n = 1;

	while (first + n < cells->n &&
	       cell_same_setting(&cells->cell[first], &cells->cell[first + n]))
		n++;
	return n;
}

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

/* Fisher-Yates */
static void shuffle_groups(struct group *group, size_t n, uint64_t state)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = below(i, &state);
		struct group other = group[j];

		group[j] = group[i - 1];
		group[i - 1] = other;
	}
}

static void shuffle_cells(const struct cell **cell, size_t n, uint64_t *state)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = below(i, state);
		const struct cell *other = cell[j];

		cell[j] = cell[i - 1];
		cell[i - 1] = other;
	}
}

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
	shuffle_cells(cell, cells->n, state);
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
	state = next_random(&state);
	if (p->counting)
		add_apart(&b, &p->timing, ROLE_COUNTING, &state);
	add_apart(&b, &p->idle, ROLE_IDLE, &state);
	bout = (unsigned)b.n;
	for (unsigned block = 1; block <= p->blocks; block++) {
		/* Always from the plan's order: a block does not depend on the
		 * one before. */
		memcpy(shuffled, g.group, g.n * sizeof(*shuffled));
		state = p->seed;
		shuffle_groups(shuffled, g.n, next_random(&state) + block);
		for (size_t i = 0; i < g.n; i++)
			add_bout(&b, block, bout++, p, &shuffled[i]);
	}
	free(shuffled);
	free(g.group);
	return b;
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

/* ----------------------------------------------------------------- estimates */

/* What a bout takes beside load, measured on two CPUs: for each server, each of
 * its clients, and each slice (thawing, readings, the protocol) */
static const int64_t server_ns = 60 * MS, client_ns = MS / 10, gap_ns = 3 * MS;

/* Bytes of a repetition (its line and histograms) and of a row of slices.csv */
enum { REPETITION_BYTES = 12000, SLICE_BYTES = 120 };

/* What `auto` will choose, roughly: the slowest model takes this long for each
 * client in a closed loop. */
static int64_t slice_guess(const struct plan *p, const struct cell *c)
{
	const int64_t request_ns = 15000;
	double rest = c->loop == LOOP_OPEN ?
			      50e9 / c->rate :
			      20.0 * c->connections * c->depth * request_ns;

	if (p->slice)
		return p->slice;
	return rest < 40 * MS ? 40 * MS : rest > 300 * MS ? 300 * MS : rest;
}

size_t bout_length(const struct blocks *b, size_t first)
{
	size_t n = 1;

	while (first + n < b->n &&
	       b->entry[first + n].bout == b->entry[first].bout)
		n++;
	return n;
}

int64_t bout_estimate(const struct plan *p, const struct entry *first, size_t n)
{
	const struct cell *c = first->cell;
	int64_t slice = slice_guess(p, c), servers = (int64_t)n;
	int64_t up = server_ns + client_ns * (c->connections + c->idle);
	int64_t rounds;

	if (first->role == ROLE_COUNTING)
		return up + COUNTING_HEAD_NS + COUNTING_WINDOW_NS;
	if (first->role == ROLE_IDLE)
		return up + IDLE_WINDOW_NS;
	rounds = plan_rounds(p, n, slice) + 1; /* and the warm-up round */
	return servers * (up + rounds * (slice + gap_ns));
}

struct estimate blocks_estimate(const struct plan *p, const struct blocks *b)
{
	struct estimate e = { .repetitions = b->n };

	for (size_t i = 0, n; i < b->n; i += n) {
		n = bout_length(b, i);
		e.bouts++;
		e.ns += bout_estimate(p, &b->entry[i], n);
		e.bytes += n * REPETITION_BYTES;
		if (b->entry[i].block > 0)
			e.bytes +=
				n * SLICE_BYTES *
				plan_rounds(p, n,
					    slice_guess(p, b->entry[i].cell));
	}
	for (size_t i = 0; i < b->n; i++)
		e.of_role[b->entry[i].role]++;
	return e;
}

static void write_time(FILE *to, int64_t ns)
{
	int64_t s = (ns + 500000000) / 1000000000, min = (s + 30) / 60;

	if (s < 60)
		fprintf(to, "%" PRId64 " s", s);
	else if (s < 3600)
		fprintf(to, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else
		fprintf(to, "%" PRId64 " h %" PRId64 " min", min / 60,
			min % 60);
}

static void write_bytes(FILE *to, uint64_t bytes)
{
	if (bytes < 999500)
		fprintf(to, "%.0f kB", bytes < 1000 ? 1 : bytes / 1e3);
	else if (bytes < 999500000)
		fprintf(to, "%.3g MB", bytes / 1e6);
	else
		fprintf(to, "%.3g GB", bytes / 1e9);
}

static bool has_cells(const struct plan *p, const struct model *m)
{
	const struct cells *all[] = { &p->timing, &p->idle };

	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < all[k]->n; i++)
			if (strcmp(all[k]->cell[i].model, m->label) == 0)
				return true;
	return false;
}

static void write_models(FILE *to, const struct plan *p)
{
	const char *between = "  models  ";

	for (size_t i = 0; i < p->n_models; i++) {
		if (!has_cells(p, &p->models[i]))
			continue;
		fprintf(to, "%s%s", between, p->models[i].label);
		between = ", ";
	}
	fprintf(to, "\n");
}

/* Settings that differ only in connections share a line. */
static void write_settings(FILE *to, const struct cells *cells)
{
	char line[CELL_NAME_SIZE], last[CELL_NAME_SIZE] = "";

	for (size_t i = 0; i < cells->n; i += setting_length(cells, i)) {
		plan_line(&cells->cell[i], line);
		if (strcmp(line, last) == 0)
			fprintf(to, ",%u", cells->cell[i].connections);
		else
			fprintf(to, "%s  cells   %s, connections %u",
				i ? "\n" : "", line,
				cells->cell[i].connections);
		memcpy(last, line, sizeof(last));
	}
	if (cells->n)
		fprintf(to, "\n");
}

static void write_idle(FILE *to, const struct cells *cells)
{
	if (cells->n == 0)
		return;
	fprintf(to, "  idle    ");
	for (size_t i = 0; i < cells->n; i += setting_length(cells, i))
		fprintf(to, "%s%u", i ? "," : "", cells->cell[i].idle);
	fprintf(to, " clients\n");
}

char *blocks_summary(const struct plan *p, const struct estimate *e)
{
	char *text = NULL;
	const char *between = ": ";
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		die("open_memstream");
	fprintf(to, "plan %s, seed %" PRIu64 ": %zu cell%s, %u block%s\n",
		p->name, p->seed, p->timing.n, plural(p->timing.n), p->blocks,
		plural(p->blocks));
	write_models(to, p);
	write_settings(to, &p->timing);
	write_idle(to, &p->idle);
	fprintf(to, "  %zu repetition%s in %zu bout%s", e->repetitions,
		plural(e->repetitions), e->bouts, plural(e->bouts));
	for (int role = 0; role < ROLES; role++) {
		if (e->of_role[role] == 0)
			continue;
		fprintf(to, "%s%zu %s", between, e->of_role[role],
			role_names[role]);
		between = ", ";
	}
	fprintf(to, "\n  about ");
	write_time(to, e->ns);
	fprintf(to, ", ");
	write_bytes(to, e->bytes);
	fprintf(to, "\n");
	if (fclose(to) != 0)
		die("write a summary");
	return text;
}
