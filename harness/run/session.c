/* SPDX-License-Identifier: MIT */
/* session.c - a run, from its plan to its last table: see session.h */
#include "harness/run/session.h"

#include "harness/gbench.h"
#include "harness/run/counting.h"
#include "harness/run/doctor.h"
#include "harness/run/identity.h"
#include "harness/run/judge.h"
#include "harness/run/known.h"
#include "harness/run/reduce.h"
#include "harness/run/repetition.h"
#include "harness/run/store.h"

#include "models/common/die.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* What a repetition takes beside warm-up and window, and its line and histograms,
 * as seen on the machines this was written on: for the estimate only */
static const int64_t overhead_ns = 350 * 1000000;
static const uint64_t bytes_each = 20000;

/* Of a plan's time, what may go into measuring again what was invalid */
static const double repeats_share = 0.05;

struct session {
	const struct matrix_options *opt;
	FILE *people; /* stdout, or stderr where that is for a program */
	char bin[KNOWN_PATH_SIZE];
	struct plan plan;
	struct blocks blocks;
	struct estimate estimate;
	struct places places;
	struct store store;
	struct site site;
	json_t *run; /* run.json */
	json_t *programs;
	json_t *differences; /* of a forced resume; NULL */
	double repeats_s;    /* time that repeats may still take */
	bool stopped;        /* the store cannot be written any more */
	bool unwritten;      /* of what is made from the lines, at the end */
	sigset_t signals;    /* outside of waits */
};

static volatile int interrupted;
static volatile int continued; /* how often, after Ctrl-Z */

/* ------------------------------------------------------------------- signals */

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void count_continue(int signal)
{
	(void)signal;
	continued = continued + 1;
}

/* For signals that a call reports as well: ignored ones would stay so in servers. */
static void do_nothing(int signal)
{
	(void)signal;
}

/*
 * They are blocked but while something is waited for, so that none falls between
 * asking and waiting. The first one ends the run in order; a second one, the
 * program: then the keepers end what it started. What is ignored stays so: nohup.
 */
static void catch_signals(struct session *s)
{
	struct sigaction action = { .sa_handler = interrupt,
				    .sa_flags = (int)SA_RESETHAND };
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++) {
		struct sigaction was;

		sigaction(caught[i], NULL, &was);
		if (was.sa_handler == SIG_IGN)
			continue;
		sigaddset(&blocked, caught[i]);
		sigaction(caught[i], &action, NULL);
	}
	signal(SIGCONT, count_continue);
	signal(SIGPIPE, do_nothing);
	signal(SIGXFSZ, do_nothing);
	sigprocmask(SIG_BLOCK, &blocked, &s->signals);
	s->site.interrupted = &interrupted;
	s->site.continued = &continued;
	s->site.mask = &s->signals;
}

/* --------------------------------------------------------------------- the plan */

struct filter {
	regex_t regex;
	bool keeps; /* what it matches; else, what it does not */
};

static bool keep_cell(const char *name, void *data)
{
	const struct filter *f = data;

	return (regexec(&f->regex, name, 0, NULL, 0) == 0) == f->keeps;
}

/* As Google Benchmark has it: a - in front means all but these. */
static void apply_filter(struct plan *p, const char *text)
{
	struct filter f = { .keeps = *text != '-' };
	char message[256];
	int error;

	error = regcomp(&f.regex, text + !f.keeps, REG_EXTENDED | REG_NOSUB);
	if (error) {
		regerror(error, &f.regex, message, sizeof(message));
		die_usage("--benchmark_filter '%s': %s", text, message);
	}
	if (plan_keep(p, keep_cell, &f) == 0)
		die_usage("--benchmark_filter '%s': no cell has such a name; "
			  "matrix list cells shows them",
			  text);
	regfree(&f.regex);
}

