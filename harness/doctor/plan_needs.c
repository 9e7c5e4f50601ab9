/* SPDX-License-Identifier: MIT */
/* plan_needs.c - what a plan needs: see doctor.h */
#include "harness/plan/order.h"
#include "harness/plan/command.h"
#include "harness/doctor/doctor.h"
#include "harness/plan/catalog.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Memory of a client on both sides, with sockets, stacks and buffers: more than
 * that of thread, the most expensive model; and memory without clients. */
enum { CLIENT_BYTES = 128 * 1024, BASE_BYTES = 100 * 1024 * 1024 };

/* The line and the histograms of a repetition */
enum { REPETITION_BYTES = 20000 };

/* The plan quick, if none is given */
enum { QUICK_CLIENTS = 1000, QUICK_REPETITIONS = 100 };

static void at_least(unsigned *most, unsigned n)
{
	if (n > *most)
		*most = n;
}

/* A label such as "thread" is that model: plan.c rejects it for other
 * programs. */
static void add_cell(struct needs *n, const struct cell *c)
{
	unsigned clients = c->connections + c->idle;
	uint64_t in_flight = (uint64_t)c->connections * c->depth * c->message;
	uint64_t memory =
		BASE_BYTES + (uint64_t)clients * CLIENT_BYTES + 4 * in_flight;

	at_least(&n->clients, clients);
	if (memory > n->memory)
		n->memory = memory;
	if (strcmp(c->model, "thread") == 0)
		at_least(&n->threads, clients);
	if (strcmp(c->model, "aio") == 0) {
		at_least(&n->threads, clients);
		at_least(&n->signals, clients);
	}
	n->uring |= strcmp(c->model, "uring") == 0;
	n->split |= c->placement == PLACEMENT_SPLIT && c->loop != LOOP_NONE;
	n->connecting |= c->pattern == PATTERN_CONNECT;
}

static void add_cells(struct needs *n, const struct cells *cells)
{
	for (size_t i = 0; i < cells->n; i++)
		add_cell(n, &cells->cell[i]);
}

/* ------------------------------------------------------------------- programs */

static bool is_available(const char *text)
{
	struct command command;
	char why[WHY_SIZE];
	bool here;

	if (!command_parse(&command, text, why))
		return false;
	here = command_available(&command, why);
	command_free(&command);
	return here;
}

static void add_program(struct needs *n, const char *bin, const char *name,
			const char *command)
{
	char path[PATH_MAX];
	size_t length = strlen(n->missing);

	if (command ? is_available(command) :
		      snprintf(path, sizeof(path), "%s/%s", bin, name) <
				      (int)sizeof(path) &&
			      access(path, X_OK) == 0)
		return;
	snprintf(n->missing + length, sizeof(n->missing) - length, "%s%s",
		 length ? ", " : "", command ? command : name);
}

static void add_programs(struct needs *n, const struct plan *p, const char *bin)
{
	for (size_t i = 0; i < p->n_models; i++)
		add_program(n, bin, p->models[i].label, p->models[i].command);
	if (p->baseline.n > 0)
		add_program(n, bin, BASELINE, NULL);
	add_program(n, bin, "loadgen", NULL);
}

/* ------------------------------------------------------------------------ plans */

static struct needs of_quick(const char *bin)
{
	struct needs n = {
		.clients = QUICK_CLIENTS,
		.threads = QUICK_CLIENTS,
		.signals = QUICK_CLIENTS,
		.split = true,
		.uring = true,
		.counting = true,
		.memory = BASE_BYTES + (uint64_t)QUICK_CLIENTS * CLIENT_BYTES,
		.disk = (uint64_t)QUICK_REPETITIONS * REPETITION_BYTES,
	};

	for (const char *const *name = syllabus; *name; name++)
		add_program(&n, bin, *name, NULL);
	add_program(&n, bin, BASELINE, NULL);
	add_program(&n, bin, "loadgen", NULL);
	return n;
}

struct needs doctor_needs(const struct plan *p, const char *bin)
{
	struct needs n = { .clients = 0 };
	struct blocks b;

	if (!p)
		return of_quick(bin);
	n.counting = p->counting;
	add_cells(&n, &p->timing);
	add_cells(&n, &p->idle);
	add_cells(&n, &p->baseline);
	add_programs(&n, p, bin);
	b = blocks_of(p);
	n.disk = blocks_estimate(p, &b).bytes;
	blocks_free(&b);
	return n;
}
