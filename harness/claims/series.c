/* SPDX-License-Identifier: MIT */
/* series.c - one value, from records or primitives: see series.h */
#include "harness/claims/series.h"

#include "harness/claims/needs.h"
#include "harness/verdict/compare.h"
#include "harness/verdict/describe.h"

#include "harness/base/grow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A count that is this near to a whole number is one: a call at start and end, such as
 * brk, is in the count, too. */
static const double whole_to = 0.005;

/* Any other depends on how many requests were served at once. In runs of the same
 * program it varied by less. */
static const double counted_to = 0.2;

static void exact(struct series *s, double x)
{
	s->value = s->low = s->high = x;
	s->df = INFINITY;
}

static void count(struct series *s, double x)
{
	double whole = round(x);

	if (fabs(x - whole) <= whole_to * (whole >= 1 ? 1 : 0.2)) {
		exact(s, whole);
		return;
	}
	s->value = x;
	s->low = x / (1 + counted_to);
	s->high = x * (1 + counted_to);
	s->df = INFINITY;
}

/* ------------------------------------------------------------------------ cells */

/* The row that has what is asked for, and shows its mechanism */
static const struct row *find_row(struct series *s, const struct cell *asked,
				  const struct evidence *e)
{
	struct cell c = under_control(asked, e->control);
	const struct row *row = e->reduced ? reduced_row(e->reduced, &c) : NULL;
	char setting[SETTING_SIZE];

	if (!row) {
		why_not(s->why, "not measured: %s, %s", c.model,
			setting_key(&c, setting));
		return NULL;
	}
	if (row->n == 0) {
		why_not(s->why, "%s, %s: %s%s%s", c.model,
			setting_key(&c, setting), status_names[row->status],
			*row->reason ? ": " : "", row->reason);
		return NULL;
	}
	if (row->n + row->invalid < e->blocks) {
		why_not(s->why,
			"only %u of %u blocks of %s are measured; "
			"continue the run",
			row->n + row->invalid, e->blocks, c.model);
		return NULL;
	}
	return mechanism_shown(e->mechanisms, row, s->why) ? row : NULL;
}

static bool is_latency(enum metric m)
{
	return m >= METRIC_RESPONSE_P50 && m <= METRIC_RESPONSE_P99;
}

/* Where the generator has no CPU of its own, its delay is in the response time. */
static enum metric metric_of(const struct value *v, const struct cell *c)
{
	if (!is_latency(v->metric) || !is_coarse(c))
		return v->metric;
	return v->metric == METRIC_RESPONSE_P99 ? METRIC_SERVICE_P99 :
	       v->metric == METRIC_RESPONSE_P50 ? METRIC_SERVICE_P50 :
						  v->metric;
}

static void take_blocks(struct series *s, const struct row *row,
			const struct evidence *e)
{
	unsigned known = 0;

	s->row = row;
	s->n_blocks = e->reduced->n_blocks;
	s->block = grow(NULL, s->n_blocks + 1, sizeof(*s->block));
	for (unsigned k = 0; k < s->n_blocks; k++) {
		s->block[k] =
			row->timed[k] ? row->timed[k]->metric[s->metric] : NAN;
		known += isfinite(s->block[k]);
	}
	s->at_least = bound_of(row, s->metric) == AT_LEAST;
	s->at_most = bound_of(row, s->metric) == AT_MOST;
	if (known < FEWEST_BLOCKS)
		why_not(s->why, "%s has no %s in %s", row->cell.model,
			metrics[s->metric].name,
			known ? "more than one block" : "any block");
}

static void of_metric(struct series *s, const struct value *v,
		      const struct cell *c, const struct evidence *e)
{
	const struct row *row = find_row(s, c, e);
	double once;

	if (!row)
		return;
	s->metric = metric_of(v, c);
	if (v->metric != METRIC_SUBMISSIONS_PER_REQUEST &&
	    v->metric != METRIC_COMPLETIONS_PER_REQUEST) {
		take_blocks(s, row, e);
		return;
	}
	once = row->metric[v->metric].median;
	if (isfinite(once))
		count(s, once);
	else
		why_not(s->why, "%s of %s were not counted",
			metrics[v->metric].name, row->cell.model);
}

static void of_calls(struct series *s, const struct value *v,
		     const struct cell *c, const struct evidence *e)
{
	const struct row *row = find_row(s, c, e);
	double x;

	if (!row)
		return;
	x = *v->call ? calls_by_name(row, v->call) :
		       row->metric[METRIC_CALLS_PER_REQUEST].median;
	if (isfinite(x))
		count(s, x);
	else
		why_not(s->why,
			"system calls of %s were not counted%s; bin/matrix doctor "
			"says what allows it",
			row->cell.model, *v->call ? " by name" : "");
}

