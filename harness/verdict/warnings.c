/* SPDX-License-Identifier: MIT */
/* warnings.c - what limits the results of a run: see warnings.h */
#include "harness/verdict/warnings.h"

#include "harness/verdict/compare.h"
#include "harness/verdict/describe.h"
#include "harness/base/die.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_SIZE = 512,
	SHOWN = 4 /* models or settings that a sentence names */
};

/* -------------------------------------------------------------- one repetition */

static bool sustained(const struct record *r)
{
	return !json_is_false(json_object_get(r->load, "sustained"));
}

bool record_counts(const struct record *r)
{
	return r->status == STATUS_OK && sustained(r);
}

enum status record_outcome(const struct record *r)
{
	return r->status == STATUS_OK && !sustained(r) ? STATUS_INVALID :
							 r->status;
}

void record_reason(const struct record *r, char *to, size_t size)
{
	const char *first = json_string_value(json_array_get(r->reasons, 0));

	if (!first)
		first = sustained(r) ? "no reason was recorded" :
				       "the offered load was not sustained";
	snprintf(to, size, "%s", first);
}

/* ---------------------------------------------------------------------- warnings */

/* Kinds, the most important first */
enum kind {
	LEFT_OUT,   /* lines of the record */
	UNMEASURED, /* cells without a valid repetition */
	FORCED,     /* repetitions measured under other conditions */
	UNCOMPARED,
	NOISE,
	FEWER,     /* excluded repetitions of cells that have valid ones */
	PAIRS,     /* excluded A/A repetitions */
	UNCOUNTED, /* system calls */
	OTHER,     /* the warnings of repetitions */
};

static const char *const counted_as[] = {
	[LEFT_OUT] = "repetition", [UNMEASURED] = "cell",
	[FORCED] = "repetition",   [UNCOMPARED] = "setting",
	[NOISE] = "setting",       [PAIRS] = "repetition",
	[FEWER] = "repetition",    [UNCOUNTED] = "cell",
	[OTHER] = "repetition",
};

static const struct {
	const char *name;
	double ns;
} units[] = { { " ns", 1 }, { " us", 1e3 }, { " ms", 1e6 }, { " s", 1e9 } };

/* The unit of time that begins here; -1: none */
static int find_unit(const char *text)
{
	for (int i = 0; i < (int)(sizeof(units) / sizeof(*units)); i++) {
		size_t n = strlen(units[i].name);

		if (strncmp(text, units[i].name, n) == 0 &&
		    !isalnum((unsigned char)text[n]))
			return i;
	}
	return -1;
}

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
	int length, unit; /* without the unit */
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
	*to = (struct number){ *at, (int)length, find_unit(*at + length),
			       strtod(plain, NULL) };
	*at += length;
	if (to->unit >= 0) {
		to->value *= units[to->unit].ns;
		*at += strlen(units[to->unit].name);
	}
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
	if (c && kind != UNCOMPARED && kind != NOISE)
		json_object_set_new(json_object_get(one, "models"), c->model,
				    json_true());
	if (c)
		json_object_set_new(json_object_get(one, "settings"),
				    setting_key(c, name),
				    json_string(setting_where(c, where)));
}

