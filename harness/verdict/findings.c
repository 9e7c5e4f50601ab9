/* SPDX-License-Identifier: MIT */
/* findings.c - comparisons as sentences, and findings.csv: see findings.h, reduce.h */
#include "harness/verdict/findings.h"

#include "harness/verdict/compare.h"
#include "harness/verdict/csv.h"
#include "harness/verdict/describe.h"

#include "harness/base/die.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ a comparison */

/* A sentence is: model, verb, "2.0 times", as, model */
static const struct phrase {
	enum metric metric;
	const char *words, *verb, *as;
} phrases[] = {
	{ METRIC_REQUESTS_PER_SECOND, "requests/s", "serves",
	  "as many requests/s as" },
	{ METRIC_RESPONSE_P50, "p50", "has", "the median response time of" },
	{ METRIC_RESPONSE_P99, "p99", "has", "the p99 response time of" },
	{ METRIC_SERVICE_P50, "service p50", "has",
	  "the median service time of" },
	{ METRIC_SERVICE_P99, "service p99", "has", "the p99 service time of" },
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

char *ratio_sentence(const char *a, const char *b, enum metric m, double low,
		     double high, char to[SENTENCE_SIZE])
{
	const struct phrase *phrase = phrase_of(m);
	char range[2 * NUMBER_SIZE];

	snprintf(to, SENTENCE_SIZE, "%.40s %s %s times %s %.40s", a,
		 phrase->verb, print_range(low, high, range), phrase->as, b);
	return to;
}

/* The same, the larger of the two first, and where */
static void larger_first(const struct finding *f, double low, double high,
			 char to[SENTENCE_SIZE])
{
	const char *a = f->a->cell.model, *b = f->b->cell.model;
	char where[SETTING_SIZE];
	size_t n;

	if (high < 1)
		ratio_sentence(b, a, f->metric, 1 / high, 1 / low, to);
	else
		ratio_sentence(a, b, f->metric, low, high, to);
	n = strlen(to);
	snprintf(to + n, SENTENCE_SIZE - n, " %s",
		 setting_where(&f->a->cell, where));
}

static const char *outcome(const struct verdict *v, char to[64])
{
	size_t n = v->pair.pairs.n;

	if (v->reason == VERDICT_NOTHING)
		return "no data";
	if (v->reason == VERDICT_NO_RATIO)
		return "no ratio (a value is zero)";
	if (v->reason == VERDICT_NO_BAND)
		return "no A/A band";
	if (v->reason == VERDICT_FEW_BLOCKS)
		snprintf(to, 64, "too few blocks (%zu)", n);
	else if (v->reason == VERDICT_FAMILY)
		snprintf(to, 64, "too few blocks (%zu for %zu comparisons)", n,
			 v->family);
	else
		return "no significant difference";
	return to;
}

char *finding_sentence(const struct finding *f, char to[SENTENCE_SIZE])
{
	const struct verdict *v = &f->verdict;
	const struct pairs *p = &v->pair.pairs;
	char where[SETTING_SIZE], text[64];
	size_t n;

	if (v->reason == VERDICT_DIFFERENT)
		larger_first(f, v->pair.interval.low, v->pair.interval.high,
			     to);
	else
		snprintf(to, SENTENCE_SIZE, "%s and %s: %s in %s %s",
			 f->a->cell.model, f->b->cell.model, outcome(v, text),
			 metric_words(f->metric),
			 setting_where(&f->a->cell, where));
	n = strlen(to);
	if (p->missing)
		snprintf(to + n, SENTENCE_SIZE - n,
			 " (%zu of %zu blocks missing)", p->missing,
			 p->n + p->missing + p->no_ratio);
	return to;
}

char *verdict_figures(const struct verdict *v, char to[SENTENCE_SIZE])
{
	const struct paired *p = &v->pair;
	char few[64];

	switch (v->reason) {
	case VERDICT_NO_RATIO:
		snprintf(to, SENTENCE_SIZE,
			 "a value is zero in %zu of %zu blocks",
			 p->pairs.no_ratio,
			 p->pairs.n + p->pairs.missing + p->pairs.no_ratio);
		break;
	case VERDICT_INTERVAL:
		snprintf(to, SENTENCE_SIZE,
			 "the confidence interval of the ratio, %.3g to %.3g, "
			 "includes 1",
			 p->interval.low, p->interval.high);
		break;
	case VERDICT_HOLM:
		snprintf(
			to, SENTENCE_SIZE,
			"not significant among %zu comparisons: p = %.2g, %.2g "
			"after Holm's correction",
			v->family, p->test.p, v->adjusted_p);
		break;
	case VERDICT_NO_BAND:
		snprintf(to, SENTENCE_SIZE,
			 "%zu A/A pair%s give%s no 95 %% band for %zu blocks",
			 v->band.n, plural(v->band.n),
			 v->band.n == 1 ? "s" : "", v->band.blocks);
		break;
	case VERDICT_BAND:
		snprintf(
			to, SENTENCE_SIZE,
			"the ratio, %.3g, is inside the A/A band, %.3g to %.3g",
			p->ratio, v->band.low, v->band.high);
		break;
	case VERDICT_DIFFERENT:
		snprintf(to, SENTENCE_SIZE,
			 "p = %.2g after Holm's correction for %zu "
			 "comparisons; the ratio, "
			 "%.3g, is outside the A/A band, %.3g to %.3g",
			 v->adjusted_p, v->family, p->ratio, v->band.low,
			 v->band.high);
		break;
	default:
		snprintf(to, SENTENCE_SIZE, "%s", outcome(v, few));
	}
	return to;
}

char *finding_seen(const struct finding *f, char to[SENTENCE_SIZE])
{
	const struct paired *pair = &f->verdict.pair;

	*to = '\0';
	if (pair->pairs.n)
		print_range(pair->lowest, pair->highest, to);
	return to;
}

size_t findings_called(const struct reduced *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_findings; i++)
		n += r->finding[i].verdict.reason == VERDICT_DIFFERENT;
	return n;
}

