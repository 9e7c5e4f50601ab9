/* SPDX-License-Identifier: MIT */
/* timeline.c - a server and its clients during a few requests: see timeline.h */
#include "harness/timeline/timeline.h"

#include "harness/timeline/about.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

/* A alone, then B alone, then both at once */
static const struct client_times two_clients[] = {
	{ .sends = { true, false, true } },
	{ .sends = { false, true, true } },
};
static const struct client_times one_client[] = {
	{ .sends = { true, true, true } },
};

enum { MESSAGE = 64 };

static enum timeline_result from_server(const struct server *s,
					enum server_state state, char *why)
{
	if (state == SERVER_INTERRUPTED)
		return TIMELINE_INTERRUPTED;
	snprintf(why, WHY_SIZE, "%s", s->why);
	return state == SERVER_UNSUPPORTED ? TIMELINE_UNSUPPORTED :
					     TIMELINE_FAILED;
}

/* The clients did not do what they should. */
static enum timeline_result from_clients(const struct clients *c, char *why)
{
	if (wait_interrupted(c->server->wait_set))
		return TIMELINE_INTERRUPTED;
	snprintf(why, WHY_SIZE, "%s", c->why);
	return TIMELINE_FAILED;
}

static enum timeline_result run_clients(const struct timeline_plan *plan,
					struct server *s, struct trace *t,
					FILE *file, char *why)
{
	const struct clients_plan clients = {
		.times = plan->one_client ? one_client : two_clients,
		.n = plan->one_client ? 1 : 2,
		.rounds = plan->one_client ? 1 : 10,
		.least = plan->one_client ? MS / 10 : MS,
		.warm_up = (plan->one_client ? 20 : 200) * MS,
		.message = MESSAGE,
		.cpus = &plan->cpus->client,
		.report = t->method == TRACE_STRACE,
	};
	struct clients c;
	enum timeline_result result = TIMELINE_DONE;

	if (!clients_start(&c, &clients, s) ||
	    server_await_accept(s) == WAIT_INTERRUPTED) {
		result = from_clients(&c, why);
	} else {
		trace_record(t);
		if (!clients_run(&c))
			result = from_clients(&c, why);
		clients_calls(&c, t);
		if (result == TIMELINE_DONE && !trace_stop(t, why))
			result = TIMELINE_FAILED;
	}
	if (result == TIMELINE_DONE)
		timeline_write(file, plan, s, &c, t);
	clients_end(&c);
	return result;
}

static enum timeline_result with_server(const struct timeline_plan *plan,
					enum trace_method method,
					struct server *s, struct wait_set *w,
					FILE *file, char *why)
{
	const struct cell cell = { .connections = 2,
				   .message = MESSAGE,
				   .depth = 1,
				   .burst = 1,
				   .work = "none" };
	const struct server_plan server = {
		.command = plan->command,
		.cell = &cell,
		.cpus = &plan->cpus->server,
		.counting = method == TRACE_STRACE ? SYSCALLS_STRACE :
						     SYSCALLS_NONE,
	};
	enum server_state state = server_start(s, &server, w);
	enum timeline_result result;
	struct trace t = { .n = 0 };
	bool opened;

	if (state != SERVER_OK)
		return from_server(s, state, why);
	if (method == TRACE_STRACE && s->method != SYSCALLS_STRACE) {
		snprintf(why, WHY_SIZE, "%s", s->uncounted);
		return TIMELINE_UNSUPPORTED;
	}
	opened = method == TRACE_BPF ?
			 trace_open_bpf(&t, &s->probed.cgroup, plan->buffer,
					why) :
			 trace_open_strace(&t, &s->probed.syscalls, why);
	result = opened ? run_clients(plan, s, &t, file, why) :
			  TIMELINE_UNSUPPORTED;
	trace_close(&t);
	if (result != TIMELINE_DONE)
		return result;
	state = server_stop(s);
	return state == SERVER_OK ? TIMELINE_DONE : from_server(s, state, why);
}

static enum timeline_result with_method(const struct timeline_plan *plan,
					enum trace_method method, FILE *file,
					char *why)
{
	struct wait_set w = { .mask = plan->mask,
			      .interrupted = plan->interrupted };
	struct server s;
	enum timeline_result result =
		with_server(plan, method, &s, &w, file, why);

	server_end(&s);
	wait_set_free(&w);
	return result;
}

bool timeline_may_trace(char why[WHY_SIZE])
{
	enum { BUFFER = 1 << 16 };
	struct cgroup g = NO_CGROUP;
	struct trace t = { .n = 0 };
	char ignored[WHY_SIZE];
	bool may = cgroup_make(&g, why) && trace_open_bpf(&t, &g, BUFFER, why);

	trace_close(&t);
	cgroup_remove(&g, ignored);
	return may;
}

enum timeline_result timeline_record(const struct timeline_plan *plan,
				     FILE *file, char why[WHY_SIZE])
{
	struct timeline_plan then = *plan;
	char bpf[WHY_SIZE];

	if (plan->method >= 0)
		return with_method(plan, plan->method, file, why);
	if (timeline_may_trace(bpf))
		return with_method(plan, TRACE_BPF, file, why);
	then.bpf_why = bpf;
	return with_method(&then, TRACE_STRACE, file, why);
}
