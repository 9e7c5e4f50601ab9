/* SPDX-License-Identifier: MIT */
/* trust.c - what is missing from a run, and what limits it: see trust.h */
#include "harness/run/trust.h"

#include "harness/run/compare.h"
#include "harness/run/describe.h"
#include "models/common/die.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	SENTENCES = 12, /* of one kind; of more it is said how many */
	KEY_SIZE = 512,
};

static const double slow_counting = 1.05;

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
				       "what was offered was not done";
	snprintf(to, size, "%s", first);
}

/* ------------------------------------------------------------------- sentences */

/* "epoll at 64 connections" */
static char *name_cell(const struct cell *c, char to[SETTING_SIZE])
{
	char where[SETTING_SIZE];

	snprintf(to, SETTING_SIZE, "%s %.280s", c->model,
		 setting_where(c, where));
	return to;
}

/* Says it, unless enough of its kind was said. */
#define SAY(r, said, ...)                                                      \
	do {                                                                   \
		if (++(said) <= SENTENCES)                                     \
			record_say((r)->warnings, __VA_ARGS__);                \
	} while (0)

static void say_the_rest(struct reduced *r, size_t said, const char *what)
{
	if (said > SENTENCES)
		record_say(r->warnings, "... and %zu more %s", said - SENTENCES,
			   what);
}

static void say_invalid(struct reduced *r)
{
	size_t said = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct row *row = &r->row[i];
		char name[SETTING_SIZE];

		if (row->invalid == 0)
			continue;
		SAY(r, said, "%s: %u of %u repetition%s %s not count%s%s%s: %s",
		    name_cell(&row->cell, name), row->invalid,
		    row->n + row->invalid, plural(row->n + row->invalid),
		    row->invalid == 1 ? "does" : "do", row->n ? "" : " (",
		    row->n ? "" : status_names[row->status], row->n ? "" : ")",
		    row->reason);
	}
	say_the_rest(r, said, "cells of which some do not count: cells.csv");
}

/* Fewer than half: their median is still among those that are left (reduce.h). */
static void say_outgrown(struct reduced *r)
{
	size_t said = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct row *row = &r->row[i];
		char name[SETTING_SIZE];

		if (row->outgrown && row->n)
			SAY(r, said,
			    "%s is faster than it looks: in %u of %u repetitions the "
			    "generator was the bottleneck, and these do not count",
			    name_cell(&row->cell, name), row->outgrown,
			    row->n + row->invalid);
	}
	say_the_rest(r, said, "cells that are faster than they look");
}

/* The text without its numbers: two that differ in nothing else say the same. */
static void without_numbers(const char *text, char to[KEY_SIZE])
{
	size_t n = 0;

	for (; *text && n + 1 < KEY_SIZE; text++) {
		bool digit = *text >= '0' && *text <= '9';

		if (!digit || n == 0 || to[n - 1] != '#')
			to[n++] = digit ? '#' : *text;
	}
	to[n] = '\0';
}

/* How often something was said, of which cell first, and how; jansson keeps the
 * order. */
static void collect(json_t *all, const char *text, const struct record *r)
{
	char key[KEY_SIZE], name[SETTING_SIZE];
	json_t *count;

	without_numbers(text, key);
	count = json_array_get(json_object_get(all, key), 0);
	if (count)
		json_integer_set(count, json_integer_value(count) + 1);
	else
		json_object_set_new(all, key,
				    json_pack("[i,s,s]", 1,
					      name_cell(&r->cell, name), text));
}

static void say_collected(struct reduced *r, json_t *all, const char *before)
{
	const char *key;
	size_t said = 0;
	json_t *seen;

	json_object_foreach(all, key, seen) {
		json_int_t n = json_integer_value(json_array_get(seen, 0));
		const char *name = json_string_value(json_array_get(seen, 1));
		const char *text = json_string_value(json_array_get(seen, 2));

		if (n == 1)
			SAY(r, said, "%s: %s%s", name, before, text);
		else
			SAY(r, said,
			    "%s, and %" JSON_INTEGER_FORMAT
			    " more like it: %s%s",
			    name, n - 1, before, text);
	}
	say_the_rest(r, said, "such sentences: repetitions.jsonl");
	json_decref(all);
}

