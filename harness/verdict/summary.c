/* SPDX-License-Identifier: MIT */
/* summary.c - the tables and sentences at the end of a run: see reduce.h */
#include "harness/verdict/compare.h"
#include "harness/verdict/describe.h"
#include "harness/verdict/findings.h"
#include "harness/verdict/warnings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Widths, with one blank before or after; that of a model is between the two, so that a
 * line has 100 columns */
enum { MODEL = 10, MODEL_MOST = 20, VALUE = 9, RATIO = 15, CALLS = 10 };

struct page {
	FILE *to;
	bool color;
	const struct reduced *of;
	int model;                   /* the width of its column */
	char indent[MODEL_MOST + 1]; /* so many blanks */
};

/* As wide as the longest label that fits */
static void set_width(struct page *p)
{
	p->model = MODEL;
	for (size_t i = 0; i < p->of->n; i++) {
		int length = (int)strlen(p->of->row[i].cell.model);

		if (length >= p->model && length < MODEL_MOST)
			p->model = length + 1;
	}
	snprintf(p->indent, sizeof(p->indent), "%*s", p->model, "");
}

/* --------------------------------------------------------------------- columns */

enum { COLUMNS = 4 };

/* The latency of a setting is what it is compared by. */
static void columns_of(const struct cell *c, enum metric m[COLUMNS])
{
	m[0] = METRIC_REQUESTS_PER_SECOND;
	m[1] = latency_of(c);
	m[2] = is_coarse(c) ? METRIC_SERVICE_P99 : METRIC_RESPONSE_P99;
	m[3] = METRIC_SERVER_CPU_PER_REQUEST;
}

static bool is_compared(const struct cell *c, enum metric m)
{
	enum metric by[COMPARED];

	compared_by(c, by);
	return m == by[0] || m == by[1];
}

static void write_head(const struct page *p, const struct cell *c)
{
	const char *const heads[COLUMNS] = { "req/s",
					     is_coarse(c) ? "svc p50" : "p50",
					     is_coarse(c) ? "svc p99" : "p99",
					     "CPU/req" };
	enum metric m[COLUMNS];

	columns_of(c, m);
	fprintf(p->to, "%-*s", p->model, "model");
	for (int i = 0; i < COLUMNS; i++) {
		fprintf(p->to, "%*s", VALUE, heads[i]);
		if (is_compared(c, m[i]))
			fprintf(p->to, " %-*s", RATIO - 1, "ratio");
	}
	fprintf(p->to, "%*s   n\n", CALLS, "calls/req");
}

/* '*', '=': different from the reference, or equal to it */
static const char *mark_of(const struct row *row, enum metric m,
			   const struct comparison *c)
{
	enum bound bound = bound_of(row, m);

	if (row->unsure[m])
		return "?";
	if (bound != EXACT)
		return bound == AT_LEAST ? ">" : "<";
	if (!c || c->state == STATE_WHOLE_CORE)
		return "";
	return c->verdict == VERDICT_DIFFERENT ? "*" :
	       c->verdict == VERDICT_EQUAL     ? "=" :
						 "";
}

static void write_value(const struct page *p, const struct row *row,
			enum metric m)
{
	const struct comparison *c = comparison_of(p->of, row, m);
	char number[NUMBER_SIZE], value[NUMBER_SIZE + 1];
	char ratio[2 * NUMBER_SIZE] = "";

	print_metric(m, row->metric[m].median, number);
	number[strcspn(number, "/")] = '\0'; /* "/s" is in the head */
	snprintf(value, sizeof(value), "%s%s", mark_of(row, m, c), number);
	fprintf(p->to, "%*s", VALUE, value);
	if (!is_compared(&row->cell, m))
		return;
	if (c && (c->range.low > 0 || c->range.high > 0))
		print_range(c->range.low, c->range.high, ratio);
	fprintf(p->to, " %-*s", RATIO - 1, ratio);
}

/* The calls per request of a server that spins do not depend on the requests. */
static void write_calls(const struct page *p, const struct row *row)
{
	enum metric m =
		row->spins ? METRIC_CALLS_PER_SECOND : METRIC_CALLS_PER_REQUEST;
	char calls[NUMBER_SIZE];

	fprintf(p->to, "%*s", CALLS,
		print_metric(m, row->metric[m].median, calls));
}

/* ------------------------------------------------------------------------ rows */