void session_plan(const struct matrix_options *opt, const char *bin,
		  const char *fallback, struct plan *p)
{
	char path[KNOWN_PATH_SIZE], error[PLAN_ERROR_SIZE];
	const char *name = opt->plan ? opt->plan : fallback;

	if (!known_plan(name, path, error))
		die_usage("--plan %s", error);
	if (!plan_read(p, path, known_models(bin), error)) {
		fprintf(stderr, "%s: %s\n", program_invocation_short_name,
			error);
		exit(EXIT_USAGE);
	}
	for (size_t i = 0; i < opt->n_overrides; i++)
		if (!plan_override(p, opt->override[i].key,
				   opt->override[i].value, error))
			die_usage("%s", error);
	if (opt->filter)
		apply_filter(p, opt->filter);
}

static void lay_out(struct session *s)
{
	s->blocks = blocks_of(&s->plan);
	s->estimate =
		blocks_estimate(&s->plan, &s->blocks, overhead_ns, bytes_each);
	s->repeats_s = s->estimate.ns / 1e9 * repeats_share;
}

static void print_plan(const struct session *s)
{
	char *text = blocks_summary(&s->plan, &s->estimate);

	fputs(text, s->people);
	fflush(s->people);
	free(text);
}

/* What of the plan cannot be measured here, before an hour has gone by */
static void print_obstacles(const struct session *s)
{
	struct diagnoses d = doctor(&s->plan, s->bin);

	for (size_t i = 0; i < d.n; i++)
		if (d.list[i].health == HEALTH_FAIL)
			fprintf(s->people,
				"  cannot all be measured: %s: %s%s%s\n",
				d.list[i].what, d.list[i].found,
				*d.list[i].remedy ? "; " : "",
				d.list[i].remedy);
	diagnoses_free(&d);
}

/* How calls are counted, and if not in the best way, why not */
static void choose_counting(struct session *s)
{
	static char why[WHY_SIZE];

	s->site.counting = SYSCALLS_NONE;
	s->site.uncounted = "";
	if (!s->plan.counting)
		return;
	s->site.counting = counting_choose(why);
	if (s->site.counting == SYSCALLS_NONE) {
		s->site.uncounted = why;
		fprintf(s->people, "  system calls cannot be counted: %s\n",
			why);
	} else if (*why) {
		fprintf(s->people, "  system calls are counted by %s: %s\n",
			syscalls_methods[s->site.counting], why);
	}
}

static void find_places(struct session *s, const char *server_cpus,
			const char *client_cpus)
{
	char why[PLACES_WHY_SIZE];

	if (!places_find(&s->places, server_cpus, client_cpus, why))
		die_usage("%s", why);
}

/* ------------------------------------------------------------ one after another */

struct step {
	struct session *session;
	const struct entry *entry;
};

static void say_reasons(struct gbench_state *state, const struct record *r)
{
	const char *reason = json_string_value(json_array_get(r->reasons, 0));
	char text[512];

	snprintf(text, sizeof(text), "%s: %s", status_names[r->status],
		 reason ? reason : "no reason is known");
	gbench_skip(state, text);
}

/* Its time is the median response time; of idle clients, CPU time a second. */
static void report(struct gbench_state *state, const struct record *r)
{
	double time = r->metric[METRIC_RESPONSE_P50] / 1e9;

	if (r->status != STATUS_OK) {
		say_reasons(state, r);
		return;
	}
	if (r->role == ROLE_IDLE)
		time = r->metric[METRIC_SERVER_CPU_SHARE];
	gbench_result(state, isfinite(time) ? time : 0);
	for (int i = 0; i < METRICS; i++)
		if (isfinite(r->metric[i]))
			gbench_counter(state, metrics[i].name, r->metric[i]);
}

/* A server that spins and shares its CPU with the generator: it comes to nothing
 * in any attempt. Idle clients have shown it. */
static bool oversubscribed(const struct session *s, const struct cell *c)
{
	if (c->placement != PLACEMENT_SHARED)
		return false;
	for (size_t i = 0; i < s->store.n; i++) {
		const struct record *r = &s->store.records[i];

		if (r->role == ROLE_IDLE &&
		    strcmp(r->cell.model, c->model) == 0 &&
		    r->metric[METRIC_SERVER_CPU_SHARE] > 0.9)
			return true;
	}
	return false;
}

