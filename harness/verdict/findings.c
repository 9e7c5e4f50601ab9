/* SPDX-License-Identifier: MIT */
/* findings.c - comparisons as sentences: see findings.h */
#include "harness/verdict/findings.h"

#include "harness/verdict/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_SHOWN = 8 };

/* A sentence is: model, verb, "2.0 times", as, model */
static const struct phrase {
	enum metric metric;
	const char *words, *verb, *as;
} phrases[] = {
	{ METRIC_REQUESTS_PER_SECOND, "requests/s", "serves",
	  "as many requests/s as" },
	{ METRIC_RESPONSE_P50, "median response time", "has",
	  "the median response time of" },
	{ METRIC_RESPONSE_P99, "p99 response time", "has",
	  "the p99 response time of" },
	{ METRIC_SERVICE_P50, "median service time", "has",
	  "the median service time of" },
	{ METRIC_SERVICE_P99, "p99 service time", "has",
	  "the p99 service time of" },
	{ METRIC_SERVER_CPU_PER_REQUEST, "CPU per request", "uses",
	  "as much CPU per request as" },
	{ METRIC_CALLS_PER_REQUEST, "system calls per request", "makes",
	  "as many system calls per request as" },
	{ METRIC_VOLUNTARY_PER_REQUEST, "voluntary switches per request",
	  "makes", "as many voluntary switches per request as" },
	{ METRIC_RESIDENT_PER_CONNECTION, "memory per client", "uses",
	  "as much memory per client as" },
	{ METRIC_SERVER_CPU_SHARE, "CPU", "uses", "as much CPU as" },
};

static const struct phrase *phrase_of(enum metric m)
{
	size_t i = sizeof(phrases) / sizeof(*phrases);

	while (--i && phrases[i].metric != m)
		;
	return &phrases[i];
}

const char *metric_words(enum metric m)
{
	return phrase_of(m)->words;
}

char *join_models(const char *const *models, size_t n, char to[SENTENCE_SIZE])
{
	size_t shown = n > NAMES_SHOWN ? NAMES_SHOWN : n;

	*to = '\0';
	for (size_t i = 0; i < shown; i++)
		add_text(to, SENTENCE_SIZE, "%s%s",
			 i == 0    ? "" :
			 i + 1 < n ? ", " :
				     " and ",
			 models[i]);
	if (shown < n)
		add_text(to, SENTENCE_SIZE, " and %zu more", n - shown);
	return to;
}

char *ratio_sentence(const char *a, const char *b, enum metric m, double low,
		     double high, char to[SENTENCE_SIZE])
{
	const struct phrase *phrase = phrase_of(m);
	char range[2 * NUMBER_SIZE];

	snprintf(to, SENTENCE_SIZE, "%s %s %s times %s %s", a, phrase->verb,
		 print_range(low, high, range), phrase->as, b);
	return to;
}

struct range larger_range(const struct range *range, bool *a_is_larger)
{
	*a_is_larger = !(range->high < 1);
	if (*a_is_larger)
		return *range;
	return (struct range){ 1 / range->high, 1 / range->low };
}

char *within_percent(const struct range *range, double margin,
		     char to[NUMBER_SIZE])
{
	double far = fmax(range->high, 1 / range->low) - 1;
	double whole = fmax(1, ceil(100 * far - 1e-9));

	snprintf(to, NUMBER_SIZE, "%.15g", fmin(whole, 100 * margin));
	return to;
}

/* -------------------------------------------------------------------- sentences */

static const char *name_of(const struct row *row)
{
	return is_baseline(row) ? "the baseline server" : row->cell.model;
}

static const char *method_of(const struct row *row)
{
	return *row->cpu_method ? row->cpu_method : "unknown";
}

char *missing_reason(const struct comparison *c, char to[SENTENCE_SIZE])
{
	const struct row *const both[] = { c->a, c->with };

	for (int i = 0; i < 2; i++) {
		const struct row *row = both[i];
		bool ok = row->status == STATUS_OK;

		*to = '\0';
		if (row->oversubscribed)
			add_text(
				to, SENTENCE_SIZE,
				"%s is oversubscribed: it spins on the core that "
				"its clients need",
				name_of(row));
		else if (row->n == 0)
			add_text(to, SENTENCE_SIZE,
				 "%s has no result%s%s%s: %s", name_of(row),
				 ok ? "" : " (",
				 ok ? "" : status_names[row->status],
				 ok ? "" : ")", row->reason);
		if (*to)
			return to;
	}
	if (c->metric == METRIC_SERVER_CPU_PER_REQUEST &&
	    !same_method(c->a, c->with))
		add_text(to, SENTENCE_SIZE,
			 "CPU time was measured by different methods (%s, %s)",
			 method_of(c->a), method_of(c->with));
	else
		add_text(to, SENTENCE_SIZE,
			 "%zu block%s with rounds of both; it takes two",
			 c->ratio.n, plural((double)c->ratio.n));
	return to;
}

/* "poll serves at least 172 k/s", "... has a median response time of at most 1 ms" */
static void add_bound(char to[SENTENCE_SIZE], const struct row *row,
		      enum metric m)
{
	static const char *const words[] = { "", "at least ", "at most " };
	char value[NUMBER_SIZE];

	if (m == METRIC_REQUESTS_PER_SECOND)
		add_text(to, SENTENCE_SIZE, "%s serves ", name_of(row));
	else
		add_text(to, SENTENCE_SIZE, "%s has a %s of ", name_of(row),
			 metric_words(m));
	add_text(to, SENTENCE_SIZE, "%s%s", words[bound_of(row, m)],
		 print_metric(m, row->metric[m].median, value));
}