/* A long label has a line of its own. */
static void write_label(const struct page *p, const struct row *row)
{
	const char *label = row->cell.model;

	if ((int)strlen(label) >= p->model)
		fprintf(p->to, "%s\n%s", label, p->indent);
	else
		fprintf(p->to, "%-*s", p->model, label);
}

/* Instead of numbers */
static void write_reason(const struct page *p, const struct row *row)
{
	bool ok = row->status == STATUS_OK;
	char label[LABEL_SIZE + 1], text[sizeof(row->reason) + 32];

	snprintf(label, sizeof(label), "%-*s ", p->model - 1, row->cell.model);
	snprintf(text, sizeof(text), "%s%s%s",
		 ok ? "" : status_names[row->status], ok ? "" : ": ",
		 row->reason);
	write_warning(p->to, p->color, label, p->indent, text);
}

static void write_row(const struct page *p, const struct row *row)
{
	enum metric m[COLUMNS];

	if (row->n == 0) {
		write_reason(p, row);
		return;
	}
	write_label(p, row);
	columns_of(&row->cell, m);
	for (int i = 0; i < COLUMNS; i++)
		write_value(p, row, m[i]);
	write_calls(p, row);
	fprintf(p->to, " %3u\n", row->n);
}

/* "  uses its whole core: busypoll and aio", of those that are so */
static void write_state(const struct page *p, size_t first, const char *words,
			bool (*is_so)(const struct row *row))
{
	const struct reduced *r = p->of;
	const char *models[PLAN_LIST_MAX];
	char names[SENTENCE_SIZE], text[2 * SENTENCE_SIZE];
	size_t end = setting_end(r, first), n = 0;

	for (size_t i = first; i < end && n < PLAN_LIST_MAX; i++)
		if (r->row[i].n && is_so(&r->row[i]))
			models[n++] = r->row[i].cell.model;
	if (n == 0)
		return;
	snprintf(text, sizeof(text), "%s: %s", words,
		 join_models(models, n, names));
	write_paragraph(p->to, "  ", "    ", text);
}

static bool is_oversubscribed(const struct row *row)
{
	return row->oversubscribed;
}

static bool is_bound(const struct row *row)
{
	return row->bound;
}

static void add_submissions(char text[SENTENCE_SIZE], const struct row *row)
{
	double in = row->metric[METRIC_SUBMISSIONS_PER_REQUEST].median;
	double out = row->metric[METRIC_COMPLETIONS_PER_REQUEST].median;
	char a[NUMBER_SIZE], b[NUMBER_SIZE];

	if (!isfinite(in) || !isfinite(out))
		return;
	add_text(text, SENTENCE_SIZE,
		 *text ? ", %s: %s and %s" :
			 "%s: %s io_uring submissions and %s completions per "
			 "request",
		 row->cell.model,
		 print_metric(METRIC_SUBMISSIONS_PER_REQUEST, in, a),
		 print_metric(METRIC_COMPLETIONS_PER_REQUEST, out, b));
}

/* In place of system calls, of all that have them */
static void write_submissions(const struct page *p, size_t first)
{
	char text[SENTENCE_SIZE] = "";

	for (size_t i = first; i < setting_end(p->of, first); i++)
		add_submissions(text, &p->of->row[i]);
	if (!*text)
		return;
	add_text(text, SENTENCE_SIZE, "; these are not system calls");
	write_paragraph(p->to, "  ", "    ", text);
}

static void write_notes(const struct page *p, size_t first)
{
	write_state(
		p, first,
		"oversubscribed (spins on the core that its clients need; not "
		"compared)",
		is_oversubscribed);
	write_state(p, first,
		    "whole core (CPU/req depends on the rate; not ranked)",
		    uses_whole_core);
	write_state(
		p, first,
		"generator limit (at least so many requests/s, at most such "
		"times)",
		is_bound);
	write_submissions(p, first);
}

static void write_setting(const struct page *p, size_t first)
{
	const struct reduced *r = p->of;
	size_t end = setting_end(r, first);
	char text[SETTING_SIZE];

	write_heading(p->to, p->color,
		      setting_heading(&r->row[first].cell, text));
	write_head(p, &r->row[first].cell);
	for (size_t i = first; i < end; i++)
		write_row(p, &r->row[i]);
	write_notes(p, first);
}

/* ---------------------------------------------------------------- idle clients */

