/* SPDX-License-Identifier: MIT */
/* order.c - the order of a plan's repetitions: see order.h */
#include "harness/plan/order.h"

#include "harness/base/print.h"
#include "harness/base/die.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const role_names[ROLES] = { "timing", "aa", "counting", "idle",
					"ceiling" };

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

/* Fisher-Yates */
static void shuffle(struct entry *entry, size_t n, uint64_t state)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = below(i, &state);
		struct entry other = entry[j];

		entry[j] = entry[i - 1];
		entry[i - 1] = other;
	}
}

/* ------------------------------------------------------------------- blocks */

static void add(struct blocks *b, unsigned block, const struct cell *cell,
		enum role role)
{
	b->entry[b->n] = (struct entry){ b->n, block, cell, role };
	b->n++;
}

static void add_all(struct blocks *b, unsigned block, const struct cells *cells,
		    enum role role)
{
	for (size_t i = 0; i < cells->n; i++)
		add(b, block, &cells->cell[i], role);
}

/* The number of cells, from `first` on, with the same setting */
static size_t setting_length(const struct cells *cells, size_t first)
{
	size_t n = 1;

	while (first + n < cells->n &&
	       cell_same_setting(&cells->cell[first], &cells->cell[first + n]))
		n++;
	return n;
}

static size_t count_settings(const struct cells *cells)
{
	size_t n = 0;

	for (size_t i = 0; i < cells->n; i += setting_length(cells, i))
		n++;
	return n;
}

/* The model rotates from block to block; each setting begins with another. */
static void add_pairs(struct blocks *b, unsigned block, const struct plan *p)
{
	const struct cells *cells = &p->timing;
	size_t settings = count_settings(cells), setting = 0, length;
	uint64_t state = p->seed;
	uint64_t first = next_random(&state) >> 32; /* no overflow below */

	if (p->aa == AA_NONE)
		return;
	for (size_t i = 0; i < cells->n; i += length, setting++) {
		length = setting_length(cells, i);
		if (p->aa == AA_ONE && (first + block) % settings != setting)
			continue;
		add(b, block,
		    &cells->cell[i + (first + setting + block) % length],
		    ROLE_AA);
	}
}

static void end_block(struct blocks *b, size_t first, uint64_t seed)
{
	uint64_t state = seed;

	if (b->n == first)
		return;
	state = next_random(&state) + b->entry[first].block;
	shuffle(b->entry + first, b->n - first, state);
	for (size_t i = first; i < b->n; i++)
		b->entry[i].index = i;
}

struct blocks blocks_of(const struct plan *p)
{
	size_t most = p->timing.n + p->idle.n + p->ceiling.n +
		      p->blocks * 2 * p->timing.n;
	struct blocks b = { calloc(most + 1, sizeof(*b.entry)), 0 };

	if (!b.entry)
		die("calloc");
	if (p->counting)
		add_all(&b, 0, &p->timing, ROLE_COUNTING);
	add_all(&b, 0, &p->idle, ROLE_IDLE);
	end_block(&b, 0, p->seed);
	for (unsigned block = 1; block <= p->blocks; block++) {
		size_t first = b.n;

		add_all(&b, block, &p->timing, ROLE_TIMING);
		add_pairs(&b, block, p);
		if (block == (p->blocks + 1) / 2)
			add_all(&b, block, &p->ceiling, ROLE_CEILING);
		end_block(&b, first, p->seed);
	}
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

struct estimate blocks_estimate(const struct plan *p, const struct blocks *b,
				int64_t overhead, uint64_t line)
{
	struct estimate e = { .repetitions = b->n };

	for (size_t i = 0; i < b->n; i++)
		e.of_role[b->entry[i].role]++;
	e.ns = (p->warmup + p->window + overhead) * (int64_t)b->n;
	e.bytes = line * b->n;
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
	char warmup[EXACT_TIME_SIZE], window[EXACT_TIME_SIZE], *text = NULL;
	const char *between = ": ";
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		die("open_memstream");
	exact_time(p->warmup, warmup);
	exact_time(p->window, window);
	fprintf(to, "plan %s, seed %" PRIu64 ": %zu cell%s, %u block%s\n",
		p->name, p->seed, p->timing.n, plural(p->timing.n), p->blocks,
		plural(p->blocks));
	write_models(to, p);
	write_settings(to, &p->timing);
	write_idle(to, &p->idle);
	fprintf(to, "  %zu repetition%s of %s + %s", e->repetitions,
		plural(e->repetitions), warmup, window);
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
	if (p->repeats > REPEATS_USUAL) {
		fprintf(to, "; and up to ");
		write_time(to, e->ns / 100 * p->repeats);
		fprintf(to, " more to repeat what was invalid by chance");
	}
	fprintf(to, "\n");
	if (fclose(to) != 0)
		die("write a summary");
	return text;
}
