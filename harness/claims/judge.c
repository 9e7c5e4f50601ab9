/* SPDX-License-Identifier: MIT */
/* judge.c - the verdicts of claims: see judge.h */
#include "harness/claims/judge.h"

#include "harness/base/grow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double wrong = 0.05; /* any verdict of all */

/* More blocks than this are no advice. */
enum { BLOCKS_ADVISED = 200 };

const char *const claim_verdicts[] = { "holds",   "only-when",  "fails",
				       "unknown", "documented", NULL };

/* ------------------------------------------------------------------ three values */

static enum truth not_of(enum truth a)
{
	return a == TRUTH_UNKNOWN ? a :
	       a == TRUTH_TRUE    ? TRUTH_FALSE :
				    TRUTH_TRUE;
}

static enum truth and_of(enum truth a, enum truth b)
{
	if (a == TRUTH_FALSE || b == TRUTH_FALSE)
		return TRUTH_FALSE;
	return a == TRUTH_TRUE && b == TRUTH_TRUE ? TRUTH_TRUE : TRUTH_UNKNOWN;
}

static enum truth truth_of(const struct predicate *p, const struct judgement *j)
{
	enum truth a, b;

	if (p->node == NODE_COMPARE || p->node == NODE_STATE)
		return j->finding[p->index].truth;
	a = truth_of(p->a, j);
	if (p->node == NODE_NOT)
		return not_of(a);
	b = truth_of(p->b, j);
	if (p->node == NODE_AND)
		return and_of(a, b);
	return not_of(and_of(not_of(a), not_of(b)));
}

static enum truth truth_of_band(const struct predicate *p, const struct band *b)
{
	bool under = p->without_low ? b->high <= p->low : b->high < p->low;
	bool over = p->without_high ? b->low >= p->high : b->low > p->high;
	bool above = p->without_low ? b->low > p->low : b->low >= p->low;
	bool below = p->without_high ? b->high < p->high : b->high <= p->high;

	/* An unlimited side is satisfied, also by an open end. */
	above |= isinf(p->low);
	below |= isinf(p->high);
	return under || over  ? TRUTH_FALSE :
	       above && below ? TRUTH_TRUE :
				TRUTH_UNKNOWN;
}

/* ----------------------------------------------------------------- one comparison */

/* How many blocks would make the interval so narrow that its end passes the limit */
static double blocks_advised(const struct finding *f, double limit,
			     unsigned blocks)
{
	const struct band *b = &f->band;
	double end = limit > b->value ? b->high : b->low;
	bool logs = b->low > 0 && b->value > 0 && limit > 0;
	double half = logs ? log(end / b->value) : end - b->value;
	double to = logs ? log(limit / b->value) : limit - b->value;

	return isfinite(half) && to != 0 ?
		       ceil(blocks * (half / to) * (half / to)) :
		       INFINITY;
}

static void say_crossover(struct finding *f)
{
	why_not(f->why,
		"%s: at some points of the sweep the two cannot be told "
		"apart; more blocks would decide",
		f->leaf->quantity);
}

static void say_unknown(struct finding *f)
{
	const struct predicate *p = f->leaf;
	const struct band *b = &f->band;
	unsigned blocks = figure_blocks(f->figure);
	double limit = isinf(p->high) || (b->low < p->low && isfinite(p->low)) ?
			       p->low :
			       p->high;
	double need = blocks_advised(f, limit, blocks);

	if (p->form == FORM_CROSSOVER)
		say_crossover(f);
	else if (isinf(b->low) || isinf(b->high) || b->low == 0)
		why_not(f->why,
			"%s is only known to be at least or at most that: the "
			"generator or the server was at its limit; more CPUs would "
			"decide",
			p->quantity);
	else if (blocks == 0)
		why_not(f->why,
			"the interval of %s includes the limit of the claim",
			p->quantity);
	else if (need <= BLOCKS_ADVISED)
		why_not(f->why,
			"the interval of %s includes the limit of the claim; about "
			"%.0f blocks would decide (--blocks)",
			p->quantity, fmax(need, blocks + 1));
	else
		why_not(f->why,
			"%s is so near the limit of the claim that more blocks would "
			"hardly decide",
			p->quantity);
}

static void judge_finding(struct finding *f, double level)
{
	bool none = false;

	if (!f->figure) /* a state, judged when it was read */
		return;
	*f->why = '\0';
	f->band = figure_band(f->figure, level, &none);
	if (*figure_why(f->figure)) {
		f->truth = TRUTH_UNKNOWN;
		memcpy(f->why, figure_why(f->figure), WHY_SIZE);
		return;
	}
	f->truth = none ? TRUTH_FALSE : truth_of_band(f->leaf, &f->band);
	if (f->truth == TRUTH_UNKNOWN)
		say_unknown(f);
}

/* ---------------------------------------------------------------------- one claim */

static enum claim_verdict verdict_of(const struct judgement *j)
{
	const struct claim *c = j->claim;

	if (j->holds == TRUTH_UNKNOWN)
		return CLAIM_UNKNOWN;
	if (!c->but_not)
		return j->holds == TRUTH_TRUE ? CLAIM_HOLDS : CLAIM_FAILS;
	if (j->but_not == TRUTH_UNKNOWN)
		return CLAIM_UNKNOWN;
	if (j->holds != j->but_not)
		return CLAIM_ONLY_WHEN;
	return j->holds == TRUTH_TRUE ? CLAIM_HOLDS : CLAIM_FAILS;
}

