/* SPDX-License-Identifier: MIT */
/* warnings.c - what limits the results of a run: see warnings.h */
#include "harness/verdict/warnings.h"

#include "harness/verdict/compare.h"
#include "harness/verdict/describe.h"
#include "harness/verdict/findings.h"
#include "harness/base/die.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_SIZE = 512,
	SHOWN = 4 /* models or settings that a sentence names */
};

/* ---------------------------------------------------------------------- warnings */

/* Kinds, the most important first */
enum kind {
	LEFT_OUT,   /* lines of the record */
	UNMEASURED, /* cells without a valid repetition */
	FORCED,     /* repetitions measured under other conditions */
	UNCOMPARED,
	LIMITED, /* models that are as fast as the baseline server */
	NOISE,
	FEWER,     /* excluded repetitions of cells that have valid ones */
	PAIRS,     /* excluded A/A repetitions */
	DROPPED,   /* rounds */
	UNCOUNTED, /* system calls */
	OTHER,     /* the warnings of repetitions */
};

static const char *const counted_as[] = {
	[LEFT_OUT] = "run",      [UNMEASURED] = "cell",
	[FORCED] = "repetition", [UNCOMPARED] = "setting",
	[LIMITED] = "setting",   [NOISE] = "setting",
	[PAIRS] = "repetition",  [FEWER] = "repetition",
	[DROPPED] = "run",       [UNCOUNTED] = "cell",
	[OTHER] = "repetition",
};

/* The length of a number: 12, 1,073, 3.18. Digits in a word, such as p99 or a commit's
 * hash, are not one. */
static size_t digits(const char *text, const char *begin)
{
	size_t n = 0;

	if (text > begin &&
	    (isalnum((unsigned char)text[-1]) || text[-1] == '_'))
		return 0;
	while (isdigit((unsigned char)text[n]) ||
	       (n && (text[n] == '.' || text[n] == ',') &&
		isdigit((unsigned char)text[n + 1])))
		n++;
	return isalpha((unsigned char)text[n]) ? 0 : n;
}

struct number {
	const char *text;
	int length;
	double value;
};

/* The number that begins at *at, which moves behind it; false: none */
static bool read_number(const char **at, const char *begin, struct number *to)
{
	char plain[64];
	size_t n = 0, length = digits(*at, begin);

	if (length == 0)
		return false;
	for (size_t i = 0; i < length && n + 1 < sizeof(plain); i++)
		if ((*at)[i] != ',')
			plain[n++] = (*at)[i];
	plain[n] = '\0';
	*to = (struct number){ *at, (int)length, strtod(plain, NULL) };
	*at += length;
	return true;
}

/* The text without its numbers: texts with the same key are one warning. */
static void make_key(enum kind kind, const char *text, char to[KEY_SIZE])
{
	size_t n = (size_t)snprintf(to, KEY_SIZE, "%d ", kind);
	const char *begin = text;
	struct number ignored;

	while (*text && n + 1 < KEY_SIZE)
		to[n++] = read_number(&text, begin, &ignored) ? '#' : *text++;
	to[n] = '\0';
}

/* Adds to all warnings so far, by key; jansson keeps their order. */
__attribute__((format(printf, 4, 5))) static void
note(json_t *all, enum kind kind, const struct cell *c, const char *format, ...)
{
	char key[KEY_SIZE], text[KEY_SIZE], name[SETTING_SIZE],
		where[SETTING_SIZE];
	json_t *one;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_key(kind, text, key);
	one = json_object_get(all, key);
	if (!one) {
		one = json_pack("{s:i, s:i, s:[], s:{}, s:{}}", "kind", kind,
				"count", 0, "texts", "models", "settings");
		json_object_set_new(all, key, one);
	}
	json_object_set_new(
		one, "count",
		json_integer(json_integer_value(json_object_get(one, "count")) +
			     1));
	json_array_append_new(json_object_get(one, "texts"),
			      json_string(text) ?: json_string("?"));
	if (c && kind != UNCOMPARED && kind != LIMITED && kind != NOISE)
		json_object_set_new(json_object_get(one, "models"), c->model,
				    json_true());
	if (c)
		json_object_set_new(json_object_get(one, "settings"),
				    setting_key(c, name),
				    json_string(setting_where(c, where)));
}