char *no_claims(const struct reduced *r)
{
	size_t needed, size,
		family = r->n_findings ? r->finding[0].verdict.family : 0;
	char *text = NULL;
	FILE *to;

	if (claims_possible(r, &needed))
		return NULL;
	to = text_open(&text, &size);
	if (family == 0)
		fputs("No comparison: it takes two models in one setting.", to);
	else
		fprintf(to,
			"%u block%s %s too few for a significance test: one "
			"comparison needs %d blocks, the %zu comparison%s here "
			"need%s %zu. Observed ratios, lowest to highest block; "
			"they may be chance:",
			r->n_blocks, plural(r->n_blocks),
			r->n_blocks == 1 ? "is" : "are", STATS_FEWEST_BLOCKS,
			family, plural(family), family == 1 ? "s" : "", needed);
	text_close(to);
	return text;
}

/* ----------------------------------------------------------------- titles of charts */

enum { TITLE_SIZE = SENTENCE_SIZE };

struct title {
	char title[TITLE_SIZE], note[TITLE_SIZE];
	bool called;
	double width; /* the largest ratio */
};

/* How far a range is from 1, as a ratio; 1 or less: it includes 1 */
static double distance(double low, double high)
{
	return fmax(low, 1 / high);
}

/* By the confidence interval if it is significant, else by all blocks */
static double strength(const struct finding *f)
{
	const struct paired *pair = &f->verdict.pair;

	if (f->verdict.reason == VERDICT_DIFFERENT)
		return distance(pair->interval.low, pair->interval.high);
	return distance(pair->lowest, pair->highest);
}

/* The strongest finding of this metric and setting; NULL: none has a ratio */
static const struct finding *strongest(const struct reduced *r, size_t first,
				       enum metric m, size_t *n, size_t *called)
{
	const struct finding *best = NULL;
	size_t end = setting_end(r, first);

	*n = *called = 0;
	for (size_t i = 0; i < r->n_findings; i++) {
		const struct finding *f = &r->finding[i];
		size_t row = f->a - r->row;
		bool is, was;

		if (f->metric != m || row < first || row >= end ||
		    f->verdict.pair.pairs.n == 0)
			continue;
		is = f->verdict.reason == VERDICT_DIFFERENT;
		was = best && best->verdict.reason == VERDICT_DIFFERENT;
		++*n;
		*called += is;
		if (!best || is > was ||
		    (is == was && strength(f) > strength(best)))
			best = f;
	}
	return best;
}

/* Too few blocks for a test: what was observed */
static void seen_title(const struct reduced *r, const struct finding *f,
		       struct title *t)
{
	const struct paired *pair = &f->verdict.pair;
	size_t needed, n = pair->pairs.n;
	char text[SENTENCE_SIZE], where[SETTING_SIZE], of[32] = "";

