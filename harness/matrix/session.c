/* SPDX-License-Identifier: MIT */
/* session.c - bin/matrix run, and what it shares with resume: see session.h */
#include "harness/matrix/session.h"
#include "harness/matrix/session_internal.h"

#include "harness/gbench.h"
#include "harness/verdict/findings.h"
#include "harness/store/provenance.h"
#include "harness/verdict/validity.h"

#include "harness/base/die.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ------------------------------------------------------------------- measuring */

/* Inherited by generator and servers, which may have thousands of clients. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void pin_harness(const struct session *s)
{
	if (s->cpus.harness_apart)
		sched_setaffinity(0, sizeof(s->cpus.harness), &s->cpus.harness);
}

static void show_step(void *data, const struct entry *e, const char *step)
{
	progress_step(data, e, step);
}

void run_benchmarks(struct session *s)
{
	struct benchmark *steps = register_benchmarks(s);
	char *json;

	s->context.plan = &s->plan;
	s->context.cpus = &s->cpus;
	s->context.bin = s->bin;
	s->progress =
		progress_open(stderr, &s->blocks, &s->plan, s->opt->quiet);
	s->context.step = show_step;
	s->context.data = s->progress;
	raise_descriptor_limit();
	pin_harness(s);
	catch_signals(s);
	record_requests(s);
	json = gbench_run();
	progress_close(s->progress);
	sigprocmask(SIG_SETMASK, &s->signals, NULL);
	if (json)
		write_text(s, "gbench.json", json);
	free(steps);
}

/* ---------------------------------------------------------------------- the end */

bool any_failed(const struct session *s)
{
	for (size_t i = 0; i < s->store.n; i++)
		if (judge_failed(&s->store.records[i]))
			return true;
	return false;
}

static int print_resume_command(const struct session *s)
{
	char *command = resume_command(s);

	fprintf(stderr,
		"\n%s: incomplete; what was measured is in %s; to "
		"continue:\n\n    %s\n",
		program_invocation_short_name, s->store.path, command);
	free(command);
	return was_interrupted() ? EXIT_INTERRUPTED : EXIT_FAILED;
}

/* true: a model is worse than the reference. */
static bool gate(const struct session *s, const struct reduced *reduced)
{
	double least = isnan(s->opt->least) ? s->plan.margin : s->opt->least;
	size_t n = reduced_regressions(reduced, least);
	char text[SENTENCE_SIZE];

	if (!s->opt->fail_on_regression)
		return false;
	if (n == 0)
		fprintf(s->screen,
			"\nNo model is worse than %s by more than %.3g %%.\n",
			reduced->reference, 100 * least);
	else
		fprintf(s->screen, "\nWorse than %s by more than %.3g %%:\n",
			reduced->reference, 100 * least);
	for (size_t i = 0; i < reduced->n_comparisons; i++) {
		const struct comparison *c = &reduced->comparison[i];

		if (n > 0 && is_regression(c, least))
			write_paragraph(s->screen, "  ", "    ",
					comparison_sentence(reduced, c, text));
	}
	return n > 0;
}

static int conclude(struct session *s, const struct reduced *reduced)
{
	char *summary = reduced_summary(reduced, has_color(s->screen));

	fprintf(s->screen, "%s\nResults: %s\n", summary, s->store.path);
	free(summary);
	if (gate(s, reduced) || any_failed(s))
		return EXIT_FAILED;
	return s->opt->strict && json_array_size(reduced->warnings) ?
		       EXIT_WARNED :
		       EXIT_SUCCESS;
}

int finish(struct session *s)
{
	struct reduced reduced = reduce_all(s);
	char why[WHY_SIZE];
	int status;

	write_reduced(s, &reduced);
	if (count_bouts(s).missing > 0 || s->unwritten) {
		status = print_resume_command(s);
	} else {
		check(store_complete(&s->store, why), why);
		status = conclude(s, &reduced);
	}
	reduced_free(&reduced);
	store_close(&s->store);
	return status;
}

static int list_benchmarks(struct session *s)
{
	struct benchmark *steps = register_benchmarks(s);

	free(gbench_run());
	free(steps);
	return EXIT_SUCCESS;
}

void lock_machine(void)
{
	char why[WHY_SIZE];

	check(store_lock_machine(why) >= 0, why);
}

void start_benchmark(struct session *s)
{
	char why[512];
	int argc = s->opt->n_benchmark;

	if (!gbench_initialize(&argc, s->opt->benchmark, NULL, why))
		die_usage("%s", why);
	s->screen = gbench_wants_stdout() ? stderr : stdout;
	gbench_context("plan", s->plan.name);
}

void create_run(struct session *s)
{
	char path[STORE_PATH_SIZE], why[WHY_SIZE], *text = plan_text(&s->plan);
	const char *out = s->opt->out ? s->opt->out : default_out(s, path);
	json_t *machine;

	choose_counting(s);
	keep_awake(s);
	s->programs = programs_of(s);
	machine = machine_of(s);
	check(store_create(&s->store, out, why), why);
	mark_incomplete(s);
	check(store_file(&s->store, "plan.txt", text, why), why);
	free(text);
	check(store_json(&s->store, "machine.json", machine, why), why);
	s->run = describe_run(s);
	write_run(s);
	fprintf(s->screen, "  into %s\n\n", s->store.path);
	fflush(s->screen);
}

int matrix_run(const struct matrix_options *opt)
{
	static struct session s;

	s.opt = opt;
	catalog_bin(s.bin);
	session_plan(opt, s.bin, "standard", &s.plan);
	make_schedule(&s);
	start_benchmark(&s);
	if (gbench_wants_list())
		return list_benchmarks(&s);
	choose_cpus(&s, opt->server_cpus, opt->client_cpus);
	require_servers(&s);
	print_plan(&s);
	print_unmeasurable(&s);
	if (opt->dry_run)
		return EXIT_SUCCESS;
	lock_machine();
	create_run(&s);
	run_benchmarks(&s);
	return finish(&s);
}
