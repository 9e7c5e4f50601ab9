/* SPDX-License-Identifier: MIT */
/* claims_files.c - reads claims, and has primitives measured: see claims.h */
#include "harness/matrix/claims.h"

#include "harness/primitives/primitive.h"

#include "harness/base/die.h"
#include "harness/base/grow.h"
#include "harness/base/nearest.h"
#include "harness/verdict/describe.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

/* ------------------------------------------------------------------- the files */

static void die_in_file(const char *error)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, error);
	exit(EXIT_USAGE);
}

void read_claims(struct all_claims *to, const char *bin)
{
	const char *const *models = catalog_models(bin);
	const char *const *name = catalog_claims(bin);
	char path[CATALOG_PATH_SIZE], error[PLAN_ERROR_SIZE];

	for (; *name; name++) {
		to->claim = grow(to->claim, to->n + 1, sizeof(*to->claim));
		if (claim_read(&to->claim[to->n],
			       catalog_claim(bin, *name, path), models,
			       error)) {
			to->n++;
			continue;
		}
		die_in_file(error);
	}
	if (to->n == 0)
		die_usage("there are no claims: set $MATRIX_CLAIMS to a folder "
			  "with NAME.claim files (claims/README.md)");
}

static void unknown_claim(const struct all_claims *c, const char *word)
{
	const char **names = grow(NULL, c->n + 1, sizeof(*names)), *meant;

	for (size_t i = 0; i < c->n; i++)
		names[i] = c->claim[i].name;
	names[c->n] = NULL;
	meant = nearest(word, names);
	die_usage("--only '%s': not a claim, and none is taught there%s%s%s",
		  word, meant ? "; did you mean '" : "", meant ?: "",
		  meant ? "'?" : "");
}

/* --only, or all */
void choose_claims(struct all_claims *c, const char *only)
{
	char *copy = strdup(only ?: ""), *rest = copy, *word;

	if (!copy)
		die("strdup");
	c->wanted = grow(NULL, c->n, sizeof(*c->wanted));
	for (size_t i = 0; i < c->n; i++)
		c->wanted[i] = !only;
	while (only && (word = strsep(&rest, ", "))) {
		bool found = !*word;

		for (size_t i = 0; i < c->n; i++)
			if (claim_is(&c->claim[i], word))
				found = c->wanted[i] = true;
		if (!found)
			unknown_claim(c, word);
	}
	for (size_t i = 0; i < c->n; i++)
		c->n_wanted += c->wanted[i];
	if (c->n_wanted == 0)
		die_usage("--only: needs a claim, such as %s",
			  c->claim[0].name);
	free(copy);
}

/* A file of the folder of claims that need not be there; to be freed */
void read_mechanisms(struct mechanisms *to, const char *bin)
{
	char path[CATALOG_PATH_SIZE], error[PLAN_ERROR_SIZE], text[16384];
	FILE *file;
	size_t n;

	*to = (struct mechanisms){ NULL, 0 };
	catalog_claim(bin, "mechanisms", path);
	*strrchr(path, '.') = '\0'; /* it is no claim */
	file = fopen(path, "r");
	if (!file)
		return;
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (n == sizeof(text))
		die_usage("%s: longer than %zu bytes", path, sizeof(text) - 1);
	if (!mechanisms_parse(to, text, n, path, catalog_models(bin), error))
		die_in_file(error);
}

/* ------------------------------------------------------------------- primitives */

/* Its name as bin/primitives filters it; NULL: it does not measure such a row. */
static char *name_of_row(const struct primitive_row *row,
			 char name[PRIMITIVE_NAME_SIZE])
{
	for (const struct primitive *p = primitives(); p->name; p++) {
		const unsigned has[] = { p->watched, p->ready, p->count };
		bool same = strcmp(p->name, row->primitive) == 0 &&
			    strcmp(p->method, row->method) == 0;

		for (int i = 0; i < ROW_NUMBERS; i++)
			same &= has[i] == (isnan(row->number[i]) ?
						   0 :
						   (unsigned)row->number[i]);
		if (same)
			return primitive_name(p, name);
	}
	return NULL;
}

struct rows {
	const struct claim *claim;
	const struct primitives *have; /* NULL: none */
	FILE *to;
	size_t n;
};

