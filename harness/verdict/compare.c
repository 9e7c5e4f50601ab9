/* SPDX-License-Identifier: MIT */
/* compare.c - what is compared, and the verdicts: see compare.h */
#include "harness/verdict/compare.h"

#include "harness/base/grow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double usual_margin = 0.03;

const char *const verdict_words[VERDICTS] = { "missing", "bound", "equal",
					      "different", "undecided" };
const char *const state_words[STATES] = { "", "whole core", "generator limit" };

/* ---------------------------------------------------------------------- settings */

size_t setting_start(const struct reduced *r, size_t row)
{
	while (row &&
	       cell_same_setting(&r->row[row].cell, &r->row[row - 1].cell))
		row--;
	return row;
}

size_t setting_end(const struct reduced *r, size_t row)
{
	size_t end = row + 1;

	while (end < r->n &&
	       cell_same_setting(&r->row[row].cell, &r->row[end].cell))
		end++;
	return end;
}

bool is_coarse(const struct cell *c)
{
	return c->loop == LOOP_OPEN && c->placement == PLACEMENT_SHARED;
}

enum metric latency_of(const struct cell *c)
{
	return is_coarse(c) ? METRIC_SERVICE_P50 : METRIC_RESPONSE_P50;
}

void compared_by(const struct cell *c, enum metric m[COMPARED])
{
	m[0] = c->loop == LOOP_OPEN ? latency_of(c) :
				      METRIC_REQUESTS_PER_SECOND;
	m[1] = METRIC_SERVER_CPU_PER_REQUEST;
}

/* -------------------------------------------------------------------------- rows */

bool is_baseline(const struct row *row)
{
	return strcmp(row->cell.model, BASELINE) == 0;
}

bool uses_whole_core(const struct row *row)
{
	return row->spins || row->saturated;
}

enum state row_state(const struct row *row)
{
	return uses_whole_core(row) ? STATE_WHOLE_CORE :
	       row->bound           ? STATE_GENERATOR_LIMIT :
				      STATE_NONE;
}

enum bound bound_of(const struct row *row, enum metric m)
{
	if (m == METRIC_REQUESTS_PER_SECOND)
		return row->bound ? AT_LEAST : EXACT;
	if (m < METRIC_RESPONSE_P50 || m > METRIC_SERVICE_P99)
		return EXACT;
	return row->bound ? AT_MOST : row->saturated ? AT_LEAST : EXACT;
}

/* The method of a row without a valid repetition is unknown. */
bool same_method(const struct row *a, const struct row *b)
{
	return a->n == 0 || b->n == 0 ||
	       (strcmp(a->cpu_method, b->cpu_method) == 0 &&
		strcmp(a->cpu_method, "mixed") != 0);
}

static bool comparable(const struct row *a, const struct row *b, enum metric m)
{
	if (a->oversubscribed || b->oversubscribed)
		return false;
	return m != METRIC_SERVER_CPU_PER_REQUEST || same_method(a, b);
}

/* ------------------------------------------------------------------------ ratios */

double slice_value(const struct slice *s, enum metric m)
{
	switch (m) {
	case METRIC_REQUESTS_PER_SECOND:
		return s->answered / s->window_ns;
	case METRIC_SERVER_CPU_PER_REQUEST:
		return s->cpu_ns / s->requests;
	case METRIC_RESPONSE_P50:
		return s->response_p50_ns;
	case METRIC_SERVICE_P50:
		return s->service_p50_ns;
	default:
		return NAN;
	}
}

static const struct slice *same_round(const struct record *r, unsigned round)
{
	for (size_t i = 0; i < r->n_slices; i++)
		if (r->slices[i].round == round && r->slices[i].counted)
			return &r->slices[i];
	return NULL;
}

double block_ratio(const struct record *a, const struct record *b,
		   enum metric m, size_t *rounds)
{
	double *x = grow(NULL, a->n_slices + 1, sizeof(*x)), mean;
	size_t n = 0;

	for (size_t i = 0; i < a->n_slices; i++) {
		const struct slice *of_a = &a->slices[i], *of_b;

		if (!of_a->counted || !(of_b = same_round(b, of_a->round)))
			continue;
		x[n] = log(slice_value(of_a, m)) - log(slice_value(of_b, m));
		n += isfinite(x[n]);
	}
	mean = trimmed_mean(x, n);
	*rounds += n;
	free(x);
	return mean;
}

static struct mean compare_records(const struct record *const *a,
				   const struct record *const *b,
				   unsigned n_blocks, enum metric m,
				   size_t *rounds)
{
	double x[STATS_MAX];

	for (unsigned k = 0; k < n_blocks; k++)
		x[k] = a[k] && b[k] ? block_ratio(a[k], b[k], m, rounds) : NAN;
	return mean_of(x, n_blocks);
}

/* ---------------------------------------------------------------- what is compared */

static void choose_reference(struct reduced *r, const char *asked)
{
	if (asked && *asked) {
		snprintf(r->reference, sizeof(r->reference), "%s", asked);
		return;
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct row *row = &r->row[i];

		if (row->cell.loop == LOOP_NONE || is_baseline(row))
			continue;
		if (!*r->reference ||
		    strcmp(row->cell.model, DEFAULT_REFERENCE) == 0)
			memcpy(r->reference, row->cell.model, LABEL_SIZE);
	}
}

static const struct row *find_model(const struct reduced *r, size_t first,
				    size_t end, const char *model)
{
	for (size_t i = first; i < end; i++)
		if (strcmp(r->row[i].cell.model, model) == 0)
			return &r->row[i];
	return NULL;
}