/* Of a cell that counts nothing at all, it is said already. */
static bool is_uncounted(const struct reduced *r, const struct record *of)
{
	if (of->role != ROLE_COUNTING || record_counts(of))
		return false;
	for (size_t i = 0; i < r->n; i++)
		if (cell_same(&r->row[i].cell, &of->cell))
			return r->row[i].n && !*r->row[i].calls_method;
	return false;
}

static void say_of_repetitions(struct reduced *r, const struct record *records,
			       size_t n)
{
	json_t *warnings = json_object(), *uncounted = json_object();
	json_t *pairs = json_object();
	const json_t *text;
	size_t k, lost = 0;

	for (size_t i = 0; i < n; i++) {
		const struct record *of = &records[i];
		char reason[256];

		lost += of->role != ROLE_COUNTING && of->role != ROLE_IDLE &&
			(of->block < 1 || of->block > STATS_MAX);
		json_array_foreach(of->warnings, k, text) {
			collect(warnings, json_string_value(text) ?: "", of);
		}
		record_reason(of, reason, sizeof(reason));
		if (is_uncounted(r, of))
			collect(uncounted, reason, of);
		if (of->role == ROLE_AA && !record_counts(of))
			collect(pairs, reason, of);
	}
	say_collected(r, pairs, "an A/A repetition does not count: ");
	say_collected(r, uncounted, "system calls were not counted: ");
	say_collected(r, warnings, "");
	if (lost)
		record_say(
			r->warnings,
			"%zu repetition%s of blocks that no plan has: left out",
			lost, plural(lost));
}

/* ----------------------------------------------------------------------- noise */

/* What is looked at for noise, and how much of it is too much */
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
	{ METRIC_SERVER_CPU_PER_REQUEST, "CPU a request", 1.1, EITHER },
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

static void say_noise(struct reduced *r, size_t row)
{
	char text[512] = "", where[SETTING_SIZE], ratio[NUMBER_SIZE];
	size_t pairs = 0, n = 0;

	for (size_t i = 0; i < sizeof(noisy) / sizeof(*noisy); i++) {
		struct band band =
			setting_band(r, row, noisy[i].metric, r->n_blocks);

		if (!is_looked_at(r, row, i) ||
		    stats_noise(&band, noisy[i].limit) != NOISE_HIGH)
			continue;
		print_ratio(band.rank ? band.high : band.farthest, ratio);
		n += snprintf(text + n, sizeof(text) - n, "%s%s times in %s",
			      n ? ", " : "", ratio, noisy[i].name);
		pairs = band.n;
	}
	if (n)
		record_say(r->warnings,
			   "noisy %s: one model under two names differs from "
			   "itself by up to %s (%zu A/A pair%s)",
			   setting_where(&r->row[row].cell, where), text, pairs,
			   plural(pairs));
}

/* ------------------------------------------------------------- what is not there */

static const char *method_of(const struct row *row)
{
	return *row->cpu_method ? row->cpu_method : "not known";
}

static void say_methods_of_cpu(struct reduced *r, const struct row *a,
			       const struct row *b)
{
	char where[SETTING_SIZE];

	record_say(r->warnings,
		   "CPU of %s and %s is not compared %s: how it was measured "
		   "is %s, and %s",
		   a->cell.model, b->cell.model, setting_where(&a->cell, where),
		   method_of(a), method_of(b));
}

static void say_uncompared(struct reduced *r, size_t first)
{
	char where[SETTING_SIZE];
	const struct row *with = NULL;
	size_t end = setting_end(r, first);

	for (size_t i = first; i < end; i++)
		if (strcmp(r->row[i].cell.model, r->reference) == 0)
			with = &r->row[i];
	if ((!with || with->oversubscribed) && end - first > 1)
		record_say(r->warnings, "nothing is compared %s: %s %s there",
			   setting_where(&r->row[first].cell, where),
			   r->reference,
			   with ? "is oversubscribed" : "was not measured");
	if (!with || with->oversubscribed)
		return;
	for (size_t i = first; i < end; i++) {
		const struct row *row = &r->row[i];

		if (row != with && !row->oversubscribed &&
		    strcmp(row->cell.model, BASELINE) != 0 &&
		    !same_method(row, with))
			say_methods_of_cpu(r, row, with);
	}
}

