/* SPDX-License-Identifier: MIT */
/* report.c - makes again all that is made from the record: see session.h */
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

/* ----------------------------------------------------------------- what is there */

static void say_repetitions(const struct session *s)
{
	size_t missing = count_missing(s);
	char *command;

	printf("%s: %zu of %zu repetition%s recorded\n", s->store.path,
	       s->blocks.n - missing, s->blocks.n, plural(s->blocks.n));
	if (missing == 0)
		return;
	command = resume_command(s);
	printf("  %zu missing; to measure: %s\n", missing, command);
	free(command);
}

/* What only the page's details are drawn from */
static void say_histograms(const struct session *s)
{
	size_t named = 0, gone = 0;

	for (size_t i = 0; i < s->store.n; i++) {
		const char *name = s->store.records[i].histograms;

		named += *name != '\0';
		gone += *name && faccessat(s->store.dir, name, R_OK, 0) != 0;
	}
	if (gone)
		printf("  %zu of %zu histograms are missing: nothing can make "
		       "them again\n",
		       gone, named);
}

/* ------------------------------------------------------------------- gbench.json */

/* The library describes the machine and the moment of now. What was there says of
 * when it was measured. */
static json_t *context_of_then(const struct session *s, const json_t *now)
{
	static const char *const kept[] = { "executable", "library_build_type",
					    "plan", NULL };
	char why[STORE_WHY_SIZE];
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
	struct step *steps;
	char *text;
	json_t *json;

	start_benchmark(s);
	steps = register_all(s);
	text = gbench_run();
	free(steps);
	json = json_loads(text, 0, NULL);
	free(text);
	json_object_set_new(json, "context",
			    context_of_then(s,
					    json_object_get(json, "context")));
	text = json_dumps(json, JSON_INDENT(2));
	if (!text)
		die("json_dumps");
	json_decref(json);
	put_text(s, "gbench.json", text);
}

/* ------------------------------------------------------------------------ the verb */

/* The mark follows the record. */
static void set_mark(struct session *s)
{
	char why[STORE_WHY_SIZE];

	if (count_missing(s))
		say_incomplete(s);
	else if (!s->unwritten)
		check(store_complete(&s->store, why), why);
}

static void write_files(struct session *s, bool planned)
{
	struct reduced reduced = reduce(s->store.records, s->store.n);

	write_reduced(s, &reduced);
	reduced_free(&reduced);
	if (planned) {
		write_benchmark(s);
		set_mark(s);
	}
	if (!s->unwritten)
		printf("  made from them: %s%s\n", reduced_files,
		       planned ? ", gbench.json" : "");
}

static bool draw_all(const struct session *s)
{
	const char *arguments[] = { s->store.path, NULL };
	char *path = realpath(s->store.path, NULL);
	bool charts = draw("draw", arguments, -1, false);
	bool page = draw("report.py", arguments, -1, true);

	if (!charts)
		warn("not all charts were drawn");
	if (!page)
		warn("the page is not whole, or was not made");
	else
		printf("\nReport: %s/report.html\n", path);
	free(path);
	return charts && page;
}

int matrix_report(const struct matrix_options *opt)
{
	static struct session s;
	char why[STORE_WHY_SIZE];
	bool planned, drawn;

	s.opt = opt;
	s.only_reads = true;
	catalog_bin(s.bin);
	check(store_read(&s.store, opt->what, why), why);
	check(store_lock(&s.store, why), why);
	if (s.store.n == 0) {
		warn("%s: no repetition is recorded, so there is nothing to "
		     "report: bin/matrix resume %s measures them",
		     s.store.path, s.store.path);
		return EXIT_FAILED;
	}
	planned = read_plan_again(&s, why);
	if (planned)
		say_repetitions(&s);
	else
		warn("how many repetitions were planned is not known, and "
		     "gbench.json is not made: %s",
		     why);
	say_histograms(&s);
	write_files(&s, planned);
	drawn = !s.unwritten && draw_all(&s);
	return planned && drawn && !s.store.left_out ? EXIT_SUCCESS :
						       EXIT_FAILED;
}
