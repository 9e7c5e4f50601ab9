/* SPDX-License-Identifier: MIT */
/* run.c - the primitives as benchmarks: see run.h */
#include "harness/primitives/run.h"

#include "harness/base/die.h"
#include "harness/gbench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* A second one kills. An ignored signal stays ignored: nohup. */
void end_on_signals(void)
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = interrupt,
				    .sa_flags = (int)SA_RESETHAND },
			 was;

	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++) {
		sigaction(caught[i], NULL, &was);
		if (was.sa_handler != SIG_IGN)
			sigaction(caught[i], &action, NULL);
	}
}

bool run_interrupted(void)
{
	return interrupted;
}

/* ------------------------------------------------------------------- progress */

/* A line on the terminal, for a person who waits */
static struct progress {
	bool live;
	size_t done, all;
	int64_t since;
} progress;

static void show(const char *name)
{
	double took = (double)(clock_ns() - progress.since) / 1e9, left;

	if (!progress.live)
		return;
	left = progress.done ?
		       took / progress.done * (progress.all - progress.done) :
		       0;
	fprintf(stderr, "\r\033[K[%4zu/%zu] %-45.45s", progress.done,
		progress.all, name);
	if (progress.done * 20 > progress.all)
		fprintf(stderr, " %3.0f s left", left);
}

static void hide(void)
{
	if (progress.live)
		fputs("\r\033[K", stderr);
}

static void begin_progress(size_t all)
{
	const char *term = getenv("TERM");

	progress = (struct progress){
		.live = isatty(STDERR_FILENO) && term && strcmp(term, "dumb"),
		.all = all,
		.since = clock_ns(),
	};
}

/* ------------------------------------------------------------------ measuring */

/* The library calls a benchmark first with growing numbers of iterations, until they take
 * long enough: that is the first repetition. */
static void note_repetition(double seconds)
{
	progress.done += seconds >= gbench_number("min_time");
}

static void run_benchmark(struct gbench_state *state, void *data)
{
	struct result *r = data;
	const struct primitive *p = r->primitive;
	char name[PRIMITIVE_NAME_SIZE];
	struct meter m;

	if (interrupted) {
		gbench_skip(state, "interrupted");
		return;
	}
	show(primitive_name(p, name));
	meter_init(&m, gbench_iterations(state));
	p->measure(&m, p);
	if (*m.why || interrupted) {
		gbench_skip(state, *m.why ? m.why : "interrupted");
		if (!interrupted)
			why_not(r->why, "%s", m.why);
		return;
	}
	note_repetition((double)m.ns / 1e9);
	gbench_result(state, (double)m.ns / 1e9, 0);
	gbench_counter(state, "operations", m.operations);
	gbench_counter(state, "result", m.count);
}

/* Enough that what happens once, such as the start of a thread, hardly matters */
static unsigned tries(const struct primitive *p)
{
	return 4 + 200 / (1 + p->watched / 10 + p->count);
}

static void try_one(struct result *r, struct syscalls *counter)
{
	struct meter m;

	meter_init(&m, tries(r->primitive));
	m.counter = counter;
	r->primitive->measure(&m, r->primitive);
	if (*m.why)
		why_not(r->why, "%s", m.why);
	else if (counter && r->primitive->results & RESULT_TIME)
		r->calls = (double)m.calls / m.iterations / m.operations;
}

void try_all(struct result *r, size_t n, char uncounted[WHY_SIZE])
{
	const struct cgroup none = { .fd = -1 };
	struct syscalls counter;
	bool counts = syscalls_open(&counter, SYSCALLS_BPF, &none, getpid(),
				    uncounted);

	if (counts)
		*uncounted = '\0';
	begin_progress(n);
	for (size_t i = 0; i < n && !interrupted; i++) {
		char name[PRIMITIVE_NAME_SIZE];

		show(primitive_name(r[i].primitive, name));
		progress.done++;
		if (r[i].chosen)
			try_one(&r[i], counts ? &counter : NULL);
	}
	hide();
	if (counts)
		syscalls_close(&counter);
	if (!interrupted)
		register_all(r, n);
}

void register_all(struct result *r, size_t n)
{
	char name[PRIMITIVE_NAME_SIZE];

	for (size_t i = 0; i < n; i++)
		if (r[i].chosen && !*r[i].why)
			gbench_register(primitive_name(r[i].primitive, name),
					run_benchmark, &r[i]);
}

char *measure_all(struct result *r, size_t n)
{
	json_t *report;
	size_t all = 0;
	char *text;

	for (size_t i = 0; i < n; i++)
		all += r[i].chosen && !*r[i].why;
	begin_progress(all * (size_t)gbench_number("repetitions"));
	text = gbench_run();
	hide();
	report = json_loads(text, 0, NULL);
	if (!report)
		die("the report of Google Benchmark");
	results_read(r, n, report);
	json_decref(report);
	return text;
}
