/* SPDX-License-Identifier: MIT */
/* figure.c - what was measured of a quantity: see figure.h */
#include "harness/claims/figure.h"

#include "harness/claims/needs.h"
#include "harness/claims/series.h"
#include "harness/verdict/compare.h"
#include "harness/verdict/describe.h"

#include "harness/base/grow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum shape {
	SHAPE_LOG,       /* the mean of logarithms over blocks */
	SHAPE_LINEAR,    /* the mean over blocks */
	SHAPE_ENDS,      /* from the ends of two intervals */
	SHAPE_CROSSOVER, /* from the ratio at each point of a sweep */
};

struct figure {
	char why[WHY_SIZE];
	enum shape shape;
	struct mean mean;
	bool open_low, open_high;
	unsigned rounds;

	enum form form;
	struct series a, b; /* of SHAPE_ENDS */

	unsigned n; /* of SHAPE_CROSSOVER */
	struct figure *point[SWEEP_MAX];
	double x[SWEEP_MAX];
};

static struct figure *make(void)
{
	struct figure *f = grow(NULL, 1, sizeof(*f));

	memset(f, 0, sizeof(*f));
	return f;
}

void figure_free(struct figure *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->n; i++)
		figure_free(f->point[i]);
	series_free(&f->a);
	series_free(&f->b);
	free(f);
}

const char *figure_why(const struct figure *f)
{
	return f->why;
}

/* ------------------------------------------------------------------------ bands */

static struct band mean_band(const struct mean *m, double level, bool logs)
{
	double half = m->error > 0 ? m->error * student_t(1 - level, m->df) : 0;
	struct band b = { m->value, m->value - half, m->value + half };

	if (logs)
		b = (struct band){ exp(b.value), exp(b.low), exp(b.high) };
	return b;
}

static bool all_positive(const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isfinite(x[i]) && !(x[i] > 0))
			return false;
	return true;
}

static struct mean series_mean(const struct series *s, bool logs)
{
	double x[STATS_MAX];

	for (unsigned k = 0; k < s->n_blocks; k++)
		x[k] = logs ? log(s->block[k]) : s->block[k];
	return mean_of(x, s->n_blocks);
}

static void open_ends(struct band *b, bool low, bool high)
{
	if (low)
		b->low = b->low > 0 ? 0 : -INFINITY;
	if (high)
		b->high = INFINITY;
}

static struct band series_band(const struct series *s, double level)
{
	struct band b = { s->value, s->low, s->high };

	if (s->block) {
		bool logs = all_positive(s->block, s->n_blocks);
		struct mean m = series_mean(s, logs);

		b = mean_band(&m, level, logs);
	} else if (isfinite(s->df)) {
		/* Known at 95 %: half its width grows like that of Student's. */
		double times =
			student_t(1 - level, s->df) / student_t(0.05, s->df);

		b.low = b.value - times * (b.value - b.low);
		b.high = b.value + times * (b.high - b.value);
	}
	open_ends(&b, s->at_most, s->at_least);
	return b;
}

static struct band ratio_band(const struct band *a, const struct band *b)
{
	double ends[] = { a->low / b->low, a->low / b->high, a->high / b->low,
			  a->high / b->high };
	struct band r = { a->value / b->value, INFINITY, -INFINITY };

	if (!(b->low > 0)) /* it may be 0 */
		return (struct band){ r.value, -INFINITY, INFINITY };
	for (int i = 0; i < 4; i++) {
		r.low = fmin(r.low, ends[i]);
		r.high = fmax(r.high, ends[i]);
	}
	return r;
}

static struct band ends_band(const struct figure *f, double level)
{
	struct band a = series_band(&f->a, level), b;

	if (f->form == FORM_PLAIN)
		return a;
	b = series_band(&f->b, level);
	if (f->form == FORM_RATIO)
		return ratio_band(&a, &b);
	return (struct band){ a.value - b.value, a.low - b.high,
			      a.high - b.low };
}

/* -1 below 1, 1 above it, 0 undecided */
static int side_of(const struct figure *point, double level)
{
	struct band b = figure_band(point, level, NULL);

	return b.high < 1 ? -1 : b.low > 1 ? 1 : 0;
}