	claims_possible(r, &needed);
	if (strength(f) > 1)
		larger_first(f, pair->lowest, pair->highest, text);
	else
		snprintf(text, sizeof(text),
			 "no model above or below %s in every block in %s %s",
			 r->reference, metric_words(f->metric),
			 setting_where(&f->a->cell, where));
	if (n < r->n_blocks)
		snprintf(of, sizeof(of), "%zu of ", n);
	snprintf(t->title, TITLE_SIZE,
		 "observed in %s%u block%s (too few for a test): %.400s", of,
		 r->n_blocks, plural(r->n_blocks), text);
	snprintf(
		t->note, TITLE_SIZE,
		"lowest to highest ratio of %zu block%s; significance among %zu "
		"comparison%s needs at least %zu blocks",
		n, plural(n), f->verdict.family, plural(f->verdict.family),
		needed);
}

static bool compared_title(const struct reduced *r, size_t first, enum metric m,
			   struct title *t)
{
	size_t n, called, needed;
	const struct finding *f = strongest(r, first, m, &n, &called);
	char text[SENTENCE_SIZE], where[SETTING_SIZE];

	if (!f)
		return false;
	t->called = called > 0;
	t->width = strength(f);
	/* Most blocks of a long run may be invalid. */
	if (!claims_possible(r, &needed) ||
	    (called == 0 && f->verdict.pair.pairs.n < needed)) {
		seen_title(r, f, t);
		return true;
	}
	if (called)
		finding_sentence(f, t->title);
	else
		snprintf(t->title, TITLE_SIZE,
			 "no significant difference from %s in %s %s",
			 r->reference, metric_words(m),
			 setting_where(&f->a->cell, where));
	snprintf(t->note, TITLE_SIZE,
		 "%zu of %zu models differ%s significantly from %s; %s and %s: "
		 "%zu blocks, 95 %% confidence interval of the paired ratio; "
		 "%.200s",
		 called, n, called == 1 ? "s" : "", r->reference,
		 f->a->cell.model, f->b->cell.model, f->verdict.pair.pairs.n,
		 verdict_figures(&f->verdict, text));
	return true;
}

/* --------------------------------------------- metrics that are not compared: ranges */

/* Whether a range includes this row */
static bool is_shown(const struct row *row, enum metric m)
{
	if (strcmp(row->cell.model, BASELINE) == 0 || row->oversubscribed ||
	    !isfinite(row->metric[m].median))
		return false;
	return !(m == METRIC_CALLS_PER_REQUEST && row->spins);
}

static void print_end(const struct row *row, enum metric m, char to[128])
{
	const struct summary *s = &row->metric[m];
	char value[NUMBER_SIZE], spread[NUMBER_SIZE];
	double low, high;

	print_metric(m, s->median, value);
	if (spread_of(s, &low, &high) && high >= 0.001)
		snprintf(to, 128, "%s (%s, %s)", value, row->cell.model,
			 print_spread(m, s->median, low, high, spread));
	else
		snprintf(to, 128, "%s (%s)", value, row->cell.model);
}

static void range_note(const struct row *row, enum metric m, unsigned fewest,
		       unsigned most, char *to)
{
	char n[32] = "";

	if (fewest < most)
		snprintf(n, sizeof(n), "%u to ", fewest);
	if (m == METRIC_CALLS_PER_REQUEST)
		snprintf(to, TITLE_SIZE,
			 "counted once by %s; without models that spin",
			 row->calls_method);
	else if (row->cell.loop == LOOP_NONE)
		snprintf(to, TITLE_SIZE, "one repetition per model");
	else
		snprintf(
			to, TITLE_SIZE,
			"medians of %s%u block%s with 95 %% confidence intervals "
			"(order statistics; minimum and maximum below %d "
			"blocks); not tested",
			n, most, plural(most), STATS_FEWEST_BLOCKS);
}

static bool range_title(const struct reduced *r, size_t first, enum metric m,
			struct title *t)
{
	const struct row *low = NULL, *high = NULL;
	char a[128], b[128], where[SETTING_SIZE];
	size_t end = setting_end(r, first);
	const char *method = NULL;
	unsigned fewest = STATS_MAX, most = 0;
	bool one_method = true;

