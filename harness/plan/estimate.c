/* SPDX-License-Identifier: MIT */
/* estimate.c - time, size and precision of a plan, and its summary: see order.h */
#include "harness/plan/order.h"

#include "harness/base/die.h"
#include "harness/base/print.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

/* ------------------------------------------------------- constants: of two CPUs */

/* What a bout takes beside load: to start and stop each server with its
 * generator, to connect and disconnect each client, around each slice (readings,
 * the protocol, thawing), and at the end of each round */
static const int64_t server_ns = 60 * MS, client_ns = MS / 8;
static const int64_t gap_ns = 4 * MS, round_ns = 5 * MS;

/* What a model takes on average for each client of a closed loop, and the load that
 * the slowest can serve in an open one: these make the response times, which a slice
 * is to be long beside, and which follow it until all is at rest. */
static const double client_response_ns = 12000, capacity = 150000;

/* A line with its histograms, and a row of slices.csv */
enum { REPETITION_BYTES = 12000, SLICE_BYTES = 120 };

/* Standard deviation of the logarithm of the ratio to the reference, for CPU time
 * per request: between fresh starts, and between the rounds of one
 * (make bench-turns) */
static const struct noise {
	enum loop loop;
	unsigned from; /* connections */
	double starts, rounds;
} noise[] = {
	{ LOOP_CLOSED, 300, 0.03, 0.16 },
	{ LOOP_CLOSED, 32, 0.04, 0.09 },
	{ LOOP_CLOSED, 0, 0.01, 0.08 },
	{ LOOP_OPEN, 0, 0.11, 0.18 },
};

/* --------------------------------------------------------------------- one bout */

/* In an open loop below the limit of the models they are short. */
static double expected_response(const struct cell *c)
{
	return c->loop == LOOP_CLOSED ?
		       client_response_ns * c->connections * c->depth :
		       0;
}

static int64_t expected_slice(const struct plan *p, const struct cell *c)
{
	return plan_slice(p, c, expected_response(c));
}

/* Until the last reply came: what was due beyond the capacity, at most 2 s */
static int64_t expected_rest(const struct cell *c, int64_t slice)
{
	const double most = 2000 * MS;
	double rest = expected_response(c);

	if (c->loop == LOOP_OPEN && c->rate > capacity)
		rest = (double)slice * (c->rate / capacity - 1);
	return fmin(rest, most);
}

static unsigned expected_rounds(const struct plan *p, const struct cell *c,
				size_t servers)
{
	return plan_rounds(p, (int64_t)servers * expected_slice(p, c));
}

int64_t bout_estimate(const struct plan *p, const struct entry *first, size_t n)
{
	const struct cell *c = first->cell;
	int64_t slice = expected_slice(p, c), servers = (int64_t)n;
	int64_t up = server_ns + client_ns * (c->connections + c->idle);
	int64_t rounds, rest;

	if (first->role == ROLE_COUNTING)
		return up + COUNTING_HEAD_NS + COUNTING_WINDOW_NS;
	if (first->role == ROLE_IDLE)
		return up + IDLE_WINDOW_NS;
	rest = expected_rest(c, slice) + gap_ns;
	rounds = expected_rounds(p, c, n);
	/* The slices of the warm-up round are shorter. */
	return servers * (up + slice / 4 + rest) +
	       rounds * (servers * (slice + rest) + round_ns);
}

/*
 * The half-width of the interval of a ratio, as a part of it; NAN: one block has
 * none. Student's t for blocks - 1 degrees of freedom, at 97.5 %: that is the
 * level of the intervals if half of the comparisons are called different.
 */
static double expected_width(const struct plan *p, const struct cell *c,
			     unsigned rounds)
{
	static const double t[] = { NAN,  25.5, 6.21, 4.18, 3.50, 3.16,
				    2.97, 2.84, 2.75, 2.69, 2.63 };
	unsigned df = p->blocks - 1;
	const struct noise *n = noise;
	double block;

	while (c->loop != n->loop || c->connections < n->from)
		n++;
	block = n->starts * n->starts + n->rounds * n->rounds / rounds;
	return (df < sizeof(t) / sizeof(*t) ? t[df] : 2.24 + 3.9 / df) *
	       sqrt(block / p->blocks);
}

/* ------------------------------------------------------------------ all of them */

static void add_timed(struct estimate *e, const struct plan *p,
		      const struct cell *c, size_t n)
{
	unsigned rounds = expected_rounds(p, c, n);
	struct precision width = { expected_width(p, c, rounds),
				   c->connections };

	if (e->timed++ == 0) {
		e->rounds_least = e->rounds_most = rounds;
		e->best = e->worst = width;
	}
	if (rounds < e->rounds_least)
		e->rounds_least = rounds;
	if (rounds > e->rounds_most)
		e->rounds_most = rounds;
	if (width.half_width < e->best.half_width)
		e->best = width;
	if (width.half_width > e->worst.half_width)
		e->worst = width;
	e->bytes += n * SLICE_BYTES * (rounds + 1);
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
			add_timed(&e, p, b->entry[i].cell, n);
	}
	for (size_t i = 0; i < b->n; i++)
		e.of_role[b->entry[i].role]++;
	e.settings = e.timed / p->blocks;
	return e;
}

