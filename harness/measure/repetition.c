/* SPDX-License-Identifier: MIT */
/* repetition.c - one cell measured once: see repetition.h */
#include "harness/measure/repetition.h"

#include "harness/measure/generator.h"
#include "harness/verdict/validity.h"
#include "harness/measure/metrics.h"
#include "harness/measure/server.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

/* For all clients to connect; for the last replies (2 s at most) and the report */
static const int64_t connect_limit = 60 * SECOND, done_limit = 20 * SECOND;
/* Ctrl-C may reach a child this much earlier than this process. */
static const int64_t signal_limit = SECOND / 10;
/* How long before the window a reading begins with what need not be exact */
static const int64_t lead_ns = SECOND / 20, lead_each_ns = 100000;
static const int64_t lead_end_ns = SECOND / 500;
/* Before the first request; by then the server has accepted all clients. */
static const int64_t lead_rest_ns = SECOND / 200;

struct attempt {
	const struct run_context *context;
	const struct entry *entry;
	struct record *r;
	const struct cpu_pair *place;
	bool sleeps;   /* the model, with idle clients */
	int continued; /* its value at the beginning */
	struct wait_set wait_set;
	struct command command; /* of the server */
	struct server server;
	struct generator generator;
	struct reading from, to;
	bool has_from, has_to;
	struct syscalls_counts rest_from, rest_to;
	bool has_rest;
	int64_t resident_before;
	const char *step;
	json_t *histograms;
};

static bool counts(const struct entry *e)
{
	return e->role == ROLE_COUNTING || e->role == ROLE_IDLE;
}

static void tick(void *data)
{
	const struct attempt *a = data;

	a->context->step(a->context->data, a->entry, a->step);
}

static void set_step(struct attempt *a, const char *step)
{
	a->step = step;
	tick(a);
}

/* ------------------------------------------------------------------ the server */

static bool fail(struct attempt *a, enum status status, const char *what,
		 const char *why)
{
	a->r->status = status;
	record_say(a->r->reasons, "%s: %s", what, why);
	return false;
}

/* The command or address after LABEL=; NULL: a model of this suite */
static const char *command_text(const struct attempt *a)
{
	const struct plan *p = a->context->plan;

	for (size_t i = 0; i < p->n_models; i++)
		if (strcmp(p->models[i].label, a->entry->cell->model) == 0)
			return p->models[i].command;
	return NULL;
}

static bool find_command(struct attempt *a)
{
	const char *text = command_text(a);
	char path[PATH_MAX], why[WHY_SIZE];

	if (text && !command_parse(&a->command, text, why))
		return fail(a, STATUS_FAILED, "the server", why);
	if (text)
		return true;
	snprintf(path, sizeof(path), "%s/%s", a->context->bin,
		 a->entry->cell->model);
	command_of_path(&a->command, path);
	/* uring is not built without liburing. */
	return access(path, F_OK) == 0 ||
	       fail(a, STATUS_UNSUPPORTED, "the server",
		    "not built: run make, which prints what is missing");
}

static bool is_up_already(const struct attempt *a)
{
	return a->command.words == 0;
}

/* Whether this kind of server can be measured in this cell */
static bool cell_is_supported(struct attempt *a)
{
	bool takes_options = !is_up_already(a) && !a->command.names_port;

	if (!takes_options && strcmp(a->entry->cell->work, "none") != 0)
		return fail(a, STATUS_UNSUPPORTED, "the server",
			    "a command with {port}, or an address, takes no "
			    "--work option");
	if (is_up_already(a) && !a->command.pid && counts(a->entry))
		return fail(a, STATUS_UNSUPPORTED, "the server",
			    "system calls and CPU time of an address are "
			    "known only with pid=N");
	return true;
}

/* Records what went wrong with the server; true: nothing did. */
static bool accept_state(struct attempt *a, enum server_state state)
{
	switch (state) {
	case SERVER_OK:
		return true;
	case SERVER_UNSUPPORTED:
		return fail(a, STATUS_UNSUPPORTED, "the server", a->server.why);
	case SERVER_FAILED:
		return fail(a, STATUS_FAILED, "the server", a->server.why);
	case SERVER_INTERRUPTED:
		break; /* the record is dropped */
	}
	return false;
}

static bool start_server(struct attempt *a)
{
	struct server_plan plan = { .command = &a->command,
				    .cell = a->entry->cell,
				    .cpus = &a->place->server,
				    .counting = counts(a->entry) ?
							a->context->counting :
							SYSCALLS_NONE };
	struct memory memory;

	set_step(a, "starting");
	if (!find_command(a))
		return false;
	if (is_up_already(a))
		*a->r->server_cpus = '\0';
	if (!cell_is_supported(a))
		return false;
	if (!accept_state(a, server_start(&a->server, &plan, &a->wait_set)))
		return false;
	a->resident_before = -1;
	if (memory_read(&memory, &a->server.probed.cgroup,
			a->server.probed.child.pid))
		a->resident_before = memory.resident_bytes;
	return true;
}

