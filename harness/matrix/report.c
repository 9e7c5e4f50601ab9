/* SPDX-License-Identifier: MIT */
/* report.c - bin/matrix report: makes everything again that is derived from the record
 */
#include "harness/matrix/session.h"
#include "harness/matrix/session_internal.h"

#include "harness/gbench.h"
#include "harness/verdict/describe.h"
#include "harness/matrix/draw.h"

#include "harness/base/die.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------ what is missing */

static void print_bouts(const struct session *s)
{
	struct bouts of = count_bouts(s);
	char *command;

	printf("%s: %zu of %zu bout%s recorded\n", s->store.path,
	       of.planned - of.missing, of.planned, plural(of.planned));
	if (of.missing == 0)
		return;
	command = resume_command(s);
	printf("  %zu missing; to measure them: %s\n", of.missing, command);
	free(command);
}

/* Only the details of the page need them. */
static void print_missing_histograms(const struct session *s)
{
	size_t named = 0, gone = 0;

	for (size_t i = 0; i < s->store.n; i++) {
		const char *name = s->store.records[i].histograms;

		named += *name != '\0';
		gone += *name && faccessat(s->store.dir, name, R_OK, 0) != 0;
	}
	if (gone)
		printf("  %zu of %zu histograms are missing and cannot be "
		       "made again\n",
		       gone, named);
}

/* ------------------------------------------------------------------- gbench.json */

/* The library describes this machine now. The old file has the machine and the time of
 * the measurement. */
static json_t *old_context(const struct session *s, const json_t *now)
{
	static const char *const kept[] = { "executable", "library_build_type",
					    "plan", NULL };
	char why[WHY_SIZE];
	json_t *then = store_load_json(&s->store, "gbench.json", why);
	json_t *context = json_incref(json_object_get(then, "context"));

	json_decref(then);
	if (json_is_object(context))
		return context;
	json_decref(context);
	context = json_object();
	for (int i = 0; kept[i]; i++)
		json_object_set(context, kept[i],
				json_object_get(now, kept[i]));
	return context;
}

static void write_benchmark(struct session *s)
{
	struct benchmark *steps;
	char *text;
	json_t *json;

	start_benchmark(s);
	steps = register_benchmarks(s);
	text = gbench_run();
	free(steps);
	json = json_loads(text, 0, NULL);
	free(text);
	json_object_set_new(json, "context",
			    old_context(s, json_object_get(json, "context")));
	text = json_dumps(json, JSON_INDENT(2));
	if (!text)
		die("json_dumps");
	json_decref(json);
	write_text(s, "gbench.json", text);
}

/* ---------------------------------------------------------------------- the files */

/* Sets or removes the file INCOMPLETE. */
static void update_mark(struct session *s)
{
	char why[WHY_SIZE];

	if (count_bouts(s).missing)
		mark_incomplete(s);
	else if (!s->unwritten)
		check(store_complete(&s->store, why), why);
}

/* Without a plan, run.json says what was compared with what. */
static void take_from_run(struct session *s)
{
	const char *reference =
		json_string_value(json_object_get(s->run, "reference"));

	snprintf(s->plan.reference, sizeof(s->plan.reference), "%s",
		 reference ? reference : "");
	s->plan.margin = json_number_value(json_object_get(s->run, "margin"));
}

/* --reference and --margin: what is derived from the record, not what was measured. So
 * they go through a copy of the plan, whose cells and order do not matter. */
static void choose_reference(struct session *s)
{
	char *text = plan_text(&s->plan), error[PLAN_ERROR_SIZE];
	struct plan other;

	if (!plan_parse(&other, text, strlen(text), "plan.txt",
			catalog_models(s->bin), error))
		die_usage("%s", error);
	apply_overrides(&other, s->opt);
	memcpy(s->plan.reference, other.reference, sizeof(other.reference));
	s->plan.margin = other.margin;
	plan_free(&other);
	free(text);
}

static void write_files(struct session *s, bool planned)
{
	struct reduced reduced = reduce_all(s);

	write_reduced(s, &reduced);
	reduced_free(&reduced);
	if (planned) {
		write_benchmark(s);
		update_mark(s);
	}
	if (!s->unwritten)
		printf("  written: %s%s\n", reduced_files,
		       planned ? ", gbench.json" : "");
}

static bool draw_page(const char *folder)
{
	const char *arguments[] = { folder, NULL };
	char *path = realpath(folder, NULL);
	bool page = draw("report.py", arguments, -1, true);

	if (!page)
		warn("the page is incomplete or was not made");
	else
		printf("\nReport: %s/report.html\n", path);
	free(path);
	return page;
}

static bool draw_all(const char *folder)
{
	const char *arguments[] = { folder, NULL };
	bool charts = draw("draw", arguments, -1, false);

	if (!charts)
		warn("some charts were not drawn");
	return draw_page(folder) && charts;
}

static bool has_file(const char *folder, const char *name)
{
	char *path;
	bool has;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		die("asprintf");
	has = access(path, F_OK) == 0;
	free(path);
	return has;
}

static bool holds_run(const char *folder)
{
	return has_file(folder, "run.json") ||
	       has_file(folder, "repetitions.jsonl");
}

/* bin/primitives makes such a folder, and bin/matrix claims if it needs only that. */
static bool draw_without_run(const char *folder)
{
	return has_file(folder, "primitives.csv") ? draw_all(folder) :
						    draw_page(folder);
}

int matrix_report(const struct matrix_options *opt)
{
	static struct session s;
	char why[WHY_SIZE];
	bool planned, drawn;

	if (!holds_run(opt->what) && (has_file(opt->what, "primitives.csv") ||
				      has_file(opt->what, "claims.csv")))
		return draw_without_run(opt->what) ? EXIT_SUCCESS : EXIT_FAILED;
	s.opt = opt;
	s.only_reads = true;
	catalog_bin(s.bin);
	check(store_read(&s.store, opt->what, why), why);
	check(store_lock(&s.store, why), why);
	if (s.store.n == 0) {
		warn("%s: no repetition is recorded; to measure them: "
		     "bin/matrix resume %s",
		     s.store.path, s.store.path);
		return EXIT_FAILED;
	}
	planned = read_plan(&s, why);
	if (planned) {
		choose_reference(&s);
		print_bouts(&s);
	} else {
		warn("%s; so the number of planned bouts is unknown and "
		     "gbench.json is not made",
		     why);
		take_from_run(&s);
	}
	print_missing_histograms(&s);
	write_files(&s, planned);
	drawn = !s.unwritten && draw_all(s.store.path);
	return planned && drawn && !s.store.left_out ? EXIT_SUCCESS :
						       EXIT_FAILED;
}