/* Between the last point that is on the first side for certain, and the first that is
 * on the other one */
static struct band crossover_band(const struct figure *f, double level,
				  bool *none)
{
	int first = side_of(f->point[0], level);
	struct band b = { NAN, -INFINITY, INFINITY };
	bool undecided = first == 0;

	for (unsigned i = 0; i < f->n; i++) {
		int side = side_of(f->point[i], level);

		undecided |= side == 0;
		if (side == first && isinf(b.high))
			b.low = f->x[i];
		if (side == -first && side && isinf(b.high))
			b.high = f->x[i];
	}
	if (isinf(b.high)) {
		*none = !undecided;
		b.low = -INFINITY;
	} else {
		b.value = sqrt(fmax(b.low, 1e-9) * b.high);
	}
	return b;
}

struct band figure_band(const struct figure *f, double level, bool *none)
{
	struct band b;
	bool ignored;

	*(none ?: &ignored) = false;
	if (*f->why)
		return (struct band){ NAN, -INFINITY, INFINITY };
	switch (f->shape) {
	case SHAPE_CROSSOVER:
		return crossover_band(f, level, none ?: &ignored);
	case SHAPE_ENDS:
		return ends_band(f, level);
	default:
		b = mean_band(&f->mean, level, f->shape == SHAPE_LOG);
		open_ends(&b, f->open_low, f->open_high);
		return b;
	}
}

/* ------------------------------------------------------------------- its making */

static bool from_slices(const struct series *a, const struct series *b)
{
	static const struct slice probe = {
		.answered = 1, .requests = 1, .window_ns = 1, .cpu_ns = 1
	};

	return a->row && b->row && a->metric == b->metric &&
	       !isnan(slice_value(&probe, a->metric)) &&
	       cell_same_setting(&a->row->cell, &b->row->cell);
}

/* The logarithm of a ratio in a block; within its rounds, if both have slices */
static double log_ratio(const struct series *a, const struct series *b,
			unsigned k, size_t *rounds)
{
	double x;

	if (from_slices(a, b) && a->row->timed[k] && b->row->timed[k]) {
		x = block_ratio(a->row->timed[k], b->row->timed[k], a->metric,
				rounds);
		if (isfinite(x))
			return x;
	}
	return log(a->block[k]) - log(b->block[k]);
}

/* A paired ratio or difference over blocks */
static void pair_blocks(struct figure *f, enum form form)
{
	struct series *a = &f->a, *b = &f->b;
	double x[STATS_MAX];
	size_t rounds = 0;

	for (unsigned k = 0; k < a->n_blocks; k++)
		x[k] = !isfinite(a->block[k]) || !isfinite(b->block[k]) ? NAN :
		       form == FORM_RATIO ? log_ratio(a, b, k, &rounds) :
					    a->block[k] - b->block[k];
	f->shape = form == FORM_RATIO ? SHAPE_LOG : SHAPE_LINEAR;
	f->mean = mean_of(x, a->n_blocks);
	f->rounds = (unsigned)rounds;
	f->open_low = a->at_most || b->at_least;
	f->open_high = a->at_least || b->at_most;
	if (f->mean.n < FEWEST_BLOCKS)
		why_not(f->why, "fewer than two blocks have both sides");
}

static bool can_pair(const struct figure *f, enum form form)
{
	const struct series *a = &f->a, *b = &f->b;

	return a->block && b->block &&
	       (form == FORM_DIFFERENCE ||
		(all_positive(a->block, a->n_blocks) &&
		 all_positive(b->block, b->n_blocks)));
}

static bool same_cpu_method(struct figure *f)
{
	const struct row *a = f->a.row, *b = f->b.row;

	if (!a || !b || f->a.metric != METRIC_SERVER_CPU_PER_REQUEST ||
	    same_method(a, b))
		return true;
	return why_not(
		f->why,
		"CPU time of %s and %s was measured by different methods",
		a->cell.model, b->cell.model);
}