/* --------------------------------------------------------------- the generator */

static bool start_generator(struct attempt *a)
{
	const struct run_context *context = a->context;
	const struct cell *cell = a->entry->cell;
	char path[PATH_MAX];
	struct generator_plan plan = {
		.program = path,
		.cell = cell,
		.host = a->server.host,
		.port = a->server.port,
		.warmup = COUNTING_HEAD_NS,
		.window = COUNTING_WINDOW_NS,
		.seed = context->plan->seed,
		.cpus = &a->place->client,
		.cpu_list = a->place->client_list,
		.own_cpus = cell->placement == PLACEMENT_SPLIT,
	};

	snprintf(path, sizeof(path), "%s/loadgen", context->bin);
	if (!generator_start(&a->generator, &plan, &a->wait_set))
		return fail(a, STATUS_FAILED, "the generator",
			    a->generator.why);
	return true;
}

static bool a_program_ended(void *data)
{
	struct attempt *a = data;

	return a->wait_set.ended[a->server.child_index] ||
	       a->wait_set.ended[a->generator.child_index];
}

/* ------------------------------------------------------------------ the window */

/* false: interrupted. A server that dies is handled later. */
static bool read_edges(struct attempt *a)
{
	const struct cell *c = a->entry->cell;
	struct generator *g = &a->generator;
	int64_t lead = lead_ns;

	/* A server may have one thread per client. Reading a thousand threads
	 * under load may take longer than any lead time. */
	a->server.probed.without_threads = a->entry->role == ROLE_COUNTING;
	if (!a->server.probed.without_threads)
		lead += lead_each_ns * (c->connections + c->idle);
	set_step(a, "warm-up");
	if (wait_until(&a->wait_set, g->from - lead, a_program_ended, a) ==
	    WAIT_INTERRUPTED)
		return false;
	if (a_program_ended(a))
		return true;
	reading_take(&a->from, &a->server.probed, EDGE_BEGIN, g->from);
	a->has_from = true;
	set_step(a, "window");
	if (wait_until(&a->wait_set, g->to - lead_end_ns, a_program_ended, a) ==
	    WAIT_INTERRUPTED)
		return false;
	if (a_program_ended(a))
		return true;
	reading_take(&a->to, &a->server.probed, EDGE_END, g->to);
	a->has_to = true;
	set_step(a, "stopping");
	return true;
}

/* All clients are connected, and no request is in flight. */
static bool count_at_rest(struct attempt *a, struct syscalls_counts *to)
{
	char ignored[WHY_SIZE];

	return counts(a->entry) && a->server.method != SYSCALLS_NONE &&
	       syscalls_read(&a->server.probed.syscalls, to, ignored);
}

/* false: interrupted */
static bool read_rest(struct attempt *a)
{
	int64_t start = a->generator.from - COUNTING_HEAD_NS;

	if (counts(a->entry) &&
	    wait_until(&a->wait_set, start - lead_rest_ns, a_program_ended,
		       a) == WAIT_INTERRUPTED)
		return false;
	a->has_rest = count_at_rest(a, &a->rest_from) && monotonic_ns() < start;
	return true;
}

static bool run_generator(struct attempt *a)
{
	struct generator *g = &a->generator;
	int64_t limit = monotonic_ns() + connect_limit;

	if (wait_until(&a->wait_set, limit, generator_has_window, g) ==
	    WAIT_INTERRUPTED)
		return false;
	if (g->to > 0) {
		if (!read_rest(a) || !read_edges(a))
			return false;
		limit = g->to + done_limit;
		if (wait_until(&a->wait_set, limit, generator_has_done, g) ==
		    WAIT_INTERRUPTED)
			return false;
		a->has_rest = a->has_rest && count_at_rest(a, &a->rest_to);
	}
	return generator_finish(g) != WAIT_INTERRUPTED;
}

/* ----------------------------------------------------------------- the record */

/* Moves what goes into a file of its own from the report to a->histograms. */
static void take_report(struct attempt *a)
{
	static const char *const large[] = { "histograms", "series" };
	json_t *report = a->generator.report;

	if (!json_is_object(report))
		return;
	a->r->load = json_incref(report);
	a->histograms = json_object();
	for (size_t i = 0; i < sizeof(large) / sizeof(*large); i++) {
		json_t *part = json_object_get(report, large[i]);

		if (!part)
			continue;
		json_object_set(a->histograms, large[i], part);
		json_object_del(report, large[i]);
	}
	json_object_del(report, "target"); /* the port differs in every run */
}

