/* SPDX-License-Identifier: MIT */
/* values.c - the values in a predicate: see values.h */
#include "harness/claims/values.h"

#include "harness/base/grow.h"
#include "harness/base/nearest.h"
#include "harness/base/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------- sweeps */

const struct cell *named_at(const struct named *s, const char *value)
{
	struct cell asked = s->cell[0];

	if (!s->part || !s->part->set(&asked, value))
		return NULL;
	for (unsigned i = 0; i < s->n; i++)
		if (cell_same_setting(&asked, &s->cell[i]))
			return &s->cell[i];
	return NULL;
}

double part_number(const struct part *part, const struct cell *c)
{
	char text[WORK_SIZE], *digits, *end;
	double x;

	part->print(c, text, sizeof(text));
	if (!*text) /* the default is left out */
		return strcmp(part->name, "idle") == 0  ? 0 :
		       strcmp(part->name, "depth") == 0 ? 1 :
							  NAN;
	digits = strchr(text, ':');
	digits = digits ? digits + 1 : text;
	x = strtod(digits, &end);
	return end == digits || *end ? NAN : x;
}

static void describe_sweep(struct value *v, const struct part *part)
{
	size_t n = snprintf(v->sweep, sizeof(v->sweep), "%s", part->name);
	char text[WORK_SIZE];

	for (unsigned i = 0; i < v->n && n < sizeof(v->sweep); i++) {
		part->print(&v->cell[i], text, sizeof(text));
		n += snprintf(v->sweep + n, sizeof(v->sweep) - n, "%c%.20s",
			      i ? ',' : ' ', *text ? text : "0");
	}
}

/* ----------------------------------------------------------------------- cells */

static bool read_model(struct words *w, char model[LABEL_SIZE])
{
	const char *word = words_argument(w);
	char program[LABEL_SIZE];

	if (!cell_label(word))
		return complain_unknown(&w->at, word, "a model",
					w->names->models);
	if (word_index(cell_program(word, program), w->names->models) < 0 ||
	    strcmp(program, VARIANTS) == 0)
		return complain_unknown(&w->at, program, "a model",
					w->names->models);
	snprintf(model, LABEL_SIZE, "%s", word);
	return true;
}

static bool unknown_setting(struct words *w, const char *word)
{
	const char **all = grow(NULL, w->names->n_settings + 1, sizeof(*all));

	for (size_t i = 0; i < w->names->n_settings; i++)
		all[i] = w->names->setting[i].name;
	all[w->names->n_settings] = NULL;
	if (w->names->n_settings)
		complain_unknown(&w->at, word, "a setting of this claim", all);
	else
		complain(&w->at, "'%.60s': this claim has no setting lines",
			 word);
	free(all);
	return false;
}

static bool no_such_point(struct words *w, const struct named *s,
			  const char *value)
{
	char all[256] = "";
	size_t n = 0;

	if (!s->part)
		return complain(&w->at,
				"'%.60s': setting %s has no list, so no @",
				value, s->name);
	for (unsigned i = 0; i < s->n && n < sizeof(all); i++) {
		char text[WORK_SIZE];

		s->part->print(&s->cell[i], text, sizeof(text));
		n += snprintf(all + n, sizeof(all) - n, "%s%s", i ? ", " : "",
			      *text ? text : "0");
	}
	return complain(&w->at,
			"'%.60s': not a value of %s in %s (allowed: %s)", value,
			s->part->name, s->name, all);
}

static void take_cells(struct value *v, const struct cell *cell, unsigned n,
		       const struct part *part, const char *model)
{
	v->n = n;
	for (unsigned i = 0; i < n; i++) {
		v->cell[i] = cell[i];
		snprintf(v->cell[i].model, LABEL_SIZE, "%s", model);
		v->x[i] = part ? part_number(part, &cell[i]) : NAN;
	}
	if (n > 1)
		describe_sweep(v, part);
}

static bool read_setting(struct words *w, struct value *v, const char *model)
{
	char *word = words_argument(w), *point = strchr(word, '@');
	const struct cell *cell;

	if (point)
		*point++ = '\0';
	for (size_t i = 0; i < w->names->n_settings; i++) {
		const struct named *s = &w->names->setting[i];

		if (strcmp(s->name, word) != 0)
			continue;
		if (!point) {
			take_cells(v, s->cell, s->n, s->part, model);
			return true;
		}
		cell = named_at(s, point);
		if (!cell)
			return no_such_point(w, s, point);
		take_cells(v, cell, 1, NULL, model);
		return true;
	}
	return unknown_setting(w, word);
}

/* After the opening parenthesis */
static bool read_cell(struct words *w, struct value *v)
{
	char model[LABEL_SIZE];

	return read_model(w, model) && words_expect(w, ",") &&
	       read_setting(w, v, model);
}

/* NAME or NAME|NAME: a call can have another name on another architecture. */
static bool read_call(struct words *w, struct value *v)
{
	char copy[WORD_SIZE], *rest = copy, *one;

	if (!words_take(w, ","))
		return true;
	snprintf(copy, sizeof(copy), "%s", words_argument(w));
	if (snprintf(v->call, sizeof(v->call), "%s", copy) >=
	    (int)sizeof(v->call))
		return complain(&w->at, "'%.60s': too long", copy);
	while ((one = strsep(&rest, "|"))) {
		const char *meant = nearest_call(one);

		if (!is_call(one))
			return complain(
				&w->at,
				"'%.60s': not a system call of Linux%s%s%s",
				one, meant ? "; did you mean '" : "",
				meant ?: "", meant ? "'?" : "");
	}
	return true;
}

/* ------------------------------------------------------------------ primitives */

const char *const row_numbers[] = { "watched", "ready", "count", NULL };