/* The first of these texts, with a range such as "7 to 12" where a number differs.
 * They have the same key, so the same words. */
static json_t *ranged(const json_t *texts)
{
	size_t n = json_array_size(texts), size;
	const char **at = calloc(n, sizeof(*at)), *begin;
	char *text = NULL;
	FILE *to = text_open(&text, &size);
	json_t *made;

	if (!at)
		die("calloc");
	for (size_t i = 0; i < n; i++)
		at[i] = json_string_value(json_array_get(texts, i));
	begin = at[0];
	while (*at[0]) {
		struct number least, most, other;

		if (!read_number(&at[0], begin, &least)) {
			fputc(*at[0], to);
			for (size_t i = 0; i < n; i++)
				at[i] += *at[i] != '\0';
			continue;
		}
		most = least;
		for (size_t i = 1; i < n; i++) {
			begin = json_string_value(json_array_get(texts, i));
			if (!read_number(&at[i], begin, &other))
				continue;
			if (other.value < least.value)
				least = other;
			if (other.value > most.value)
				most = other;
		}
		begin = json_string_value(json_array_get(texts, 0));
		if (most.value > least.value)
			fprintf(to, "%.*s to ", least.length, least.text);
		fprintf(to, "%.*s", most.length, most.text);
	}
	text_close(to);
	made = json_string(text) ?: json_string(begin);
	free(text);
	free(at);
	return made;
}

static int by_kind(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	json_int_t kinds = json_integer_value(json_object_get(x, "kind")) -
			   json_integer_value(json_object_get(y, "kind"));
	json_int_t counts = json_integer_value(json_object_get(y, "count")) -
			    json_integer_value(json_object_get(x, "count"));

	if (kinds || counts)
		return kinds ? (int)kinds : (int)counts;
	return strcmp(json_string_value(json_object_get(x, "text")),
		      json_string_value(json_object_get(y, "text")));
}

static void take_warnings(struct reduced *r, json_t *all)
{
	size_t n = 0;
	json_t **list = calloc(json_object_size(all) + 1, sizeof(json_t *));
	const char *key;
	json_t *one;

	if (!list)
		die("calloc");
	json_object_foreach(all, key, one) {
		json_object_set_new(one, "text",
				    ranged(json_object_get(one, "texts")));
		list[n++] = one;
	}
	qsort(list, n, sizeof(*list), by_kind);
	for (size_t i = 0; i < n; i++) {
		json_int_t kind =
			json_integer_value(json_object_get(list[i], "kind"));

		json_object_set_new(list[i], "of",
				    json_string(counted_as[kind]));
		json_object_del(list[i], "texts");
		json_array_append(r->warnings, list[i]);
	}
	free(list);
	json_decref(all);
}

/* "epoll, poll, select, thread and 3 more"; settings by setting_where() */
static void write_some(FILE *to, json_t *set)
{
	size_t n = 0, size = json_object_size(set);
	const char *key;
	json_t *words;

	json_object_foreach(set, key, words) {
		if (n < SHOWN)
			fprintf(to, "%s%s", n ? ", " : "",
				json_string_value(words) ?: key);
		n++;
	}
	if (size > SHOWN)
		fprintf(to, " and %zu more", size - SHOWN);
}

char *warning_sentence(const json_t *warning)
{
	json_int_t count =
		json_integer_value(json_object_get(warning, "count"));
	json_t *models = json_object_get(warning, "models");
	json_t *settings = json_object_get(warning, "settings");
	char *text = NULL;
	size_t size;
	FILE *to = text_open(&text, &size);

	fputs(json_string_value(json_object_get(warning, "text")), to);
	if (json_object_size(settings)) {
		fputs(" (", to);
		fprintf(to, "%" JSON_INTEGER_FORMAT " %s%s; ", count,
			json_string_value(json_object_get(warning, "of")),
			plural((double)count));
		if (json_object_size(models)) {
			write_some(to, models);
			fputs("; ", to);
		}
		write_some(to, settings);
		fputc(')', to);
	}
	text_close(to);
	return text;
}

