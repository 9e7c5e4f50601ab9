/* SPDX-License-Identifier: MIT */
/* contender.c - a server in a bout, with a generator of its own: see contender.h */
#include "harness/measure/contender.h"

#include "harness/base/grow.h"
#include "harness/measure/freeze.h"
#include "harness/measure/outcome.h"
#include "harness/measure/turns.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

/* Beside the length of a slice: the last replies (2 s at most) */
static const int64_t slice_limit = 10 * SECOND;
/* For the end of a server whose connections have ended */
static const int64_t end_limit = SECOND;
/* After which a server sleeps that has answered its last request */
static const int64_t settle_ns = SECOND / 1000;
/* CPU time without load, as a share: above it, a server is frozen between slices */
static const double idle_most = 0.01;
static const int64_t idle_judged_ns = SECOND / 50;
static const int64_t warmup_least = SECOND / 50;

bool contender_counts(const struct contender *c)
{
	return c->entry->role == ROLE_COUNTING || c->entry->role == ROLE_IDLE;
}

bool contender_is_foreign(const struct contender *c)
{
	return c->command.words == 0;
}

static void set_times(struct contender *c, int64_t slice_ns)
{
	c->head = slice_head(slice_ns);
	c->window = slice_ns - c->head;
	if (c->entry->role == ROLE_COUNTING) {
		c->head = COUNTING_HEAD_NS;
		c->window = COUNTING_WINDOW_NS;
	} else if (c->entry->role == ROLE_IDLE) {
		c->head = 0;
		c->window = IDLE_WINDOW_NS;
	} else {
		c->r->slice_ns = slice_ns;
	}
}

void contender_init(struct contender *c, const struct run_context *context,
		    const struct entry *e, int64_t slice_ns, struct record *r,
		    struct wait_set *w)
{
	bool shared = e->cell->placement == PLACEMENT_SHARED;
	time_t now = time(NULL);
	struct tm utc;

	memset(c, 0, sizeof(*c));
	c->context = context;
	c->entry = e;
	c->r = r;
	c->wait_set = w;
	set_times(c, slice_ns);
	c->cpu_at_rest = -1;
	c->place = shared ? &context->cpus->shared : &context->cpus->split;
	c->server.probed.cgroup.fd = -1;
	c->server.out.fd = c->server.err.fd = -1;
	c->generator.out.fd = c->generator.err.fd = c->generator.hold.fd = -1;
	strftime(r->started, sizeof(r->started), "%Y-%m-%dT%H:%M:%SZ",
		 gmtime_r(&now, &utc));
	snprintf(r->server_cpus, sizeof(r->server_cpus), "%s",
		 c->place->server_list);
	snprintf(r->client_cpus, sizeof(r->client_cpus), "%s",
		 c->place->client_list);
}

/* Records why there is nothing to measure. */
static void fail(struct contender *c, enum status status, const char *what,
		 const char *why)
{
	c->r->status = status;
	c->out = true;
	record_say(c->r->reasons, "%s: %s", what, why);
}

/* ------------------------------------------------------------------ the server */

/* The command or address after LABEL=; NULL: a model of this suite */
static const char *command_text(const struct contender *c)
{
	const struct plan *p = c->context->plan;

	for (size_t i = 0; i < p->n_models; i++)
		if (strcmp(p->models[i].label, c->entry->cell->model) == 0)
			return p->models[i].command;
	return NULL;
}

static void find_command(struct contender *c)
{
	const char *text = command_text(c);
	char why[WHY_SIZE];

	if (text) {
		if (!command_parse(&c->command, text, why))
			fail(c, STATUS_FAILED, "the server", why);
		return;
	}
	command_of_model(&c->command, c->context->bin, c->entry->cell->model);
	/* uring is not built without liburing. */
	if (access(c->command.word[0], F_OK) != 0)
		fail(c, STATUS_UNSUPPORTED, "the server",
		     "not built: run make, which prints what is missing");
}

