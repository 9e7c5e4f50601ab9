/* SPDX-License-Identifier: MIT */
/* mechanisms.c - proof of a model by its system calls: see mechanisms.h */
#include "harness/claims/mechanisms.h"

#include "harness/claims/names.h"

#include "harness/base/die.h"
#include "harness/base/grow.h"
#include "harness/base/nearest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------- the file */

static bool check_calls(const char *calls, const struct location *at)
{
	char *copy = strdup(calls), *rest = copy, *word, *one;
	bool good = true;

	if (!copy)
		die("strdup");
	while (good && (word = next_word(&rest))) {
		word += *word == '!';
		while (good && (one = strsep(&word, "|")))
			if (!is_call(one))
				good = complain(at,
						"'%.60s': not a system call of "
						"Linux; did you mean '%s'?",
						one, nearest_call(one) ?: "?");
	}
	free(copy);
	return good;
}

static bool read_line(struct mechanisms *to, char *line,
		      const char *const *models, const struct location *at)
{
	struct mechanism *m;
	char *model, *calls;

	line[strcspn(line, "#")] = '\0';
	model = next_word(&line);
	if (!model)
		return true;
	if (word_index(model, models) < 0)
		return complain_unknown(at, model, "a model", models);
	calls = all_words(&line);
	if (!calls)
		return complain(at, "%s: needs system calls", model);
	to->list = grow(to->list, to->n + 1, sizeof(*to->list));
	m = &to->list[to->n++];
	snprintf(m->model, sizeof(m->model), "%s", model);
	m->calls = strdup(calls);
	if (!m->calls)
		die("strdup");
	return check_calls(calls, at);
}

bool mechanisms_parse(struct mechanisms *to, const char *text, size_t length,
		      const char *source, const char *const *models,
		      char error[PLAN_ERROR_SIZE])
{
	struct location at = { source, 0, error };
	char *copy = strndup(text, length), *rest = copy, *line;
	bool good = true;

	if (!copy)
		die("strndup");
	*to = (struct mechanisms){ NULL, 0 };
	*error = '\0';
	while (good && (line = strsep(&rest, "\n"))) {
		at.line++;
		good = read_line(to, line, models, &at);
	}
	free(copy);
	if (!good)
		mechanisms_free(to);
	return good;
}

void mechanisms_free(struct mechanisms *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->list[i].calls);
	free(m->list);
	*m = (struct mechanisms){ NULL, 0 };
}

/* ---------------------------------------------------------------------- a row */

/* Whether `name` is one of NAME|NAME */
static bool is_among(const char *name, const char *names)
{
	size_t n = strlen(name);

	while (*names) {
		size_t length = strcspn(names, "|");

		if (length == n && strncmp(names, name, n) == 0)
			return true;
		names += length + (names[length] == '|');
	}
	return false;
}

double calls_by_name(const struct row *row, const char *names)
{
	double sum = 0;

	if (!row->n_calls || !(row->calls_per > 0))
		return NAN;
	for (size_t i = 0; i < row->n_calls; i++)
		if (is_among(row->calls[i].name, names))
			sum += (double)row->calls[i].count;
	return sum / row->calls_per;
}

static bool check_word(const struct row *row, const char *word,
		       char why[WHY_SIZE])
{
	bool without = *word == '!';
	double calls = calls_by_name(row, word + without);

	if (without ? calls == 0 : calls > 0)
		return true;
	return why_not(why, "%s did not show its mechanism: %s %s%s",
		       row->cell.model, word + without,
		       without ? "was called" : "was never called",
		       without ? "" : " in its counting repetition");
}

bool mechanism_shown(const struct mechanisms *m, const struct row *row,
		     char why[WHY_SIZE])
{
	char program[LABEL_SIZE], *copy, *rest, *word;
	const char *calls = NULL;
	bool good = true;

	cell_program(row->cell.model, program);
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->list[i].model, program) == 0)
			calls = m->list[i].calls;
	if (!calls)
		return true;
	if (isnan(calls_by_name(row, calls)))
		return why_not(
			why,
			"system calls of %s were not counted by name, so "
			"nothing proves its mechanism; bin/matrix doctor says "
			"what allows it",
			row->cell.model);
	copy = rest = strdup(calls);
	if (!copy)
		die("strdup");
	while (good && (word = next_word(&rest)))
		good = check_word(row, word, why);
	free(copy);
	return good;
}
