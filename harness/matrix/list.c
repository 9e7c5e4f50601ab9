/* SPDX-License-Identifier: MIT */
/* list.c - bin/matrix list: see list.h */
#include "harness/matrix/list.h"

#include "harness/base/die.h"
#include "harness/base/print.h"
#include "harness/base/why.h"
#include "harness/plan/order.h"
#include "harness/plan/catalog.h"
#include "harness/matrix/ask.h"
#include "harness/matrix/progress.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool summary_of(const char *bin, const char *model, char summary[SUMMARY_SIZE])
{
	char program[CATALOG_PATH_SIZE], help[2048], *line, *rest = help;
	char *argv[] = { program, "--help", NULL };
	size_t length = strlen(model);

	snprintf(program, sizeof(program), "%.4000s/%.80s", bin, model);
	ask(argv, STDOUT_FILENO, help, sizeof(help));
	while ((line = strsep(&rest, "\n")))
		if (strncmp(line, model, length) == 0 &&
		    strncmp(line + length, " - ", 3) == 0) {
			snprintf(summary, SUMMARY_SIZE, "%s",
				 line + length + 3);
			return true;
		}
	return false;
}

/* --------------------------------------------------------------------- models */

/* Whether what it runs on is missing here: --version then says what */
static bool lacks(char *path, char why[WHY_SIZE])
{
	char *argv[] = { path, "--version", NULL }, said[WHY_SIZE], *reason;

	if (ask(argv, STDERR_FILENO, said, sizeof(said)) != EXIT_UNSUPPORTED)
		return false;
	said[strcspn(said, "\n")] = '\0';
	reason = strstr(said, ": ");
	snprintf(why, WHY_SIZE, "%s", reason ? reason + 2 : said);
	return true;
}

static void list_model(FILE *file, const char *bin, const char *name)
{
	char path[CATALOG_PATH_SIZE + LABEL_SIZE], why[WHY_SIZE];
	char summary[WHY_SIZE + 16];

	snprintf(path, sizeof(path), "%s/%s", bin, name);
	if (access(path, X_OK) < 0)
		snprintf(summary, sizeof(summary),
			 "not built: run make, which prints what is missing");
	else if (lacks(path, why))
		snprintf(summary, sizeof(summary), "unsupported: %s", why);
	else if (!summary_of(bin, name, summary))
		snprintf(summary, sizeof(summary),
			 "no summary: bin/%s --help lacks '%s - SUMMARY'", name,
			 name);
	fprintf(file, "%-15s %s\n", name, summary);
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
	char bin[CATALOG_PATH_SIZE];
	const char *const *models = catalog_models(catalog_bin(bin));

	for (const char *const *name = syllabus; *name; name++)
		list_model(file, bin, *name);
	for (; *models; models++)
		if (!in_syllabus(*models) && strcmp(*models, VARIANTS) != 0 &&
		    strcmp(*models, RUNTIMES) != 0)
			list_model(file, bin, *models);
}

/* ---------------------------------------------------------------------- plans */

/* The first line of a plan is its title: "# quick - every model ..." */
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
	for (char *c = line; *c; c++) /* no escape sequences */
		if (iscntrl((unsigned char)*c))
			*c = '?';
	title += *line == '#' ? strspn(line, "# ") : strlen(line);
	if (strncmp(title, name, strlen(name)) == 0 &&
	    strncmp(title + strlen(name), " - ", 3) == 0)
		title += strlen(name) + 3;
	fprintf(file, "%-10s %s\n", name, *title ? title : "-");
}

static void print_size(FILE *file, const struct plan *p)
{
	struct blocks b = blocks_of(p);
	struct estimate e = blocks_estimate(p, &b);
	char time[32];

	progress_time((double)e.ns / 1e9, time);
	fprintf(file, "%-10s %zu setting%s, %zu cell%s, %u block%s: about %s\n",
		"", e.settings, plural(e.settings), p->timing.n,
		plural(p->timing.n), p->blocks, plural(p->blocks), time);
	blocks_free(&b);
}

static void list_plan(FILE *file, const char *name, const char *const *models)
{
	char path[CATALOG_PATH_SIZE], error[PLAN_ERROR_SIZE];
	struct plan p;

	if (!catalog_plan(name, path, error))
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
	char bin[CATALOG_PATH_SIZE];
	const char *const *models = catalog_models(catalog_bin(bin));
	const char *const *plans = catalog_plans(bin);

	if (!*plans)
		fprintf(file, "no plans found; set MATRIX_PLANS to their "
			      "folder\n");
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
	list_some(file, &p->baseline);
}