static void note_differences(const struct session *s, struct record *r)
{
	json_t *difference;
	size_t i;

	json_array_foreach(s->differences, i, difference) {
		record_say(r->warnings,
			   "measured after a resume that was forced: %s",
			   json_string_value(difference));
	}
}

/* false: there is no more to do in this run. */
static bool measure_once(struct session *s, const struct entry *e,
			 unsigned attempt)
{
	char why[STORE_WHY_SIZE];
	json_t *histograms = NULL;
	struct record r;

	record_init(&r, e);
	r.attempt = attempt;
	if (!repetition(&s->site, e, &r, &histograms)) {
		json_decref(histograms);
		record_free(&r);
		return false;
	}
	note_differences(s, &r);
	if (!store_append(&s->store, &r, histograms, why)) {
		progress_say(s->site.progress, "%s", why);
		record_free(&r);
		s->stopped = true;
	}
	json_decref(histograms);
	return !s->stopped;
}

/* What is invalid by chance is measured once more, if there is time for it. */
static bool wants_another(struct session *s, const struct record *last)
{
	if (last->attempt > 1 || !judge_by_chance(last) ||
	    oversubscribed(s, &last->cell) || last->took_s > s->repeats_s)
		return false;
	s->repeats_s -= last->took_s;
	return true;
}

static void run_step(struct gbench_state *state, void *data)
{
	const struct step *step = data;
	struct session *s = step->session;
	const struct entry *e = step->entry;
	const struct record *last = store_find(&s->store, e->index);
	bool old = last != NULL;

	while (!interrupted && !s->stopped &&
	       (!last || wants_another(s, last))) {
		if (!measure_once(s, e, last ? last->attempt + 1 : 1))
			break;
		last = store_find(&s->store, e->index);
		old = false;
		progress_done(s->site.progress, last, false);
	}
	if (!last || interrupted) {
		gbench_skip(state, "interrupted");
		return;
	}
	if (old)
		progress_done(s->site.progress, last, true);
	report(state, last);
}

static struct step *register_all(struct session *s)
{
	struct step *steps = calloc(s->blocks.n, sizeof(*steps));

	if (!steps)
		die("calloc");
	for (size_t i = 0; i < s->blocks.n; i++) {
		char name[ENTRY_NAME_SIZE];

		steps[i] = (struct step){ s, &s->blocks.entry[i] };
		gbench_register(entry_name(steps[i].entry, name), run_step,
				&steps[i]);
	}
	return steps;
}

/* ------------------------------------------------------------------- the folder */

static void check(bool good, const char *why)
{
	if (good)
		return;
	warn("%s", why);
	exit(EXIT_FAILED);
}

/* Where there is no space for one there is none for the next: it is said once. */
static void put_text(struct session *s, const char *name, char *text)
{
	char why[STORE_WHY_SIZE];

	if (!s->stopped && !s->unwritten &&
	    !store_file(&s->store, name, text, why)) {
		warn("%s", why);
		s->unwritten = true;
	}
	free(text);
}

/* All that is made from the lines; any of it can be made again. */
static void write_reduced(struct session *s, const struct reduced *r)
{
	put_text(s, "cells.csv", reduced_cells_csv(r));
	put_text(s, "calls.csv", reduced_calls_csv(r));
	put_text(s, "findings.csv", reduced_findings_csv(r));
	put_text(s, "summary.txt", reduced_summary(r, false));
}