	for (size_t i = first; i < end; i++) {
		const struct row *row = &r->row[i];

		if (!is_shown(row, m))
			continue;
		if (!low || row->metric[m].median < low->metric[m].median)
			low = row;
		if (!high || row->metric[m].median > high->metric[m].median)
			high = row;
		one_method &= !method || strcmp(row->calls_method, method) == 0;
		method = row->calls_method;
		fewest = row->n < fewest ? row->n : fewest;
		most = row->n > most ? row->n : most;
	}
	/* If no server sleeps, there is nothing to show. */
	if (!low || (m == METRIC_VOLUNTARY_PER_REQUEST &&
		     high->metric[m].median < 0.001))
		return false;
	t->called = false;
	t->width = high->metric[m].median / low->metric[m].median;
	print_end(low, m, a);
	print_end(high, m, b);
	snprintf(t->title, TITLE_SIZE, "%s: %s%s%s %.200s", metric_words(m), a,
		 low == high ? "" : " to ", low == high ? "" : b,
		 setting_where(&low->cell, where));
	if (m == METRIC_CALLS_PER_REQUEST && !one_method)
		snprintf(t->title, TITLE_SIZE,
			 "system calls were counted by different methods "
			 "%.200s and cannot be compared",
			 where);
	range_note(high, m, fewest, most, t->note);
	return true;
}

/* ------------------------------------------------------------------------ charts */

enum {
	CLOSED = 1 << LOOP_CLOSED,
	OPEN = 1 << LOOP_OPEN,
	NONE = 1 << LOOP_NONE
};

static const struct chart {
	const char *name;
	enum metric metric;
	unsigned loops;
} charts[] = {
	{ "throughput", METRIC_REQUESTS_PER_SECOND, CLOSED },
	{ "response_p50", METRIC_RESPONSE_P50, CLOSED },
	{ "response_p99", METRIC_RESPONSE_P99, CLOSED },
	{ "load", METRIC_RESPONSE_P99, OPEN },
	{ "server_cpu", METRIC_SERVER_CPU_PER_REQUEST, CLOSED | OPEN },
	{ "calls", METRIC_CALLS_PER_REQUEST, CLOSED | OPEN },
	{ "switches", METRIC_VOLUNTARY_PER_REQUEST, CLOSED | OPEN },
	{ "memory", METRIC_RESIDENT_PER_CONNECTION, NONE },
	{ "idle", METRIC_SERVER_CPU_SHARE, NONE },
};
enum { CHARTS = sizeof(charts) / sizeof(*charts) };

/* false: the chart has nothing to show in this setting */
static bool title_of(const struct reduced *r, const struct chart *chart,
		     size_t first, struct title *t)
{
	enum metric m = chart->metric;

	if (!(chart->loops & 1u << r->row[first].cell.loop))
		return false;
	if (m == METRIC_RESPONSE_P99 && setting_is_coarse(r, first))
		m = METRIC_SERVICE_P99;
	return compared_title(r, first, m, t) || range_title(r, first, m, t);
}

static void write_title(struct csv *csv, const char *chart,
			const struct title *t)
{
	csv_text(csv, chart);
	csv_text(csv, t->title);
	csv_text(csv, t->note);
	csv_end_row(csv);
}

/* The setting with the largest effect; a significant one first */
static void write_strongest(struct csv *csv, const struct reduced *r,
			    const struct chart *chart)
{
	struct title best = { .width = NAN }, next;
	size_t settings = 0, length;

	for (size_t i = 0; i < r->n; i = setting_end(r, i)) {
		if (!title_of(r, chart, i, &next))
			continue;
		if (!settings++ || next.called > best.called ||
		    (next.called == best.called && next.width > best.width))
			best = next;
	}
	length = strlen(best.note);
	if (settings > 1)
		snprintf(best.note + length, TITLE_SIZE - length,
			 "; largest effect of %zu settings", settings);
	if (settings)
		write_title(csv, chart->name, &best);
}

static void write_setting(struct csv *csv, const struct reduced *r,
			  size_t first)
{
	char key[SETTING_SIZE], name[SETTING_SIZE + 32];
	struct title t;

	setting_key(&r->row[first].cell, key);
	for (int c = 0; c < CHARTS; c++) {
		if (!title_of(r, &charts[c], first, &t))
			continue;
		snprintf(name, sizeof(name), "%s/%s", charts[c].name, key);
		write_title(csv, name, &t);
	}
}

char *reduced_findings_csv(const struct reduced *r)
{
	struct csv csv;

	csv_open(&csv);
	csv_head(&csv, "chart,title,note");
	csv_end_row(&csv);
	for (int c = 0; c < CHARTS; c++)
		write_strongest(&csv, r, &charts[c]);
	for (size_t i = 0; i < r->n; i = setting_end(r, i))
		write_setting(&csv, r, i);
	return csv_close(&csv);
}
