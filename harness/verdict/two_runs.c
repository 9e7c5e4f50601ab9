/* SPDX-License-Identifier: MIT */
/* two_runs.c - two runs compared cell by cell: see two_runs.h */
#include "harness/verdict/two_runs.h"

#include "harness/verdict/compare.h"
#include "harness/verdict/describe.h"
#include "harness/verdict/findings.h"
#include "harness/store/provenance.h"
#include "harness/base/grow.h"
#include "harness/base/die.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *const versus_words[VERSUS_VERDICTS] = {
	[VERSUS_WORSE] = "worse",
	[VERSUS_BETTER] = "better",
	[VERSUS_DIFFERENT] = "different",
	[VERSUS_NOISE] = "within noise",
	[VERSUS_FEW] = "too few",
	[VERSUS_NOT_COMPARABLE] = "not comparable",
	[VERSUS_ONLY_A] = "only in A",
	[VERSUS_ONLY_B] = "only in B",
};

static const double least_count_ratio = 1.01;

/* ---------------------------------------------------------------------- a side */

static json_t *load(struct side *s, const char *name)
{
	char why[WHY_SIZE];
	json_t *value = store_load_json(&s->store, name, why);

	if (json_is_object(value))
		return value;
	s->problems++;
	if (value)
		warn("%.300s/%s: not a JSON object", s->store.path, name);
	else
		warn("%s", why);
	json_decref(value);
	return NULL;
}

/* Keys of plan.txt that say how it was measured; the cells' names say what was. */
static json_t *measured(const struct side *s)
{
	static const char *const keys[] = { "bout", "slice", "aa" };
	char why[WHY_SIZE];
	char *text = store_load_text(&s->store, "plan.txt", why), *rest = text;
	json_t *found = json_object();
	const char *line;

	while ((line = strsep(&rest, "\n")))
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
			size_t n = strlen(keys[i]);

			if (strncmp(line, keys[i], n) == 0 && line[n] == ' ')
				json_object_set_new(found, keys[i],
						    json_string(line + n + 1));
		}
	free(text);
	return found;
}

bool side_open(struct side *s, const char *path, char why[WHY_SIZE])
{
	json_int_t schema;

	*s = (struct side){ 0 };
	if (!store_read(&s->store, path, why))
		return false;
	if (s->store.n == 0) {
		snprintf(why, WHY_SIZE,
			 "%.300s: no repetition in it can be read",
			 s->store.path);
		store_close(&s->store);
		return false;
	}
	s->problems = s->store.left_out;
	s->run = load(s, "run.json");
	s->machine = load(s, "machine.json");
	json_object_set_new(s->run, "measured", measured(s));
	s->complete = store_is_complete(&s->store);
	s->reduced = reduce(s->store.records, s->store.n);
	schema = json_integer_value(json_object_get(s->run, "schema"));
	if (schema > RECORD_SCHEMA) {
		s->problems++;
		warn("%.300s/run.json: schema %" JSON_INTEGER_FORMAT
		     " is newer than this program, which knows %d",
		     s->store.path, schema, RECORD_SCHEMA);
	}
	return true;
}

void side_close(struct side *s)
{
	reduced_free(&s->reduced);
	json_decref(s->run);
	json_decref(s->machine);
	store_close(&s->store);
}

/* -------------------------------------------------------------- what is compared */

const struct cell *versus_cell_of(const struct versus_cell *c)
{
	return c->a ? &c->a->cell : &c->b->cell;
}

static bool is_coarse(const struct versus_cell *c)
{
	return (c->a && c->a->coarse) || (c->b && c->b->coarse);
}