/* ------------------------------------------------------------- cells, repetitions */

static void note_cells(const struct reduced *r, json_t *all)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct row *row = &r->row[i];

		if (row->n == 0 && row->invalid)
			note(all, UNMEASURED, &row->cell, "no result (%s): %s",
			     status_names[row->status], row->reason);
	}
}

void record_reason(const struct record *r, char *to, size_t size)
{
	const char *first = json_string_value(json_array_get(r->reasons, 0));

	snprintf(to, size, "%s", first ?: "no reason was recorded");
}

/* note_cells() reports cells without a valid repetition. */
static void note_repetition(const struct reduced *r, json_t *all,
			    const struct record *of)
{
	const struct row *row = reduced_row(r, &of->cell);
	char reason[256];

	if (of->status == STATUS_OK || !row || row->n == 0)
		return;
	record_reason(of, reason, sizeof(reason));
	if (of->role == ROLE_AA)
		note(all, PAIRS, &of->cell, "A/A repetitions excluded: %s",
		     reason);
	else if (of->role != ROLE_COUNTING)
		note(all, FEWER, &of->cell, "repetitions excluded: %s", reason);
	else if (!*row->calls_method)
		note(all, UNCOUNTED, &of->cell, "system calls not counted: %s",
		     reason);
}

static void note_warnings(json_t *all, const struct record *of)
{
	const struct cell *c = &of->cell;
	const json_t *warning;
	size_t k;

	json_array_foreach(of->warnings, k, warning) {
		const char *text = json_string_value(warning) ?: "";
		bool forced = strncmp(text, RECORD_FORCED,
				      strlen(RECORD_FORCED)) == 0;

		note(all, forced ? FORCED : OTHER, c, "%s", text);
	}
	if (c->loop == LOOP_OPEN && !is_coarse(c) &&
	    of->role != ROLE_COUNTING &&
	    json_is_true(json_object_get(of->load, "coarse")))
		note(all, OTHER, c,
		     "the generator did not busy-poll, because other programs "
		     "used its CPU: the delay of its wake-ups is in the "
		     "response times");
}

/* A round is dropped for all servers of its bout: one of them says how many. */
static void note_dropped(const struct reduced *r, json_t *all)
{
	struct rounds sum = { 0 };

	for (size_t i = 0; i < r->n; i = setting_end(r, i))
		for (unsigned b = 0; b < r->n_blocks; b++) {
			const struct record *one = NULL;

			for (size_t k = i; k < setting_end(r, i) && !one; k++)
				one = r->row[k].timed[b];
			if (!one)
				continue;
			sum.counted += one->rounds.counted;
			sum.dropped += one->rounds.dropped;
			for (int w = 0; w < DROPS; w++)
				sum.why[w] += one->rounds.why[w];
		}
	if (sum.dropped)
		note(all, DROPPED, NULL,
		     "%u of %u rounds were dropped, each for all servers "
		     "(steal time %u, machine suspended %u, other programs %u)",
		     sum.dropped, sum.counted + sum.dropped,
		     sum.why[DROP_STEAL], sum.why[DROP_SUSPENDED],
		     sum.why[DROP_FOREIGN]);
}

/* ------------------------------------------------------------------- comparisons */

static void note_reference(const struct reduced *r, json_t *all, size_t first)
{
	size_t end = setting_end(r, first);

	for (size_t i = first; i < end; i++)
		if (strcmp(r->row[i].cell.model, r->reference) == 0)
			return;
	if (end - first > 1)
		note(all, UNCOMPARED, &r->row[first].cell,
		     "no comparison: %s, the reference, was not measured",
		     r->reference);
}