static char *now_text(char to[32])
{
	time_t now = time(NULL);
	struct tm utc;

	strftime(to, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	return to;
}

/* Who measured when, of which difference to before: a line for each sitting */
static json_t *sitting(const struct session *s)
{
	char now[32];
	json_t *none = json_array();
	json_t *to = json_pack("{s:s, s:O}", "started", now_text(now),
			       "forced_differences",
			       s->differences ? s->differences : none);

	json_decref(none);
	return to;
}

static void write_run(const struct session *s)
{
	char why[STORE_WHY_SIZE];

	json_array_append_new(json_object_get(s->run, "sittings"), sitting(s));
	check(store_json(&s->store, "run.json", s->run, why), why);
}

/* JSON's numbers end at 2^63 - 1 here. */
static json_t *seed_json(uint64_t seed)
{
	if (seed <= INT64_MAX)
		return json_integer((json_int_t)seed);
	return json_sprintf("%" PRIu64, seed);
}

static json_t *describe_run(const struct session *s)
{
	const struct matrix_options *opt = s->opt;

	return json_pack(
		"{s:i, s:s, s:s, s:s, s:I, s:o, s:s?, s:s?, s:s?, s:s, s:O, s:O, s:s, "
		"s:[]}",
		"schema", RECORD_SCHEMA, "program", "matrix", "version",
		VERSION, "plan", s->plan.name, "blocks",
		(json_int_t)s->plan.blocks, "seed", seed_json(s->plan.seed),
		"filter", opt->filter, "server_cpus", opt->server_cpus,
		"client_cpus", opt->client_cpus, "counting",
		syscalls_methods[s->site.counting], "places", s->places.facts,
		"programs", s->programs, "benchmark", gbench_version(),
		"sittings");
}

/* results/2026-11-21T154500-quick, in the folder that has bin */
static char *default_out(const struct session *s, char path[STORE_PATH_SIZE])
{
	char here[STORE_PATH_SIZE], above[KNOWN_PATH_SIZE];
	char *slash;
	time_t now = time(NULL);
	struct tm utc;
	char when[32];

	snprintf(above, sizeof(above), "%s", s->bin);
	slash = strrchr(above, '/');
	if (slash)
		*slash = '\0';
	strftime(when, sizeof(when), "%Y-%m-%dT%H%M%S", gmtime_r(&now, &utc));
	if (getcwd(here, sizeof(here)) && strcmp(here, above) == 0)
		snprintf(path, STORE_PATH_SIZE, "results/%s-%s", when,
			 s->plan.name);
	else
		snprintf(path, STORE_PATH_SIZE, "%.3900s/results/%s-%.60s",
			 above, when, s->plan.name);
	return path;
}

/* As a shell takes it for one word */
static void put_word(FILE *to, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./-+=:@%,";

	if (word[strspn(word, plain)] == '\0') {
		fputs(word, to);
		return;
	}
	fputc('\'', to);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", to);
		else
			fputc(*word, to);
	fputc('\'', to);
}

/* What goes on with this run; to be freed */
static char *resume_command(const struct session *s)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		die("open_memstream");
	put_word(to, program_invocation_name);
	fputs(" resume ", to);
	put_word(to, s->store.path);
	if (fclose(to) != 0)
		die("open_memstream");
	return text;
}

static void say_incomplete(const struct session *s)
{
	char why[STORE_WHY_SIZE], how[2 * STORE_PATH_SIZE];
	char *command = resume_command(s);

	snprintf(how, sizeof(how),
		 "This run is not complete. To go on:\n\n    %s\n", command);
	free(command);
	check(store_incomplete(&s->store, how, why), why);
}

/* --------------------------------------------------------------------- carry out */

/* Servers with thousands of clients, and the generator, inherit it. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void keep_apart(const struct session *s)
{
	if (s->places.harness_apart)
		sched_setaffinity(0, sizeof(s->places.harness),
				  &s->places.harness);
}

static void store_benchmark(struct session *s, char *json)
{
	put_text(s, "gbench.json", json);
}

static void carry_out(struct session *s)
{
	struct step *steps = register_all(s);
	char *json;

	s->site.plan = &s->plan;
	s->site.places = &s->places;
	s->site.bin = s->bin;
	s->site.progress =
		progress_open(stderr, &s->blocks, &s->plan, s->opt->quiet);
	raise_descriptors();
	keep_apart(s);
	catch_signals(s);
	json = gbench_run();
	progress_close(s->site.progress);
	sigprocmask(SIG_SETMASK, &s->signals, NULL);
	if (json)
		store_benchmark(s, json);
	free(steps);
}

/* ---------------------------------------------------------------------- the end */

