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

const struct cell *versus_cell_of(const struct versus_cell *c)
{
	return c->a ? &c->a->cell : &c->b->cell;
}

static void choose_metrics(struct versus_cell *c)
{
	const struct cell *cell = versus_cell_of(c);
	enum metric m[VERSUS_LINES];
	const struct mean none = mean_of(NULL, 0);
	const struct range no_range = { NAN, NAN };

	if (cell->loop == LOOP_NONE) {
		m[c->n++] = METRIC_SERVER_CPU_SHARE;
		m[c->n++] = METRIC_RESIDENT_PER_CONNECTION;
	} else {
		if (cell->loop == LOOP_CLOSED)
			m[c->n++] = METRIC_REQUESTS_PER_SECOND;
		m[c->n++] = latency_of(cell);
		m[c->n++] = is_coarse(cell) ? METRIC_SERVICE_P99 :
					      METRIC_RESPONSE_P99;
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
			.change = none,
			.change_range = no_range,
			.of_a = none,
			.of_b = none,
			.ratio = none,
			.range = no_range,
			.p = NAN,
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

/* The mean logarithm of a metric over blocks */
static struct mean over_blocks(const struct side *s, const struct row *row,
			       enum metric m)
{
	double x[STATS_MAX];

	for (unsigned b = 0; b < s->reduced.n_blocks; b++)
		x[b] = row->timed[b] ? log(row->timed[b]->metric[m]) : NAN;
	return mean_of(x, s->reduced.n_blocks);
}

static void measure_change(const struct versus *v, struct versus_line *l,
			   const struct versus_cell *c)
{
	struct mean a, b;

	if (l->count || versus_cell_of(c)->loop == LOOP_NONE) { /* one each */
		l->change.value = log(l->b) - log(l->a);
		return;
	}
	a = over_blocks(v->a, c->a, l->metric);
	b = over_blocks(v->b, c->b, l->metric);
	l->change = mean_difference(&b, &a);
	l->change_range = mean_range(&l->change, 0.95);
}

static const struct comparison *
find_comparison(const struct side *s, const struct row *row, enum metric m)
{
	const struct reduced *r = &s->reduced;

	for (size_t i = 0; i < r->n_comparisons; i++)
		if (r->comparison[i].a == row && r->comparison[i].metric == m)
			return &r->comparison[i];
	return NULL;
}

/* false: `why` says why this line is not judged */
static bool is_judged(const struct versus *v, struct versus_line *l,
		      const struct comparison *a, const struct comparison *b)
{
	static const char *const in[] = { "A", "B" };
	const struct comparison *const both[] = { a, b };
	char text[SENTENCE_SIZE];

	l->verdict = VERSUS_NOT_JUDGED;
	if (!v->reference || !a || !b || is_baseline(a->a)) {
		snprintf(l->why, VERSUS_WHY_SIZE,
			 v->reference ? "absolute figures alone" :
					"absolute figures alone: the runs have "
					"no reference in common");
		return false;
	}
	for (int i = 0; i < 2; i++) {
		if (both[i]->verdict == VERDICT_MISSING)
			return !say(l->why, &l->verdict,
				    "no ratio to %s in %s: %s", v->reference,
				    in[i], missing_reason(both[i], text));
		if (both[i]->state != STATE_NONE)
			return !say(l->why, &l->verdict, "in %s: %s", in[i],
				    comparison_sentence(i ? &v->b->reduced :
							    &v->a->reduced,
							both[i], text));
	}
	return true;
}

static void measure(const struct versus *v, struct versus_line *l,
		    const struct versus_cell *c)
{
	const struct comparison *a = find_comparison(v->a, c->a, l->metric);
	const struct comparison *b = find_comparison(v->b, c->b, l->metric);

	measure_change(v, l, c);
	if (l->count || !is_judged(v, l, a, b))
		return;
	l->of_a = a->ratio;
	l->of_b = b->ratio;
	l->ratio = mean_difference(&b->ratio, &a->ratio);
	l->p = mean_p(&l->ratio);
}

static enum versus_verdict direction(enum metric m, double logarithm)
{
	enum better better = metrics[m].better;

	if (better == BETTER_NEITHER)
		return VERSUS_DIFFERENT;
	return (logarithm > 0) == (better == BETTER_LESS) ? VERSUS_WORSE :
							    VERSUS_BETTER;
}

/*
 * One repetition each, so no interval. A whole number of calls per request is a
 * property of the program; any other depends on how many requests were served
 * together, which timing decides.
 */
static void judge_count(struct versus_line *l)
{
	double ratio = l->b / l->a;
	bool whole = fabs(l->a - round(l->a)) < 1e-4;
	char text[SENTENCE_SIZE];

	if (!isfinite(l->change.value)) {
		say(l->why, &l->verdict, "no ratio: a value is zero");
	} else if (fmax(ratio, 1 / ratio) < least_count_ratio) {
		l->verdict = VERSUS_EQUAL;
		snprintf(l->why, VERSUS_WHY_SIZE,
			 "the counts differ by less than 1 %% (ratio %.4g)",
			 ratio);
	} else {
		l->verdict = whole ? direction(l->metric, l->change.value) :
				     VERSUS_DIFFERENT;
		snprintf(l->why, VERSUS_WHY_SIZE, "%s (counted once%s)",
			 ratio_sentence("B", "A", l->metric, ratio, ratio,
					text),
			 whole ? "" :
				 "; not the same for every request, so it "
				 "depends on timing");
	}
}

/* "relative to epoll, B uses 1.10 to 1.25 times as much CPU per request as A" */
static void judge(const struct versus *v, struct versus_line *l)
{
	char text[SENTENCE_SIZE], range[2 * NUMBER_SIZE];

	l->range = mean_range(&l->ratio, v->family.level);
	if (is_within(&l->range, v->margin)) {
		l->verdict = VERSUS_EQUAL;
		snprintf(text, sizeof(text),
			 "A and B are equal within %s %% in %s",
			 within_percent(&l->range, v->margin, range),
			 metric_words(l->metric));
	} else if (l->range.low > 1 || l->range.high < 1) {
		l->verdict = direction(l->metric, l->ratio.value);
		ratio_sentence("B", "A", l->metric, l->range.low, l->range.high,
			       text);
	} else {
		l->verdict = VERSUS_UNDECIDED;
		snprintf(text, sizeof(text), "B / A is undecided in %s (%s)",
			 metric_words(l->metric),
			 print_range(l->range.low, l->range.high, range));
	}
	snprintf(l->why, VERSUS_WHY_SIZE, "relative to %s, %s", v->reference,
		 text);
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
			measure(v, l, c);
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

static void judge_all(struct versus *v)
{
	size_t all = v->n * VERSUS_LINES, k = 0;
	double *p = grow(NULL, all + 1, sizeof(*p));

	for (size_t i = 0; i < v->n; i++)
		for (size_t j = 0; j < VERSUS_LINES; j++)
			p[k++] = j < v->cell[i].n ? v->cell[i].line[j].p : NAN;
	v->family = family_of(p, all);
	free(p);
	for (size_t i = 0; i < v->n; i++)
		for (size_t j = 0; j < v->cell[i].n; j++) {
			struct versus_line *l = &v->cell[i].line[j];

			if (*l->why == '\0' && l->count)
				judge_count(l);
			else if (*l->why == '\0')
				judge(v, l);
			v->lines[l->verdict]++;
		}
}

/* Whether the whole interval is worse by more than this; of a count, the ratio */
static bool is_worse_by(const struct versus_line *l, double least)
{
	double ratio = l->b / l->a;
	struct range range =
		l->count ? (struct range){ ratio, ratio } : l->range;

	if (l->verdict != VERSUS_WORSE)
		return false;
	return metrics[l->metric].better == BETTER_MORE ?
		       range.high <= 1 / (1 + least) :
		       range.low >= 1 + least;
}

size_t versus_regressions(const struct versus *v, double least)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		for (size_t j = 0; j < v->cell[i].n; j++)
			n += is_worse_by(&v->cell[i].line[j], least);
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