static void note_limited(const struct reduced *r, json_t *all, size_t first)
{
	const char *models[PLAN_LIST_MAX];
	char names[SENTENCE_SIZE];
	size_t end = setting_end(r, first), n = 0;

	for (size_t i = first; i < end && n < PLAN_LIST_MAX; i++)
		if (r->row[i].at_limit)
			models[n++] = r->row[i].cell.model;
	if (n)
		note(all, LIMITED, &r->row[first].cell,
		     "not slower than the baseline server, so at the limit of "
		     "generator and kernel: %.200s",
		     join_models(models, n, names));
}

/* The twin is the reference itself: what it differs is noise. */
static void note_noise(json_t *all, const struct comparison *c, double margin)
{
	double far = fmax(c->twin_range.high, 1 / c->twin_range.low);

	if (c->twin.n >= 2 && !is_within(&c->twin_range, margin))
		note(all, NOISE, &c->a->cell,
		     "noisy: %s and its A/A twin differ by up to %.0f %% in %s",
		     c->with->cell.model, ceil(100 * (far - 1) - 1e-9),
		     metric_words(c->metric));
}

static void note_comparisons(const struct reduced *r, json_t *all)
{
	for (size_t i = 0; i < r->n_comparisons; i++) {
		const struct comparison *c = &r->comparison[i];
		const struct comparison *before = i ? c - 1 : NULL;
		char why[SENTENCE_SIZE];

		if (c->verdict == VERDICT_MISSING && c->a->n && c->with->n &&
		    !c->a->oversubscribed)
			note(all, UNCOMPARED, &c->a->cell,
			     "%s and %s are not compared: %s", c->a->cell.model,
			     c->with->cell.model, missing_reason(c, why));
		if (!before || before->with != c->with ||
		    before->metric != c->metric)
			note_noise(all, c, r->margin);
	}
}

/* Only a run with idle clients shows which servers spin. */
static void note_unknown_spinners(const struct reduced *r, json_t *all)
{
	bool shared = false, idle = false;

	for (size_t i = 0; i < r->n; i++) {
		shared |= r->row[i].cell.placement == PLACEMENT_SHARED;
		idle |= r->row[i].cell.loop == LOOP_NONE && r->row[i].n;
	}
	if (shared && !idle)
		note(all, UNCOMPARED, NULL,
		     "no cell with idle clients, so it is unknown which servers "
		     "spin; those are not comparable where server and clients "
		     "share a core");
}

static void note_methods(const struct reduced *r, json_t *all)
{
	const char *first = NULL;

	for (size_t i = 0; i < r->n; i++) {
		const char *method = r->row[i].calls_method;

		if (!*method || strcmp(method, "none") == 0)
			continue;
		if (!first)
			first = method;
		if (strcmp(method, first) == 0)
			continue;
		note(all, UNCOMPARED, NULL,
		     "system calls were counted by %s and by %s: do not compare "
		     "these counts",
		     first, method);
		return;
	}
}

void find_warnings(struct reduced *r, const struct record *const *records,
		   size_t n, size_t ignored)
{
	json_t *all = json_object();

	if (ignored)
		note(all, LEFT_OUT, NULL,
		     "%zu line%s of the record %s ignored: their block number "
		     "is not in any plan",
		     ignored, plural((double)ignored),
		     ignored == 1 ? "is" : "are");
	note_cells(r, all);
	for (size_t i = 0; i < n; i++) {
		note_repetition(r, all, records[i]);
		note_warnings(all, records[i]);
	}
	for (size_t i = 0; i < r->n; i = setting_end(r, i)) {
		if (r->row[i].cell.loop == LOOP_NONE)
			continue;
		note_reference(r, all, i);
		note_limited(r, all, i);
	}
	note_comparisons(r, all);
	note_dropped(r, all);
	note_unknown_spinners(r, all);
	note_methods(r, all);
	take_warnings(r, all);
}