struct tally {
	unsigned missing; /* repetitions that were not done */
	unsigned
		failed; /* cells of which something should be known, and is not */
	unsigned warnings; /* about whatever else is not as it should be */
};

/* Invalid each time, and not because of what the server cannot do */
static bool had_bad_luck(const struct session *s, const struct row *row)
{
	if (row->status != STATUS_INVALID || row->oversubscribed)
		return false;
	for (size_t i = 0; i < s->store.n; i++) {
		const struct record *r = &s->store.records[i];

		if (cell_same(&r->cell, &row->cell) && judge_by_chance(r))
			return true;
	}
	return false;
}

static struct tally count_all(const struct session *s,
			      const struct reduced *reduced)
{
	struct tally t = { .warnings = (unsigned)json_array_size(
				   reduced->warnings) };

	for (size_t i = 0; i < s->blocks.n; i++) {
		const struct record *r =
			store_find(&s->store, s->blocks.entry[i].index);

		t.missing += !r;
		t.failed += r && r->status == STATUS_FAILED;
	}
	for (size_t i = 0; i < reduced->n; i++)
		t.failed += had_bad_luck(s, &reduced->row[i]);
	return t;
}

static int go_on_later(const struct session *s)
{
	char *command = resume_command(s);

	fprintf(stderr,
		"\n%s: what was measured is in %s; to go on:\n\n"
		"    %s\n",
		program_invocation_short_name, s->store.path, command);
	free(command);
	return interrupted ? EXIT_INTERRUPTED : EXIT_FAILED;
}

static bool has_color(FILE *file)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(fileno(file)) && !(no && *no) &&
	       !(term && strcmp(term, "dumb") == 0);
}

static int finish(struct session *s)
{
	struct reduced reduced = reduce(s->store.records, s->store.n);
	struct tally t = count_all(s, &reduced);
	char why[STORE_WHY_SIZE], *summary;
	int status = EXIT_SUCCESS;

	write_reduced(s, &reduced);
	if (t.missing > 0 || s->unwritten) {
		status = go_on_later(s);
	} else {
		check(store_complete(&s->store, why), why);
		summary = reduced_summary(&reduced, has_color(s->people));
		fprintf(s->people, "\n%s\nResults: %s\n", summary,
			s->store.path);
		free(summary);
		if (t.failed > 0)
			status = EXIT_FAILED;
		else if (s->opt->strict && t.warnings > 0)
			status = EXIT_WARNED;
	}
	reduced_free(&reduced);
	store_close(&s->store);
	return status;
}

static int only_list(struct session *s)
{
	struct step *steps = register_all(s);

	free(gbench_run());
	free(steps);
	return EXIT_SUCCESS;
}

static void take_lock(void)
{
	char why[STORE_WHY_SIZE];

	check(store_lock_machine(why) >= 0, why);
}

static void start_benchmark(struct session *s)
{
	char why[512];
	int argc = s->opt->n_benchmark;

	if (!gbench_initialize(&argc, s->opt->benchmark, why))
		die_usage("%s", why);
	s->people = gbench_wants_stdout() ? stderr : stdout;
	gbench_context("plan", s->plan.name);
}

int session_run(const struct matrix_options *opt)
{
	static struct session s;
	char path[STORE_PATH_SIZE], why[STORE_WHY_SIZE], *text;
	json_t *machine;

	s.opt = opt;
	known_bin(s.bin);
	session_plan(opt, s.bin, "standard", &s.plan);
	lay_out(&s);
	start_benchmark(&s);
	if (gbench_wants_list())
		return only_list(&s);
	find_places(&s, opt->server_cpus, opt->client_cpus);
	print_plan(&s);
	print_obstacles(&s);
	if (opt->dry_run)
		return EXIT_SUCCESS;
	take_lock();
	choose_counting(&s);
	s.programs = identity_programs(&s.plan, s.bin);
	machine = identity_machine();
	check(store_create(&s.store,
			   opt->out ? opt->out : default_out(&s, path), why),
	      why);
	say_incomplete(&s);
	text = plan_text(&s.plan);
	check(store_file(&s.store, "plan.txt", text, why), why);
	free(text);
	check(store_json(&s.store, "machine.json", machine, why), why);
	s.run = describe_run(&s);
	write_run(&s);
	fprintf(s.people, "  into %s\n\n", s.store.path);
	fflush(s.people);
	carry_out(&s);
	return finish(&s);
}

