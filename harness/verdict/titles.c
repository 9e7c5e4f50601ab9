/* SPDX-License-Identifier: MIT */
/* titles.c - findings.csv: the verdicts, and titles of charts: see reduce.h */
#include "harness/verdict/findings.h"

#include "harness/verdict/compare.h"
#include "harness/verdict/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct title {
	char title[SENTENCE_SIZE], note[SENTENCE_SIZE];
	bool called;
	double width; /* the largest ratio */
};

/* -------------------------------------------------------- metrics that are compared */

/* The first comparison of this metric and setting, and where they end; false: none */
static bool find_group(const struct reduced *r, size_t row, enum metric m,
		       size_t *begin, size_t *end)
{
	for (*begin = 0; *begin < r->n_comparisons; *begin = *end) {
		const struct comparison *c = &r->comparison[*begin];

		*end = group_end(r, *begin);
		if (c->metric == m &&
		    cell_same_setting(&c->a->cell, &r->row[row].cell))
			return true;
	}
	return false;
}

/* "3 different, 2 equal within 3 %, 1 undecided; 6 blocks, intervals of ..." */
static void verdicts_note(const struct reduced *r, size_t begin, size_t end,
			  char to[SENTENCE_SIZE])
{
	char list[SENTENCE_SIZE];

	snprintf(to, SENTENCE_SIZE,
		 "%.500s; %u block%s, intervals of the ratio at %.4g %%",
		 verdicts_list(r, begin, end, list), r->n_blocks,
		 plural(r->n_blocks), 100 * r->family.level);
}

static bool compared_title(const struct reduced *r, size_t row, enum metric m,
			   struct title *t)
{
	char where[SETTING_SIZE];
	struct headline h[GROUP_HEADLINES];
	size_t begin, end, n, missing = 0;

	if (!find_group(r, row, m, &begin, &end))
		return false;
	for (size_t i = begin; i < end; i++)
		missing += r->comparison[i].verdict == VERDICT_MISSING;
	if (missing == end - begin)
		return false;
	n = headlines_of(r, begin, end, h);
	t->called = n && h[0].verdict == VERDICT_DIFFERENT;
	t->width = n ? h[0].effect : 0;
	if (n)
		snprintf(t->title, SENTENCE_SIZE, "%s", h[0].text);
	else
		snprintf(t->title, SENTENCE_SIZE,
			 "no model is told from %s in %s %s", r->reference,
			 metric_words(m),
			 setting_where(&r->row[row].cell, where));
	verdicts_note(r, begin, end, t->note);
	return true;
}

/* --------------------------------------------- metrics that are not compared */

/* Whether a range includes this row */
static bool is_shown(const struct row *row, enum metric m)
{
	if (is_baseline(row) || row->oversubscribed ||
	    !isfinite(row->metric[m].median))
		return false;
	if (m == METRIC_SERVER_CPU_PER_REQUEST && uses_whole_core(row))
		return false;
	return !(m == METRIC_CALLS_PER_REQUEST && row->spins);
}

static const char *range_note(const struct row *row, enum metric m)
{
	if (m == METRIC_CALLS_PER_REQUEST)
		return "counted once; without models that spin";
	return row->cell.loop == LOOP_NONE ? "one repetition per model" :
					     "medians of blocks; not tested";
}

static bool range_title(const struct reduced *r, size_t first, enum metric m,
			struct title *t)
{
	const struct row *low = NULL, *high = NULL;
	char a[NUMBER_SIZE], b[NUMBER_SIZE], where[SETTING_SIZE];
	size_t end = setting_end(r, first);

	for (size_t i = first; i < end; i++) {
		const struct row *row = &r->row[i];

		if (!is_shown(row, m))
			continue;
		if (!low || row->metric[m].median < low->metric[m].median)
			low = row;
		if (!high || row->metric[m].median > high->metric[m].median)
			high = row;
	}
	/* If no server sleeps, there is nothing to show. */
	if (!low || (m == METRIC_VOLUNTARY_PER_REQUEST &&
		     high->metric[m].median < 0.001))
		return false;
	t->called = false;
	t->width = high->metric[m].median / low->metric[m].median;
	print_metric(m, low->metric[m].median, a);
	print_metric(m, high->metric[m].median, b);
	setting_where(&low->cell, where);
	if (low == high)
		snprintf(t->title, SENTENCE_SIZE, "%s: %s (%s) %s",
			 metric_words(m), a, low->cell.model, where);
	else
		snprintf(t->title, SENTENCE_SIZE, "%s: %s (%s) to %s (%s) %s",
			 metric_words(m), a, low->cell.model, b,
			 high->cell.model, where);
	snprintf(t->note, SENTENCE_SIZE, "%s", range_note(low, m));
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
	{ "load", METRIC_RESPONSE_P50, OPEN },
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
	if (m == METRIC_RESPONSE_P50)
		m = latency_of(&r->row[first].cell);
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

/* The setting with the largest effect; one with a difference first */
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
		snprintf(best.note + length, SENTENCE_SIZE - length,
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

/* The first says how many of each, those after it what */
static void write_verdicts(struct csv *csv, const struct reduced *r)
{
	struct headline h[HEADLINES];
	size_t n = headlines(r, h), begin;
	struct title t;
	char name[32];

	if (r->n_comparisons == 0)
		return;
	verdicts_summary(r, t.title);
	snprintf(
		t.note, SENTENCE_SIZE,
		"%u block%s, intervals of the ratio at %.4g %%; of those called "
		"different, 5 %% at most are not (Benjamini-Hochberg)",
		r->n_blocks, plural(r->n_blocks), 100 * r->family.level);
	write_title(csv, "verdicts", &t);
	for (size_t i = 0; i < n; i++) {
		begin = (size_t)(h[i].first - r->comparison);
		while (begin && group_end(r, begin - 1) > begin)
			begin--;
		snprintf(t.title, SENTENCE_SIZE, "%s", h[i].text);
		verdicts_note(r, begin, group_end(r, begin), t.note);
		snprintf(name, sizeof(name), "verdicts/%zu", i + 1);
		write_title(csv, name, &t);
	}
}

char *reduced_findings_csv(const struct reduced *r)
{
	struct csv csv;

	csv_open(&csv);
	csv_head(&csv, "chart,title,note");
	csv_end_row(&csv);
	write_verdicts(&csv, r);
	for (int c = 0; c < CHARTS; c++)
		write_strongest(&csv, r, &charts[c]);
	for (size_t i = 0; i < r->n; i = setting_end(r, i))
		write_setting(&csv, r, i);
	return csv_close(&csv);
}