/* Whether this kind of server can be measured in this cell */
static void check_cell(struct contender *c)
{
	bool takes_options = !contender_is_foreign(c) && !c->command.names_port;

	if (!takes_options && strcmp(c->entry->cell->work, "none") != 0)
		fail(c, STATUS_UNSUPPORTED, "the server",
		     "a command with {port}, or an address, takes no --work "
		     "option");
	else if (contender_is_foreign(c) && !c->command.pid &&
		 contender_counts(c))
		fail(c, STATUS_UNSUPPORTED, "the server",
		     "system calls and CPU time of an address are known only "
		     "with pid=N");
}

/* false: interrupted */
static bool accept_state(struct contender *c, enum server_state state)
{
	if (state == SERVER_UNSUPPORTED)
		fail(c, STATUS_UNSUPPORTED, "the server", c->server.why);
	else if (state == SERVER_FAILED)
		fail(c, STATUS_FAILED, "the server", c->server.why);
	return state != SERVER_INTERRUPTED;
}

static void note_cpu_method(struct contender *c)
{
	const struct probed *p = &c->server.probed;
	const char *method = cpu_of_cgroup(&p->cgroup) >= 0    ? "cgroup" :
			     cpu_of_process(p->child.pid) >= 0 ? "process" :
								 "";

	snprintf(c->r->cpu_method, sizeof(c->r->cpu_method), "%s", method);
}

static bool start_server(struct contender *c)
{
	struct server_plan plan = { .command = &c->command,
				    .cell = c->entry->cell,
				    .cpus = &c->place->server,
				    .counting = contender_counts(c) ?
							c->context->counting :
							SYSCALLS_NONE };
	struct memory memory;

	if (!accept_state(c, server_start(&c->server, &plan, c->wait_set)))
		return false;
	if (!c->out)
		note_cpu_method(c);
	c->resident_before = -1;
	if (!c->out && memory_read(&memory, &c->server.probed.cgroup,
				   c->server.probed.child.pid))
		c->resident_before = memory.resident_bytes;
	return true;
}

/* --------------------------------------------------------------- the generator */

static void start_generator(struct contender *c)
{
	const struct run_context *context = c->context;
	const struct cell *cell = c->entry->cell;
	char path[PATH_MAX];
	struct generator_plan plan = {
		.program = path,
		.cell = cell,
		.host = c->server.host,
		.port = c->server.port,
		.seed = context->plan->seed + c->entry->block,
		.cpus = &c->place->client,
		.cpu_list = c->place->client_list,
		.own_cpus = cell->placement == PLACEMENT_SPLIT,
	};

	snprintf(path, sizeof(path), "%s/loadgen", context->bin);
	if (!generator_start(&c->generator, &plan, c->wait_set))
		fail(c, STATUS_FAILED, "the generator", c->generator.why);
}

bool contender_start(struct contender *c)
{
	const struct cpus *cpus = c->context->cpus;

	if (c->place == &cpus->split && !cpus->split_possible) {
		fail(c, STATUS_UNSUPPORTED, "split", cpus->split_why);
		return true;
	}
	find_command(c);
	if (contender_is_foreign(c))
		*c->r->server_cpus = '\0';
	if (!c->out)
		check_cell(c);
	if (!c->out && !start_server(c))
		return false;
	if (!c->out)
		start_generator(c);
	return true;
}

static void give_up(struct contender *c, const char *what, const char *why)
{
	if (!*c->trouble)
		snprintf(c->trouble, sizeof(c->trouble), "%s: %.400s", what,
			 why);
}

bool contender_connected(struct contender *c)
{
	const struct cell *cell = c->entry->cell;
	unsigned clients;

	if (!generator_ready(&c->generator, &clients))
		give_up(c, "the generator", c->generator.why);
	else if (clients < cell_clients(cell) &&
		 !pattern_connects(cell->pattern)) {
		c->cut_off = true;
		give_up(c, "the generator", "not all clients were connected");
	}
	if (!*c->trouble && server_await_accept(&c->server) == WAIT_INTERRUPTED)
		return false;
	return !*c->trouble || contender_stop(c);
}

/* ------------------------------------------------------------------- CPU time */

static int64_t cpu_now(const struct contender *c)
{
	const struct probed *p = &c->server.probed;
	int64_t ns = cpu_of_cgroup(&p->cgroup);

	return ns >= 0 ? ns : cpu_of_process(p->child.pid);
}