/* ----------------------------------------------------------------------- resume */

static const char *text_of(const json_t *from, const char *key)
{
	return json_string_value(json_object_get(from, key));
}

/* The plan as it was; `known` is of now, should a model have gone. */
static void read_plan_again(struct session *s)
{
	char why[STORE_WHY_SIZE], error[PLAN_ERROR_SIZE];
	char *text = store_load_text(&s->store, "plan.txt", why);
	const char *filter = text_of(s->run, "filter");
	const char *name = text_of(s->run, "plan");

	check(text != NULL, why);
	if (!plan_parse(&s->plan, text, strlen(text), name ? name : "plan.txt",
			known_models(s->bin), error)) {
		warn("%s: %s", s->store.path, error);
		exit(EXIT_FAILED);
	}
	free(text);
	if (filter)
		apply_filter(&s->plan, filter);
}

/* Two halves that were not measured alike may not stand in one table unseen. */
static void compare_with_then(struct session *s)
{
	char why[STORE_WHY_SIZE];
	json_t *then = store_load_json(&s->store, "machine.json", why), *now;
	json_t *difference;
	size_t i;

	check(then != NULL, why);
	now = identity_machine();
	s->programs = identity_programs(&s->plan, s->bin);
	s->differences = identity_differences(
		then, now, json_object_get(s->run, "programs"), s->programs);
	json_decref(then);
	json_decref(now);
	if (json_array_size(s->differences) == 0)
		return;
	json_array_foreach(s->differences, i, difference) {
		warn("since then: %s", json_string_value(difference));
	}
	if (s->opt->force)
		return;
	warn("%s: what is measured now could not be compared with what is "
	     "there; begin a new run, or resume with --force: the results "
	     "then say so",
	     s->store.path);
	exit(EXIT_FAILED);
}

/* What went into repeats before does not come back with a resume. */
static void spend_repeats(struct session *s)
{
	for (size_t i = 0; i < s->store.n; i++)
		if (s->store.records[i].attempt > 1)
			s->repeats_s -= s->store.records[i].took_s;
}

/* Every line has to be of this plan: an edited folder is not gone on with. */
static void check_records(const struct session *s)
{
	for (size_t i = 0; i < s->store.n; i++) {
		const struct record *r = &s->store.records[i];
		const struct entry *e = r->index < s->blocks.n ?
						&s->blocks.entry[r->index] :
						NULL;

		if (e && e->block == r->block && e->role == r->role &&
		    cell_same(e->cell, &r->cell))
			continue;
		warn("%s: line %zu of repetitions.jsonl is not of the plan in "
		     "plan.txt",
		     s->store.path, i + 1);
		exit(EXIT_FAILED);
	}
}

int session_resume(const struct matrix_options *opt)
{
	static struct session s;
	char why[STORE_WHY_SIZE];

	s.opt = opt;
	known_bin(s.bin);
	check(store_open(&s.store, opt->what, why), why);
	s.run = store_load_json(&s.store, "run.json", why);
	check(s.run != NULL, why);
	if (store_is_complete(&s.store)) {
		printf("%s is complete.\n", opt->what);
		return EXIT_SUCCESS;
	}
	read_plan_again(&s);
	lay_out(&s);
	check_records(&s);
	spend_repeats(&s);
	start_benchmark(&s);
	find_places(&s, text_of(s.run, "server_cpus"),
		    text_of(s.run, "client_cpus"));
	take_lock();
	compare_with_then(&s);
	choose_counting(&s);
	say_incomplete(&s);
	write_run(&s);
	fprintf(s.people, "%s: %zu of %zu repetitions are there\n", opt->what,
		s.store.n, s.blocks.n);
	fflush(s.people);
	carry_out(&s);
	return finish(&s);
}