static void choose_metrics(struct versus_cell *c)
{
	const struct cell *cell = versus_cell_of(c);
	enum metric m[VERSUS_LINES];

	if (cell->loop == LOOP_NONE) {
		m[c->n++] = METRIC_SERVER_CPU_SHARE;
		m[c->n++] = METRIC_RESIDENT_PER_CONNECTION;
	} else {
		if (cell->loop == LOOP_CLOSED)
			m[c->n++] = METRIC_REQUESTS_PER_SECOND;
		m[c->n++] =
			is_coarse(c) ? METRIC_SERVICE_P50 : METRIC_RESPONSE_P50;
		m[c->n++] =
			is_coarse(c) ? METRIC_SERVICE_P99 : METRIC_RESPONSE_P99;
		m[c->n++] = METRIC_SERVER_CPU_PER_REQUEST;
		if (strcmp(cell->model, BASELINE) != 0)
			m[c->n++] = METRIC_CALLS_PER_REQUEST;
	}
	for (size_t i = 0; i < c->n; i++)
		c->line[i] = (struct versus_line){
			.metric = m[i],
			.count = m[i] == METRIC_CALLS_PER_REQUEST,
			.a = NAN,
			.b = NAN,
			.two = { .ratio = NAN,
				 .interval = { .low = NAN, .high = NAN },
				 .test = { .p = NAN } },
			.band = { .low = NAN, .high = NAN },
			.adjusted_p = NAN,
		};
}

__attribute__((format(printf, 3, 4))) static bool
say(char why[VERSUS_WHY_SIZE], enum versus_verdict *verdict, const char *format,
    ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, VERSUS_WHY_SIZE, format, args);
	va_end(args);
	*verdict = VERSUS_NOT_COMPARABLE;
	return true;
}

static bool says_why(struct versus_cell *c, const struct row *row,
		     const char *run)
{
	if (row->n)
		return false;
	if (row->status == STATUS_OK)
		return say(c->why, &c->verdict, "not timed in %s", run);
	return say(c->why, &c->verdict, "%s in %s: %s",
		   status_names[row->status], run, row->reason);
}

/* Whether one reason holds for all its lines */
static bool is_hopeless(struct versus_cell *c)
{
	if (!c->a || !c->b) {
		say(c->why, &c->verdict, "not measured in %s",
		    c->a ? "B" : "A");
		c->verdict = c->a ? VERSUS_ONLY_A : VERSUS_ONLY_B;
		return true;
	}
	if (c->a->oversubscribed || c->b->oversubscribed)
		return say(c->why, &c->verdict,
			   "oversubscribed: it spins on the core that its "
			   "clients need");
	return says_why(c, c->a, "A") || says_why(c, c->b, "B");
}

static const char *method(const char *name)
{
	return *name ? name : "unknown";
}

static bool is_counted(const struct row *row)
{
	return *row->calls_method && strcmp(row->calls_method, "none") != 0;
}

static bool not_alike(struct versus_line *l, const struct versus_cell *c)
{
	const struct row *a = c->a, *b = c->b;

	if (l->count) {
		if (!is_counted(a) || !is_counted(b))
			return say(l->why, &l->verdict, "not counted in %s",
				   is_counted(a) ? "B" :
				   is_counted(b) ? "A" :
						   "either run");
		if (strcmp(a->calls_method, b->calls_method) != 0)
			return say(l->why, &l->verdict,
				   "counted by %s in A and by %s in B",
				   a->calls_method, b->calls_method);
		if (a->spins || b->spins)
			return say(l->why, &l->verdict,
				   "the server spins: its calls show how fast, "
				   "not the cost of a request");
	} else if ((l->metric == METRIC_SERVER_CPU_PER_REQUEST ||
		    l->metric == METRIC_SERVER_CPU_SHARE) &&
		   !same_method(a, b)) {
		return say(l->why, &l->verdict,
			   "CPU time by method %s in A and %s in B",
			   method(a->cpu_method), method(b->cpu_method));
	}
	if (!isfinite(l->a) || !isfinite(l->b))
		return say(l->why, &l->verdict, "not measured in %s",
			   isfinite(l->a) ? "B" :
			   isfinite(l->b) ? "A" :
					    "either run");
	return false;
}

/* ------------------------------------------------------------------------ a line */

static struct two measure(const struct versus *v, const struct versus_line *l,
			  const struct versus_cell *c)
{
	enum metric m = l->metric;

	if (l->count || versus_cell_of(c)->loop == LOOP_NONE) /* one each */
		return stats_two(&l->b, 1, &l->a, 1);
	return stats_two(c->b->value[m], v->b->reduced.n_blocks, c->a->value[m],
			 v->a->reduced.n_blocks);
}

static struct band band_of(const struct side *s, const struct row *row,
			   enum metric m, size_t blocks)
{
	return setting_band(&s->reduced, row - s->reduced.row, m, blocks);
}