static int64_t delay_now(const struct contender *c)
{
	return c->one_thread ? queue_of_thread(c->server.probed.child.pid) : -1;
}

static int64_t since(int64_t before, int64_t now)
{
	return before < 0 || now < before ? -1 : now - before;
}

void contender_rest(struct contender *c)
{
	c->cpu_at_rest = cpu_now(c);
	c->rested_at = monotonic_ns();
}

/* Adds up what it used without load, since the rest began. */
static void add_rest(struct contender *c, int64_t cpu, int64_t now)
{
	int64_t used = since(c->cpu_at_rest, cpu);

	if (used >= 0) {
		c->idle_cpu_ns += used;
		c->idle_ns += now - c->rested_at;
	}
	c->cpu_at_rest = -1;
}

void contender_freeze(struct contender *c)
{
	if (!c->spins || !c->server.running)
		return;
	c->frozen = freeze(&c->server.probed);
	if (!c->frozen)
		give_up(c, "the server", "it could not be stopped by SIGSTOP");
}

void contender_check_rest(struct contender *c)
{
	bool spun = c->spins;

	add_rest(c, cpu_now(c), monotonic_ns());
	if (c->server.running)
		contender_rest(c);
	if (c->idle_ns < idle_judged_ns)
		return;
	c->spins = c->spins || c->idle_cpu_ns > idle_most * c->idle_ns;
	c->idle_cpu_ns = c->idle_ns = 0;
	if (!spun)
		contender_freeze(c);
}

/* -------------------------------------------------------------------- a slice */

static bool slice_is_over(void *data)
{
	struct contender *c = data;

	return generator_has_line(&c->generator);
}

static void take_slice(struct contender *c, struct turn *t)
{
	const struct generator_slice *got = &t->got;
	bool answers = c->entry->cell->loop == LOOP_OPEN && got->answered > 0;

	if (!generator_slice(&c->generator, &t->got)) {
		give_up(c, "the generator", c->generator.why);
		return;
	}
	t->slice.requests = got->requests;
	t->slice.answered = got->answered;
	t->slice.window_ns = got->window_ns;
	t->slice.elapsed_ns = got->elapsed_ns;
	t->slice.client_cpu_ns = got->client_cpu_ns;
	t->slice.response_p50_ns = got->response_p50_ns;
	t->slice.response_p99_ns = got->response_p99_ns;
	t->slice.service_p50_ns = got->service_p50_ns;
	t->slice.service_p99_ns = got->service_p99_ns;
	c->overwhelmed = got->unanswered > 0 && answers;
	c->cut_off = got->errors > 0;
	if (got->errors > 0 || got->mismatches > 0)
		give_up(c, "the generator",
			"a connection or a reply was wrong");
	else if (got->unanswered > 0)
		give_up(c, "the server", "it did not answer all requests");
}

/* However short it is, each client of a closed loop gets a reply. */
static int64_t warmup_window(const struct contender *c)
{
	int64_t window = (c->head + c->window) / 4;

	return window > warmup_least ? window : warmup_least;
}

static struct turn *add_turn(struct contender *c, unsigned number,
			     unsigned position)
{
	struct turn *t;

	c->turns = grow(c->turns, c->n_turns + 1, sizeof(*c->turns));
	t = &c->turns[c->n_turns++];
	*t = (struct turn){ .slice = { .round = number,
				       .position = position,
				       .cpu_ns = NAN } };
	return t;
}

bool contender_slice(struct contender *c, unsigned number, unsigned position)
{
	struct turn *t = add_turn(c, number, position);
	int64_t now = monotonic_ns(), head = c->head, window = c->window;

	if (number == 0) {
		head = 0;
		window = warmup_window(c);
	}
	c->cpu_before = cpu_now(c);
	c->delay_before = delay_now(c);
	add_rest(c, c->cpu_before, now);
	if (c->frozen)
		thaw(&c->server.probed);
	generator_begin(&c->generator, number, head, window);
	switch (wait_until(c->wait_set, now + head + window + slice_limit,
			   slice_is_over, c)) {
	case WAIT_INTERRUPTED:
		return false;
	case WAIT_TIMED_OUT:
		give_up(c, "the generator", "it did not end its slice");
		break;
	case WAIT_DONE:
		take_slice(c, t);
		break;
	}
	contender_freeze(c);
	/* A twin may have the same server, whose slice comes next. */
	if (!c->server.running || *c->trouble) {
		if (wait_until(c->wait_set, monotonic_ns() + settle_ns, NULL,
			       NULL) == WAIT_INTERRUPTED)
			return false;
		contender_settle(c);
	}
	return !*c->trouble || contender_stop(c);
}