static void write_range(FILE *to, const struct number *least,
			const struct number *most)
{
	const char *unit = most->unit >= 0 ? units[most->unit].name : "";

	if (most->value > least->value)
		fprintf(to, "%.*s%s to ", least->length, least->text,
			least->unit == most->unit ? "" :
						    units[least->unit].name);
	fprintf(to, "%.*s%s", most->length, most->text, unit);
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
		write_range(to, &least, &most);
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

	return kinds ? (int)kinds : (int)counts;
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
		list[n++] = one;
	}
	qsort(list, n, sizeof(*list), by_kind);
	for (size_t i = 0; i < n; i++) {
		json_int_t kind =
			json_integer_value(json_object_get(list[i], "kind"));

		json_object_set_new(list[i], "text",
				    ranged(json_object_get(list[i], "texts")));
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

/* note_cells() reports cells without a valid repetition. */
static void note_repetition(const struct reduced *r, json_t *all,
			    const struct record *of)
{
	const struct row *row = reduced_row(r, &of->cell);
	char reason[256];

	if (record_counts(of) || !row || row->n == 0)
		return;
	record_reason(of, reason, sizeof(reason));
	if (of->role == ROLE_AA)
		note(all, PAIRS, &of->cell, "A/A repetitions excluded: %s",
		     reason);
	else if (of->role != ROLE_COUNTING)
		note(all, FEWER, &of->cell, "repetitions excluded: %s", reason);
	else if (of->role == ROLE_COUNTING && !*row->calls_method)
		note(all, UNCOUNTED, &of->cell, "system calls not counted: %s",
		     reason);
}

static void note_warning(json_t *all, const struct cell *c, const char *text)
{
	bool forced = strncmp(text, RECORD_FORCED, strlen(RECORD_FORCED)) == 0;

	note(all, forced ? FORCED : OTHER, c, "%s", text);
}

static void note_repetitions(const struct reduced *r, json_t *all,
			     const struct record *records, size_t n)
{
	const json_t *text;
	size_t k;

	for (size_t i = 0; i < n; i++) {
		const struct record *of = &records[i];

		if (of->role != ROLE_COUNTING && of->role != ROLE_IDLE &&
		    (of->block < 1 || of->block > STATS_MAX))
			note(all, LEFT_OUT, &of->cell,
			     "ignored: its block number is not in any plan");
		note_repetition(r, all, of);
		json_array_foreach(of->warnings, k, text) {
			note_warning(all, &of->cell,
				     json_string_value(text) ?: "");
		}
	}
}

/* ----------------------------------------------------------------------- noise */

/* Metrics whose A/A band is checked, and its limit */
static const struct {
	enum metric metric;
	const char *name;
	double limit;
	enum { EITHER, CLOSED, OPEN, COARSE, NOT_COARSE } only;
} noisy[] = {
	{ METRIC_REQUESTS_PER_SECOND, "requests/s", 1.1, CLOSED },
	{ METRIC_RESPONSE_P50, "p50", 1.1, NOT_COARSE },
	{ METRIC_RESPONSE_P99, "p99", 1.5, NOT_COARSE },
	{ METRIC_SERVICE_P50, "service p50", 1.1, COARSE },
	{ METRIC_SERVICE_P99, "service p99", 1.5, COARSE },
	{ METRIC_SERVER_CPU_PER_REQUEST, "CPU per request", 1.1, EITHER },
};

static bool is_looked_at(const struct reduced *r, size_t row, int i)
{
	bool coarse = setting_is_coarse(r, row);
	enum loop loop = r->row[row].cell.loop;

	return noisy[i].only == EITHER ||
	       (noisy[i].only == CLOSED && loop == LOOP_CLOSED) ||
	       (noisy[i].only == COARSE && coarse) ||
	       (noisy[i].only == NOT_COARSE && !coarse);
}

static void note_noise(const struct reduced *r, json_t *all, size_t row)
{
	char ratio[NUMBER_SIZE];

	for (size_t i = 0; i < sizeof(noisy) / sizeof(*noisy); i++) {
		struct band band =
			setting_band(r, row, noisy[i].metric, r->n_blocks);

		if (!is_looked_at(r, row, i) ||
		    stats_noise(&band, noisy[i].limit) != NOISE_HIGH)
			continue;
		print_ratio(band.rank ? band.high : band.farthest, ratio);
		note(all, NOISE, &r->row[row].cell,
		     "noisy: %s differs between A/A pairs, at most by a "
		     "factor of %s (%zu pair%s)",
		     noisy[i].name, ratio, band.n, plural(band.n));
	}
}

/* --------------------------------------------------------- what is not compared */

static const char *method_of(const struct row *row)
{
	return *row->cpu_method ? row->cpu_method : "unknown";
}

static void note_uncompared(const struct reduced *r, json_t *all, size_t first)
{
	const struct row *with = NULL;
	size_t end = setting_end(r, first);

	for (size_t i = first; i < end; i++)
		if (strcmp(r->row[i].cell.model, r->reference) == 0)
			with = &r->row[i];
	if ((!with || with->oversubscribed) && end - first > 1)
		note(all, UNCOMPARED, &r->row[first].cell,
		     "no comparison: %s, the reference, %s", r->reference,
		     with ? "is oversubscribed" : "was not measured");
	if (!with || with->oversubscribed)
		return;
	for (size_t i = first; i < end; i++) {
		const struct row *row = &r->row[i];

		if (row != with && !row->oversubscribed &&
		    strcmp(row->cell.model, BASELINE) != 0 &&
		    !same_method(row, with))
			note(all, UNCOMPARED, &row->cell,
			     "CPU of %s and %s is not compared: measured by "
			     "different methods (%s, %s)",
			     row->cell.model, with->cell.model, method_of(row),
			     method_of(with));
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

void find_warnings(struct reduced *r, const struct record *records, size_t n)
{
	json_t *all = json_object();

	note_cells(r, all);
	note_repetitions(r, all, records, n);
	for (size_t i = 0; i < r->n; i = setting_end(r, i)) {
		if (r->row[i].cell.loop == LOOP_NONE)
			continue;
		note_uncompared(r, all, i);
		note_noise(r, all, i);
	}
	note_unknown_spinners(r, all);
	note_methods(r, all);
	take_warnings(r, all);
}