static enum versus_verdict direction(const struct versus_line *l)
{
	enum better better = metrics[l->metric].better;

	if (better == BETTER_NEITHER)
		return VERSUS_DIFFERENT;
	return (l->two.ratio > 1) == (better == BETTER_LESS) ? VERSUS_WORSE :
							       VERSUS_BETTER;
}

/* "B uses 1.10 to 1.25 times as much CPU per request as A" */
static void print_difference(struct versus_line *l, const char *remark)
{
	char text[SENTENCE_SIZE];

	snprintf(l->why, VERSUS_WHY_SIZE, "%.300s%s",
		 ratio_sentence("B", "A", l->metric,
				l->count ? l->two.ratio : l->two.interval.low,
				l->count ? l->two.ratio : l->two.interval.high,
				text),
		 remark);
}

/*
 * One repetition each, so no interval. A whole number of calls per request is a
 * property of the program; any other depends on how many requests were served
 * together, which timing decides.
 */
static void judge_count(struct versus_line *l)
{
	double outward = fmax(l->two.ratio, 1 / l->two.ratio);

	if (l->two.zeros || !isfinite(outward)) {
		say(l->why, &l->verdict, "no ratio: a value is zero");
	} else if (outward < least_count_ratio) {
		l->verdict = VERSUS_NOISE;
		snprintf(l->why, VERSUS_WHY_SIZE,
			 "the counts differ by less than 1 %% (ratio %.4g)",
			 l->two.ratio);
	} else if (fabs(l->a - round(l->a)) < 1e-4) {
		l->verdict = direction(l);
		print_difference(l, " (counted once)");
	} else {
		l->verdict = VERSUS_DIFFERENT;
		print_difference(l, " (counted once; not the same for every "
				    "request, so it depends on timing)");
	}
}

static void judge(struct versus_line *l, const struct band *of_a,
		  const struct band *of_b, size_t family)
{
	const struct two *t = &l->two;
	const struct verdict v = {
		.reason =
			stats_two_verdict(t, of_a, of_b, l->adjusted_p, family),
		.pair = { .ratio = t->ratio,
			  .interval = t->interval,
			  .test = { .p = t->test.p } },
		.band = l->band,
		.adjusted_p = l->adjusted_p,
		.family = family,
	};

	switch (v.reason) {
	case VERDICT_DIFFERENT:
		l->verdict = direction(l);
		print_difference(l, "");
		break;
	case VERDICT_NO_RATIO:
	case VERDICT_NOTHING:
		say(l->why, &l->verdict, "no ratio: a value is %s",
		    v.reason == VERDICT_NOTHING ? "missing" :
						  "zero or negative");
		break;
	case VERDICT_FEW_BLOCKS:
		l->verdict = VERSUS_FEW;
		snprintf(l->why, VERSUS_WHY_SIZE,
			 "too few repetitions for a test: %zu in A, %zu in B",
			 t->n_a, t->n_b);
		break;
	case VERDICT_FAMILY:
		l->verdict = VERSUS_FEW;
		snprintf(
			l->why, VERSUS_WHY_SIZE,
			"too few repetitions for a test among %zu comparisons: "
			"%zu in A, %zu in B",
			family, t->n_a, t->n_b);
		break;
	case VERDICT_NO_BAND:
	case VERDICT_INTERVAL:
	case VERDICT_HOLM:
	case VERDICT_BAND:
		l->verdict =
			v.reason == VERDICT_NO_BAND ? VERSUS_FEW : VERSUS_NOISE;
		verdict_figures(&v, l->why);
		break;
	}
}

/* ------------------------------------------------------------------------- cells */

static void add_cell(struct versus *v, const struct row *a, const struct row *b)
{
	struct versus_cell *c = &v->cell[v->n++];

	*c = (struct versus_cell){ .a = a, .b = b };
	v->in_both += a && b;
	choose_metrics(c);
	is_hopeless(c);
	for (size_t i = 0; i < c->n; i++) {
		struct versus_line *l = &c->line[i];

		if (a && a->n) {
			l->a = a->metric[l->metric].median;
			l->unsure |= a->unsure[l->metric];
		}
		if (b && b->n) {
			l->b = b->metric[l->metric].median;
			l->unsure |= b->unsure[l->metric];
		}
		if (*c->why) {
			l->verdict = c->verdict;
			strcpy(l->why, c->why);
		} else if (!not_alike(l, c)) {
			l->two = measure(v, l, c);
		}
	}
}

