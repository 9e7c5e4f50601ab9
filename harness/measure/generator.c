/* SPDX-License-Identifier: MIT */
/* generator.c - bin/loadgen, started and stopped by a repetition: see generator.h */
#include "harness/measure/generator.h"

#include "harness/base/die.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ARGUMENTS = 40,
	ARGUMENT_SIZE = 128,
	REPORT_MOST = 256 << 20,
	ERRORS_MOST = 64 * 1024
};

static const int64_t finish_limit = INT64_C(10) * 1000000000;

/* ------------------------------------------------------------------ arguments */

struct arguments {
	char text[ARGUMENTS][ARGUMENT_SIZE];
	char *argv[ARGUMENTS + 1];
	int n;
};

__attribute__((format(printf, 2, 3))) static void add(struct arguments *a,
						      const char *format, ...)
{
	va_list args;

	if (a->n == ARGUMENTS)
		die_of(E2BIG, "arguments of loadgen");
	va_start(args, format);
	vsnprintf(a->text[a->n], ARGUMENT_SIZE, format, args);
	va_end(args);
	a->argv[a->n] = a->text[a->n];
	a->n++;
}

static void add_load(struct arguments *a, const struct cell *c)
{
	add(a, "--connections");
	add(a, "%u", c->connections);
	add(a, "--idle");
	add(a, "%u", c->idle);
	add(a, "--message");
	add(a, "%zu", c->message);
	if (c->loop == LOOP_OPEN) {
		add(a, "--rate");
		add(a, "%.17g", c->rate);
	}
	if (c->depth > 1) {
		add(a, "--depth");
		add(a, "%u", c->depth);
	}
	if (c->pattern == PATTERN_BURST)
		add(a, "--pattern=burst:%u", c->burst);
	if (c->pattern == PATTERN_CONNECT)
		add(a, "--pattern=connect");
}

static void fill(struct arguments *a, const struct generator_plan *plan)
{
	bool v6 = strchr(plan->host, ':') != NULL;

	add(a, "loadgen");
	add(a, "--target");
	add(a, v6 ? "[%s]:%u" : "%s:%u", plan->host, plan->port);
	add_load(a, plan->cell);
	add(a, "--warmup");
	add(a, "%" PRId64 "us", plan->warmup / 1000);
	add(a, "--duration");
	add(a, "%" PRId64 "us", plan->window / 1000);
	add(a, "--seed");
	add(a, "%" PRIu64, plan->seed);
	add(a, "--cpu");
	add(a, "%s", plan->cpu_list);
	add(a, "--threads");
	add(a, "%d", CPU_COUNT(plan->cpus));
	if (!plan->own_cpus)
		add(a, "--spin=never");
	add(a, "--hold");
	add(a, "%d", HOLD_FD);
	add(a, "--json");
	add(a, "-");
	add(a, "--quiet");
}

/* ------------------------------------------------------------------- starting */

static bool failed(struct generator *g, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool failed(struct generator *g, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(g->why, sizeof(g->why), format, args);
	va_end(args);
	return false;
}

/* [0] is our end, [1] is the end of the generator. */
static bool open_channels(struct generator *g, int out[2], int err[2],
			  int hold[2])
{
	if (pipe2(out, O_CLOEXEC) < 0)
		return failed(g, "pipe: %s", strerror(errno));
	stream_open(&g->out, out[0], REPORT_MOST);
	if (pipe2(err, O_CLOEXEC) < 0)
		return failed(g, "pipe: %s", strerror(errno));
	stream_open(&g->err, err[0], ERRORS_MOST);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, hold) < 0)
		return failed(g, "socketpair: %s", strerror(errno));
	stream_open(&g->hold, hold[0], ERRORS_MOST);
	return true;
}