static void take_closing(struct attempt *a)
{
	json_t *closing = a->server.closing;

	if (is_up_already(a))
		return;
	if (!json_is_object(closing))
		record_say(a->r->warnings,
			   "the server printed no counters when it ended");
	else
		a->r->server = json_incref(closing);
}

static void note_missing(struct attempt *a)
{
	const char *uncounted = *a->server.uncounted ? a->server.uncounted :
				counts(a->entry)     ? a->context->uncounted :
						       "";

	if (is_up_already(a))
		record_say(a->r->warnings,
			   "it was up already: not started, pinned or stopped "
			   "by this run%s",
			   a->command.pid ?
				   "" :
				   "; without pid=N its CPU time, system calls "
				   "and memory are unknown");
	if (*a->server.no_cgroup)
		record_say(a->r->warnings,
			   "CPU time of forked children is not included: %s",
			   a->server.no_cgroup);
	if (*uncounted)
		record_say(a->r->warnings, "system calls were not counted: %s",
			   uncounted);
}

static void measure_and_judge(struct attempt *a)
{
	struct record *r = a->r;
	struct circumstances c = {
		.was_stopped = a->continued != *a->context->continued,
		.sleeps = a->sleeps,
	};
	struct readings m = {
		.from = a->has_to ? &a->from : NULL,
		.to = a->has_to ? &a->to : NULL,
		.wanted_from = a->generator.from,
		.resident_before = a->resident_before,
		.counting = counts(a->entry),
		.method = a->server.method,
		.rest_from = a->has_rest ? &a->rest_from : NULL,
		.rest_to = a->has_rest ? &a->rest_to : NULL,
	};

	note_missing(a);
	compute_metrics(r, &m);
	if (a->has_to)
		c.suspended_ns = a->to.suspended_ns - a->from.suspended_ns;
	if (r->load ||
	    json_integer_value(json_object_get(r->server, "refused")) > 0)
		judge(r, &c);
	else
		fail(a, STATUS_FAILED, "the generator", a->generator.why);
}

/* ---------------------------------------------------------------- all the steps */

/* false: interrupted. Otherwise r->status has the outcome. */
static bool run_steps(struct attempt *a)
{
	enum server_state state;

	if (!start_server(a) || !start_generator(a))
		return true;
	if (!run_generator(a))
		return false;
	take_report(a);
	if (server_died(&a->server)) {
		fail(a, STATUS_FAILED, "the server", a->server.why);
		return true;
	}
	state = server_stop(&a->server);
	if (state == SERVER_INTERRUPTED)
		return false;
	if (!accept_state(a, state))
		return true;
	take_closing(a);
	measure_and_judge(a);
	return true;
}

static void begin(struct attempt *a)
{
	struct record *r = a->r;
	time_t now = time(NULL);
	struct tm utc;

	strftime(r->started, sizeof(r->started), "%Y-%m-%dT%H:%M:%SZ",
		 gmtime_r(&now, &utc));
	snprintf(r->server_cpus, sizeof(r->server_cpus), "%s",
		 a->place->server_list);
	snprintf(r->client_cpus, sizeof(r->client_cpus), "%s",
		 a->place->client_list);
}

/* Ctrl-C also goes to server and generator. They may get it first and end: a failure
 * counts only if no signal follows it. */
static bool was_interrupted(struct attempt *a)
{
	int64_t until = monotonic_ns();

	if (a->r->status == STATUS_FAILED)
		until += signal_limit;
	return wait_until(&a->wait_set, until, NULL, NULL) == WAIT_INTERRUPTED;
}

bool repetition(const struct run_context *context, const struct entry *e,
		bool sleeps, struct record *r, json_t **histograms)
{
	bool shared = e->cell->placement == PLACEMENT_SHARED;
	static struct attempt a; /* large: not for the stack */
	int64_t started;
	bool finished;

	memset(&a, 0, sizeof(a));
	a.context = context;
	a.entry = e;
	a.r = r;
	a.place = shared ? &context->cpus->shared : &context->cpus->split;
	a.sleeps = sleeps;
	a.continued = *context->continued;
	a.wait_set.tick = tick;
	a.wait_set.interrupted = context->interrupted;
	a.wait_set.mask = context->mask;
	a.wait_set.data = &a;
	a.generator.out.fd = a.generator.err.fd = a.generator.hold.fd = -1;
	begin(&a);
	if (!shared && !context->cpus->split_possible) {
		fail(&a, STATUS_UNSUPPORTED, "split", context->cpus->split_why);
		return true;
	}
	started = monotonic_ns();
	finished = run_steps(&a) && !was_interrupted(&a);
	generator_end(&a.generator);
	server_end(&a.server);
	command_free(&a.command);
	if (a.has_from)
		reading_free(&a.from);
	if (a.has_to)
		reading_free(&a.to);
	r->took_s = (monotonic_ns() - started) / 1e9;
	*histograms = a.histograms;
	return finished;
}