static struct figure *figure_at(const struct predicate *leaf, unsigned point,
				enum form form, const struct evidence *e)
{
	struct figure *f = make();
	/* A ratio or crossover is a number, whatever its sides are. */
	enum kind kind = form == FORM_RATIO && leaf->left->kind == KIND_ANY ?
				 KIND_ANY :
				 leaf->kind;

	f->form = form;
	f->shape = SHAPE_ENDS;
	series_of(&f->a, leaf->left, point, kind, e);
	memcpy(f->why, f->a.why, WHY_SIZE);
	if (form == FORM_PLAIN || *f->why)
		return f;
	series_of(&f->b, leaf->right, point, kind, e);
	memcpy(f->why, f->b.why, WHY_SIZE);
	if (!*f->why && same_cpu_method(f) && can_pair(f, form))
		pair_blocks(f, form);
	return f;
}

static struct figure *crossover_of(const struct predicate *leaf,
				   const struct evidence *e)
{
	struct figure *f = make();

	f->shape = SHAPE_CROSSOVER;
	for (unsigned i = 0; i < leaf->left->n && !*f->why; i++) {
		f->point[i] = figure_at(leaf, i, FORM_RATIO, e);
		f->x[i] = leaf->left->x[i];
		f->n++;
		memcpy(f->why, f->point[i]->why, WHY_SIZE);
	}
	return f;
}

struct figure *figure_of(const struct predicate *leaf, const struct evidence *e)
{
	return leaf->form == FORM_CROSSOVER ? crossover_of(leaf, e) :
					      figure_at(leaf, 0, leaf->form, e);
}

/* -------------------------------------------------------------------- its kind */

static unsigned series_intervals(const struct series *s)
{
	return s->block ? series_mean(s, false).error > 0 : isfinite(s->df);
}

unsigned figure_intervals(const struct figure *f)
{
	unsigned n = 0;

	if (*f->why)
		return 0;
	if (f->shape == SHAPE_LOG || f->shape == SHAPE_LINEAR)
		return f->mean.error > 0;
	for (unsigned i = 0; i < f->n; i++)
		n += figure_intervals(f->point[i]);
	return n + (f->shape == SHAPE_ENDS ?
			    series_intervals(&f->a) + series_intervals(&f->b) :
			    0);
}

unsigned figure_blocks(const struct figure *f)
{
	unsigned n = f->shape == SHAPE_CROSSOVER && f->n ?
			     figure_blocks(f->point[0]) :
			     0;

	if (f->shape == SHAPE_LOG || f->shape == SHAPE_LINEAR)
		return (unsigned)f->mean.n;
	if (f->a.block)
		n = (unsigned)series_mean(&f->a, false).n;
	return n;
}

unsigned figure_rounds(const struct figure *f)
{
	return f->rounds;
}

const char *figure_unit(const struct predicate *leaf)
{
	static const char *const units[] = { "1", "ns", "1/s", "bytes", "1" };

	if (leaf->form == FORM_RATIO)
		return "ratio";
	if (leaf->form == FORM_CROSSOVER)
		return "1";
	if (leaf->left->source == SOURCE_METRIC &&
	    leaf->left->metric == METRIC_SERVER_CPU_SHARE)
		return "share";
	return units[leaf->kind];
}

/* ----------------------------------------------------------------------- states */

int state_of_cell(const struct predicate *leaf, const struct evidence *e,
		  char why[WHY_SIZE])
{
	struct cell c = under_control(&leaf->left->cell[0], e->control);
	const struct row *row = e->reduced ? reduced_row(e->reduced, &c) : NULL;
	char setting[SETTING_SIZE];

	*why = '\0';
	if (!row) {
		why_not(why, "not measured: %s, %s", c.model,
			setting_key(&c, setting));
		return -1;
	}
	if (leaf->state == STATE_REFUSED &&
	    (row->n > 0 || row->status == STATUS_REFUSED))
		return row->n == 0;
	if (row->n == 0) {
		why_not(why, "%s, %s: %s%s%s", c.model,
			setting_key(&c, setting), status_names[row->status],
			*row->reason ? ": " : "", row->reason);
		return -1;
	}
	return leaf->state == STATE_BOUND ? row->bound : row->saturated;
}
