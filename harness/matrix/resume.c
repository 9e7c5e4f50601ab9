/* SPDX-License-Identifier: MIT */
/* resume.c - goes on with a run, if it can be what it was: see session.h */
#include "harness/matrix/session.h"
#include "harness/matrix/session_internal.h"

#include "harness/base/print.h"
#include "harness/store/provenance.h"

#include "harness/base/die.h"

#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *from, const char *key)
{
	return json_string_value(json_object_get(from, key));
}

/* What the command line has for a run that began without it */
static void grant_repeats(struct session *s)
{
	const struct matrix_options *opt = s->opt;
	char error[PLAN_ERROR_SIZE];

	for (size_t i = 0; i < opt->n_overrides; i++)
		if (!plan_override(&s->plan, opt->override[i].key,
				   opt->override[i].value, error))
			die_usage("%s", error);
}

/* Whoever reads the results sees what was granted. A resume that is refused has
 * changed nothing. */
static void write_plan(struct session *s)
{
	char *text = plan_text(&s->plan), why[STORE_WHY_SIZE];

	check(store_file(&s->store, "plan.txt", text, why), why);
	free(text);
}

static bool parse_plan(struct session *s, const char *text, char *why)
{
	const char *name = text_of(s->run, "plan");
	char error[PLAN_ERROR_SIZE];

	if (plan_parse(&s->plan, text, strlen(text), name ? name : "plan.txt",
		       catalog_models(s->bin), error))
		return true;
	snprintf(why, STORE_WHY_SIZE, "%.150s: %.350s", s->store.path, error);
	return false;
}

/* Every line has to be of this plan: an edited folder is not gone on with. */
static bool records_fit(const struct session *s, char *why)
{
	for (size_t i = 0; i < s->store.n; i++) {
		const struct record *r = &s->store.records[i];
		const struct entry *e = r->index < s->blocks.n ?
						&s->blocks.entry[r->index] :
						NULL;

		if (e && e->block == r->block && e->role == r->role &&
		    cell_same(e->cell, &r->cell))
			continue;
		snprintf(why, STORE_WHY_SIZE,
			 "%.300s: line %zu of repetitions.jsonl is not of the "
			 "plan in plan.txt",
			 s->store.path, i + 1);
		return false;
	}
	return true;
}

/* The models that are known are those of now, should one have gone. */
bool read_plan_again(struct session *s, char why[STORE_WHY_SIZE])
{
	char *text = store_load_text(&s->store, "plan.txt", why);
	const char *filter;
	bool read;

	s->run = store_load_json(&s->store, "run.json", why);
	read = text && s->run && parse_plan(s, text, why);
	free(text);
	if (!read)
		return false;
	grant_repeats(s);
	filter = text_of(s->run, "filter");
	if (filter)
		apply_filter(&s->plan, filter);
	lay_out(s);
	return records_fit(s, why);
}

/* Two halves that were not measured alike may not stand in one table unseen. */
static void compare_with_then(struct session *s)
{
	char why[STORE_WHY_SIZE];
	json_t *then = store_load_json(&s->store, "machine.json", why), *now;
	json_t *difference;
	size_t i;

	check(then != NULL, why);
	now = provenance_machine();
	s->programs = provenance_programs(&s->plan, s->bin);
	s->differences = provenance_differences(
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

/* What was usual before is so still; else it would have to be learned again. */
static void restore_history(struct session *s)
{
	for (size_t i = 0; i < s->store.n; i++) {
		const double *metric = s->store.records[i].metric;
		struct yardstick y = { metric[METRIC_SERVER_YARDSTICK],
				       metric[METRIC_CLIENT_YARDSTICK] };

		speed_history_add(&s->history, &y);
	}
}

/* What went into repeats before does not come back with a resume. */
static void spend_repeats(struct session *s)
{
	for (size_t i = 0; i < s->store.n; i++)
		if (s->store.records[i].attempt > 1)
			s->repeats_s -= s->store.records[i].took_s;
}

int matrix_resume(const struct matrix_options *opt)
{
	static struct session s;
	char why[STORE_WHY_SIZE];
	size_t missing;

	s.opt = opt;
	catalog_bin(s.bin);
	check(store_open(&s.store, opt->what, why), why);
	check(read_plan_again(&s, why), why);
	/* The mark may be gone though lines are missing: the record decides. */
	missing = count_missing(&s);
	if (missing == 0 && store_is_complete(&s.store) &&
	    opt->n_overrides == 0) {
		printf("%s is complete.\n", opt->what);
		return EXIT_SUCCESS;
	}
	spend_repeats(&s);
	restore_history(&s);
	start_benchmark(&s);
	find_places(&s, text_of(s.run, "server_cpus"),
		    text_of(s.run, "client_cpus"));
	require_servers(&s.plan);
	take_lock();
	compare_with_then(&s);
	choose_counting(&s);
	say_incomplete(&s);
	write_plan(&s);
	write_run(&s);
	fprintf(s.people, "%s: %zu of %zu repetition%s recorded\n", opt->what,
		s.blocks.n - missing, s.blocks.n, plural(s.blocks.n));
	fflush(s.people);
	carry_out(&s);
	return finish(&s);
}
