/* SPDX-License-Identifier: MIT */
/* headlines.c - the most telling verdicts: see findings.h */
#include "harness/verdict/findings.h"

#include "harness/verdict/compare.h"

#include "harness/base/grow.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 3 * PLAN_LIST_MAX };

/* -------------------------------------------------------------- one metric, one setting */

size_t group_end(const struct reduced *r, size_t begin)
{
	const struct comparison *first = &r->comparison[begin];
	size_t end = begin;

	while (end < r->n_comparisons &&
	       r->comparison[end].with == first->with &&
	       r->comparison[end].metric == first->metric)
		end++;
	return end;
}

/* How far its interval is from 1, as a ratio above 1 */
static double effect_of(const struct comparison *c)
{
	bool ignored;

	return larger_range(&c->range, &ignored).low;
}

static int by_effect(const void *a, const void *b)
{
	double x = effect_of(*(const struct comparison *const *)a);
	double y = effect_of(*(const struct comparison *const *)b);

	return (x < y) - (x > y);
}

/* Those with this verdict, the largest effect first. `larger`: the model is; the
 * verdict `equal` has no direction. */
static size_t gather(const struct reduced *r, size_t begin, size_t end,
		     enum verdict verdict, bool larger,
		     const struct comparison *to[MOST])
{
	size_t n = 0;

	for (size_t i = begin; i < end && n < MOST; i++) {
		const struct comparison *c = &r->comparison[i];
		bool is_larger;

		larger_range(&c->range, &is_larger);
		if (c->verdict != verdict || is_baseline(c->a) ||
		    c->state == STATE_WHOLE_CORE ||
		    (verdict == VERDICT_DIFFERENT && is_larger != larger))
			continue;
		to[n++] = c;
	}
	if (verdict == VERDICT_DIFFERENT)
		qsort(to, n, sizeof(*to), by_effect);
	return n;
}

/* Rounding must not decide. */
static double weight(const struct headline *h)
{
	return round(1e6 * log(h->effect));
}

static int by_weight(const void *a, const void *b)
{
	static const int order[VERDICTS] = { [VERDICT_DIFFERENT] = 0,
					     [VERDICT_EQUAL] = 1,
					     [VERDICT_UNDECIDED] = 2 };
	const struct headline *x = a, *y = b;

	if (x->verdict != y->verdict)
		return order[x->verdict] - order[y->verdict];
	if (weight(x) != weight(y))
		return weight(x) < weight(y) ? 1 : -1;
	return (x->first > y->first) - (x->first < y->first);
}

static size_t lines_of(const char *text)
{
	char *wrapped = NULL;
	size_t size, n = 0;
	FILE *to = text_open(&wrapped, &size);

	write_paragraph(to, "  ", "    ", text);
	text_close(to);
	for (const char *at = wrapped; *at; at++)
		n += *at == '\n';
	free(wrapped);
	return n;
}

__attribute__((format(printf, 2, 3))) static void
append(struct headline *h, const char *format, ...)
{
	size_t n = strlen(h->text);
	va_list args;

	va_start(args, format);
	vsnprintf(h->text + n, SENTENCE_SIZE - n, format, args);
	va_end(args);
}

/* "...; thread 1.49 to 1.54, select 1.05 to 1.07 and 2 more": as many as fit in the lines
 * that the first one takes */
static void tell_different(const struct reduced *r, struct headline *h,
			   const struct comparison *const *c, size_t n)
{
	char text[2 * NUMBER_SIZE];
	size_t lines;

	h->effect = effect_of(c[0]);
	comparison_sentence(r, c[0], h->text);
	lines = lines_of(h->text);
	for (size_t i = 1; i < n; i++) {
		size_t before = strlen(h->text), length;
		struct range range;
		bool larger, fits;

		range = larger_range(&c[i]->range, &larger);
		append(h, "%s%s%s %s", i == 1 ? "; " : ", ",
		       larger ? "" : "as ", c[i]->a->cell.model,
		       print_range(range.low, range.high, text));
		length = strlen(h->text);
		if (i + 1 < n)
			append(h, " and %zu more models", n - 1 - i);
		fits = lines_of(h->text) == lines;
		h->text[fits ? length : before] = '\0';
		if (fits)
			continue;
		append(h, "%s%zu more model%s", i == 1 ? "; " : " and ", n - i,
		       plural((double)(n - i)));
		if (lines_of(h->text) > lines)
			h->text[before] = '\0';
		return;
	}
}