static void pair_cells(struct versus *v)
{
	const struct reduced *a = &v->a->reduced, *b = &v->b->reduced;

	v->cell = grow(NULL, a->n + b->n + 1, sizeof(*v->cell));
	for (size_t i = 0; i < a->n; i++)
		add_cell(v, &a->row[i], reduced_row(b, &a->row[i].cell));
	for (size_t i = 0; i < b->n; i++)
		if (!reduced_row(a, &b->row[i].cell))
			add_cell(v, NULL, &b->row[i]);
}

static void judge_line(struct versus *v, const struct versus_cell *c,
		       struct versus_line *l)
{
	size_t blocks = l->two.n_a < l->two.n_b ? l->two.n_a : l->two.n_b;
	struct band of_a, of_b;

	if (l->count) {
		judge_count(l);
		return;
	}
	of_a = band_of(v->a, c->a, l->metric, blocks);
	of_b = band_of(v->b, c->b, l->metric, blocks);
	l->band = *stats_wider(&of_a, &of_b);
	judge(l, &of_a, &of_b, v->family);
}

/* A line that cannot be significant is not in the family, so it costs the others no
 * power. */
static bool can_be_called(const struct versus_line *l)
{
	return !l->count && !*l->why && l->two.interval.rank;
}

static void judge_all(struct versus *v)
{
	size_t all = v->n * VERSUS_LINES, k = 0;
	double *p = grow(NULL, 2 * all + 1, sizeof(*p)), *adjusted = p + all;

	for (size_t i = 0; i < v->n; i++)
		for (size_t j = 0; j < VERSUS_LINES; j++, k++) {
			const struct versus_line *l = &v->cell[i].line[j];

			p[k] = j < v->cell[i].n && can_be_called(l) ?
				       l->two.test.p :
				       NAN;
		}
	v->family = stats_holm(p, adjusted, all);
	for (size_t i = 0; i < v->n; i++)
		for (size_t j = 0; j < v->cell[i].n; j++) {
			struct versus_line *l = &v->cell[i].line[j];

			l->adjusted_p = adjusted[i * VERSUS_LINES + j];
			if (!*l->why)
				judge_line(v, &v->cell[i], l);
			v->lines[l->verdict]++;
		}
	free(p);
}

size_t versus_regressions(const struct versus *v, double least)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		for (size_t j = 0; j < v->cell[i].n; j++)
			n += v->cell[i].line[j].verdict == VERSUS_WORSE &&
			     fabs(v->cell[i].line[j].two.ratio - 1) >= least;
	return n;
}

/* ------------------------------------------------------------------------- notes */

static void take_notes(struct versus *v)
{
	const json_t *a = v->a->machine, *b = v->b->machine;

	v->differences = provenance_between(a, b, v->a->run, v->b->run);
	v->notes = json_array();
	if (!a || !b)
		record_say(v->notes, "The machine of %s is unknown.",
			   a ? "B" :
			   b ? "A" :
			       "both runs");
	else if (provenance_other_machine(a, b))
		record_say(v->notes,
			   "The runs are from two machines (machine.json): a "
			   "ratio includes the difference between them.");
	if (!v->a->complete || !v->b->complete)
		record_say(v->notes,
			   "%s not complete: interrupted, or still running.",
			   v->a->complete ? "B is" :
			   v->b->complete ? "A is" :
					    "A and B are");
	record_say(
		v->notes,
		"The runs were measured at different times. Drift between "
		"them (clock frequency, other load, kernel) is part of every "
		"ratio, but not of the A/A band. To compare two programs, "
		"measure both in one run.");
}

struct versus versus(const struct side *a, const struct side *b)
{
	struct versus v = { .a = a, .b = b };

	pair_cells(&v);
	judge_all(&v);
	take_notes(&v);
	return v;
}

void versus_free(struct versus *v)
{
	free(v->cell);
	json_decref(v->differences);
	json_decref(v->notes);
	*v = (struct versus){ 0 };
}
