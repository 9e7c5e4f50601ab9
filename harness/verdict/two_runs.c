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
	[VERSUS_EQUAL] = "equal",
	[VERSUS_UNDECIDED] = "undecided",
	[VERSUS_NOT_JUDGED] = "not judged",
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

/* The value of a key of plan.txt, to be freed; NULL: none */
static char *plan_value(const char *plan, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = plan; line && *line;) {
		size_t length = strcspn(line, "\n");

		if (strncmp(line, key, n) == 0 && line[n] == ' ')
			return strndup(line + n + 1, length - n - 1);
		line += length + (line[length] == '\n');
	}
	return NULL;
}

/* Keys of plan.txt that say how it was measured; the cells' names say what was. */
static json_t *measured(const char *plan)
{
	static const char *const keys[] = { "bout", "slice", "aa", "margin" };
	json_t *found = json_object();

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		char *value = plan_value(plan, keys[i]);

		if (value)
			json_object_set_new(found, keys[i], json_string(value));
		free(value);
	}
	return found;
}

static bool was_measured(const struct side *s, const char *model)
{
	for (size_t i = 0; i < s->store.n; i++)
		if (s->store.records[i].role == ROLE_TIMING &&
		    strcmp(s->store.records[i].cell.model, model) == 0)
			return true;
	return false;
}

static void reduce_side(struct side *s, const char *reference)
{
	char why[WHY_SIZE];
	char *plan = store_load_text(&s->store, "plan.txt", why);
	char *own = plan_value(plan, "reference");
	char *margin = plan_value(plan, "margin");
	struct reduce_options options = { own, 0 };

	if (reference && was_measured(s, reference))
		options.reference = reference;
	if (margin)
		options.margin = strtod(margin, NULL) / 100;
	s->reduced = reduce(s->store.records, s->store.n, &options);
	json_object_set_new(s->run, "measured", measured(plan));
	free(plan);
	free(own);
	free(margin);
}

bool side_open(struct side *s, const char *path, const char *reference,
	       char why[WHY_SIZE])
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
	s->complete = store_is_complete(&s->store);
	reduce_side(s, reference);
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

const struct cell *line_cell(const struct versus_line *l)
{
	return l->a ? &l->a->cell : &l->b->cell;
}

bool line_is_count(const struct versus_line *l)
{
	return l->metric == METRIC_CALLS_PER_REQUEST;
}

double line_median(const struct row *row, enum metric m)
{
	return row && row->n ? row->metric[m].median : NAN;
}

bool line_is_unsure(const struct versus_line *l)
{
	return (l->a && l->a->unsure[l->metric]) ||
	       (l->b && l->b->unsure[l->metric]);
}

static size_t choose_metrics(const struct cell *c, enum metric m[])
{
	size_t n = 0;

	if (c->loop == LOOP_NONE) {
		m[n++] = METRIC_SERVER_CPU_SHARE;
		m[n++] = METRIC_RESIDENT_PER_CONNECTION;
		return n;
	}
	if (c->loop == LOOP_CLOSED)
		m[n++] = METRIC_REQUESTS_PER_SECOND;
	m[n++] = latency_of(c);
	m[n++] = is_coarse(c) ? METRIC_SERVICE_P99 : METRIC_RESPONSE_P99;
	m[n++] = METRIC_SERVER_CPU_PER_REQUEST;
	if (strcmp(c->model, BASELINE) != 0)
		m[n++] = METRIC_CALLS_PER_REQUEST;
	return n;
}

__attribute__((format(printf, 3, 4))) static void
say(struct versus_line *l, enum versus_verdict verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(l->why, VERSUS_WHY_SIZE, format, args);
	va_end(args);
	l->verdict = verdict;
}

static bool is_counted(const struct row *row)
{
	return *row->calls_method && strcmp(row->calls_method, "none") != 0;
}

/* Whether the counts can be compared; else says why not */
static bool same_counts(struct versus_line *l)
{
	if (!is_counted(l->a) || !is_counted(l->b))
		say(l, VERSUS_NOT_COMPARABLE, "not counted in %s",
		    is_counted(l->a) ? "B" :
		    is_counted(l->b) ? "A" :
				       "either run");
	else if (strcmp(l->a->calls_method, l->b->calls_method) != 0)
		say(l, VERSUS_NOT_COMPARABLE,
		    "counted by %s in A and by %s in B", l->a->calls_method,
		    l->b->calls_method);
	else if (l->a->spins || l->b->spins)
		say(l, VERSUS_NOT_COMPARABLE,
		    "the server spins: its calls show how fast, not the cost of "
		    "a request");
	return *l->why == '\0';
}