/* "poll, select and uring: equal to epoll within 3 % in CPU per request at ..." */
static void tell_alike(const struct reduced *r, struct headline *h,
		       const struct comparison *const *c, size_t n)
{
	const char *models[MOST];
	char text[SENTENCE_SIZE];
	struct range widest = c[0]->range;

	for (size_t i = 0; i < n; i++) {
		models[i] = c[i]->a->cell.model;
		widest.low = fmin(widest.low, c[i]->range.low);
		widest.high = fmax(widest.high, c[i]->range.high);
	}
	h->effect = (double)n;
	append(h, "%.300s: ", join_models(models, n, text));
	if (h->verdict == VERDICT_EQUAL)
		append(h, "equal to %s within %s %%", c[0]->with->cell.model,
		       within_percent(&widest, r->margin, text));
	else
		append(h, "undecided against %s", c[0]->with->cell.model);
	append(h, " in %s %s", metric_words(c[0]->metric),
	       setting_where(&c[0]->a->cell, text));
	if (h->verdict == VERDICT_UNDECIDED)
		append(h, " (%s)", print_range(widest.low, widest.high, text));
}

size_t headlines_of(const struct reduced *r, size_t begin, size_t end,
		    struct headline to[GROUP_HEADLINES])
{
	static const struct {
		enum verdict verdict;
		bool larger;
	} kinds[GROUP_HEADLINES] = { { VERDICT_DIFFERENT, true },
				     { VERDICT_DIFFERENT, false },
				     { VERDICT_EQUAL, false },
				     { VERDICT_UNDECIDED, false } };
	const struct comparison *c[MOST];
	size_t made = 0;

	for (int k = 0; k < GROUP_HEADLINES; k++) {
		size_t n = gather(r, begin, end, kinds[k].verdict,
				  kinds[k].larger, c);

		if (n == 0)
			continue;
		to[made] = (struct headline){ .first = c[0],
					      .verdict = kinds[k].verdict };
		if (kinds[k].verdict == VERDICT_DIFFERENT)
			tell_different(r, &to[made++], c, n);
		else
			tell_alike(r, &to[made++], c, n);
	}
	qsort(to, made, sizeof(*to), by_weight);
	return made;
}

/* ------------------------------------------------------------------------- the run */

/* Whether another before it has the same verdict in this metric and loop */
static bool is_repeated(const struct headline *all, size_t i)
{
	const struct comparison *c = all[i].first;

	for (size_t k = 0; k < i; k++)
		if (all[k].verdict == all[i].verdict &&
		    all[k].first->metric == c->metric &&
		    all[k].first->a->cell.loop == c->a->cell.loop)
			return true;
	return false;
}

/* Marks what fits: first one of each kind, then the others; what is undecided last */
static void choose(const struct headline *all, size_t n, bool *chosen)
{
	size_t left = HEADLINES;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n; i++) {
			bool late = all[i].verdict == VERDICT_UNDECIDED ||
				    is_repeated(all, i);
			size_t lines = lines_of(all[i].text);

			if (late != pass || lines > left)
				continue;
			chosen[i] = true;
			left -= lines;
		}
}

size_t headlines(const struct reduced *r, struct headline to[HEADLINES])
{
	struct headline *all = grow(
		NULL, GROUP_HEADLINES * r->n_comparisons + 1, sizeof(*all));
	size_t n = 0, made = 0;
	bool *chosen;

	for (size_t i = 0, end; i < r->n_comparisons; i = end) {
		end = group_end(r, i);
		n += headlines_of(r, i, end, all + n);
	}
	qsort(all, n, sizeof(*all), by_weight);
	chosen = grow(NULL, n + 1, sizeof(*chosen));
	memset(chosen, 0, (n + 1) * sizeof(*chosen));
	choose(all, n, chosen);
	for (size_t i = 0; i < n; i++)
		if (chosen[i])
			to[made++] = all[i];
	free(chosen);
	free(all);
	return made;
}