/* ------------------------------------------------------------------- primitives */

static void take_primitive(struct series *s, const struct value *v,
			   const struct primitive_result *p, const char *name)
{
	double x = v->row_calls ? p->calls : p->value;

	if (!isfinite(x)) {
		why_not(s->why, "primitive %s was not measured%s%s", name,
			*p->why ? ": " : "", p->why);
		return;
	}
	if (v->row_calls)
		count(s, x);
	else if (isfinite(p->low) && isfinite(p->high) && p->low < p->high) {
		s->value = x;
		s->low = p->low;
		s->high = p->high;
		s->df = p->repetitions > 2 ? p->repetitions - 1 : 1;
	} else if (strcmp(p->unit, "ns") != 0)
		exact(s, x);
	else
		why_not(s->why, "primitive %s has no interval", name);
}

static void of_primitive(struct series *s, const struct value *v,
			 enum kind kind, const struct primitive_row *row,
			 const struct evidence *e)
{
	const struct primitive_result *p =
		e->primitives ? primitives_find(e->primitives, row, kind) :
				NULL;
	bool time;
	char name[128];

	row_name(row, name);
	if (!p) {
		why_not(s->why, "not measured: primitive %s (bin/primitives)",
			name);
		return;
	}
	time = strcmp(p->unit, "ns") == 0;
	if (!v->row_calls && kind != KIND_ANY && time != (kind == KIND_TIME))
		why_not(s->why,
			"primitive %s is %s, which is not what the claim "
			"compares it with",
			name, time ? "a time" : "a number");
	else
		take_primitive(s, v, p, name);
}

/* ----------------------------------------------------------------------- slopes */

static void point_of(struct series *s, const struct value *v, unsigned point,
		     enum kind kind, const struct evidence *e)
{
	*s = (struct series){ .value = NAN, .metric = METRICS };
	if (v->source == SOURCE_PRIMITIVE)
		of_primitive(s, v, kind, &v->row[point], e);
	else if (v->source == SOURCE_CALLS)
		of_calls(s, v, &v->cell[point], e);
	else
		of_metric(s, v, &v->cell[point], e);
}

/* The weights of the values in a least-squares slope: it is linear in them. */
static void weights(const struct value *v, double w[SWEEP_MAX])
{
	double mean = 0, squares = 0;

	for (unsigned i = 0; i < v->n; i++)
		mean += v->x[i] / v->n;
	for (unsigned i = 0; i < v->n; i++)
		squares += (v->x[i] - mean) * (v->x[i] - mean);
	for (unsigned i = 0; i < v->n; i++)
		w[i] = (v->x[i] - mean) / squares;
}

static void add_point(struct series *to, const struct series *point, double w)
{
	for (unsigned k = 0; k < to->n_blocks; k++)
		to->block[k] +=
			w * (point->block ? point->block[k] : point->value);
	to->value += w * point->value;
	to->low += w * (w > 0 ? point->low : point->high);
	to->high += w * (w > 0 ? point->high : point->low);
	to->df = fmin(to->df, point->df);
}

static void slope_of(struct series *s, const struct value *v, enum kind kind,
		     const struct evidence *e)
{
	double w[SWEEP_MAX];

	*s = (struct series){ .df = INFINITY, .metric = METRICS };
	weights(v, w);
	for (unsigned i = 0; i < v->n && !*s->why; i++) {
		struct series point;

		point_of(&point, v, i, kind, e);
		if (*point.why) {
			memcpy(s->why, point.why, WHY_SIZE);
		} else if (point.at_least || point.at_most) {
			why_not(s->why,
				"%s was at a limit at %s %g: a bound has "
				"no slope",
				v->cell[i].model, v->sweep, v->x[i]);
		} else {
			if (i == 0 && point.block) {
				s->n_blocks = point.n_blocks;
				s->block = calloc(s->n_blocks + 1,
						  sizeof(*s->block));
			}
			add_point(s, &point, w[i]);
		}
		series_free(&point);
	}
}

void series_of(struct series *s, const struct value *v, unsigned point,
	       enum kind kind, const struct evidence *e)
{
	if (v->slope)
		slope_of(s, v, kind, e);
	else
		point_of(s, v, point, kind, e);
}

void series_free(struct series *s)
{
	free(s->block);
	s->block = NULL;
}