static void close_if(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void add_to_wait_set(struct generator *g, struct wait_set *w)
{
	g->child_index = w->n_children;
	w->child[w->n_children] = &g->child;
	w->ended[w->n_children++] = false;
	w->stream[w->n_streams++] = &g->out;
	w->stream[w->n_streams++] = &g->err;
	w->stream[w->n_streams++] = &g->hold;
}

static bool start_it(struct generator *g, const struct generator_plan *plan,
		     const struct process_setup *setup)
{
	static const struct cgroup none = NO_CGROUP;
	static struct arguments arguments;
	struct child_plan child = { .path = plan->program,
				    .argv = arguments.argv,
				    .cgroup = &none,
				    .signals = g->wait_set->mask,
				    .prepare = process_setup,
				    .data = (void *)setup };

	arguments = (struct arguments){ .n = 0 };
	fill(&arguments, plan);
	if (!child_start(&g->child, &child, g->why))
		return false;
	if (!child_go(&g->child))
		return failed(g, "%s: %s", plan->program, strerror(errno));
	g->running = true;
	add_to_wait_set(g, g->wait_set);
	return true;
}

bool generator_start(struct generator *g, const struct generator_plan *plan,
		     struct wait_set *w)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, hold[2] = { -1, -1 };
	bool started;

	*g = (struct generator){ .wait_set = w };
	g->out.fd = g->err.fd = g->hold.fd = -1;
	started = open_channels(g, out, err, hold);
	if (started) {
		struct process_setup setup = { out[1], err[1], hold[1],
					       plan->cpus };

		started = start_it(g, plan, &setup);
	}
	close_if(out[1]);
	close_if(err[1]);
	close_if(hold[1]);
	return started;
}

/* ------------------------------------------------------------- its messages */

static bool has_ended(void *data)
{
	const struct generator *g = data;

	return g->wait_set->ended[g->child_index];
}

bool generator_has_window(void *data)
{
	struct generator *g = data;

	if (sscanf(g->hold.text, "window %" SCNd64 " %" SCNd64 "\n", &g->from,
		   &g->to) == 2 &&
	    strchr(g->hold.text, '\n'))
		return true;
	return has_ended(g);
}

bool generator_has_done(void *data)
{
	const struct generator *g = data;

	return strstr(g->hold.text, "done\n") || g->hold.fd < 0 ||
	       has_ended(data);
}

static void reap(struct generator *g)
{
	static struct cgroup none = NO_CGROUP;

	if (!g->running)
		return;
	g->running = false;
	g->wait_set->ended[g->child_index] = true;
	child_reap(&g->child, &none, &g->end);
	stream_take(&g->err);
}

static bool has_reported(void *data)
{
	const struct generator *g = data;

	return has_ended(data) && g->out.fd < 0;
}

enum wait_result generator_finish(struct generator *g)
{
	json_error_t error;
	enum wait_result ended;

	if (g->hold.fd >= 0)
		shutdown(g->hold.fd, SHUT_WR);
	ended = wait_until(g->wait_set, monotonic_ns() + finish_limit,
			   has_reported, g);
	reap(g);
	if (ended == WAIT_TIMED_OUT)
		failed(g, "it did not end within %d s after its window",
		       (int)(finish_limit / 1000000000));
	if (ended != WAIT_DONE)
		return ended;
	g->report = json_loads(g->out.text, 0, &error);
	if (!g->report) {
		const char *error_line = last_line(g->err.text);

		if (*error_line)
			failed(g, "%.400s", error_line);
		else if (WIFSIGNALED(g->end.status))
			failed(g, "killed by signal %d",
			       WTERMSIG(g->end.status));
		else
			failed(g,
			       "exit status %d, without a report or a message",
			       WEXITSTATUS(g->end.status));
	}
	return WAIT_DONE;
}

void generator_end(struct generator *g)
{
	reap(g);
	stream_close(&g->out);
	stream_close(&g->err);
	stream_close(&g->hold);
	json_decref(g->report);
	g->report = NULL;
}