/* ------------------------------------------------------------------- the summary */

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
		fprintf(to, "%s%s%s", between, p->models[i].label,
			strcmp(p->models[i].label, p->reference) == 0 ?
				" (the reference)" :
				"");
		between = ", ";
	}
	fprintf(to, "\n");
}

/* The part in which alone two settings differ; NULL: none, or several */
static const char *only_difference(const struct cell *a, const struct cell *b)
{
	struct cell connections = *b, rate = *b, idle = *b, message = *b;

	connections.connections = a->connections;
	rate.rate = a->rate;
	idle.idle = a->idle;
	message.message = a->message;
	return cell_same_setting(a, &connections) ? "connections" :
	       cell_same_setting(a, &rate)        ? "rate" :
	       cell_same_setting(a, &idle)        ? "idle" :
	       cell_same_setting(a, &message)     ? "message" :
						    NULL;
}

static void write_value(FILE *to, const struct cell *c, const char *part)
{
	char value[WORK_SIZE];

	cell_part(part)->print(c, value, sizeof(value));
	fputs(*value ? value : "0", to);
}

/* Settings that differ only in one number share a line; returns the next one. */
static size_t write_line(FILE *to, const struct cells *cells, size_t i)
{
	const struct cell *first = &cells->cell[i], *last = first;
	const char *varying = NULL, *part;
	char line[CELL_NAME_SIZE], *list = NULL;
	size_t size;
	FILE *values = open_memstream(&list, &size);

	if (!values)
		die("open_memstream");
	while ((i += setting_length(cells, i)) < cells->n) {
		const struct cell *next = &cells->cell[i];

		part = only_difference(last, next);
		if (!part || (varying && strcmp(part, varying) != 0))
			break;
		if (!varying)
			write_value(values, first, part);
		fputc(',', values);
		write_value(values, next, part);
		varying = part;
		last = next;
	}
	if (fclose(values) != 0)
		die("open_memstream");
	plan_line(first, line, varying);
	fprintf(to, "  cells   %s", line);
	if (varying)
		fprintf(to, " %s %s", varying, list);
	fputc('\n', to);
	free(list);
	return i;
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

static void write_bouts(FILE *to, const struct plan *p,
			const struct estimate *e)
{
	if (e->timed == 0)
		return;
	fprintf(to, "  %zu bout%s of about %.3g s, in %u", e->timed,
		plural(e->timed), (double)p->bout / 1e9, e->rounds_least);
	if (e->rounds_most > e->rounds_least)
		fprintf(to, " to %u", e->rounds_most);
	fprintf(to, " rounds\n");
}

static void write_repetitions(FILE *to, const struct estimate *e)
{
	const char *between = ": ";

	fprintf(to, "  %zu repetition%s", e->repetitions,
		plural(e->repetitions));
	for (int role = 0; role < ROLES; role++) {
		if (e->of_role[role] == 0)
			continue;
		fprintf(to, "%s%zu %s", between, e->of_role[role],
			role_names[role]);
		between = ", ";
	}
	fputc('\n', to);
}

static void write_precision(FILE *to, const struct precision *x)
{
	fprintf(to, "%.1f %% (%u connection%s)", x->half_width * 100,
		x->connections, plural(x->connections));
}

static void write_width(FILE *to, const struct plan *p,
			const struct estimate *e)
{
	if (e->timed == 0 || p->n_models < 2)
		return;
	if (!isfinite(e->best.half_width)) {
		fprintf(to, "  one block has no intervals\n");
		return;
	}
	fprintf(to, "  expected intervals of CPU per request: +-");
	write_precision(to, &e->best);
	if (e->best.connections != e->worst.connections) {
		fprintf(to, " to +-");
		write_precision(to, &e->worst);
	}
	fputc('\n', to);
}

char *blocks_summary(const struct plan *p, const struct estimate *e)
{
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		die("open_memstream");
	fprintf(to,
		"plan %s, seed %" PRIu64
		": %zu setting%s, %zu cell%s, %u block%s\n",
		p->name, p->seed, e->settings, plural(e->settings), p->timing.n,
		plural(p->timing.n), p->blocks, plural(p->blocks));
	write_models(to, p);
	for (size_t i = 0; i < p->timing.n;)
		i = write_line(to, &p->timing, i);
	write_idle(to, &p->idle);
	write_bouts(to, p, e);
	write_repetitions(to, e);
	write_width(to, p, e);
	fprintf(to, "  about ");
	write_time(to, e->ns);
	fprintf(to, ", ");
	write_bytes(to, e->bytes);
	fprintf(to, "\n");
	if (fclose(to) != 0)
		die("write a summary");
	return text;
}
