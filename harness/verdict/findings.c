/* SPDX-License-Identifier: MIT */
/* findings.c - what the data says, in sentences: see findings.h, reduce.h */
#include "harness/verdict/findings.h"

#include "harness/verdict/compare.h"
#include "harness/verdict/csv.h"
#include "harness/verdict/describe.h"

#include "harness/base/die.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ a comparison */

static const struct phrase phrases[] = {
	{ METRIC_REQUESTS_PER_SECOND, "requests/s", "answers", "the requests",
	  "" },
	{ METRIC_RESPONSE_P50, "p50", "has", "the median response time", "" },
	{ METRIC_RESPONSE_P99, "p99", "has", "the p99 response time", "" },
	{ METRIC_SERVICE_P50, "service p50", "has", "the median service time",
	  "" },
	{ METRIC_SERVICE_P99, "service p99", "has", "the p99 service time",
	  "" },
	{ METRIC_SERVER_CPU_PER_REQUEST, "CPU a request", "takes", "the CPU",
	  "for each request " },
	{ METRIC_CALLS_PER_REQUEST, "system calls a request", "makes",
	  "the system calls", "for each request " },
	{ METRIC_VOLUNTARY_PER_REQUEST, "voluntary switches a request", "makes",
	  "the switches", "for each request " },
	{ METRIC_RESIDENT_PER_CONNECTION, "memory a client", "takes",
	  "the memory", "for each client " },
	{ METRIC_SERVER_CPU_SHARE, "CPU of a core", "takes", "the CPU", "" },
};

const struct phrase *metric_phrase(enum metric m)
{
	size_t i = sizeof(phrases) / sizeof(*phrases);

	while (--i && phrases[i].metric != m)
		;
	return &phrases[i];
}

const char *metric_words(enum metric m)
{
	return metric_phrase(m)->words;
}

char *finding_sentence(const struct finding *f, char to[STATS_WORDS])
{
	const struct phrase *phrase = metric_phrase(f->metric);
	bool different = f->verdict.reason == VERDICT_DIFFERENT;
	char where[SETTING_SIZE], text[SETTING_SIZE];
	const struct verdict_names names = {
		.a = f->a->cell.model,
		.b = f->b->cell.model,
		.verb = phrase->verb,
		.what = phrase->what,
		.where = text,
	};

	snprintf(text, sizeof(text), "%s%s%s%.240s", different ? "" : "in ",
		 different ? phrase->each : phrase->words, different ? "" : " ",
		 setting_where(&f->a->cell, where));
	return stats_sentence(to, &f->verdict, &names);
}

static void print_range(double low, double high, char to[64])
{
	char a[NUMBER_SIZE], b[NUMBER_SIZE];

	print_ratio(low, a);
	print_ratio(high, b);
	snprintf(to, 64, "%.24s%s%.24s", a, strcmp(a, b) == 0 ? "" : " to ",
		 strcmp(a, b) == 0 ? "" : b);
}

char *finding_seen(const struct finding *f, char to[64])
{
	const struct paired *pair = &f->verdict.pair;

	*to = '\0';
	if (pair->pairs.n)
		print_range(pair->lowest, pair->highest, to);
	return to;
}

/* As finding_sentence(), of lowest and highest; the larger of the two first */
static void seen_sentence(const struct finding *f, char to[STATS_WORDS])
{
	const struct phrase *phrase = metric_phrase(f->metric);
	const struct paired *pair = &f->verdict.pair;
	bool less = pair->highest < 1;
	char range[64], where[SETTING_SIZE];

	if (less)
		print_range(1 / pair->highest, 1 / pair->lowest, range);
	else
		print_range(pair->lowest, pair->highest, range);
	snprintf(to, STATS_WORDS, "%s %s %s times %s of %s %s%.200s",
		 (less ? f->b : f->a)->cell.model, phrase->verb, range,
		 phrase->what, (less ? f->a : f->b)->cell.model, phrase->each,
		 setting_where(&f->a->cell, where));
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
	size_t needed,
		family = r->n_findings ? r->finding[0].verdict.family : 0;
	int length;
	char *text;

	if (claims_possible(r, &needed))
		return NULL;
	if (family == 0)
		length = asprintf(&text,
				  "Nothing is compared: it takes two models in "
				  "one setting.");
	else
		length = asprintf(
			&text,
			"%u block%s allow%s no claim at all: it takes %d to "
			"show any difference, and %zu to show one among the "
			"%zu comparison%s here. What was seen, and may be "
			"chance (lowest to highest ratio of any block):",
			r->n_blocks, plural(r->n_blocks),
			r->n_blocks == 1 ? "s" : "", STATS_FEWEST_BLOCKS,
			needed, family, plural(family));
	if (length < 0)
		die("asprintf");
	return text;
}

/* ----------------------------------------------------------------- titles of charts */

enum { TITLE_SIZE = 512 };

struct title {
	char title[TITLE_SIZE], note[TITLE_SIZE];
	bool called;
	double width; /* how much there is to see: the largest ratio */
};