/* Whether the comparison of one run has a ratio; else says why not */
static bool has_ratio(struct versus_line *l, const struct side *s,
		      const struct comparison *c, const char *run)
{
	char text[SENTENCE_SIZE];

	if (c->verdict == VERDICT_MISSING)
		say(l, VERSUS_NOT_COMPARABLE, "no ratio to %s in %s: %s",
		    c->with->cell.model, run, missing_reason(c, text));
	else if (c->state != STATE_NONE)
		say(l, VERSUS_NOT_COMPARABLE, "in %s: %s", run,
		    comparison_sentence(&s->reduced, c, text));
	return *l->why == '\0';
}

/* ------------------------------------------------------------------------ a line */

/* The mean logarithm of a metric over blocks */
static struct mean over_blocks(const struct side *s, const struct row *row,
			       enum metric m)
{
	double x[STATS_MAX];

	for (unsigned b = 0; b < s->reduced.n_blocks; b++)
		x[b] = row->timed[b] ? log(row->timed[b]->metric[m]) : NAN;
	return mean_of(x, s->reduced.n_blocks);
}

static void measure_change(const struct versus *v, struct versus_line *l)
{
	enum metric m = l->metric;
	struct mean a, b;

	l->change.value = log(line_median(l->b, m)) - log(line_median(l->a, m));
	if (line_is_count(l) || line_cell(l)->loop == LOOP_NONE)
		return; /* one each */
	a = over_blocks(v->a, l->a, m);
	b = over_blocks(v->b, l->b, m);
	l->change = mean_difference(&b, &a);
	l->change_range = mean_range(&l->change, 0.95);
}

static void measure_ratio(const struct versus *v, struct versus_line *l)
{
	const struct comparison *a =
		comparison_of(&v->a->reduced, l->a, l->metric);
	const struct comparison *b =
		comparison_of(&v->b->reduced, l->b, l->metric);

	if (!v->reference || !a || !b || is_baseline(l->a)) {
		say(l, VERSUS_NOT_JUDGED, "absolute figures alone%s",
		    v->reference ? "" :
				   ": the runs have no reference in common");
	} else if (l->metric == METRIC_SERVER_CPU_PER_REQUEST &&
		   !same_method(l->a, l->b)) {
		say(l, VERSUS_NOT_COMPARABLE,
		    "CPU time by method %s in A and %s in B", l->a->cpu_method,
		    l->b->cpu_method);
	} else if (has_ratio(l, v->a, a, "A") && has_ratio(l, v->b, b, "B")) {
		l->of_a = a->ratio;
		l->of_b = b->ratio;
		l->ratio = mean_difference(&b->ratio, &a->ratio);
	}
}

static void measure(const struct versus *v, struct versus_line *l)
{
	const struct row *const rows[] = { l->a, l->b };

	if (!l->a || !l->b)
		say(l, l->a ? VERSUS_ONLY_A : VERSUS_ONLY_B,
		    "not measured in %s", l->a ? "B" : "A");
	for (int i = 0; i < 2 && *l->why == '\0'; i++)
		if (rows[i]->n == 0)
			say(l, VERSUS_NOT_COMPARABLE, "%s in %s: %s",
			    status_names[rows[i]->status], i ? "B" : "A",
			    rows[i]->reason);
	if (*l->why)
		return;
	measure_change(v, l);
	if (!line_is_count(l))
		measure_ratio(v, l);
}

/* ------------------------------------------------------------------- the verdicts */

static enum versus_verdict direction(enum metric m, double logarithm)
{
	return (logarithm > 0) == (metrics[m].better == BETTER_LESS) ?
		       VERSUS_WORSE :
		       VERSUS_BETTER;
}

/*
 * One repetition each, so no interval. A whole number of calls per request is a
 * property of the program; any other depends on how many requests were served
 * together, which timing decides.
 */
static void judge_count(struct versus_line *l)
{
	double a = line_median(l->a, l->metric), ratio = exp(l->change.value);
	bool whole = fabs(a - round(a)) < 1e-4;
	char text[SENTENCE_SIZE];

	if (!isfinite(ratio) || ratio == 0)
		say(l, VERSUS_NOT_COMPARABLE, "no ratio: a value is zero");
	else if (fmax(ratio, 1 / ratio) < least_count_ratio)
		say(l, VERSUS_EQUAL,
		    "the counts differ by less than 1 %% (ratio %.4g)", ratio);
	else
		say(l,
		    whole ? direction(l->metric, l->change.value) :
			    VERSUS_DIFFERENT,
		    "%s (counted once%s)",
		    ratio_sentence("B", "A", l->metric, ratio, ratio, text),
		    whole ? "" :
			    "; not the same for every request, so it depends on "
			    "timing");
}