/* The first comparison with this truth; else the first of all */
static unsigned first_with(const struct judgement *j, enum truth truth)
{
	for (int any = 0; any < 2; any++)
		for (unsigned i = 0; i < j->n; i++)
			if (j->finding[i].figure &&
			    (any || j->finding[i].truth == truth))
				return i;
	return j->n;
}

static void explain(struct judgement *j)
{
	const struct claim *c = j->claim;

	for (unsigned i = 0; i < j->n && !*j->reason; i++)
		if (j->finding[i].truth == TRUTH_UNKNOWN)
			memcpy(j->reason, j->finding[i].why, WHY_SIZE);
	if (c->proof && truth_of(c->proof, j) == TRUTH_FALSE)
		why_not(j->reason,
			"the mechanism was not at work: the proof of the claim does "
			"not hold");
}

static bool has_cpus(struct judgement *j, const struct evidence *e)
{
	if (!j->claim->cpus || !e->cpus || e->cpus >= j->claim->cpus)
		return true;
	return why_not(j->reason, "it needs %u CPUs; this machine has %u",
		       j->claim->cpus, e->cpus);
}

static void judge_claim(struct judgement *j, double level,
			const struct evidence *e)
{
	const struct claim *c = j->claim;
	unsigned intervals = 0;

	*j->reason = '\0';
	j->verdict = CLAIM_DOCUMENTED;
	j->decides = j->n;
	if (!c->holds)
		return;
	for (unsigned i = 0; i < j->n; i++)
		if (j->finding[i].figure)
			intervals += figure_intervals(j->finding[i].figure);
	j->level = intervals > 2 ? 1 - 2 * (1 - level) / intervals : level;
	for (unsigned i = 0; i < j->n; i++)
		judge_finding(&j->finding[i], j->level);
	j->holds = truth_of(c->holds, j);
	j->but_not = c->but_not ? truth_of(c->but_not, j) : TRUTH_UNKNOWN;
	j->verdict = has_cpus(j, e) ? verdict_of(j) : CLAIM_UNKNOWN;
	if (c->proof && truth_of(c->proof, j) != TRUTH_TRUE)
		j->verdict = CLAIM_UNKNOWN;
	if (j->verdict == CLAIM_UNKNOWN && !*j->reason)
		explain(j);
	j->decides = first_with(j, j->verdict == CLAIM_FAILS   ? TRUTH_FALSE :
				   j->verdict == CLAIM_UNKNOWN ? TRUTH_UNKNOWN :
								 TRUTH_TRUE);
}

/* ---------------------------------------------------------------------- together */

double holm_level(size_t judged, size_t decided)
{
	size_t left = judged > decided ? judged - decided : 1;

	return 1 - wrong / (double)left;
}

struct collecting {
	struct judgement *to;
	const struct evidence *evidence;
};

static void collect(const struct predicate *leaf, void *data)
{
	struct collecting *c = data;
	struct finding *f = &c->to->finding[c->to->n++];

	*f = (struct finding){ .leaf = leaf,
			       .state = -1,
			       .band = { NAN, -INFINITY, INFINITY } };
	if (leaf->node == NODE_COMPARE) {
		f->figure = figure_of(leaf, c->evidence);
		return;
	}
	f->state = state_of_cell(leaf, c->evidence, f->why);
	f->truth = f->state < 0 ? TRUTH_UNKNOWN :
		   f->state     ? TRUTH_TRUE :
				  TRUTH_FALSE;
}

static void begin(struct judgement *j, const struct claim *c,
		  const struct evidence *e)
{
	struct collecting data = { j, e };

	*j = (struct judgement){ .claim = c, .level = NAN };
	j->finding = grow(NULL, c->leaves + 1, sizeof(*j->finding));
	claim_each(c, collect, &data);
}

/* Whether chance can be in its verdict */
static bool is_judged(const struct judgement *j)
{
	for (unsigned i = 0; i < j->n; i++)
		if (j->finding[i].figure &&
		    figure_intervals(j->finding[i].figure) > 0)
			return true;
	return false;
}

static size_t judge_at(struct judgement *j, size_t n, double level,
		       const struct evidence *e)
{
	size_t decided = 0;

	for (size_t i = 0; i < n; i++) {
		judge_claim(&j[i], level, &e[i]);
		decided += is_judged(&j[i]) && j[i].verdict < CLAIM_UNKNOWN;
	}
	return decided;
}

struct judgement *judge_claims(const struct claim *const *c, size_t n,
			       const struct evidence *e)
{
	struct judgement *j = grow(NULL, n + 1, sizeof(*j));
	size_t judged = 0, decided = 0, before;

	for (size_t i = 0; i < n; i++) {
		begin(&j[i], c[i], &e[i]);
		judged += is_judged(&j[i]);
	}
	do {
		before = decided;
		decided = judge_at(j, n, holm_level(judged, before), e);
	} while (decided > before);
	return j;
}

void judgements_free(struct judgement *j, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (unsigned k = 0; k < j[i].n; k++)
			figure_free(j[i].finding[k].figure);
		free(j[i].finding);
	}
	free(j);
}