static void add_bounds(char to[SENTENCE_SIZE], const struct comparison *c,
		       const char *where)
{
	const struct row *a = c->a, *with = c->with;
	bool of_a = bound_of(a, c->metric) != EXACT;
	bool both = of_a && bound_of(with, c->metric) != EXACT;

	add_bound(to, of_a ? a : with, c->metric);
	if (both) {
		add_text(to, SENTENCE_SIZE, ", ");
		add_bound(to, with, c->metric);
	}
	add_text(to, SENTENCE_SIZE, " %s: %s", where,
		 c->state == STATE_GENERATOR_LIMIT ?
			 "the generator was at its limit" :
		 both ? "they are saturated" :
			"it is saturated");
}

/* What qualifies a ratio, in parentheses */
static void add_state(char to[SENTENCE_SIZE], const struct comparison *c)
{
	const char *models[2];
	char text[SENTENCE_SIZE];
	size_t n = 0;

	if (c->state == STATE_NONE)
		return;
	if (c->state == STATE_GENERATOR_LIMIT) {
		if (c->a->bound)
			models[n++] = name_of(c->a);
		if (c->with->bound)
			models[n++] = name_of(c->with);
		add_text(to, SENTENCE_SIZE, " (generator at its limit with %s)",
			 join_models(models, n, text));
		return;
	}
	if (uses_whole_core(c->a))
		models[n++] = name_of(c->a);
	if (uses_whole_core(c->with))
		models[n++] = name_of(c->with);
	join_models(models, n, text);
	if (c->metric != METRIC_SERVER_CPU_PER_REQUEST)
		add_text(to, SENTENCE_SIZE, " (%s %s saturated)", text,
			 n == 1 ? "is" : "are");
	else
		add_text(to, SENTENCE_SIZE, " (%s use%s %s whole core)", text,
			 n == 1 ? "s" : "", n == 1 ? "its" : "their");
}

/* The larger of the two first */
static void add_difference(char to[SENTENCE_SIZE], const struct comparison *c,
			   const char *where)
{
	bool a_is_larger;
	struct range range = larger_range(&c->range, &a_is_larger);
	const char *a = name_of(c->a);
	const char *b = name_of(c->with);
	char text[SENTENCE_SIZE];

	add_text(to, SENTENCE_SIZE, "%s %s",
		 ratio_sentence(a_is_larger ? a : b, a_is_larger ? b : a,
				c->metric, range.low, range.high, text),
		 where);
}

char *comparison_sentence(const struct reduced *r, const struct comparison *c,
			  char to[SENTENCE_SIZE])
{
	char where[SETTING_SIZE], text[SENTENCE_SIZE], both[2 * LABEL_SIZE + 8];

	*to = '\0';
	setting_where(&c->a->cell, where);
	snprintf(both, sizeof(both), "%s and %s", name_of(c->a),
		 name_of(c->with));
	switch (c->verdict) {
	case VERDICT_MISSING:
		add_text(to, SENTENCE_SIZE, "%s: no comparison in %s %s: %s",
			 both, metric_words(c->metric), where,
			 missing_reason(c, text));
		return to;
	case VERDICT_BOUND:
		add_bounds(to, c, where);
		return to;
	case VERDICT_EQUAL:
		add_text(to, SENTENCE_SIZE, "%s: equal within %s %% in %s %s",
			 both, within_percent(&c->range, r->margin, text),
			 metric_words(c->metric), where);
		break;
	case VERDICT_DIFFERENT:
		add_difference(to, c, where);
		break;
	case VERDICT_UNDECIDED:
		add_text(to, SENTENCE_SIZE, "%s: undecided in %s %s (%s)", both,
			 metric_words(c->metric), where,
			 print_range(c->range.low, c->range.high, text));
		break;
	}
	add_state(to, c);
	return to;
}

char *verdicts_list(const struct reduced *r, size_t begin, size_t end,
		    char to[SENTENCE_SIZE])
{
	static const enum verdict order[] = { VERDICT_DIFFERENT, VERDICT_EQUAL,
					      VERDICT_UNDECIDED, VERDICT_BOUND,
					      VERDICT_MISSING };
	size_t n[VERDICTS] = { 0 };

	*to = '\0';
	for (size_t i = begin; i < end; i++)
		n[r->comparison[i].verdict] += !is_baseline(r->comparison[i].a);
	for (size_t i = 0; i < VERDICTS; i++) {
		if (n[order[i]] == 0)
			continue;
		add_text(to, SENTENCE_SIZE, "%s%zu %s", *to ? ", " : "",
			 n[order[i]], verdict_words[order[i]]);
		if (order[i] == VERDICT_EQUAL)
			add_text(to, SENTENCE_SIZE, " within %.15g %%",
				 100 * r->margin);
	}
	return to;
}

char *verdicts_summary(const struct reduced *r, char to[SENTENCE_SIZE])
{
	char list[SENTENCE_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < r->n_comparisons; i++)
		n += !is_baseline(r->comparison[i].a);
	if (n == 0)
		snprintf(to, SENTENCE_SIZE,
			 "No comparison: it takes two models in one setting");
	else
		snprintf(to, SENTENCE_SIZE,
			 "Of %zu comparison%s with %s: %.600s", n,
			 plural((double)n), r->reference,
			 verdicts_list(r, 0, r->n_comparisons, list));
	return to;
}
