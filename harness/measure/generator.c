/* SPDX-License-Identifier: MIT */
/* generator.c - bin/loadgen, started and stopped by a bout: see generator.h */
#include "harness/measure/generator.h"

#include "harness/base/die.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
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
	ERRORS_MOST = 64 * 1024,
	LINE_SIZE = 4096
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
	if (c->service == SERVICE_HTTP)
		add(a, "--service=http");
	if (c->depth > 1) {
		add(a, "--depth");
		add(a, "%u", c->depth);
	}
	if (c->pattern != PATTERN_STEADY) {
		char value[WORK_SIZE];

		cell_part("pattern")->print(c, value, sizeof(value));
		add(a, "--pattern=%s", value);
	}
}

static void fill(struct arguments *a, const struct generator_plan *plan)
{
	bool v6 = strchr(plan->host, ':') != NULL;

	add(a, "loadgen");
	add(a, "--target");
	add(a, v6 ? "[%s]:%u" : "%s:%u", plan->host, plan->port);
	add_load(a, plan->cell);
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
	g->child_index = wait_add_child(w, &g->child);
	wait_add_stream(w, &g->out);
	wait_add_stream(w, &g->err);
	wait_add_stream(w, &g->hold);
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

bool generator_has_line(void *data)
{
	const struct generator *g = data;

	return strchr(g->hold.text, '\n') || g->hold.fd < 0 || has_ended(data);
}

/* `begin`: the first word; the rest of the line goes to `rest`. */
static bool take_line(struct generator *g, const char *begin,
		      char rest[LINE_SIZE])
{
	size_t length = strlen(begin);
	char line[LINE_SIZE];

	if (!stream_line(&g->hold, line, sizeof(line)))
		return failed(g, has_ended(g) || g->hold.fd < 0 ?
					 "it ended early" :
					 "it does not answer");
	if (strncmp(line, begin, length) != 0)
		return failed(g, "it said '%.100s' instead of '%s'", line,
			      begin);
	strcpy(rest, line + length);
	return true;
}

bool generator_ready(struct generator *g, unsigned *clients)
{
	char rest[LINE_SIZE];

	return take_line(g, "ready ", rest) &&
	       (sscanf(rest, "%u", clients) == 1 ||
		failed(g, "it said 'ready %.100s'", rest));
}

bool generator_agreed(struct generator *g)
{
	char rest[LINE_SIZE];

	return take_line(g, "ok", rest);
}

static void tell(struct generator *g, const char *line)
{
	/* If it is dead, there will be no answer. */
	if (g->hold.fd >= 0)
		send(g->hold.fd, line, strlen(line), MSG_NOSIGNAL);
}

void generator_begin(struct generator *g, unsigned number, int64_t head,
		     int64_t window)
{
	char line[96];

	snprintf(line, sizeof(line), "slice %u %" PRId64 " %" PRId64 "\n",
		 number, head, window);
	tell(g, line);
}

void generator_keep(struct generator *g, bool keep)
{
	tell(g, keep ? "keep\n" : "drop\n");
}

static int64_t count_of(const json_t *from, const char *key)
{
	const json_t *value = json_object_get(from, key);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static double number_of(const json_t *from, const char *key)
{
	const json_t *value = json_object_get(from, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

static void read_slice(struct generator_slice *to, const json_t *from)
{
	*to = (struct generator_slice){
		.requests = count_of(from, "requests"),
		.answered = count_of(from, "answered"),
		.due = count_of(from, "due"),
		.unanswered = count_of(from, "unanswered"),
		.errors = count_of(from, "errors"),
		.mismatches = count_of(from, "mismatches"),
		.window_ns = count_of(from, "window_ns"),
		.elapsed_ns = count_of(from, "elapsed_ns"),
		.client_cpu_ns = count_of(from, "client_cpu_ns"),
		.delay_ns = count_of(from, "delay_ns"),
		.response_p50_ns = number_of(from, "response_p50_ns"),
		.response_p99_ns = number_of(from, "response_p99_ns"),
		.service_p50_ns = number_of(from, "service_p50_ns"),
		.service_p99_ns = number_of(from, "service_p99_ns"),
		.queued = number_of(from, "queued"),
		.busy = number_of(from, "busy"),
		.gave_up = json_is_true(json_object_get(from, "gave_up")),
	};
}

bool generator_slice(struct generator *g, struct generator_slice *to)
{
	char rest[LINE_SIZE];
	const char *object;
	json_t *json;

	if (!take_line(g, "slice ", rest))
		return false;
	object = strchr(rest, '{');
	json = object ? json_loads(object, 0, NULL) : NULL;
	if (!json)
		return failed(g, "it said of a slice '%.100s'", rest);
	read_slice(to, json);
	json_decref(json);
	return true;
}

/* -------------------------------------------------------------------- its end */

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

void generator_close(struct generator *g)
{
	if (g->hold.fd >= 0)
		shutdown(g->hold.fd, SHUT_WR);
}

static void say_why_no_report(struct generator *g)
{
	const char *line = last_line(g->err.text);

	if (*line)
		failed(g, "%.400s", line);
	else if (WIFSIGNALED(g->end.status))
		failed(g, "killed by signal %d", WTERMSIG(g->end.status));
	else
		failed(g, "exit status %d, without a report or a message",
		       WEXITSTATUS(g->end.status));
}

enum wait_result generator_finish(struct generator *g)
{
	enum wait_result ended;

	if (!g->running)
		return WAIT_DONE;
	generator_close(g);
	ended = wait_until(g->wait_set, monotonic_ns() + finish_limit,
			   has_reported, g);
	reap(g);
	if (ended == WAIT_TIMED_OUT)
		failed(g, "it did not end within %d s of its last slice",
		       (int)(finish_limit / 1000000000));
	if (ended != WAIT_DONE)
		return ended;
	g->report = json_loads(g->out.text, 0, NULL);
	if (!g->report)
		say_why_no_report(g);
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