/* Without idle clients nobody knows who spins. */
static void say_unknown_spinners(struct reduced *r)
{
	bool shared = false, idle = false;

	for (size_t i = 0; i < r->n; i++) {
		shared |= r->row[i].cell.placement == PLACEMENT_SHARED;
		idle |= r->row[i].cell.loop == LOOP_NONE && r->row[i].n;
	}
	if (shared && !idle)
		record_say(r->warnings,
			   "no idle clients were measured, so it is not known "
			   "which servers spin: where server and clients "
			   "share a core, such a server is not comparable");
}

static void say_methods(struct reduced *r)
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
		record_say(r->warnings,
			   "system calls were counted by %s and by %s: these "
			   "counts are not to be compared with each other",
			   first, method);
		return;
	}
}

/* -------------------------------------------------------------------- counting */

/* Of all who were counted and timed, the one that is easiest to compare with other
 * runs */
static const struct row *counted_row(const struct reduced *r)
{
	const struct row *best = NULL;
	int most = -1;

	for (size_t i = 0; i < r->n; i++) {
		const struct row *row = &r->row[i];
		int score = 2 * (row->cell.loop == LOOP_CLOSED &&
				 row->cell.placement == PLACEMENT_SPLIT &&
				 row->cell.connections == 64) +
			    (strcmp(row->cell.model, r->reference) == 0);

		if (!isfinite(row->counting_slowdown) || score <= most)
			continue;
		best = row;
		most = score;
	}
	return best;
}

static double percent(double ratio)
{
	return 100 * (ratio - 1);
}

char *counting_cost(const struct reduced *r)
{
	const struct row *row = counted_row(r);
	char name[SETTING_SIZE], spread[96], *text = NULL;
	const struct summary *s;
	bool costs;

	if (!row) {
		text = strdup(
			"no cell was both timed and counted: what counting "
			"system calls costs is not known; no time in this "
			"run was measured while counting");
		if (!text)
			die("strdup");
		return text;
	}
	s = &row->metric[METRIC_SERVER_CPU_PER_REQUEST];
	if (s->n > 1)
		snprintf(spread, sizeof(spread),
			 ", once; uncounted repetitions range from %+.1f to "
			 "%+.1f %%",
			 percent(s->lowest / s->median),
			 percent(s->highest / s->median));
	else
		snprintf(spread, sizeof(spread),
			 ", of one repetition each: that may be chance");
	costs = row->counting_slowdown >= 1;
	if (asprintf(
		    &text,
		    "counting system calls costs %s%.1f %% of the server's CPU "
		    "a request%s%s%s); no time in this run was measured "
		    "while counting",
		    costs ? "" : "nothing that shows (",
		    percent(row->counting_slowdown), costs ? " (" : "; ",
		    name_cell(&row->cell, name), spread) < 0)
		die("asprintf");
	return text;
}

static void say_counting(struct reduced *r)
{
	const struct row *row = counted_row(r);
	char name[SETTING_SIZE];

	if (row && row->counting_slowdown > slow_counting)
		record_say(r->warnings,
			   "counting system calls costs more than %.0f %% of "
			   "the server's CPU a request: %.1f %% (%s)",
			   percent(slow_counting),
			   percent(row->counting_slowdown),
			   name_cell(&row->cell, name));
}

void trust(struct reduced *r, const struct record *records, size_t n)
{
	say_invalid(r);
	say_outgrown(r);
	say_of_repetitions(r, records, n);
	for (size_t i = 0; i < r->n; i = setting_end(r, i)) {
		if (r->row[i].cell.loop == LOOP_NONE)
			continue;
		say_uncompared(r, i);
		say_noise(r, i);
	}
	say_unknown_spinners(r);
	say_methods(r);
	say_counting(r);
}