static void write_idle_row(const struct page *p, const struct row *row)
{
	static const enum metric shown[] = { METRIC_SERVER_CPU_SHARE,
					     METRIC_CALLS_PER_SECOND,
					     METRIC_RESIDENT_PER_CONNECTION,
					     METRIC_THREADS };
	char number[NUMBER_SIZE];

	if (row->n == 0) {
		write_reason(p, row);
		return;
	}
	write_label(p, row);
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		double x = row->metric[shown[i]].median;

		if (shown[i] == METRIC_THREADS && isfinite(x))
			snprintf(number, sizeof(number), "%.0f", x);
		else
			print_metric(shown[i], x, number);
		fprintf(p->to, " %*s", i ? 14 : VALUE, number);
	}
	fprintf(p->to, "%s\n", row->spins ? "   spins" : "");
}

static void write_idle(const struct page *p, size_t first)
{
	const struct reduced *r = p->of;
	size_t end = setting_end(r, first);
	char text[SETTING_SIZE];

	write_heading(p->to, p->color,
		      setting_heading(&r->row[first].cell, text));
	fprintf(p->to, "%-*s %*s %14s %14s %14s\n", p->model, "model", VALUE,
		"CPU", "calls", "memory/client", "threads");
	for (size_t i = first; i < end; i++)
		write_idle_row(p, &r->row[i]);
}

/* ------------------------------------------------- verdicts, and what limits trust */

static void write_verdicts(const struct page *p)
{
	struct headline h[HEADLINES];
	size_t n = headlines(p->of, h);
	char text[SENTENCE_SIZE];

	write_style(p->to, p->color, BOLD);
	write_paragraph(p->to, "", "", verdicts_summary(p->of, text));
	write_style(p->to, p->color, PLAIN);
	for (size_t i = 0; i < n; i++)
		write_paragraph(p->to, "  ", "    ", h[i].text);
}

enum { WARNING_LINES = 12 };

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* The paragraph of a warning, to be freed */
static char *warning_paragraph(const struct page *p, size_t i)
{
	char *sentence = warning_sentence(json_array_get(p->of->warnings, i));
	char *text = NULL;
	size_t size;
	FILE *to = text_open(&text, &size);

	write_warning(to, p->color, "  ", "    ", sentence);
	text_close(to);
	free(sentence);
	return text;
}

/* As many as fit; warnings.csv and the page have all of them. */
static void write_warnings(const struct page *p)
{
	size_t n = json_array_size(p->of->warnings), left = WARNING_LINES, i;

	if (n == 0)
		return;
	write_heading(p->to, p->color, "What limits trust in this run");
	for (i = 0; i < n; i++) {
		char *text = warning_paragraph(p, i);
		size_t lines = count_lines(text);
		bool fits = lines + (i + 1 < n) <= left;

		if (fits)
			fputs(text, p->to);
		free(text);
		if (!fits)
			break;
		left -= lines;
	}
	if (i < n)
		fprintf(p->to, "  ... and %zu more in warnings.csv\n", n - i);
}

/* A warning reports a mixture of methods. */
static const char *counting_method(const struct reduced *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (isfinite(r->row[i].metric[METRIC_CALLS_PER_REQUEST].median))
			return r->row[i].calls_method;
	return NULL;
}

static void write_caption(const struct page *p)
{
	const struct reduced *r = p->of;
	const char *method = counting_method(r);
	char text[1024];

	snprintf(
		text, sizeof(text),
		"%u block%s. Each value is the median of n blocks; behind it the "
		"interval of its ratio to %s in the same rounds. p50 and p99 are "
		"response times, in an open loop from when a request was due; svc "
		"are service times, from when it was sent, where server and "
		"clients share a core. CPU/req is the CPU time of the server. "
		"calls/req are system calls (%s%s). * and =: different from %s, "
		"and equal within %.15g %%; > and <: at least, at most; ?: fewer "
		"than 100 requests beyond this percentile.",
		r->n_blocks, plural(r->n_blocks), r->reference,
		method ? "counted once by " : "not counted",
		method ? method : "", r->reference, 100 * r->margin);
	fputc('\n', p->to);
	write_paragraph(p->to, "", "", text);
}

char *reduced_summary(const struct reduced *r, bool color)
{
	char *text = NULL;
	size_t size;
	struct page p = { text_open(&text, &size), color, r, 0, "" };

	set_width(&p);
	if (r->n == 0)
		fputs("No repetitions recorded.\n", p.to);
	else
		write_verdicts(&p);
	if (r->n)
		write_caption(&p);
	for (size_t i = 0; i < r->n; i = setting_end(r, i))
		if (r->row[i].cell.loop == LOOP_NONE)
			write_idle(&p, i);
		else
			write_setting(&p, i);
	write_warnings(&p);
	text_close(p.to);
	return text;
}