static bool read_row_words(struct words *w, struct primitive_row *row)
{
	const char *word = words_argument(w);

	if (word_index(word, primitive_words) < 0)
		return complain_unknown(&w->at, word, "a primitive",
					primitive_words);
	snprintf(row->primitive, sizeof(row->primitive), "%s", word);
	if (!words_expect(w, ","))
		return false;
	word = words_argument(w);
	if (word[strspn(word, "abcdefghijklmnopqrstuvwxyz_0123456789")] ||
	    !*word || strlen(word) >= sizeof(row->method))
		return complain(
			&w->at,
			"'%.60s': not a method, such as epoll: the column "
			"'method' of primitives.csv",
			word);
	snprintf(row->method, sizeof(row->method), "%s", word);
	return true;
}

/* "watched 10 100 1000": its values in order; 0: an error */
static unsigned read_points(struct words *w, char *rest, int *which,
			    double x[SWEEP_MAX])
{
	char *word = next_word(&rest);
	uint64_t number;
	unsigned n = 0;

	*which = word ? word_index(word, row_numbers) : -1;
	if (*which < 0) {
		complain_unknown(&w->at, word ?: "",
				 "a column of primitives.csv", row_numbers);
		return 0;
	}
	while ((word = next_word(&rest))) {
		if (n == SWEEP_MAX || !parse_count(word, &number)) {
			complain(
				&w->at,
				"'%.60s': not one of at most %d numbers, such as "
				"100 or 1k",
				word, SWEEP_MAX);
			return 0;
		}
		x[n++] = (double)number;
	}
	if (n == 0)
		complain(&w->at, "%s: needs a number", row_numbers[*which]);
	return n;
}

static bool set_points(struct words *w, struct value *v, int which,
		       const double *x, unsigned n)
{
	if (n > 1 && v->n > 1)
		return complain(
			&w->at,
			"'%s': a second sweep; one of watched, ready and "
			"count can have several values",
			row_numbers[which]);
	if (n > 1) {
		size_t length = snprintf(v->sweep, sizeof(v->sweep), "%s",
					 row_numbers[which]);

		for (unsigned i = 0; i < n; i++) {
			v->row[i] = v->row[0];
			v->x[i] = x[i];
			if (length < sizeof(v->sweep))
				length += snprintf(v->sweep + length,
						   sizeof(v->sweep) - length,
						   "%c%g", i ? ',' : ' ', x[i]);
		}
		v->n = n;
	}
	for (unsigned i = 0; i < v->n; i++)
		v->row[i].number[which] = n > 1 ? x[i] : x[0];
	return true;
}

static bool read_row(struct words *w, struct value *v)
{
	v->n = 1;
	for (int i = 0; i < ROW_NUMBERS; i++)
		v->row[0].number[i] = NAN;
	if (!read_row_words(w, &v->row[0]))
		return false;
	while (words_take(w, ",")) {
		double x[SWEEP_MAX];
		char copy[WORD_SIZE];
		unsigned n;
		int which;

		snprintf(copy, sizeof(copy), "%s", words_argument(w));
		n = read_points(w, copy, &which, x);
		if (n == 0 || !set_points(w, v, which, x, n))
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------------- values */

static bool read_arguments(struct words *w, struct value *v, const char *word)
{
	const struct metric_word *m = metric_word(word);

	if (strcmp(word, "primitive") == 0 ||
	    strcmp(word, "primitive_calls") == 0) {
		v->source = SOURCE_PRIMITIVE;
		v->row_calls = strcmp(word, "primitive") != 0;
		v->kind = v->row_calls ? KIND_NUMBER : KIND_ANY;
		return read_row(w, v);
	}
	if (!read_cell(w, v))
		return false;
	if (m) {
		v->metric = m->metric;
		v->kind = m->kind;
		return true;
	}
	v->source = SOURCE_CALLS;
	v->kind = KIND_NUMBER;
	return read_call(w, v);
}

static bool is_value(const char *word)
{
	return metric_word(word) || strcmp(word, "calls") == 0 ||
	       strncmp(word, "primitive", 9) == 0;
}

static bool read_value(struct words *w, struct value *v)
{
	const char *word = words_here(w);
	int i = word_index(word, quantity_words);

	if (i < 0 || !is_value(quantity_words[i]))
		return complain_unknown(&w->at, word,
					"a metric, a primitive or a state",
					quantity_words);
	return words_take(w, quantity_words[i]) && words_expect(w, "(") &&
	       read_arguments(w, v, quantity_words[i]) && words_expect(w, ")");
}

static bool read_slope(struct words *w, struct value *v)
{
	if (!words_expect(w, "(") || !read_value(w, v) || !words_expect(w, ")"))
		return false;
	v->slope = true;
	if (v->n < 2)
		return complain(
			&w->at,
			"slope: needs a sweep: a setting with a list, such "
			"as idle 0,100,900");
	for (unsigned i = 0; i < v->n; i++)
		if (!isfinite(v->x[i]))
			return complain(&w->at, "slope: '%s' is not a number",
					v->sweep);
	return true;
}

static struct value *start(void)
{
	struct value *v = grow(NULL, 1, sizeof(*v));

	memset(v, 0, sizeof(*v));
	return v;
}

static struct value *done(struct value *v, bool good)
{
	if (good)
		return v;
	free(v);
	return NULL;
}

struct value *value_parse(struct words *w)
{
	struct value *v = start();

	if (words_take(w, "slope"))
		return done(v, read_slope(w, v));
	return done(v, read_value(w, v));
}

struct value *value_cell_parse(struct words *w)
{
	struct value *v = start();

	return done(v, words_expect(w, "(") && read_cell(w, v) &&
			       words_expect(w, ")"));
}
