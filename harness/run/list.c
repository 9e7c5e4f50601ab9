/* SPDX-License-Identifier: MIT */
/* list.c - bin/matrix list: see list.h */
#include "harness/run/list.h"

#include "harness/load/print.h"
#include "harness/run/blocks.h"
#include "harness/run/known.h"
#include "harness/run/progress.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

/* --------------------------------------------------------------------- models */

static void list_model(FILE *file, const char *bin, const char *name)
{
	char path[KNOWN_PATH_SIZE + LABEL_SIZE], summary[KNOWN_SUMMARY_SIZE];

	snprintf(path, sizeof(path), "%s/%s", bin, name);
	if (access(path, X_OK) < 0)
		snprintf(summary, sizeof(summary),
			 "not built; make says what it lacks");
	else if (!known_summary(bin, name, summary))
		snprintf(summary, sizeof(summary),
			 "does not say what it is: bin/%s --help", name);
	fprintf(file, "%-10s %s\n", name, summary);
}

static bool in_syllabus(const char *name)
{
	for (const char *const *one = syllabus; *one; one++)
		if (strcmp(*one, name) == 0)
			return true;
	return false;
}

void list_models(FILE *file)
{
	char bin[KNOWN_PATH_SIZE];
	const char *const *models = known_models(known_bin(bin));

	for (const char *const *name = syllabus; *name; name++)
		list_model(file, bin, *name);
	for (; *models; models++)
		if (!in_syllabus(*models))
			list_model(file, bin, *models);
}

/* ---------------------------------------------------------------------- plans */

/* "# quick - every model ..." is what a plan says of itself. */
static void print_title(FILE *file, const char *path, const char *name)
{
	char line[256] = "";
	const char *title = line;
	FILE *plan = fopen(path, "re");

	if (plan && !fgets(line, sizeof(line), plan))
		*line = '\0';
	if (plan)
		fclose(plan);
	line[strcspn(line, "\r\n")] = '\0';
	for (char *c = line; *c; c++) /* nothing a terminal would obey */
		if (iscntrl((unsigned char)*c))
			*c = '?';
	title += *line == '#' ? strspn(line, "# ") : strlen(line);
	if (strncmp(title, name, strlen(name)) == 0 &&
	    strncmp(title + strlen(name), " - ", 3) == 0)
		title += strlen(name) + 3;
	fprintf(file, "%-10s %s\n", name, *title ? title : "-");
}

/* As for the plan that a run prints */
enum { OVERHEAD_NS = 200000000 };

static void print_size(FILE *file, const struct plan *p)
{
	struct blocks b = blocks_of(p);
	struct estimate e = blocks_estimate(p, &b, OVERHEAD_NS, 0);
	char time[32];

	progress_time((double)e.ns / 1e9, time);
	fprintf(file,
		"%-10s %zu cell%s, %u block%s: %zu repetition%s, about %s\n",
		"", p->timing.n, plural(p->timing.n), p->blocks,
		plural(p->blocks), e.repetitions, plural(e.repetitions), time);
	blocks_free(&b);
}

static void list_plan(FILE *file, const char *name, const char *const *models)
{
	char path[KNOWN_PATH_SIZE], error[PLAN_ERROR_SIZE];
	struct plan p;

	if (!known_plan(name, path, error))
		return; /* removed meanwhile */
	print_title(file, path, name);
	if (!plan_read(&p, path, models, error)) {
		fprintf(file, "%-10s %s\n", "", error);
		return;
	}
	print_size(file, &p);
	plan_free(&p);
}

void list_plans(FILE *file)
{
	char bin[KNOWN_PATH_SIZE];
	const char *const *models = known_models(known_bin(bin));
	const char *const *plans = known_plans(bin);

	if (!*plans)
		fprintf(file, "No plans came with this program; $MATRIX_PLANS "
			      "may name their folder.\n");
	for (; *plans; plans++)
		list_plan(file, *plans, models);
}

/* ---------------------------------------------------------------------- cells */

static void list_some(FILE *file, const struct cells *cells)
{
	char name[CELL_NAME_SIZE];

	for (size_t i = 0; i < cells->n; i++)
		fprintf(file, "%s\n", cell_name(&cells->cell[i], name));
}

void list_cells(FILE *file, const struct plan *p)
{
	list_some(file, &p->timing);
	list_some(file, &p->idle);
	list_some(file, &p->ceiling);
}
