/* SPDX-License-Identifier: MIT */
/* plan_needs.c - what a plan needs: see doctor.h */
#include "harness/plan/order.h"
#include "harness/plan/command.h"
#include "harness/doctor/doctor.h"
#include "harness/plan/catalog.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Memory of a client on both sides, with sockets, buffers and, where it has one,
 * the stack of its thread; of a server with its generator; and beside them */
enum {
	CLIENT_BYTES = 32 * 1024,
	THREAD_BYTES = 96 * 1024,
	SLOW_BYTES = 1024 * 1024, /* of a slow reader: its sockets are full */
	SERVER_BYTES = 16 * 1024 * 1024,
	BASE_BYTES = 64 * 1024 * 1024
};

/* Counts like the plan quick, if none is given */
static const char quick[] = "cells closed connections 1,64,1000\n"
			    "cells closed shared\n"
			    "cells open connections 16 rate 2k idle 900\n";

static void at_least(unsigned *most, unsigned n)
{
	if (n > *most)
		*most = n;
}

/* A label such as "thread" is that model: plan.c rejects it for other
 * programs. */
static bool is_model(const struct cell *c, const char *name)
{
	char program[LABEL_SIZE];

	return strcmp(cell_program(c->model, program), name) == 0;
}

/* Or a process, which the same limits count; prefork has at least as many. */
static bool has_thread_per_client(const struct cell *c)
{
	static const char *const names[] = { "thread", "aio", "aio_callback",
					     "process", "prefork" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (is_model(c, names[i]))
			return true;
	return false;
}

/* uring and its variants */
static bool needs_uring(const struct cell *c)
{
	return strncmp(c->model, "uring", strlen("uring")) == 0;
}

/* The needs of one server are added to those of its bout. */
static void add_server(struct needs *bout, const struct cell *c)
{
	unsigned clients = cell_clients(c);
	uint64_t in_flight = (uint64_t)c->connections * c->depth * c->message;
	bool threads = has_thread_per_client(c);

	bout->servers++;
	bout->clients_at_once += clients;
	bout->memory += SERVER_BYTES + (uint64_t)clients * CLIENT_BYTES +
			(uint64_t)c->slow * SLOW_BYTES + 4 * in_flight;
	at_least(&bout->clients, clients);
	if (threads) {
		at_least(&bout->threads, clients);
		bout->threads_at_once += clients;
		bout->memory += (uint64_t)clients * THREAD_BYTES;
	}
	if (is_model(c, "aio"))
		bout->signals += clients;
	bout->uring |= needs_uring(c);
	bout->split |= c->placement == PLACEMENT_SPLIT && c->loop != LOOP_NONE;
	bout->connecting |= pattern_connects(c->pattern);
}

static void add_bout(struct needs *n, const struct entry *e, size_t length)
{
	struct needs bout = { .memory = BASE_BYTES };

	for (size_t i = 0; i < length; i++)
		add_server(&bout, e[i].cell);
	at_least(&n->servers, bout.servers);
	at_least(&n->clients, bout.clients);
	at_least(&n->clients_at_once, bout.clients_at_once);
	at_least(&n->threads, bout.threads);
	at_least(&n->threads_at_once, bout.threads_at_once);
	at_least(&n->signals, bout.signals);
	if (bout.memory > n->memory)
		n->memory = bout.memory;
	n->uring |= bout.uring;
	n->split |= bout.split;
	n->connecting |= bout.connecting;
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

static void add_program(struct needs *n, const char *bin, const char *label,
			const char *command)
{
	char path[PATH_MAX], name[LABEL_SIZE];
	size_t length = strlen(n->missing);

	cell_program(label, name);
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
	char error[PLAN_ERROR_SIZE];
	struct needs n = { .servers = 0 };
	struct plan p;

	if (plan_parse(&p, quick, strlen(quick), "quick", syllabus, error)) {
		n = doctor_needs(&p, bin);
		plan_free(&p);
	}
	return n;
}

struct needs doctor_needs(const struct plan *p, const char *bin)
{
	struct needs n = { .servers = 0 };
	struct blocks b;

	if (!p)
		return of_quick(bin);
	n.counting = p->counting;
	add_programs(&n, p, bin);
	b = blocks_of(p);
	for (size_t i = 0, length; i < b.n; i += length) {
		length = bout_length(&b, i);
		add_bout(&n, &b.entry[i], length);
	}
	n.disk = blocks_estimate(p, &b).bytes;
	blocks_free(&b);
	return n;
}