/* How far all of a range is from 1, as a ratio; 1 or less: it is not */
static double distance(double low, double high)
{
	return fmax(low, 1 / high);
}

/* What can be relied on: of what is claimed the interval, else all that was seen */
static double strength(const struct finding *f)
{
	const struct paired *pair = &f->verdict.pair;

	if (f->verdict.reason == VERDICT_DIFFERENT)
		return distance(pair->interval.low, pair->interval.high);
	return distance(pair->lowest, pair->highest);
}

/* The finding of this metric and setting that says most; NULL: none has any ratio */
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

/* Too few blocks for any claim: what was seen, if it was so in every block */
static void seen_title(const struct reduced *r, const struct finding *f,
		       struct title *t)
{
	size_t needed, n = f->verdict.pair.pairs.n;
	char text[STATS_WORDS], where[SETTING_SIZE], of[32] = "";

	claims_possible(r, &needed);
	if (strength(f) > 1)
		seen_sentence(f, text);
	else
		snprintf(
			text, sizeof(text),
			"no model was above, or below, %s in every block in %s "
			"%.200s",
			r->reference, metric_words(f->metric),
			setting_where(&f->a->cell, where));
	if (n < r->n_blocks)
		snprintf(of, sizeof(of), "%zu of ", n);
	snprintf(t->title, TITLE_SIZE, "%s%u block%s: no claim; %s%s", of,
		 r->n_blocks, plural(r->n_blocks), text,
		 strength(f) > 1 ? " in what was seen" : "");
	snprintf(t->note, TITLE_SIZE,
		 "lowest to highest ratio of %zu block%s; a claim among %zu "
		 "comparisons takes %zu blocks at least",
		 n, plural(n), f->verdict.family, needed);
}

static bool compared_title(const struct reduced *r, size_t first, enum metric m,
			   struct title *t)
{
	size_t n, called, needed;
	const struct finding *f = strongest(r, first, m, &n, &called);
	char text[STATS_WORDS], where[SETTING_SIZE];

	if (!f)
		return false;
	t->called = called > 0;
	t->width = strength(f);
	/* Of many blocks, few may have come out well. */
	if (!claims_possible(r, &needed) ||
	    (called == 0 && f->verdict.pair.pairs.n < needed)) {
		seen_title(r, f, t);
		return true;
	}
	if (called)
		snprintf(t->title, TITLE_SIZE, "%s", finding_sentence(f, text));
	else
		snprintf(t->title, TITLE_SIZE,
			 "no difference from %s this run can show in %s %.200s",
			 r->reference, metric_words(m),
			 setting_where(&f->a->cell, where));
	snprintf(t->note, TITLE_SIZE,
		 "%zu of %zu models called different from %s here; %s and %s, "
		 "%zu blocks, 95 %% interval of the paired ratio: %s",
		 called, n, r->reference, f->a->cell.model, f->b->cell.model,
		 f->verdict.pair.pairs.n, stats_reason(text, &f->verdict));
	return true;
}

/* ----------------------------------------------------- what is not compared: ranges */

/* What a range may be made of */
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
		snprintf(to, 128, "%s (%s, %s)", value,
			 print_spread(m, s->median, low, high, spread),
			 row->cell.model);
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
			 "counted once, by %s; without models that spin",
			 row->calls_method);
	else if (row->cell.loop == LOOP_NONE)
		snprintf(to, TITLE_SIZE, "one repetition each");
	else
		snprintf(
			to, TITLE_SIZE,
			"medians of %s%u block%s, with their 95 %% intervals "
			"by order statistics (of fewer than 6: with lowest and "
			"highest); described, not tested",
			n, most, plural(most));
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
	/* That nobody sleeps is no range of anything. */
	if (!low || (m == METRIC_VOLUNTARY_PER_REQUEST &&
		     high->metric[m].median < 0.001))
		return false;
	t->called = false;
	t->width = high->metric[m].median / low->metric[m].median;
	print_end(low, m, a);
	print_end(high, m, b);
	snprintf(t->title, TITLE_SIZE, "%s%s%s%s%s %.200s", metric_words(m),
		 low == high ? ": " : ": from ", a, low == high ? "" : " to ",
		 low == high ? "" : b, setting_where(&low->cell, where));
	if (m == METRIC_CALLS_PER_REQUEST && !one_method)
		snprintf(t->title, TITLE_SIZE,
			 "system calls were counted by different methods "
			 "%.200s: not to be compared",
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

/* false: there is nothing to say of this setting, or it is none of the chart's */
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

/* Of all settings, the one that says most: a claim rather than none. */
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
			 "; of %zu settings the one that shows most", settings);
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
	csv_text(&csv, "chart");
	csv_text(&csv, "title");
	csv_text(&csv, "note");
	csv_end_row(&csv);
	for (int c = 0; c < CHARTS; c++)
		write_strongest(&csv, r, &charts[c]);
	for (size_t i = 0; i < r->n; i = setting_end(r, i))
		write_setting(&csv, r, i);
	return csv_close(&csv);
}
