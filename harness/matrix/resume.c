/* SPDX-License-Identifier: MIT */
/* resume.c - bin/matrix resume: continues a run on the same machine and programs */
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

const char *text_of_run(const struct session *s, const char *key)
{
	return text_of(s->run, key);
}

static bool parse_plan(struct session *s, const char *text, char *why)
{
	const char *name = text_of(s->run, "plan");
	char error[PLAN_ERROR_SIZE];

	if (plan_parse(&s->plan, text, strlen(text), name ? name : "plan.txt",
		       catalog_models(s->bin), error))
		return true;
	snprintf(why, WHY_SIZE, "%.150s: %.350s", s->store.path, error);
	return false;
}

/* Every line has to belong to the plan: an edited folder is refused. */
static bool records_fit(const struct session *s, char *why)
{
	for (size_t i = 0; i < s->store.n; i++) {
		const struct record *r = &s->store.records[i];
		const struct entry *e = r->index < s->blocks.n ?
						&s->blocks.entry[r->index] :
						NULL;

		if (e && e->block == r->block && e->bout == r->bout &&
		    e->role == r->role && cell_same(e->cell, &r->cell))
			continue;
		snprintf(why, WHY_SIZE,
			 "%.300s: line %zu of repetitions.jsonl does not "
			 "belong to the plan in plan.txt",
			 s->store.path, i + 1);
		return false;
	}
	return true;
}

/* The known models are those of this build, which may lack one of the plan. */
bool read_plan(struct session *s, char why[WHY_SIZE])
{
	char *text = store_load_text(&s->store, "plan.txt", why);
	const char *filter;
	bool read;

	s->run = store_load_json(&s->store, "run.json", why);
	read = text && s->run && parse_plan(s, text, why);
	free(text);
	if (!read)
		return false;
	filter = text_of(s->run, "filter");
	if (filter)
		apply_filter(&s->plan, filter);
	make_schedule(s);
	return records_fit(s, why);
}

/* Results of another machine or build must not enter the same table unmarked. */
void check_identity(struct session *s)
{
	char why[WHY_SIZE];
	json_t *then = store_load_json(&s->store, "machine.json", why), *now;
	json_t *difference;
	size_t i;

	check(then != NULL, why);
	now = machine_of(s);
	s->programs = programs_of(s);
	s->differences = provenance_differences(
		then, now, json_object_get(s->run, "programs"), s->programs);
	json_decref(then);
	json_decref(now);
	if (json_array_size(s->differences) == 0)
		return;
	json_array_foreach(s->differences, i, difference) {
		warn("changed: %s", json_string_value(difference));
	}
	if (s->opt->force)
		return;
	warn("%s: new repetitions would not be comparable with the recorded "
	     "ones; begin a new run, or resume with --force, which marks "
	     "the results",
	     s->store.path);
	exit(EXIT_FAILED);
}

int matrix_resume(const struct matrix_options *opt)
{
	static struct session s;
	char why[WHY_SIZE];
	struct bouts bouts;

	s.opt = opt;
	catalog_bin(s.bin);
	check(store_open(&s.store, opt->what, why), why);
	check(read_plan(&s, why), why);
	/* The record decides, not the file INCOMPLETE alone. */
	bouts = count_bouts(&s);
	if (bouts.missing == 0 && store_is_complete(&s.store)) {
		printf("%s is complete.\n", opt->what);
		return EXIT_SUCCESS;
	}
	start_benchmark(&s);
	choose_cpus(&s, text_of(s.run, "server_cpus"),
		    text_of(s.run, "client_cpus"));
	require_servers(&s);
	lock_machine();
	keep_awake(&s);
	check_identity(&s);
	choose_counting(&s);
	mark_incomplete(&s);
	write_run(&s);
	fprintf(s.screen, "%s: %zu of %zu bout%s recorded\n", opt->what,
		bouts.planned - bouts.missing, bouts.planned,
		plural(bouts.planned));
	fflush(s.screen);
	run_benchmarks(&s);
	return finish(&s);
}