static enum state state_of(const struct row *a, const struct row *b,
			   enum metric m)
{
	if (m == METRIC_SERVER_CPU_PER_REQUEST)
		return uses_whole_core(a) || uses_whole_core(b) ?
			       STATE_WHOLE_CORE :
			       STATE_NONE;
	if (a->bound || b->bound)
		return STATE_GENERATOR_LIMIT;
	return bound_of(a, m) || bound_of(b, m) ? STATE_WHOLE_CORE : STATE_NONE;
}

static void add(struct reduced *r, const struct row *a, const struct row *with,
		enum metric m)
{
	struct comparison *c = &r->comparison[r->n_comparisons++];
	size_t ignored = 0;

	*c = (struct comparison){ .a = a, .with = with, .metric = m };
	c->state = state_of(a, with, m);
	c->ratio = mean_of(NULL, 0);
	if (comparable(a, with, m))
		c->ratio = compare_records(a->timed, with->timed, r->n_blocks,
					   m, &c->rounds);
	c->twin = compare_records(with->twin, with->timed, r->n_blocks, m,
				  &ignored);
}

static void pair_up(struct reduced *r, size_t first, size_t end)
{
	const struct row *with = find_model(r, first, end, r->reference);
	enum metric by[COMPARED];

	compared_by(&r->row[first].cell, by);
	if (!with || with->cell.loop == LOOP_NONE)
		return;
	for (size_t k = 0; k < COMPARED; k++)
		for (size_t i = first; i < end; i++)
			if (&r->row[i] != with)
				add(r, &r->row[i], with, by[k]);
}

/* ------------------------------------------------------------------- the verdicts */

/* Which ends of the interval of a / with are open */
static void open_ends(const struct comparison *c, bool *low, bool *high)
{
	enum bound a = bound_of(c->a, c->metric);
	enum bound with = bound_of(c->with, c->metric);

	*low = a == AT_MOST || with == AT_LEAST;
	*high = a == AT_LEAST || with == AT_MOST;
}

/* A bound can show a difference in one direction only. */
static double p_of(const struct comparison *c)
{
	double p = mean_p(&c->ratio);
	bool low, high;

	open_ends(c, &low, &high);
	if (is_baseline(c->a) || (low && high))
		return NAN;
	if ((low && c->ratio.value > 0) || (high && c->ratio.value < 0))
		return isnan(p) ? p : 1;
	return p;
}

bool is_within(const struct range *range, double margin)
{
	return range->low >= 1 / (1 + margin) && range->high <= 1 + margin;
}

static enum verdict judge(const struct comparison *c, double margin)
{
	bool low, high;

	if (c->ratio.n < 2)
		return VERDICT_MISSING;
	open_ends(c, &low, &high);
	/* A comparison with NAN is false. */
	if (!low && !high && is_within(&c->range, margin))
		return VERDICT_EQUAL;
	if (c->range.low > 1 || c->range.high < 1)
		return VERDICT_DIFFERENT;
	return low || high ? VERDICT_BOUND : VERDICT_UNDECIDED;
}

static void judge_all(struct reduced *r)
{
	double *p = grow(NULL, r->n_comparisons + 1, sizeof(*p));

	for (size_t i = 0; i < r->n_comparisons; i++)
		p[i] = r->comparison[i].p = p_of(&r->comparison[i]);
	r->family = family_of(p, r->n_comparisons);
	free(p);
	for (size_t i = 0; i < r->n_comparisons; i++) {
		struct comparison *c = &r->comparison[i];
		bool low, high;

		c->range = mean_range(&c->ratio, r->family.level);
		c->twin_range = mean_range(&c->twin, r->family.level);
		open_ends(c, &low, &high);
		if (low)
			c->range.low = NAN;
		if (high)
			c->range.high = NAN;
		c->verdict = judge(c, r->margin);
	}
}

/* A model as fast as the leanest server there is: its own cost does not show. */
static void find_limited(struct reduced *r, size_t first, size_t end)
{
	const struct row *lean = find_model(r, first, end, BASELINE);

	for (size_t i = first; lean && i < end; i++) {
		struct row *row = &r->row[i];
		size_t ignored = 0;
		struct mean e;

		if (row == lean || row->oversubscribed)
			continue;
		e = compare_records(row->timed, lean->timed, r->n_blocks,
				    METRIC_REQUESTS_PER_SECOND, &ignored);
		row->at_limit = mean_range(&e, r->family.level).high >= 1;
	}
}

void compare(struct reduced *r, const struct reduce_options *options)
{
	r->margin =
		options && options->margin > 0 ? options->margin : usual_margin;
	choose_reference(r, options ? options->reference : NULL);
	r->comparison = grow(NULL, COMPARED * r->n + 1, sizeof(*r->comparison));
	for (size_t i = 0, end; i < r->n; i = end) {
		end = setting_end(r, i);
		pair_up(r, i, end);
	}
	judge_all(r);
	for (size_t i = 0, end; i < r->n; i = end) {
		end = setting_end(r, i);
		find_limited(r, i, end);
	}
}

const struct comparison *comparison_of(const struct reduced *r,
				       const struct row *row, enum metric m)
{
	for (size_t i = 0; i < r->n_comparisons; i++)
		if (r->comparison[i].a == row && r->comparison[i].metric == m)
			return &r->comparison[i];
	return NULL;
}

bool is_regression(const struct comparison *c, double least)
{
	if (c->verdict == VERDICT_MISSING || is_baseline(c->a))
		return false;
	if (metrics[c->metric].better == BETTER_MORE)
		return c->range.high < 1 / (1 + least);
	return c->range.low > 1 + least;
}

size_t reduced_regressions(const struct reduced *r, double least)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_comparisons; i++)
		n += is_regression(&r->comparison[i], least);
	return n;
}