/* TRAP: the clock of a thread that runs is as old as the last tick (cpu.h). */
void contender_settle(struct contender *c)
{
	struct turn *t = &c->turns[c->n_turns - 1];
	int64_t cpu = cpu_now(c), used = since(c->cpu_before, cpu);

	if (!isnan(t->slice.cpu_ns)) /* settled already */
		return;
	/* While a twin has its slice, a server that is shared does not rest. */
	if (c->server.running)
		contender_rest(c);
	c->delay_ns = since(c->delay_before, delay_now(c));
	if (used >= 0)
		t->slice.cpu_ns = used;
}

void contender_keep(struct contender *c, bool keep)
{
	c->turns[c->n_turns - 1].slice.counted = keep;
	generator_keep(&c->generator, keep);
}

bool contender_agreed(struct contender *c)
{
	if (generator_agreed(&c->generator))
		return true;
	give_up(c, "the generator", c->generator.why);
	return contender_stop(c);
}

void contender_read(struct contender *c, enum edge edge)
{
	struct reading *r = edge == EDGE_BEGIN ? &c->from : &c->to;

	c->server.probed.without_threads = c->entry->role == ROLE_COUNTING;
	reading_take(r, &c->server.probed, edge);
	if (edge == EDGE_BEGIN) {
		c->has_from = true;
		c->from_turn = c->n_turns;
		c->one_thread = r->memory_known && r->memory.threads == 1 &&
				r->memory.processes == 1;
	} else {
		c->has_to = true;
		c->to_turn = c->n_turns;
	}
}

/* ----------------------------------------------------------------------- ending */

void contender_disconnect(struct contender *c)
{
	if (c->frozen)
		thaw(&c->server.probed);
	c->frozen = false;
	generator_close(&c->generator);
}

bool contender_report(struct contender *c)
{
	bool runs = c->generator.running;

	if (generator_finish(&c->generator) == WAIT_INTERRUPTED)
		return false;
	if (runs && !c->generator.report) /* now it is known why */
		snprintf(c->trouble, sizeof(c->trouble),
			 "the generator: %.400s", c->generator.why);
	/* Its clients see it sooner than its keeper. */
	if (c->cut_off && c->server.running &&
	    wait_until(c->wait_set, monotonic_ns() + end_limit,
		       server_has_ended, &c->server) == WAIT_INTERRUPTED)
		return false;
	c->cut_off = false;
	if (server_died(&c->server))
		fail(c, STATUS_FAILED, "the server", c->server.why);
	return true;
}

void contender_ask_to_stop(struct contender *c)
{
	if (!c->out)
		server_ask_to_stop(&c->server);
}

/* An open loop that overwhelms the server at once has a result, too. */
static void keep_something(struct contender *c)
{
	if (!c->overwhelmed)
		return;
	for (size_t i = 0; i < c->n_turns; i++)
		if (c->turns[i].slice.counted)
			return;
	contender_keep(c, true);
	if (!c->has_from)
		contender_read(c, EDGE_BEGIN);
	contender_read(c, EDGE_END);
}

bool contender_stop(struct contender *c)
{
	keep_something(c);
	contender_disconnect(c);
	if (!contender_report(c))
		return false;
	if (!c->out) {
		enum server_state state = server_stop(&c->server);

		/* What happened first is said first. */
		if (*c->trouble && state == SERVER_FAILED)
			record_say(c->r->reasons, "%s", c->trouble);
		if (!accept_state(c, state))
			return false;
	}
	outcome(c);
	c->out = true;
	return true;
}

void contender_end(struct contender *c)
{
	generator_end(&c->generator);
	server_end(&c->server);
	command_free(&c->command);
	if (c->has_from)
		reading_free(&c->from);
	if (c->has_to)
		reading_free(&c->to);
	free(c->turns);
	c->turns = NULL;
}