/* "relative to epoll, B uses 1.10 to 1.25 times as much CPU per request as A" */
static void judge(const struct versus *v, struct versus_line *l)
{
	const char *words = metric_words(l->metric);
	char text[SENTENCE_SIZE];

	l->range = mean_range(&l->ratio, v->family.level);
	if (is_within(&l->range, v->margin))
		say(l, VERSUS_EQUAL,
		    "relative to %s, A and B are equal within %s %% in %s",
		    v->reference, within_percent(&l->range, v->margin, text),
		    words);
	else if (l->range.low > 1 || l->range.high < 1)
		say(l, direction(l->metric, l->ratio.value),
		    "relative to %s, %s", v->reference,
		    ratio_sentence("B", "A", l->metric, l->range.low,
				   l->range.high, text));
	else
		say(l, VERSUS_UNDECIDED,
		    "relative to %s, B / A is undecided in %s (%s)",
		    v->reference, words,
		    print_range(l->range.low, l->range.high, text));
}

static void judge_all(struct versus *v)
{
	double *p = grow(NULL, v->n + 1, sizeof(*p));

	for (size_t i = 0; i < v->n; i++)
		p[i] = mean_p(&v->line[i].ratio);
	v->family = family_of(p, v->n);
	free(p);
	for (size_t i = 0; i < v->n; i++) {
		struct versus_line *l = &v->line[i];

		if (*l->why == '\0' && !line_is_count(l))
			judge(v, l);
		else if (*l->why == '\0' && same_counts(l))
			judge_count(l);
		v->verdicts[l->verdict]++;
	}
}

size_t versus_regressions(const struct versus *v, double least)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		const struct versus_line *l = &v->line[i];
		double ratio = exp(l->change.value);
		struct range range = line_is_count(l) ?
					     (struct range){ ratio, ratio } :
					     l->range;

		n += l->verdict == VERSUS_WORSE &&
		     (metrics[l->metric].better == BETTER_MORE ?
			      range.high <= 1 / (1 + least) :
			      range.low >= 1 + least);
	}
	return n;
}

static void add_cell(struct versus *v, const struct row *a, const struct row *b)
{
	const struct mean none = mean_of(NULL, 0);
	enum metric m[METRICS];
	size_t n = choose_metrics(a ? &a->cell : &b->cell, m);

	v->cells++;
	v->in_both += a && b;
	v->line = grow(v->line, v->n + n, sizeof(*v->line));
	for (size_t i = 0; i < n; i++) {
		struct versus_line *l = &v->line[v->n++];

		*l = (struct versus_line){ .a = a,
					   .b = b,
					   .metric = m[i],
					   .change = none,
					   .change_range = { NAN, NAN },
					   .of_a = none,
					   .of_b = none,
					   .ratio = none,
					   .range = { NAN, NAN } };
		measure(v, l);
	}
}

static void add_cells(struct versus *v)
{
	const struct reduced *a = &v->a->reduced, *b = &v->b->reduced;

	for (size_t i = 0; i < a->n; i++)
		add_cell(v, &a->row[i], reduced_row(b, &a->row[i].cell));
	for (size_t i = 0; i < b->n; i++)
		if (!reduced_row(a, &b->row[i].cell))
			add_cell(v, NULL, &b->row[i]);
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
	if (v->reference)
		record_say(
			v->notes,
			"What is judged are ratios to %s in the same run, "
			"which have little of the time and the machine in "
			"them. A change of %s itself looks like the opposite "
			"change of all others.",
			v->reference, v->reference);
	else
		record_say(
			v->notes,
			"The runs have no reference in common, so nothing is "
			"judged: drift between them (clock frequency, other "
			"load, kernel) is part of every absolute figure. "
			"Measure both programs in one run.");
}

struct versus versus(const struct side *a, const struct side *b)
{
	struct versus v = {
		.a = a,
		.b = b,
		.margin = fmax(a->reduced.margin, b->reduced.margin),
	};

	if (strcmp(a->reduced.reference, b->reduced.reference) == 0 &&
	    a->reduced.n_comparisons && b->reduced.n_comparisons)
		v.reference = a->reduced.reference;
	add_cells(&v);
	judge_all(&v);
	take_notes(&v);
	return v;
}

void versus_free(struct versus *v)
{
	free(v->line);
	json_decref(v->differences);
	json_decref(v->notes);
	*v = (struct versus){ 0 };
}