static void unknown_row(const struct claim *c, const struct primitive_row *row)
{
	const struct primitive *list = primitives();
	char asked[128], name[256][PRIMITIVE_NAME_SIZE];
	const char *names[257], *meant;
	size_t n = 0;

	row_name(row, asked);
	for (char *at = asked; (at = strchr(at, ' ')); at++)
		*at = '/';
	for (; n < 256 && list[n].name; n++)
		names[n] = primitive_name(&list[n], name[n]);
	names[n] = NULL;
	meant = nearest(asked, names);
	die_usage("%s.claim: bin/primitives measures no '%s'%s%s%s "
		  "(bin/primitives --benchmark_list_tests prints all)",
		  c->name, asked, meant ? "; did you mean '" : "", meant ?: "",
		  meant ? "'?" : "");
}

static void add_row(struct rows *rows, const struct value *v, unsigned i)
{
	char name[PRIMITIVE_NAME_SIZE];

	if (!name_of_row(&v->row[i], name))
		unknown_row(rows->claim, &v->row[i]);
	if (rows->have && primitives_find(rows->have, &v->row[i], v->kind))
		return;
	if (rows->to)
		fprintf(rows->to, "%s%s", rows->n ? "|" : "^(", name);
	rows->n++;
}

static void add_rows(const struct predicate *leaf, void *data)
{
	const struct value *values[] = { leaf->left, leaf->right };

	for (int k = 0; k < 2; k++)
		for (unsigned i = 0; values[k] && i < values[k]->n &&
				     values[k]->source == SOURCE_PRIMITIVE;
		     i++)
			add_row(data, values[k], i);
}

void check_rows(const struct all_claims *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct rows rows = { .claim = &c->claim[i] };

		claim_each(&c->claim[i], add_rows, &rows);
	}
}

/* The filter for what these claims need and the folder lacks, to be freed; `n`: how
 * many rows. */
static char *filter_for(const struct all_claims *c,
			bool (*chosen)(const struct claim *c, const void *data),
			const void *data, const struct primitives *have,
			size_t *n)
{
	char *text;
	size_t size;
	struct rows rows = { .have = have, .to = text_open(&text, &size) };

	fputs("--benchmark_filter=", rows.to);
	for (size_t i = 0; i < c->n; i++) {
		rows.claim = &c->claim[i];
		if (c->wanted[i] && (!chosen || chosen(rows.claim, data)))
			claim_each(rows.claim, add_rows, &rows);
	}
	fputs(")$", rows.to);
	text_close(rows.to);
	*n = rows.n;
	return text;
}

size_t count_rows(const struct all_claims *c, const struct primitives *have)
{
	size_t n;

	free(filter_for(c, NULL, NULL, have, &n));
	return n;
}

/* Its exit status; its stdout is dropped. SIGINT ends it, and it keeps what it has. */
static int run_program(char *const argv[])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	void (*was)(int) = signal(SIGINT, SIG_IGN);
	sigset_t defaults;
	int error, status = 0;
	pid_t pid;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGINT);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
	error = posix_spawn(&pid, argv[0], &actions, &attributes, argv,
			    environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (error)
		warn("%s: %s", argv[0], strerror(error));
	else
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	signal(SIGINT, was);
	return error             ? EXIT_FAILED :
	       WIFEXITED(status) ? WEXITSTATUS(status) :
				   EXIT_FAILED;
}

static bool has_effect(const struct claim *c, const void *effect)
{
	for (unsigned i = 0; i < c->n_controls; i++)
		if (!*c->control[i].model &&
		    strcmp(c->control[i].effect, effect) == 0)
			return true;
	return false;
}

int measure_primitives(const char *bin, const struct all_claims *c,
		       const char *effect, const struct primitives *have,
		       const char *folder)
{
	char inject[CATALOG_PATH_SIZE + 16], program[CATALOG_PATH_SIZE + 16];
	char out[] = "--out", *argv[7], **to = argv;
	size_t n;
	char *filter =
		filter_for(c, effect ? has_effect : NULL, effect, have, &n);
	int status;

	snprintf(inject, sizeof(inject), "%s/inject", bin);
	snprintf(program, sizeof(program), "%s/primitives", bin);
	if (effect) {
		*to++ = inject;
		*to++ = (char *)effect;
	}
	*to++ = program;
	*to++ = out;
	*to++ = (char *)folder;
	*to++ = filter;
	*to = NULL;
	status = n ? run_program(argv) : EXIT_SUCCESS;
	free(filter);
	return status;
}

/* ---------------------------------------------------------------------- a folder */

void load_primitives(struct primitives *to, const struct store *s)
{
	char why[WHY_SIZE], *text;

	*to = (struct primitives){ NULL, 0 };
	if (faccessat(s->dir, "primitives.csv", F_OK, 0) < 0)
		return;
	text = store_load_text(s, "primitives.csv", why);
	check(text != NULL, why);
	check(primitives_parse(to, text, why), why);
	free(text);
}
